"""More new rows than Notion takes for hours: only their keys are kept until their turn comes.

S1 (no edit is lost), S10 (no duplicate), S15 (complete), S18 (idempotent).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridge.ends import Batch, Blame, Evidence, Observation, Outcome
from bridge.engine.compare import preview
from bridge.engine.status import sync_status
from bridge.errors import Unavailable
from bridge.model import OUTSIDE, Key, Op, Pair, Presence, Side, Stamp, Value
from tests.unit.desk import BOT, Desk, at, minute, page, row, stamp
from tests.unit.fake_ends import FakeEnd
from tests.unit.fake_world import World

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}
Table = dict[str, Observation]


def loaded(desk: Desk, *keys: str) -> Table:
    """So many rows come with one statement; the table that has them."""
    desk.see(*(row(key, BEFORE, stamp=stamp(1), author="loader", event_id=f"e-{key}") for key in keys))
    return {key: live(key, BEFORE) for key in keys}


def showing(table: Table) -> Callable[[Sequence[Pair]], list[Observation]]:
    def look(pairs: Sequence[Pair]) -> list[Observation]:
        keys = [pair.key for pair in pairs]
        return [table.get(key[0], row(key[0], evidence=Evidence.LOOK)) for key in keys if key is not None]

    return look


def live(key: str, values: dict[str, Value]) -> Observation:
    """What a look shows."""
    return row(key, values, evidence=Evidence.LOOK, seen=at(9))


def came(key: str) -> Observation:
    """One of many new rows, of which only the keys were noted."""
    return row(key, {}, stamp=stamp(1), author="loader", unread=True)


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


def test_a_row_of_a_known_record_that_came_unread_is_read_before_that_is_merged() -> None:
    desk = Desk(ahead=1)
    desk.record("1", BEFORE)
    desk.see(row("1", event_id="e-gone"), came("1"))
    assert desk.plan() == []
    desk.intake.call_in(showing({"1": live("1", AFTER)}))
    assert desk.planned().action.changes["title"].new == "after"


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


def test_a_page_with_its_key_calls_a_row_at_once() -> None:
    """A first sync of two full sides: no row is made for a page that has one."""
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2", "3")
    desk.see(page("page-3", "3", BEFORE, edited=minute(0), seen=at(1)))
    assert [intent.pair.key for intent in desk.plan()] == [("1",)], "its row is read before it is merged"
    desk.intake.call_in(showing(table))
    found = desk.pair("3")
    assert (found.page_id, found.postgres.values, found.postgres.stamps[""]) == ("page-3", BEFORE, Stamp(at(1), at(9)))
    assert (waiting(desk), desk.events("3")) == (["2"], ["link", "insert", "insert"])
    desk.plan()
    assert desk.pair("3").base is not None


@pytest.mark.parametrize("old_key", [None, ("9",)])
def test_a_new_record_of_which_a_change_told_a_part_is_read_before_it_is_merged(old_key: Key | None) -> None:
    """A row enters the filter by an UPDATE, whose note lacks what is linked to it."""
    desk = Desk()
    desk.see(replace(row("1", {"title": "after"}, event_id="e-1"), old_key=old_key))
    assert desk.plan() == []
    desk.intake.call_in(showing({"1": live("1", AFTER)}))
    assert {name: change.new for name, change in desk.planned().action.changes.items()} == AFTER


def test_a_row_that_is_gone_when_its_page_was_seen_comes_back_and_is_recorded() -> None:
    """As when it had been known: its deletion and the page were never agreed on."""
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.see(page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    desk.intake.call_in(showing({}))
    made = [(intent.action.side, intent.action.op) for intent in desk.plan() if intent.pair.key == ("2",)]
    assert made == [(Side.POSTGRES, Op.CREATE)]
    assert len(desk.conflicts()) == 1


def test_a_row_with_a_page_that_gets_another_key_before_it_is_read_makes_no_second_row() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.see(page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    desk.intake.call_in(showing({"2": replace(live("9", BEFORE), old_key=("2",))}))
    assert [intent for intent in desk.plan() if intent.action.side is Side.POSTGRES] == []
    desk.see(replace(row("9", BEFORE, event_id="e-9"), old_key=("2",)))
    assert (desk.page_pair("page-2").key, known(desk)) == (("9",), ["1", "9"])


def test_a_key_that_is_typed_later_does_not_take_the_row_from_who_waits() -> None:
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2")
    desk.see(page("page-2", None, AFTER, edited=minute(0), seen=at(1)))
    desk.see(page("page-2", "2", AFTER, edited=minute(1), seen=at(61)))
    desk.intake.call_in(showing(table))
    assert (desk.pair("2").page_id, desk.pair("2").postgres.values) == (None, BEFORE)
    assert desk.page_pair("page-2").key is None


@pytest.mark.parametrize("ahead", [None, 1])
def test_the_page_of_another_record_s_attempt_is_not_a_waiting_row_s(ahead: int | None) -> None:
    """World 3199: the index hid it until the create was given up, and its row's key went to another row."""
    desk = Desk(ahead=ahead)
    desk.see(row("5", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="no page carries the key", blame=Blame.UNCLEAR)
    desk.see(replace(row("6", BEFORE, event_id="e-6"), old_key=("5",)))
    desk.see(row("5", AFTER, event_id="e-5"))
    desk.see(page("page-5", "5", BEFORE, creator=BOT, edited=minute(0), seen=at(40)))
    assert desk.page_pair("page-5").key == ("6",)


@pytest.mark.parametrize("first", ["record", "waiting"])
@pytest.mark.parametrize("ahead", [None, 1])
def test_keys_are_swapped_between_a_record_and_a_row_that_waits(first: str, ahead: int | None) -> None:
    """A deferrable key, in one transaction. The page goes with its row, and so does what somebody edits in it."""
    desk = Desk(ahead=ahead)
    desk.record("1", BEFORE)
    desk.see(row("5", BEFORE), row("2", AFTER))
    there, back = row("2", BEFORE, old_key=("1",), event_id="e-a"), row("1", AFTER, old_key=("2",), event_id="e-b")
    desk.see(*((there, back) if first == "record" else (back, there)))
    desk.see(page("page-1", "1", {**BEFORE, "status": "edited"}, edited=minute(5), seen=at(400)))
    desk.intake.call_in(showing({"1": live("1", AFTER), "2": live("2", BEFORE)}))
    assert (desk.page_pair("page-1").key, sorted(known(desk)), waiting(desk)) == (("2",), ["1", "2", "5"], [])
    assert [i.pair.key for i in desk.plan() if i.action.side is Side.POSTGRES] == [("2",)]
    assert desk.pair("1").postgres.values == AFTER


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


def without_key_is_settled(desk: Desk) -> bool:
    """Whether nothing is left to do for the one record that has lost its key."""
    [lost] = [pair for pair in desk.journal.all_pairs("tasks") if pair.key is None]
    return not desk.journal.pair_row(lost.id)["dirty"]


@pytest.mark.parametrize("read_in_full", [True, False])
def test_a_row_whose_key_was_taken_and_that_is_gone_holds_nobody_up(read_in_full: bool) -> None:
    """A deferrable key: a record takes the key of a row that waits, and that is deleted."""
    desk = Desk(ahead=1)
    desk.record("1", BEFORE)
    desk.see(row("5", BEFORE), row("2", AFTER))
    desk.see(row("2", BEFORE, old_key=("1",), event_id="e-a"))
    if read_in_full:
        desk.shown_in_full("2", "5")
    else:
        desk.see(row("2", event_id="e-b"))
    assert [intent.pair.key for intent in desk.plan()] == [("2",), ("5",)]
    assert without_key_is_settled(desk)


def test_a_part_of_a_record_that_is_gone_before_it_is_read_holds_nobody_up() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("2", {"title": "x"}, event_id="e-1"), row("2", event_id="e-2"))
    desk.see(row("2", BEFORE, old_key=("1",), event_id="e-3"))
    assert [intent.pair.key for intent in desk.plan()] == [("2",)]
    assert without_key_is_settled(desk)


def test_a_full_read_shows_what_was_to_be_read() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.see(page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    desk.see(row("2", BEFORE, evidence=Evidence.SCAN, seen=at(9)))
    assert desk.journal.unread("tasks", 9) == []
    assert desk.pair("2").postgres.stamps[""] == Stamp(at(1), at(9))
    desk.plan()
    assert desk.pair("2").base is not None


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
