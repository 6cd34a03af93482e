"""More new rows than Notion takes for hours: only their keys are kept until their turn comes.

S1 (no edit is lost), S10 (no duplicate), S15 (complete), S18 (idempotent).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridge.ends import Arrival, Batch, Evidence, Observation
from bridge.engine.compare import preview
from bridge.errors import Unavailable
from bridge.model import OUTSIDE, Op, Pair, Presence, Side, Stamp, Value
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.fake_ends import FakeEnd
from tests.unit.fake_world import World

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}
Table = dict[str, Observation]


def loaded(desk: Desk, *keys: str) -> Table:
    """So many rows come with one statement; the table that has them."""
    desk.see(*(row(key, BEFORE, stamp=stamp(1), author="loader", event_id=f"e-{key}") for key in keys))
    return {key: row(key, BEFORE, evidence=Evidence.LOOK, seen=at(9)) for key in keys}


def showing(table: Table) -> Callable[[Sequence[Pair]], list[Observation]]:
    def look(pairs: Sequence[Pair]) -> list[Observation]:
        keys = [pair.key for pair in pairs]
        return [table.get(key[0], row(key[0], evidence=Evidence.LOOK)) for key in keys if key is not None]

    return look


def waiting(desk: Desk) -> list[str]:
    return [one.key[0] for one in desk.journal.arrivals.first("tasks", 99)]


def known(desk: Desk) -> list[str]:
    return [pair.key[0] for pair in desk.journal.all_pairs("tasks") if pair.key is not None]


def test_of_many_new_rows_only_the_first_are_records_at_once() -> None:
    desk = Desk(ahead=2)
    loaded(desk, "1", "2", "3", "4")
    assert (known(desk), waiting(desk)) == (["1", "2"], ["3", "4"])
    assert len(desk.plan()) == 2


def test_who_waits_for_its_turn_is_counted() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2", "3")
    counted = desk.journal.counts("tasks")
    assert (counted["rows"], counted["pending"], counted["filling"]) == (3, 3, 3)
    desk.journal.clean([desk.pair("1").id])
    assert desk.journal.unsettled("tasks")


def test_a_row_whose_turn_comes_is_taken_as_it_is_then() -> None:
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2")
    table["2"] = row("2", AFTER, evidence=Evidence.LOOK, seen=at(9))
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing(table))
    taken = desk.pair("2")
    assert (taken.postgres.values, taken.postgres.stamps["title"]) == (AFTER, Stamp(at(1), at(9)))
    [event] = desk.journal.events_of(taken)
    assert (event["kind"], event["author"]) == ("insert", "loader")
    assert waiting(desk) == []


def test_rows_that_came_by_hundreds_are_read_at_once_when_there_is_room() -> None:
    desk = Desk(ahead=10)
    desk.intake.take(Batch((), arrived=[Arrival((key,), at(1), "loader") for key in ("1", "2")]))
    assert (known(desk), waiting(desk)) == ([], ["1", "2"])
    desk.intake.call_in(showing({key: row(key, BEFORE, evidence=Evidence.LOOK, seen=at(9)) for key in ("1", "2")}))
    assert (known(desk), waiting(desk)) == (["1", "2"], [])
    [event] = desk.journal.events_of(desk.pair("1"))
    assert (event["kind"], event["author"]) == ("insert", "loader")
    assert desk.pair("1").postgres.stamps[""] == Stamp(at(1), at(9))


def test_a_row_that_comes_back_with_many_others_is_read_before_its_record_is_merged() -> None:
    """All rows are deleted, and loaded again: no page is trashed, and none waits behind new ones."""
    desk = Desk(ahead=1)
    desk.record("1", BEFORE)
    loaded(desk, "2", "3")
    desk.see(row("1", event_id="e-gone"))
    desk.intake.take(Batch((), arrived=[Arrival(("1",), at(1))]))
    assert [intent.pair.key for intent in desk.plan()] == [("2",)]
    desk.intake.call_in(showing({"1": row("1", AFTER, evidence=Evidence.LOOK, seen=at(9))}))
    assert waiting(desk) == ["3"]
    update = desk.planned()
    assert (update.pair.key, update.action.op, update.action.changes["title"].new) == (("1",), Op.UPDATE, "after")


def test_a_comparison_reads_all_rows_whoever_waits() -> None:
    """`plan` and `verify` work on a copy of the journal, and do not count turns."""
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    rows, pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)
    rows.records = {key: row(key, BEFORE) for key in ("1", "2", "3")}
    again = [Batch((), token=1, arrived=[Arrival(("3",))]), *rows.scan()]
    rows.scan = lambda: iter(again)  # type: ignore[method-assign]
    planned = list(preview(desk.sync, desk.journal, rows, pages, desk.clock, lambda: "id"))
    assert [one.pair.key for one in planned] == [("1",), ("2",), ("3",)]


def test_a_row_that_was_read_with_all_others_bears_no_time() -> None:
    desk = Desk(ahead=0)
    desk.see(row("1", BEFORE, evidence=Evidence.SCAN, seen=at(1)))
    desk.journal.arrivals.call("tasks", ("1",))
    desk.intake.call_in(showing({"1": row("1", BEFORE, evidence=Evidence.LOOK, seen=at(9))}))
    assert desk.pair("1").postgres.stamps == {}


def test_nobody_is_called_while_too_many_wait_to_be_made() -> None:
    desk = Desk(ahead=10)
    table = loaded(desk, *map(str, range(1, 16)))
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing(table))
    assert len(known(desk)) == 10, "rows are not called one by one"
    desk.journal.clean([desk.pair("2").id])
    desk.intake.call_in(showing(table))
    assert (known(desk)[-2:], waiting(desk)) == (["11", "12"], ["13", "14", "15"])


@pytest.mark.parametrize(
    "shown",
    [
        row("2", evidence=Evidence.LOOK),
        Observation(Side.POSTGRES, Presence.AWAY, key=("2",), note=OUTSIDE),
        replace(row("9", AFTER, evidence=Evidence.LOOK), old_key=("2",)),
    ],
    ids=["gone", "outside of the filter", "given another key, of which a change will tell"],
)
def test_a_row_that_is_not_there_when_its_turn_comes_is_forgotten(shown: Observation) -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing({"2": shown}))
    assert (known(desk), waiting(desk)) == (["1"], [])


def test_a_page_with_its_key_calls_a_row_at_once() -> None:
    """A first sync of two full sides: no row is made for a page that has one."""
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2", "3")
    desk.see(page("page-3", "3", BEFORE, edited=minute(0), seen=at(1)))
    desk.intake.call_in(showing(table))
    found = desk.pair("3")
    assert (found.page_id, found.postgres.values) == ("page-3", BEFORE)
    assert waiting(desk) == ["2"]
    desk.plan()
    assert desk.pair("3").base is not None


def test_a_key_that_is_typed_later_calls_its_row_too() -> None:
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2")
    desk.see(page("page-2", None, AFTER, edited=minute(0), seen=at(1)))
    desk.see(page("page-2", "2", AFTER, edited=minute(1), seen=at(61)))
    desk.intake.call_in(showing(table))
    assert desk.pair("2").postgres.values == BEFORE
    assert waiting(desk) == []


def test_a_page_whose_row_has_gone_meanwhile_gets_a_new_one() -> None:
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2")
    desk.see(row("2", event_id="e-gone"), page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    del table["2"]
    desk.intake.call_in(showing(table))
    made = {(intent.action.side, intent.action.op) for intent in desk.plan()}
    assert (Side.POSTGRES, Op.CREATE) in made


def test_a_change_of_a_row_that_waits_does_not_make_it_a_record() -> None:
    """The note of an update lacks what is linked to the row."""
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2", "3")
    desk.journal.clean([desk.pair("1").id])
    desk.see(row("3", {"title": "after"}, event_id="e-3-again"))
    assert (known(desk), waiting(desk)) == (["1"], ["2", "3"]), "and it keeps its place"
    table["3"] = row("3", AFTER, evidence=Evidence.LOOK)
    desk.intake.call_in(showing(table))
    desk.journal.clean([desk.pair("2").id])
    desk.intake.call_in(showing(table))
    assert desk.pair("3").postgres.values == AFTER


def test_a_row_that_waits_and_gets_another_key_waits_under_it() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.journal.clean([desk.pair("1").id])
    desk.see(replace(row("9", {"title": "after"}, event_id="e-9"), old_key=("2",)))
    assert (known(desk), waiting(desk)) == (["1"], ["2", "9"])
    desk.intake.call_in(showing({"9": row("9", AFTER, evidence=Evidence.LOOK)}))
    assert (desk.pair("9").postgres.values, waiting(desk)) == (AFTER, [])


def test_what_is_read_again_after_a_crash_waits_once() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    table = loaded(desk, "1", "2")
    assert waiting(desk) == ["2"]
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing(table))
    loaded(desk, "1", "2")
    assert (known(desk), waiting(desk), desk.events("2")) == (["1", "2"], [], ["insert", "same"])


def test_another_sync_s_rows_have_their_own_turns() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    assert not desk.journal.arrivals.any("other")
    desk.journal.arrivals.done("other", desk.journal.arrivals.first("tasks", 9))
    assert waiting(desk) == ["2"]


# Over many rounds


def test_all_of_them_get_a_page_and_each_one() -> None:
    world = World(ahead=3)
    for key in range(1, 31):
        world.add_row(str(key))
    world.loop.run_once()
    made = [seen.key[0] for seen in world.pages.records.values() if seen.key is not None]
    assert sorted(made, key=int) == [str(key) for key in range(1, 31)]
    assert waiting(world.desk) == []
    assert world.worker.settled()


def test_both_sides_full_and_equal_write_nothing() -> None:
    world = World(ahead=3)
    for key in range(1, 31):
        world.add_row(str(key))
        world.add_page(f"page-{key}", str(key))
    world.loop.run_once()
    assert world.applied(world.pages) == world.applied(world.rows) == []
    assert world.desk.journal.counts("tasks")["linked"] == 30


def test_an_edit_of_a_record_goes_before_those_that_wait() -> None:
    world = World(ahead=2)
    world.add_row("1")
    world.loop.run_once()
    for key in range(2, 12):
        world.add_row(str(key))
    world.rows.records["1"] = row("1", AFTER)
    world.restart()
    world.loop.run_once()
    first = [intent.action.op for group in world.pages.applied[1:] for intent in group]
    assert (first[0], first.count(Op.CREATE)) == (Op.UPDATE, 10)


def test_a_database_that_goes_away_meanwhile_loses_nobody() -> None:
    world = World(ahead=1)
    for key in ("1", "2", "3"):
        world.add_row(key)
    world.rows.errors["look"] = Unavailable("the database went away")

    def mend() -> None:
        if world.rounds == 9:
            world.rows.errors.clear()

    world.each_round = mend
    world.loop.run_once()
    assert len(world.pages.records) == 3
