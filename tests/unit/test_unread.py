"""A record whose row is known to be there, and is read before anything is decided about it: a page with its key was
seen, another row took its key, or a change told a part of it.

S1 (no edit is lost), S10 (no duplicate).
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.ends import Blame, Evidence, Outcome
from bridge.model import Key, Op, Side, Stamp
from tests.unit.arriving import AFTER, BEFORE, came, known, live, loaded, showing, waiting
from tests.unit.desk import BOT, Desk, at, minute, page, row


def test_a_row_of_a_known_record_that_came_unread_is_read_before_that_is_merged() -> None:
    desk = Desk(ahead=1)
    desk.record("1", BEFORE)
    desk.see(row("1", event_id="e-gone"), came("1"))
    assert desk.plan() == []
    desk.intake.call_in(showing({"1": live("1", AFTER)}))
    assert desk.planned().action.changes["title"].new == "after"


def test_what_is_read_of_a_known_record_is_told_as_what_has_changed_of_it() -> None:
    desk = Desk(ahead=1)
    desk.record("1", BEFORE)
    desk.see(came("1"))
    desk.intake.call_in(showing({"1": live("1", AFTER)}))
    event = desk.journal.events_of(desk.pair("1"))[-1]
    assert (event["kind"], set(json.loads(event["changes"]))) == ("update", {"title"})


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


def test_a_page_that_is_made_late_is_its_maker_s_though_another_row_s_page_has_the_key() -> None:
    """It passed for a page that somebody had made: a row was invented for it, and the record got a second page."""
    desk = Desk()
    desk.see(row("5", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="no page carries the key", blame=Blame.UNCLEAR)
    desk.see(replace(row("6", BEFORE), old_key=("5",)))
    desk.see(row("5", AFTER))
    answer = page("page-5", "5", AFTER, creator=BOT, edited=minute(0), seen=at(1), evidence=Evidence.RECEIPT)
    desk.answer(desk.planned(), Outcome.DONE, answer)
    desk.see(page("late", "5", BEFORE, creator=BOT, edited=minute(0), seen=at(40)))
    assert (desk.pair("6").page_id, desk.pair("5").page_id) == ("late", "page-5")
    desk.clock.seconds += 60.0
    rekeyed = desk.planned()
    assert (rekeyed.action.side, rekeyed.action.op, rekeyed.action.key) == (Side.NOTION, Op.UPDATE, ("6",))


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


def test_a_row_moves_on_from_the_key_of_a_record_that_is_gone() -> None:
    desk = Desk()
    for key in ("1", "5"):
        desk.record(key, {**BEFORE, "title": key})
    desk.see(row("5"), page("page-5", "5", seen=at(10)))
    assert desk.plan() == []
    for old, new in (("1", "5"), ("5", "6")):
        desk.see(row(new, {**BEFORE, "title": "1"}, old_key=(old,), event_id=f"e-{new}"))
    assert (desk.pair("6").page_id, desk.page_pair("page-5").key) == ("page-1", None)


def test_a_page_whose_row_has_gone_meanwhile_gets_a_new_one() -> None:
    desk = Desk(ahead=1)
    table = loaded(desk, "1", "2")
    desk.see(row("2", event_id="e-gone"), page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    del table["2"]
    desk.intake.call_in(showing(table))
    made = {(intent.action.side, intent.action.op) for intent in desk.plan()}
    assert (Side.POSTGRES, Op.CREATE) in made


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


def test_a_row_that_was_read_leaves_the_others_to_be_read() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2", "3")
    desk.see(*(page(f"page-{key}", key, BEFORE, edited=minute(0), seen=at(1)) for key in ("2", "3")))
    desk.see(row("2", BEFORE, evidence=Evidence.SCAN, seen=at(9)))
    assert [pair.key for pair in desk.journal.unread("tasks", 9)] == [("3",)]


def test_a_row_whose_key_was_taken_is_not_looked_at_before_it_is_known_which_it_has() -> None:
    desk = Desk(ahead=1)
    loaded(desk, "1", "2")
    desk.see(page("page-2", "2", BEFORE, edited=minute(0), seen=at(1)))
    unread = desk.pair("2")
    with desk.journal.transaction():
        desk.journal.displace(unread)
    assert desk.journal.unread("tasks", 9) == []
    with desk.journal.transaction():
        desk.journal.save_pair(replace(unread, key=("3",)))
    assert [pair.key for pair in desk.journal.unread("tasks", 9)] == [("3",)]
