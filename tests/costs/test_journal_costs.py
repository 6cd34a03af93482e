"""What an event costs in the journal, counted: statements of SQLite and commits to the disk. They do not grow with the
number of events in a batch, whatever the machine; how long they take is for `make bench`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bridge.ends import Evidence, Observation
from bridge.engine.listed import Listed
from bridge.journal.store import Store
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.worlds import stamp

BEFORE = {"title": "before", "status": "Todo"}
BATCH = 12  # statements for a whole batch of events, whatever their number
PLAN = 16  # and for a plan of as many records


@dataclass
class Counted:
    """What was done with the journal's file."""

    statements: int = 0
    commits: int = 0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """`run_many` is one statement: SQLite prepares it once."""
    counted = Counted()
    for name in ("_run", "run_many", "transaction"):
        monkeypatch.setattr(Store, name, _counting(counted, name, getattr(Store, name)))
    return counted


def _counting(counted: Counted, name: str, original: Callable[..., object]) -> Callable[..., object]:
    def count(store: Store, *arguments: object, **more: object) -> object:
        if name != "transaction":
            counted.statements += 1
        elif not store._connection.in_transaction:  # a nested one is part of the outermost
            counted.commits += 1
        return original(store, *arguments, **more)

    return count


def changes(count: int, title: str, first: int = 1) -> list[Observation]:
    return [
        row(str(key), {**BEFORE, "title": title}, stamp=stamp(key), evidence=Evidence.EVENT, event_id=f"{title}-{key}")
        for key in range(first, first + count)
    ]


def linked(count: int) -> Desk:
    """So many records that both sides hold and agree on."""
    desk = Desk()
    desk.see(*changes(count, "before"))
    pages = [page(f"page-{key}", str(key), BEFORE, edited=minute(0), seen=at(0)) for key in range(1, count + 1)]
    desk.see(*pages)
    assert desk.plan() == []
    return desk


@pytest.mark.parametrize("count", [50, 500])
def test_changes_of_a_batch_share_their_statements(counted: Counted, count: int) -> None:
    desk = linked(count)
    counted.statements = counted.commits = 0
    desk.see(*changes(count, "after"))
    assert (counted.statements <= BATCH, counted.commits) == (True, 1), counted
    counted.statements = counted.commits = 0
    desk.see(*changes(count, "after"))  # read again after a crash
    desk.see(*changes(count, "before again", first=count + 1))  # new rows
    assert (counted.statements <= 2 * BATCH, counted.commits) == (True, 2), counted


@pytest.mark.parametrize("count", [50, 500])
def test_a_plan_shares_its_statements(counted: Counted, count: int) -> None:
    desk = linked(count)
    desk.see(*changes(count, "after"))
    counted.statements = counted.commits = 0
    assert len(desk.plan(count)) == count
    assert (counted.statements <= PLAN, counted.commits) == (True, 1), counted


@pytest.mark.parametrize("count", [50, 500])
def test_what_has_nothing_to_write_is_merged_together(counted: Counted, count: int) -> None:
    """As at each start, when all records are looked at again."""
    desk = linked(count)
    desk.journal.soil_all("tasks")
    counted.statements = counted.commits = 0
    assert desk.plan(count) == []
    assert (counted.statements <= PLAN, counted.commits) == (True, 1), counted


@pytest.mark.parametrize("count", [50, 500])
def test_a_listing_that_shows_nothing_new_writes_nothing(counted: Counted, count: int) -> None:
    desk = linked(count)
    shown, listed = [row(str(key), BEFORE, evidence=Evidence.SCAN) for key in range(1, count + 1)], Listed()
    counted.statements, before = 0, desk.journal.changes
    desk.see(*shown, listed=listed)
    assert counted.statements <= BATCH
    assert desk.journal.changes == before
    assert all(desk.pair(str(key)).id in listed for key in range(1, count + 1))
    assert count + 1 not in listed


def test_a_bit_for_each_record() -> None:
    listed = Listed()
    numbers = {0, 1, 7, 8, 9, 1_000_000}
    for number in numbers:
        listed.add(number)
    assert {number for number in range(1_000_020) if number in listed} == numbers
