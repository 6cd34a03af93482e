"""A journal that must not be used is refused, and what was opened for it is closed again: the lock above all."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge import migrations
from bridge.errors import JournalError
from bridge.journal import Journal
from bridge.journal.store import Store, is_locked
from tests.unit.desk import StillClock

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


def filled(path: Path) -> None:
    """A journal of some pages, all in the main file."""
    store = Store.open(path)
    with store.transaction():
        for number in range(500):
            add(store, f"{number} {'x' * 100}")
    store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def test_a_damaged_file_is_refused_with_a_way_out(path: Path) -> None:
    filled(path)
    content = bytearray(path.read_bytes())
    root = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_master WHERE name = 'syncs'").fetchone()[0]
    page_size = int.from_bytes(content[16:18], "big")
    for offset in range((root - 1) * page_size, root * page_size):
        content[offset] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"damaged") as raised:
        Store.open(path)
    assert "nothing is deleted" in raised.value.hint
    assert not is_locked(path), "the file can be moved away and the bridge started again"


def test_a_journal_of_a_newer_version_is_left_alone(store: Store, path: Path) -> None:
    store.db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    store.close()
    with pytest.raises(JournalError, match=rf"newer notion-bridge \(schema {NEWEST + 1}\)") as raised:
        Store.open(path)
    assert "Upgrade" in raised.value.hint
    assert not is_locked(path)


@pytest.mark.parametrize("answer", ["delete", "memory"])
def test_a_file_system_that_refuses_durability_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """SQLite answers the journal mode that it got: where shared memory is not to be had, not WAL."""

    class Refusing(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            text = f"PRAGMA journal_mode = {answer}" if sql == "PRAGMA journal_mode = WAL" else sql
            return super().execute(text, *parameters)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, factory=Refusing, **options))
    with pytest.raises(JournalError, match="cannot be made durable") as raised:
        Store.open(path)
    assert "local disk" in raised.value.hint
    assert not is_locked(path)


def test_a_question_about_the_lock_keeps_nobody_from_taking_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` and its like look whether a bridge runs, and hold the lock shared for that instant."""
    path.parent.mkdir()
    asking = Path(f"{path}.lock").open("a+")  # noqa: SIM115 - let go below
    fcntl.flock(asking, fcntl.LOCK_SH)
    monkeypatch.setattr("bridge.journal.store.os.sched_yield", asking.close)
    Store.open(path).close()
    assert asking.closed


def test_a_dry_run_on_a_damaged_journal_is_refused_in_words(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, and long enough to have a header" * 100)
    with pytest.raises(JournalError, match="not a database"):
        Store.in_memory(path)


def test_a_dry_run_on_a_journal_of_a_newer_version_names_the_file(store: Store, path: Path) -> None:
    store.db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(JournalError, match=str(path)):
        Store.in_memory(path)


def test_a_sync_that_cannot_be_updated_is_told_as_the_journal_s_failure(store: Store, path: Path) -> None:
    add(store, "tasks")
    beside = Journal.open_read_only(path, StillClock())
    with pytest.raises(JournalError, match="readonly"):
        beside.update_sync("tasks", paused=1)
    beside.close()
