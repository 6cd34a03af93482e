"""The journal's file: durable, one writer, readable beside it, and refused when it is damaged or not ours to write.

S17 (journal before effect), S24 (one bridge), J1, J2, J6 and P6 of the faults.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge import migrations
from bridge.errors import ExitCode, JournalError, LockHeld
from bridge.journal import Journal
from bridge.journal.store import Store, is_locked
from tests.unit.desk import StillClock

ROOT = Path(__file__).parents[2]
NEWEST = migrations.read("journal")[-1].number


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bridge.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store.open(path)
    yield opened
    opened.close()


def add(store: Store, name: str) -> None:
    store.run("sync_add", name=name, table_name="public.t", data_source="ds")


def names(store: Store) -> list[str]:
    return [found["name"] for found in store.db.query("SELECT name FROM syncs ORDER BY name")]


def pragma(store: Store, name: str) -> object:
    return store.db.execute(f"PRAGMA {name}").fetchone()[0]


def test_it_is_made_with_its_folder_and_the_newest_schema(store: Store, path: Path) -> None:
    assert path.exists()
    assert pragma(store, "user_version") == NEWEST
    assert names(store) == []


def test_what_is_committed_is_synced_to_the_disk(store: Store) -> None:
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "synchronous") == 2, "FULL: NORMAL may lose the last commits with the power"
    assert pragma(store, "busy_timeout") == 10_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_transaction_that_is_broken_off_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    def break_off() -> None:
        with store.transaction():
            add(store, "tasks")
            raise error

    with pytest.raises(error):
        break_off()
    with store.transaction():
        add(store, "other")
    assert names(store) == ["other"]


def test_it_is_reopened_as_it_was_left(path: Path) -> None:
    for name in ("one", "two"):
        store = Store.open(path)
        with store.transaction():
            add(store, name)
        store.close()
    again = Store.open(path)
    assert names(again) == ["one", "two"]
    again.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    class Broken(Exception):
        pass

    def work() -> None:
        with store.transaction():
            add(store, "one")
            with store.transaction():
                add(store, "two")
            raise Broken

    with pytest.raises(Broken):
        work()
    assert names(store) == []
    with store.transaction():
        add(store, "three")
    assert names(store) == ["three"], "the next transaction begins anew"


def test_a_nested_transaction_is_committed_with_the_outermost(store: Store, path: Path) -> None:
    beside = Store.open_read_only(path)
    with store.transaction():
        with store.transaction():
            add(store, "one")
        assert names(beside) == [], "the end of the inner one made nothing durable"
    assert names(beside) == ["one"]
    beside.close()


KILLED = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from bridge.journal.store import Store
store = Store.open(Path(sys.argv[1]))
add = lambda name: store.run("sync_add", name=name, table_name="public.t", data_source="ds")
with store.transaction():
    add("kept")
with store.transaction():
    add("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_did_not_commit_is_gone(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL
    assert not is_locked(path), "the kernel's lock dies with its process"
    again = Store.open(path)
    assert names(again) == ["kept"]
    assert pragma(again, "integrity_check") == "ok"
    again.close()


def test_a_commit_that_fails_is_told_and_leaves_nothing(store: Store) -> None:
    """A constraint that is checked at the end stands for a disk that is full at the end."""
    store.db.execute("PRAGMA foreign_keys = ON")

    def work() -> None:
        with store.transaction():
            add(store, "one")
            store.db.execute("PRAGMA defer_foreign_keys = ON")
            store.run("pair_add", sync="nobody", key=None, page_id=None, page_key=None)

    with pytest.raises(JournalError, match="cannot be used: FOREIGN KEY"):
        work()
    assert names(store) == []


def test_a_full_disk_is_told_and_leaves_nothing(store: Store) -> None:
    store.db.execute(f"PRAGMA max_page_count = {pragma(store, 'page_count')}")

    def work() -> None:
        with store.transaction():
            for number in range(10_000):
                add(store, f"{number} {'x' * 500}")

    with pytest.raises(JournalError, match="full") as raised:
        work()
    assert "What was being written then is looked for first" in raised.value.hint
    assert names(store) == []


# One writer


def test_a_second_writer_is_told_who_holds_it(store: Store, path: Path) -> None:
    assert is_locked(path)
    with pytest.raises(LockHeld, match=f"process {os.getpid()}") as raised:
        Store.open(path)
    assert raised.value.exit_code is ExitCode.LOCKED
    assert "running bridge" in raised.value.hint
    add(store, "still the writer's")


def test_a_holder_that_wrote_no_number_is_still_a_holder(store: Store, path: Path) -> None:
    Path(f"{path}.lock").write_text("", encoding="utf-8")
    with pytest.raises(LockHeld, match="another notion-bridge is using"):
        Store.open(path)


def test_the_holder_is_told_by_its_own_number_whoever_held_it_before(path: Path) -> None:
    lock = Path(f"{path}.lock")
    path.parent.mkdir()
    lock.write_text("123456789", encoding="utf-8")
    with closing(Store.open(path)):
        assert lock.read_text(encoding="utf-8") == str(os.getpid())


def test_the_lock_is_free_after_closing(store: Store, path: Path) -> None:
    store.close()
    assert not is_locked(path)
    Store.open(path).close()


def test_no_lock_file_no_lock(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "never.db")


def test_a_reader_beside_the_writer_sees_what_is_committed_and_cannot_write(store: Store, path: Path) -> None:
    beside = Store.open_read_only(path)
    add(store, "one")
    assert names(beside) == ["one"]
    with pytest.raises(JournalError, match="readonly"):
        add(beside, "two")
    beside.close()
    assert is_locked(path), "the reader's leaving freed nothing"


# Files that cannot be a journal


def test_without_a_file_there_is_nothing_to_read(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal at") as raised:
        Journal.open_read_only(path, StillClock())
    assert "notion-bridge sync" in raised.value.hint
    assert not path.parent.exists(), "reading makes nothing"


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    for opening in (Store.open, Store.open_read_only):
        with pytest.raises(JournalError, match=r"cannot be (opened|used)"):
            opening(tmp_path)
    assert not is_locked(tmp_path)


def test_a_file_where_its_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalError, match=r"cannot be opened: .*state is not a folder") as raised:
        Store.open(tmp_path / "state" / "bridge.db")
    assert "[journal] path" in raised.value.hint


@pytest.mark.parametrize("happens", ["removed", "replaced"])
def test_a_journal_that_somebody_takes_away_is_noticed(path: Path, happens: str) -> None:
    """What is written into a file without a name is lost with the process."""
    with closing(Store.open(path)) as store:
        store.require_file()
        path.unlink()
        if happens == "replaced":
            path.write_bytes(b"")
        with pytest.raises(JournalError, match="removed or replaced") as raised:
            store.require_file()
    assert "deletes nothing" in raised.value.hint


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, and long enough to have a header" * 100)
    with pytest.raises(JournalError, match="not a database"):
        Store.open(path)
    assert not is_locked(path)
    with pytest.raises(JournalError, match="not a database"):
        Store.open_read_only(path).rows("sync_get", name="one")


@pytest.mark.parametrize("name", ["with space.db", "a?mode=ro.db", "100%25.db", "#1.db"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    store = Store.open(tmp_path / name)
    add(store, "one")
    store.close()
    assert (tmp_path / name).exists()
    beside = Store.open_read_only(tmp_path / name)
    assert names(beside) == ["one"]
    beside.close()


# Dry runs


def test_a_copy_in_memory_leaves_the_file_alone(store: Store, path: Path) -> None:
    add(store, "one")
    copy = Store.in_memory(path)
    add(copy, "two")
    assert names(copy) == ["one", "two"]
    assert names(store) == ["one"]
    copy.close()


def test_a_copy_of_nothing_is_empty(path: Path) -> None:
    copy = Store.in_memory(path)
    assert names(copy) == []
    assert not path.exists()
    with pytest.raises(JournalError, match="the temporary journal"):
        copy.run("pair_save")
    copy.close()


def test_a_journal_of_an_older_version_is_read_as_if_it_were_up_to_date(tmp_path: Path) -> None:
    """After an upgrade `status` comes before the bridge that will bring the file up to date."""
    path = tmp_path / "bridge.db"
    first = migrations.read("journal")[0]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{first.sql};\nPRAGMA user_version = {first.number};")
        connection.execute("INSERT INTO syncs (name, table_name, data_source) VALUES ('tasks', 'tasks', 'ds')")
        connection.commit()
    with closing(Journal.open_read_only(path, StillClock())) as journal:
        assert journal.sync_state("tasks").name == "tasks"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (first.number,), "the file is the writer's"
