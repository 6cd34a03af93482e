"""A bad network, on both sides of the bridge: answers that get lost behind a COMMIT or a request, connections that are
cut, refused, slow or half of what was said. Nothing is lost, nothing is doubled, and nobody has to restart anything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest

from tests.figures import Figures
from tests.line import Fate, Line
from tests.system.crashing import Command
from tests.system.history import History, is_quiet, judge
from tests.system.test_both_ways import insert
from tests.system.world import World


@pytest.fixture
def rows_line(world: World) -> Iterator[Line]:
    """Between the bridge and PostgreSQL."""
    with Line.to_postgres(world.dsn) as line:
        world.bridge_dsn = line.dsn
        world.write_config()
        yield line


@pytest.fixture
def bridge(world: World, rows_line: Line, pages_line: Line) -> Iterator[Command]:
    """A bridge that is in step; it must outlive the test."""
    running = Command(world, ["run", "--no-live"])
    try:
        world.until(lambda: "tasks started" in running.said() and is_quiet(world), "it is in step")
        yield running
        assert running.running(), running.said()
    finally:
        running.kill()


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.LOST])
@pytest.mark.usefixtures("bridge")
def test_a_commit_without_an_answer_is_found_out(world: World, rows_line: Line, fate: Fate) -> None:
    """A page's creation, edit and trashing: the proof in the database tells what became of each."""
    page = world.person.create_row(world.data_source, {"Name": "old"})
    world.until(lambda: is_quiet(world), "its row is there")
    acts: list[Callable[[], object]] = [
        lambda: world.person.create_row(world.data_source, {"Name": "made"}),
        lambda: world.person.edit(page, {"Name": "new"}),
        lambda: world.person.trash(page),
    ]
    shown = [["made", "old"], ["made", "new"], ["made"]]
    for act, titles in zip(acts, shown, strict=True):
        rows_line.on(b"COMMIT", fate)
        act()
        assert rows_line.happened.wait(30)
        world.until(lambda: is_quiet(world), f"in step after a COMMIT that was {fate.value}")
        assert sorted(row["title"] for row in world.rows().values()) == titles


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.LOST])
@pytest.mark.usefixtures("bridge")
def test_a_request_without_an_answer_is_found_out(world: World, pages_line: Line, fate: Fate) -> None:
    """A row's creation, edit and deletion: the page itself tells what became of each, and there is never a second."""
    key = insert(world, "old")
    world.until(lambda: is_quiet(world), "its page is there")
    number = int(key)
    acts: list[tuple[bytes, Callable[[], object], list[str]]] = [
        (b"POST /v1/pages ", lambda: insert(world, "made"), ["made", "old"]),
        (
            b"PATCH /v1/pages/",
            lambda: world.sql("UPDATE tasks SET title = 'new' WHERE id = %s", number),
            ["made", "new"],
        ),
        (b"PATCH /v1/pages/", lambda: world.sql("DELETE FROM tasks WHERE id = %s", number), ["made"]),
    ]
    for request, act, titles in acts:
        pages_line.on(request, fate)
        act()
        assert pages_line.happened.wait(30)
        world.until(lambda: is_quiet(world), f"in step after a request that was {fate.value}")
        assert sorted(page["Name"] for page in world.pages()) == titles
    assert len(world.pages(trashed=True)) == 1


@pytest.mark.usefixtures("bridge")
def test_a_side_that_refuses_connections_is_waited_for(world: World, rows_line: Line, pages_line: Line) -> None:
    keys = [insert(world, f"row {number}") for number in range(3)]
    world.until(lambda: is_quiet(world), "in step")
    for line in (rows_line, pages_line):
        line.stop()
        world.sql("UPDATE tasks SET title = title || '!'")
        world.person.edit(world.page(keys[0])["_id"], {"Mail": "page@example.com"})
        world.until(lambda: last_error(world), "the trouble is told")
        line.heal()
        world.until(lambda: is_quiet(world), "it has recovered")
    assert sorted(page["Name"] for page in world.pages()) == [f"row {number}!!" for number in range(3)]


def last_error(world: World) -> str:
    journal = world.journal()
    said = journal.sync_state("tasks").last_error
    journal.close()
    return said


def trouble(line: Line, messages: list[bytes], rng: random.Random) -> str:
    """One thing that goes wrong on a line."""
    choices: dict[str, Callable[[], object]] = {
        "answer lost": lambda: line.on(rng.choice(messages), Fate.DELIVERED),
        "message lost": lambda: line.on(rng.choice(messages), Fate.LOST),
        "cut": line.cut,
        "cut in the middle": lambda: line.cut_after(rng.randrange(2000)),
        "refused": line.stop,
        "slow": lambda: setattr(line, "delay", rng.choice([0.02, 0.1])),
        "healed": line.heal,
    }
    name = rng.choices(list(choices), [3, 2, 2, 2, 1, 1, 3])[0]
    choices[name]()
    return name


MESSAGES = {
    "PostgreSQL": [b"COMMIT", b"notion_bridge.applied", b"DELETE FROM notion_bridge.outbox", b"UPDATE ONLY", b"INSERT"],
    "Notion": [b"POST /v1/pages ", b"PATCH /v1/pages/", b"GET /v1/pages/", b"/query "],
}


def play(world: World, lines: dict[str, Line], seed: int, steps: int, figures: Figures) -> None:
    """People edit both sides while both lines are bad; then both are good."""
    people, rng = History(world, seed), random.Random(f"lines {seed}")
    try:
        for _ in range(steps):
            people.step()
            if rng.random() < 0.4:
                name = rng.choice(sorted(lines))
                figures.count(f"bad lines to {name}", trouble(lines[name], MESSAGES[name], rng))
            time.sleep(rng.choice([0, 0.01, 0.1]))  # the shape of the load, not a wait for anything
        for line in lines.values():
            line.heal()
        world.until(lambda: is_quiet(world), f"quiet (seed {seed})")
        judge(people)
        figures.count("bad lines", "edits", people.steps)
        figures.count("bad lines", "worlds")
    finally:
        people.close()


@pytest.mark.usefixtures("bridge")
def test_nothing_is_lost_on_bad_lines(world: World, rows_line: Line, pages_line: Line, figures: Figures) -> None:
    play(world, {"PostgreSQL": rows_line, "Notion": pages_line}, 1, 60, figures)


@pytest.mark.long
@pytest.mark.usefixtures("bridge")
@pytest.mark.parametrize("number", range(20))
def test_nothing_is_lost_on_bad_lines_for_long(
    world: World, rows_line: Line, pages_line: Line, storm_seed: int, number: int, figures: Figures
) -> None:
    play(world, {"PostgreSQL": rows_line, "Notion": pages_line}, storm_seed + number, 200, figures)


@pytest.mark.long
@pytest.mark.usefixtures("bridge")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("side", ["PostgreSQL", "Notion"])
def test_a_connection_that_has_gone_deaf_is_given_up(
    world: World, rows_line: Line, pages_line: Line, side: str
) -> None:
    """Half-open: the network has forgotten the connection, and tells nobody. It takes more than a minute to be sure."""
    line = {"PostgreSQL": rows_line, "Notion": pages_line}[side]
    key = insert(world, "old")
    world.until(lambda: is_quiet(world), "in step")
    line.deafen()
    world.sql("UPDATE tasks SET title = 'new'")
    world.person.edit(world.page(key)["_id"], {"Mail": "page@example.com"})
    line.heal()
    world.until(lambda: is_quiet(world), "it has noticed, and recovered", within_s=200)
    assert (world.page(key)["Name"], world.rows()[key]["mail"]) == ("new", "page@example.com")
    assert len(world.pages()) == 1
