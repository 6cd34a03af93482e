"""More new rows than Notion takes for hours: only their keys are kept until their turn comes.

S1 (no edit is lost), S10 (no duplicate), S15 (complete), S18 (idempotent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.ends import Batch, Evidence, Observation
from bridge.engine.compare import preview
from bridge.engine.status import sync_status
from bridge.errors import Unavailable
from bridge.model import OUTSIDE, Op, Pair, Presence, Side, Stamp
from tests.unit.arriving import AFTER, BEFORE, came, known, live, loaded, showing, waiting
from tests.unit.desk import Desk, at, page, row, stamp
from tests.unit.fake_ends import FakeEnd
from tests.unit.fake_world import World


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
    table["2"] = live("2", AFTER)
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing(table))
    taken = desk.pair("2")
    assert (taken.postgres.values, taken.postgres.stamps["title"]) == (AFTER, Stamp(at(1), at(9)))
    [event] = desk.journal.events_of(taken)
    assert (event["kind"], event["author"]) == ("insert", "loader")
    assert waiting(desk) == []


def test_rows_that_came_by_hundreds_are_read_at_once_when_there_is_room() -> None:
    desk = Desk(ahead=10)
    desk.see(came("1"), came("2"))
    assert (known(desk), waiting(desk)) == ([], ["1", "2"])
    desk.intake.call_in(showing({key: live(key, BEFORE) for key in ("1", "2")}))
    assert (known(desk), waiting(desk)) == (["1", "2"], [])
    [event] = desk.journal.events_of(desk.pair("1"))
    assert (event["kind"], event["author"]) == ("insert", "loader")
    assert desk.pair("1").postgres.stamps[""] == Stamp(at(1), at(9))


def test_a_comparison_reads_all_rows_whoever_waits() -> None:
    """`plan` and `verify` work on a copy of the journal, and do not count turns."""
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    rows, pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)
    rows.records = {key: row(key, BEFORE) for key in ("1", "2", "3")}
    planned = list(preview(desk.sync, desk.journal, rows, pages, desk.clock, lambda: "id"))
    assert [one.pair.key for one in planned] == [("1",), ("2",), ("3",)]


def test_a_row_that_was_read_with_all_others_bears_no_time() -> None:
    desk = Desk(ahead=1)
    desk.see(row("1", BEFORE), row("2", BEFORE, evidence=Evidence.SCAN, seen=at(1)))
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing({"2": live("2", BEFORE)}))
    assert desk.pair("2").postgres.stamps == {}


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
    "shown", [row("2", evidence=Evidence.LOOK), Observation(Side.POSTGRES, Presence.AWAY, key=("2",), note=OUTSIDE)]
)
def test_a_row_that_is_not_there_when_its_turn_comes_is_forgotten(shown: Observation) -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.journal.clean([desk.pair("1").id])
    assert desk.intake.call_in(showing({"2": shown}))
    assert (known(desk), waiting(desk)) == (["1"], [])
    assert not desk.intake.call_in(showing({}))


def test_a_row_that_was_deleted_waits_no_more() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2", "3")
    desk.see(came("4"), row("4", event_id="e-gone"), row("3", event_id="e-gone-3"))
    assert waiting(desk) == ["2"]
    assert desk.journal.counts("tasks")["rows"] == 2
    desk.see(row("2", event_id="e-gone-2"), came("2"))
    assert waiting(desk) == ["2"], "it came back"


def test_a_row_that_gets_another_key_when_its_turn_comes_is_read_when_that_is_told() -> None:
    """The note of an update lacks what is linked to the row."""
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.journal.clean([desk.pair("1").id])
    assert not desk.intake.call_in(showing({"2": replace(live("9", AFTER), old_key=("2",))}))
    assert (known(desk), waiting(desk)) == (["1"], ["2"])
    desk.see(replace(row("9", {"title": "after"}, event_id="e-9"), old_key=("2",)))
    assert desk.plan() == []
    desk.intake.call_in(showing({"9": live("9", AFTER)}))
    assert (desk.pair("9").postgres.values, waiting(desk)) == (AFTER, [])
    assert desk.planned().pair.key == ("9",)


def test_a_change_of_a_row_that_waits_does_not_make_it_a_record() -> None:
    """The note of an update lacks what is linked to the row."""
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2", "3")
    desk.journal.clean([desk.pair("1").id])
    desk.see(row("3", {"title": "after"}, event_id="e-3-again"))
    assert (known(desk), waiting(desk)) == (["1"], ["2", "3"]), "and it keeps its place"
    table["3"] = live("3", AFTER)
    desk.intake.call_in(showing(table))
    desk.journal.clean([desk.pair("2").id])
    desk.intake.call_in(showing(table))
    assert desk.pair("3").postgres.values == AFTER


@pytest.mark.parametrize("together", [True, False])
def test_a_row_that_waits_and_gets_another_key_keeps_its_place(together: bool) -> None:
    desk = Desk(ahead=1)
    desk.see(row("1", BEFORE), came("2"), came("3"))
    batch = [replace(row("9", {"title": "x"}, event_id="e-9"), old_key=("2",)), row("9", {"title": "after"})]
    for part in [batch] if together else [[one] for one in batch]:
        desk.see(*part)
    assert (known(desk), waiting(desk)) == (["1"], ["9", "3"])
    desk.journal.clean([desk.pair("1").id])
    desk.intake.call_in(showing({"9": live("9", AFTER)}))
    assert desk.pair("9").postgres.values == AFTER


def test_a_full_read_does_not_write_who_waits_anew() -> None:
    desk = Desk(ahead=1)
    keys = [str(number) for number in range(100)]
    desk.see(*(row(key, BEFORE) for key in keys))
    before = desk.journal.changes
    desk.see(*(row(key, BEFORE, evidence=Evidence.SCAN) for key in keys))
    assert desk.journal.changes == before


def test_so_many_are_read_in_a_round_and_no_more() -> None:
    desk = Desk(ahead=5000)
    desk.see(*(came(str(number)) for number in range(2000)))
    looked: list[int] = []

    def look(pairs: Sequence[Pair]) -> list[Observation]:
        looked.append(len(pairs))
        return showing({})(pairs)

    assert desk.intake.call_in(look)
    assert looked == [500]
    desk.see(*(page(f"page-{number}", str(number), BEFORE) for number in range(1000, 2000)))
    assert desk.intake.call_in(look)
    assert looked == [500, 500, 500]


def test_who_waits_for_its_turn_lags() -> None:
    desk = Desk(ahead=1)
    desk.clock.seconds = 3600.0
    desk.see(came("1"), came("2"))
    assert sync_status(desk.journal, "tasks", desk.clock, 0).lag_seconds == 3599.0


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
    assert desk.journal.arrivals.among("other", [("2",)]) == set()
    desk.journal.arrivals.done("other", [("2",)])
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


def test_nobody_is_called_while_changes_wait() -> None:
    """A change from before would be told after what the row holds now."""
    world = World(ahead=5)
    world.add_row("1")
    world.loop.run_once()
    world.restart()
    world.rows.scan = lambda: iter([])  # type: ignore[method-assign]
    world.rows.news = [Batch([came("2")], token=0), *(Batch([row("1", BEFORE)] * 3000, token=n) for n in range(1, 4))]
    world.rows.records["2"] = row("2", BEFORE)
    left_then: list[int] = []

    def look(pairs: Sequence[Pair]) -> list[Observation]:
        left_then.append(len(world.rows.news))
        return FakeEnd.look(world.rows, pairs)

    world.rows.look = look  # type: ignore[method-assign]
    world.loop.run_once()
    assert left_then[0] == 0
    assert "2" in known(world.desk)


def test_a_bridge_whose_database_is_away_does_not_look_again_and_again() -> None:
    world = World(ahead=5)
    for number in range(2000):
        world.add_row(str(number))
    world.rows.errors["look"] = Unavailable("the database went away")
    world.stop_after(20)
    world.loop.run()
    assert world.rows.asked.count("look") < 40


def test_a_new_row_with_the_key_that_a_waiting_one_had_waits_too() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.see(row("3", BEFORE, old_key=("2",), event_id="e-3"), row("2", AFTER, stamp=stamp(2), event_id="e-2b"))
    assert (known(desk), waiting(desk)) == (["1"], ["3", "2"])
