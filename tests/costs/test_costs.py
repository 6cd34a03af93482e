"""What things cost in requests. Counts under a virtual clock: the same on every machine, however busy it is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bridge.sandbox.notion.log import Entry
from tests.costs.calm import Calm


def creates(requests: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in requests if entry.method == "POST" and entry.path == "/v1/pages"]


def updates(requests: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in requests if entry.method == "PATCH"]


def until(requests: Sequence[Entry], last: Entry) -> list[Entry]:
    return [entry for entry in requests if entry.monotonic <= last.monotonic]


def test_a_first_fill_costs_little_more_than_a_request_per_row_and_uses_the_whole_budget() -> None:
    world = Calm()
    world.insert(2000)
    requests = world.run(720)
    made = creates(requests)
    assert len(made) == 2000
    spent = until(requests, made[-1])
    assert len(spent) <= 1.025 * 2000
    assert made[-1].monotonic - spent[0].monotonic <= 1.03 * 2000 / 3


def test_a_small_fill_is_one_burst() -> None:
    world = Calm()
    world.insert(150)
    made = creates(world.run(30))
    assert len(made) == 150


def test_what_is_equal_on_both_sides_is_read_once() -> None:
    world = Calm()
    world.add_pages(world.insert(300))
    requests = world.run(20)
    assert [entry for entry in requests if entry.method in ("PATCH", "DELETE")] == creates(requests) == []
    listings = [entry for entry in requests if "created_time" in str(entry.body)]
    assert len(listings) <= 4
    assert world.pending() == 0


def test_updates_are_guarded_many_at_a_time() -> None:
    world = Calm()
    keys = world.insert(300)
    world.add_pages(keys)
    world.clock.after(200, lambda: world.update(keys, title="new"))
    requests = [entry for entry in world.run(330) if entry.monotonic >= 200]
    written = updates(requests)
    assert len(written) == 300
    assert len(until(requests, written[-1])) <= 1.3 * 300  # the model has one connection, and so smaller chunks


@pytest.mark.parametrize("apart_s", [0.0, 0.005])
def test_a_row_that_is_updated_a_hundred_times_is_written_a_few_times_and_the_last_value_wins(apart_s: float) -> None:
    world = Calm()
    keys = world.insert(20)
    pages = world.add_pages(keys)
    for number in range(1, 101):
        world.clock.after(200 + number * apart_s, lambda number=number: world.update(keys[:1], title=f"no. {number}"))  # type: ignore[misc]
    written = updates([entry for entry in world.run(260) if entry.monotonic >= 200])
    assert {entry.path for entry in written} == {f"/v1/pages/{pages[0]}"}
    assert 1 <= len(written) <= 3
    assert world.ada.read(pages[0])["Name"] == "no. 100"


def test_after_a_bulk_of_writes_polls_do_not_list_it_again_and_again() -> None:
    world = Calm()
    world.insert(200)
    requests = world.run(900)
    polls = [entry for entry in requests if entry.monotonic > 500 and "last_edited_time" in str(entry.body)]
    assert len(polls) <= 30


def test_a_small_idle_sync_asks_four_times_a_minute_at_most() -> None:
    assert _per_minute_when_idle(50) <= 4


def test_a_large_idle_sync_asks_four_times_a_minute_at_most() -> None:
    assert _per_minute_when_idle(120) <= 4


def _per_minute_when_idle(rows: int) -> float:
    world = Calm()
    world.add_pages(world.insert(rows))
    return len([entry for entry in world.run(1500) if entry.monotonic >= 900]) / 10


def test_idle_ends_with_the_first_change() -> None:
    world = Calm()
    keys = world.insert(10)
    pages = world.add_pages(keys)
    world.clock.after(1000, lambda: world.update(keys[:1], title="new"))
    world.clock.after(1005, lambda: world.ada.edit(pages[1], {"Name": "edited"}))
    world.run(1010)
    assert world.server.state.rows[keys[1]]["title"] == "edited"


@pytest.mark.parametrize("rows", [20, 110])
def test_a_trashed_page_of_an_idle_sync_is_found_within_a_minute(rows: int) -> None:
    world = Calm()
    keys = world.insert(rows)
    pages = world.add_pages(keys)
    world.clock.after(1000, lambda: world.ada.trash(pages[0]))
    world.run(1061)
    assert keys[0] not in world.server.state.rows
