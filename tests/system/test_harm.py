"""What happens to the bridge's own files, and to the database behind its back: S14, S17, S18.

A journal that is lost or older is made good from both sides; one that is damaged or another sync's is refused in
words; a full disk stops the bridge before it writes anything that it could not note. No journal is ever deleted.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bridge.errors import ExitCode
from bridge.sandbox.notion import Fault
from tests.figures import Figures
from tests.line import Line
from tests.system.crashing import Command, run
from tests.system.history import History, is_quiet, judge
from tests.system.test_both_ways import insert
from tests.system.world import World


@pytest.fixture
def people(world: World) -> Iterator[History]:
    history = History(world, 7)
    yield history
    history.close()


def work_and_die(people: History, steps: int = 25) -> None:
    """A bridge that is killed in the middle of people's work."""
    bridge = Command(people.world, ["run", "--no-live"])
    people.world.until(lambda: "tasks started" in bridge.said(), "it has started")
    for _ in range(steps):
        people.step()
    bridge.kill()


def finish(people: History) -> None:
    assert run(people.world, "sync") in (ExitCode.OK, ExitCode.PARKED)
    people.world.until(lambda: is_quiet(people.world), "in step")
    judge(people)


def files(world: World) -> dict[Path, bytes]:
    return {
        path: path.read_bytes() for path in world.journal_path.parent.iterdir() if path.suffix in (".db", ".db-wal")
    }


def test_a_journal_that_is_lost_in_the_middle_of_the_work(people: History) -> None:
    work_and_die(people)
    people.copy_memory()
    people.world.forget()
    finish(people)


def test_an_older_journal_that_was_put_back(people: History, tmp_path: Path) -> None:
    """It remembers records that are gone, writes that have long been made, and a watermark of the past."""
    state = people.world.journal_path.parent
    work_and_die(people)
    shutil.copytree(state, tmp_path / "older")
    work_and_die(people)
    finish(people)
    gone = {page["_id"] for page in people.world.pages(trashed=True)}
    people.copy_memory()
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "older", state)
    keys = sorted(people.world.rows())
    finish(people)
    assert sorted(people.world.rows()) == keys
    assert {page["_id"] for page in people.world.pages(trashed=True)} == gone
    work_and_die(people)
    finish(people)


def written(world: World) -> tuple[object, ...]:
    """What would show any write to either side."""
    log = world.sandbox.log
    requests = (len(log.find("PATCH", r"/pages/")), len(log.find("POST", r"/pages$")))
    return (requests, world.sql("SELECT ctid::text, xmin::text FROM tasks ORDER BY id"))


def refused(world: World, code: ExitCode, words: str) -> None:
    """Everything that works on the journal refuses it in words, writes nothing, and leaves it as it is."""
    insert(world, "waits")
    before, kept = written(world), files(world)
    for command in (["sync"], ["run", "--no-live"], ["status"], ["verify"]):
        ended = Command(world, command)
        assert (command, ended.ended()) in [(command, code), (["verify"], ExitCode.FAILED)], ended.said()
        assert "Traceback" not in ended.said(), ended.said()
        if command[0] != "verify":
            assert re.search(words, ended.said()), ended.said()
    assert written(world) == before
    after = files(world)
    assert {path: after[path] for path in kept if path.suffix == ".db"} == {
        path: content for path, content in kept.items() if path.suffix == ".db"
    }


def test_a_journal_that_is_none(world: World) -> None:
    insert(world, "one")
    world.sync()
    world.journal_path.write_bytes(b"SQLite format 3\0" + b"not really" * 1000)
    refused(world, ExitCode.FAILED, "damaged")


def test_a_journal_without_its_first_page(world: World) -> None:
    insert(world, "one")
    world.sync()
    content = world.journal_path.read_bytes()
    world.journal_path.write_bytes(bytes(4096) + content[4096:])
    refused(world, ExitCode.FAILED, "damaged")


def test_the_journal_of_another_data_source(world: World) -> None:
    """The same name for another binding: what it knows is about other records."""
    insert(world, "one")
    world.sync()
    _, world.data_source = world.person.create_database("Others", {"Name": "title", "ID": "rich_text"})
    world.fields = {"title": "Name"}
    world.write_config()
    before, kept = written(world), files(world)
    ended = Command(world, ["sync"])
    assert ended.ended() == ExitCode.USAGE
    assert "knows the sync 'tasks' with another data source" in ended.said()
    assert (written(world), files(world).keys()) == (before, kept.keys())


def bruise(path: Path, rng: random.Random) -> None:
    """Some bytes of a file are others than were written."""
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 4, 64])):
        content[rng.randrange(100, len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def tear(path: Path, rng: random.Random) -> None:
    """The end of a file has never reached the disk."""
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def harm(people: History, seed: int, figures: Figures) -> None:
    """Either the journal is refused, or it goes on with what is left of it; with a new one nothing is lost."""
    world, rng = people.world, random.Random(seed)
    work_and_die(people)
    people.copy_memory()
    log = world.journal_path.with_name(f"{world.journal_path.name}-wal")
    path, how = rng.choice([(world.journal_path, bruise), (log, bruise), (log, tear), (log, tear)])
    if not path.exists() or path.stat().st_size <= 100:
        path, how = world.journal_path, bruise
    how(path, rng)
    ended = Command(world, ["sync"])
    code = ended.ended()
    assert "Traceback" not in ended.said(), f"seed {seed}: {ended.said()}"
    refusal = code not in (ExitCode.OK, ExitCode.CONFLICTS, ExitCode.PARKED)
    if refusal:
        assert "damaged" in ended.said(), f"seed {seed}: {ended.said()}"
        assert world.journal_path.exists()
        world.forget()
    figures.count("harmed journals", "refused" if refusal else "went on with what was left")
    finish(people)


@pytest.mark.parametrize("seed", range(3))
def test_a_harmed_journal(people: History, seed: int, figures: Figures) -> None:
    harm(people, seed, figures)


@pytest.mark.long
@pytest.mark.parametrize("number", range(60))
def test_many_harmed_journals(people: History, storm_seed: int, number: int, figures: Figures) -> None:
    harm(people, storm_seed + number, figures)


@pytest.mark.parametrize("room", [0, 8_192, 40_000])
def test_a_full_disk_stops_the_bridge_before_it_writes_what_it_cannot_note(people: History, room: int) -> None:
    world = people.world
    for _ in range(10):
        people.step()
    world.sync()
    for _ in range(10):
        people.step()
    world.sql("INSERT INTO tasks (title, mail) SELECT 'bulk', repeat('x', 500) || n FROM generate_series(1, 30) AS n")
    size = max(path.stat().st_size for path in world.journal_path.parent.iterdir())
    full = Command(world, ["run", "--no-live"], largest_file=size + room if room else 4_096)
    assert full.ended() == ExitCode.FAILED, full.said()
    assert "Traceback" not in full.said(), full.said()
    assert "Check the disk" in full.said() or "cannot be opened" in full.said(), full.said()
    posted = len([entry for entry in world.sandbox.log.find("POST", r"/pages$") if entry.status == 200])
    assert len(world.pages()) + len(world.pages(trashed=True)) == posted + len(people.made_pages)
    world.sql("DELETE FROM tasks WHERE title = 'bulk'")
    run(world, "resume", "--allow-deletes")
    finish(people)


def test_a_database_that_was_restored_from_an_older_copy(people: History) -> None:
    """What was written since is in Notion still, and wins nothing unrecorded; nothing that is there is deleted."""
    world = people.world
    for _ in range(25):
        people.step()
    finish(people)
    name = str(conninfo_to_dict(world.dsn)["dbname"])
    people.connection.close()
    administer(world.dsn, "CREATE DATABASE {copy} TEMPLATE {name}", name)
    people.connection = psycopg.connect(world.dsn, autocommit=True)
    work_and_die(people)
    finish(people)
    pages = {page["_id"] for page in world.pages()}
    people.connection.close()
    administer(world.dsn, "DROP DATABASE {name} WITH (FORCE)", name)
    administer(world.dsn, "ALTER DATABASE {copy} RENAME TO {name}", name)
    people.connection = psycopg.connect(world.dsn, autocommit=True)
    finish(people)
    assert pages <= {page["_id"] for page in world.pages()}


def administer(dsn: str, statement: str, name: str) -> None:
    copy = sql.Identifier(f"{name}_copy")
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(name=sql.Identifier(name), copy=copy))


def _no_database(world: World, line: Line) -> None:
    line.stop()


def _no_notion(world: World, line: Line) -> None:
    world.sandbox.faults.add(Fault(status=503, times=None))


def _throttled(world: World, line: Line) -> None:
    world.sandbox.faults.fail(429, retry_after=600, times=None)


@pytest.mark.parametrize("fault", [_no_database, _no_notion, _throttled])
@pytest.mark.parametrize("at_start", [True, False])
def test_a_stop_ends_a_wait_for_a_side(world: World, fault: Callable[[World, Line], None], at_start: bool) -> None:
    """L4: it does not wait for the next attempt, however far away that is."""
    key = insert(world, "one")
    world.sync()
    with Line.to_postgres(world.dsn) as line:
        world.bridge_dsn = line.dsn
        world.write_config()
        if at_start:
            fault(world, line)
        bridge = Command(world, ["run", "--no-live"])
        if not at_start:
            world.until(lambda: "tasks started" in bridge.said(), "it has started")
            fault(world, line)
        world.sql("UPDATE tasks SET title = 'two' WHERE id = %s", int(key))
        requests = len(world.sandbox.log.entries)
        waiting = (
            (lambda: len(world.sandbox.log.entries) > requests) if fault is not _no_database else line.refused.is_set
        )
        world.until(waiting, "it waits")
        bridge.terminate()
        assert bridge.ended() == ExitCode.OK, bridge.said()
        assert "Traceback" not in bridge.said()
        line.heal()
        world.sandbox.faults.clear()
        assert run(world, "sync") == 0
    assert world.page(key)["Name"] == "two"


def test_a_second_signal_ends_a_wait_at_once(world: World) -> None:
    """While a request owes its answer, the first one waits for it."""
    insert(world, "one")
    world.sandbox.faults.add(Fault(method="POST", path="/pages$", delay_before_s=3600.0))
    bridge = Command(world, ["run", "--no-live"])
    world.until(lambda: world.sandbox.log.find("POST", r"/pages$"), "the request is under way")
    bridge.terminate()
    world.until(lambda: "stopping" in bridge.said(), "it finishes what is under way")
    assert bridge.running()
    bridge.terminate()
    assert bridge.ended() == 128 + signal.SIGINT
