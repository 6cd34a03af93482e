"""The journal's size: bounded by what is kept, and given back when less is kept; no reader makes it grow for ever.

J5 of the faults.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import JournalError
from bridge.journal import Journal
from bridge.model import Pair, Side
from tests.unit.desk import StillClock

DAY_S = 86_400.0
PER_DAY = 400
TEXT = "a title of some length, as people write them " * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def journal(path: Path, clock: StillClock) -> Iterator[Journal]:
    opened = Journal.open(path, clock)
    opened.add_sync("tasks", "public.tasks", "ds")
    yield opened
    opened.close()


def live_a_day(journal: Journal, clock: StillClock, pairs: list[Pair], days: int = 1) -> None:
    for _ in range(days):
        clock.seconds += DAY_S
        with journal.transaction():
            for number in range(PER_DAY):
                change = {"title": (f"{TEXT}{number}", f"{TEXT}{number + 1}")}
                journal.add_event(pairs[number % len(pairs)], Side.NOTION, "update", change)


def records(journal: Journal) -> list[Pair]:
    return [journal.add_pair("tasks", (str(number),), f"page-{number}") for number in range(5)]


def pragma(journal: Journal, name: str) -> int:
    found: int = journal.store.db.execute(f"PRAGMA {name}").fetchone()[0]
    return found


def test_a_journal_that_is_trimmed_every_day_does_not_grow(journal: Journal, clock: StillClock) -> None:
    pairs, pages = records(journal), []
    for _ in range(20):
        live_a_day(journal, clock, pairs)
        journal.trim(clock.now() - timedelta(days=3))
        pages.append(pragma(journal, "page_count"))
    assert max(pages[8:]) <= max(pages[:8])


def test_what_is_not_kept_any_more_is_given_back_to_the_disk(path: Path, journal: Journal, clock: StillClock) -> None:
    pairs = records(journal)
    live_a_day(journal, clock, pairs, days=20)
    before = pragma(journal, "page_count")
    journal.trim(clock.now() + timedelta(seconds=1))
    after = pragma(journal, "page_count")
    assert after < before // 10
    assert pragma(journal, "freelist_count") <= after // 8
    journal.close()
    assert path.stat().st_size == after * 4096
    again = Journal.open(path, clock)
    assert [len(again.events_of(pair)) for pair in pairs] == [1] * 5
    again.close()


def test_the_rest_is_given_back_the_next_time(
    journal: Journal, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One big step would hold everything else up."""
    monkeypatch.setattr("bridge.journal.store._GIVEN_BACK", 10)
    live_a_day(journal, clock, records(journal), days=3)
    before = pragma(journal, "page_count")
    journal.trim(clock.now())
    once = pragma(journal, "page_count")
    journal.trim(clock.now())
    assert (before - once, once - pragma(journal, "page_count")) == (10, 10)


def test_a_reader_that_stays_for_long_makes_the_log_grow_only_until_it_goes(
    path: Path, journal: Journal, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees what it saw; what is written meanwhile waits beside the file, and is cut back after it has gone."""
    log, pairs = Path(f"{path}-wal"), records(journal)
    kept = pragma(journal, "journal_size_limit")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        seen = reader.execute("SELECT count(*) FROM events").fetchone()
        live_a_day(journal, clock, pairs, days=40)
        journal.trim(clock.now() - timedelta(days=3))
        assert log.stat().st_size > 2 * kept
        assert reader.execute("SELECT count(*) FROM events").fetchone() == seen
        reader.execute("COMMIT")
        live_a_day(journal, clock, pairs, days=2)
        assert log.stat().st_size <= kept


def test_a_disk_that_refuses_while_room_is_given_back_is_told(journal: Journal, clock: StillClock) -> None:
    live_a_day(journal, clock, records(journal), days=5)
    with journal.transaction():
        journal.store.run("events_trim", before="9999")
    journal.store.db.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError, match="cannot be used"):
        journal.store.give_back()
    journal.store.db.execute("PRAGMA query_only = OFF")
