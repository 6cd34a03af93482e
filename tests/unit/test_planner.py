"""What is planned, what is held back, what waits, and when a sync stops itself.

S4 (conflict preserved), S12 (no mass deletion unasked), S21 (poison stays put), L2 (planning ends).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out
from bridge.journal.rows import read_value
from bridge.model import (
    Base,
    Change,
    Deletes,
    Op,
    Policy,
    Presence,
    Side,
    Unfit,
    Value,
)
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.worlds import make_sync

BEFORE = {"title": "before", "status": "Todo"}


# Planning


def test_nothing_changed_nothing_planned() -> None:
    desk = Desk()
    assert desk.plan() == []
    desk.record("1", BEFORE)
    desk.journal.soil_all("tasks")
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 0


def test_a_write_is_journaled_before_anybody_makes_it_and_planned_once() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.NOTION, Op.UPDATE)
    assert intent.action.changes == {"title": Change("before", "new")}
    assert not intent.backfill
    assert desk.state(intent) == "open"
    assert desk.plan() == [], "its record waits for the answer"
    assert desk.journal.counts("tasks")["pending"] == 1


def test_people_s_changes_go_before_the_first_fill_and_within_the_limit() -> None:
    desk = Desk()
    desk.see(row("2", BEFORE))
    fill = desk.planned()
    desk.record("1", BEFORE)
    desk.answer(fill, Outcome.RETRY, reason="busy")
    desk.clock.seconds = 60.0
    desk.see(*(row(str(number), BEFORE) for number in range(3, 6)), row("1", {"title": "new"}))
    planned = desk.plan(2)
    assert [(intent.pair.key, intent.backfill) for intent in planned] == [(("1",), False), (("2",), True)]
    assert [intent.pair.key for intent in desk.plan(2)] == [("3",), ("4",)]
    assert [intent.pair.key for intent in desk.plan(2)] == [("5",)]
    assert desk.plan(2) == []


def test_records_without_a_write_do_not_use_up_the_limit() -> None:
    """The first run of two sides that are the same: one call links them all."""
    desk = Desk()
    desk.see(*(row(str(number), BEFORE) for number in range(10)))
    desk.see(*(page(f"page-{number}", str(number), BEFORE) for number in range(10)))
    desk.see(row("11", BEFORE))
    [intent] = desk.plan(2)
    assert intent.pair.key == ("11",)
    assert desk.journal.counts("tasks")["linked"] == 10


def test_a_record_that_waits_for_its_next_attempt_is_left_alone_until_then() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}))
    desk.journal.postpone(pair.id, 3, at(30))
    assert desk.plan() == []
    assert desk.journal.next_attempt("tasks") == at(30)
    desk.clock.seconds = 30.0
    assert desk.planned().action.op is Op.UPDATE


def test_after_the_clock_was_set_back_no_record_waits_for_the_old_time_to_come_again() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new"}))
    desk.clock.seconds = 7200.0
    desk.answer(desk.planned(), Outcome.RETRY, reason="busy")
    assert desk.plan() == []
    desk.clock.seconds = 0.0
    assert desk.planned().action.op is Op.UPDATE


def test_a_deletion_is_put_off_while_more_changes_wait_to_be_read() -> None:
    """They may tell that it is one of thousands, about which a person is to be asked."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1"))
    assert desk.planner.plan(10, deletes=False) == []
    desk.clock.seconds += 1.0
    assert desk.planned().action.op is Op.DELETE


def test_a_preview_writes_nothing() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    before = desk.row_of("1")
    planned = desk.planner.preview(desk.pair("1"))
    assert [conflict.field for conflict in planned.decision.conflicts] == ["title"]
    assert desk.row_of("1") == before
    assert desk.conflicts() == []


# Conflicts


def test_a_conflict_is_recorded_once_however_often_it_is_merged() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    for _ in range(3):
        desk.journal.soil_all("tasks")
        assert desk.plan() == []
    [conflict] = desk.conflicts()
    assert [read_value(conflict[name]) for name in ("base", "postgres", "notion")] == ["before", "ours", "theirs"]
    assert (conflict["state"], conflict["winner"]) == ("open", None)


def test_an_edit_of_a_field_about_which_a_person_is_being_asked_is_a_conflict_of_its_own() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    assert desk.plan() == []
    desk.see(row("1", {"title": "ours again"}))
    assert desk.plan() == []
    assert [read_value(conflict["postgres"]) for conflict in desk.conflicts()] == ["ours", "ours again"]


def test_an_open_conflict_ends_when_the_sides_come_to_agree() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    assert desk.plan() == []
    desk.see(row("1", {"title": "theirs"}))
    assert desk.plan() == []
    [conflict] = desk.conflicts()
    assert (conflict["state"], conflict["take"], read_value(conflict["value"])) == ("resolved", "agreed", "theirs")


def test_a_conflict_stays_while_its_field_cannot_be_seen() -> None:
    """The property was removed: nothing says what it holds, and nothing is resolved by that."""
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    assert desk.plan() == []
    pair = desk.pair("1")
    desk.journal.save_pair(replace(pair, notion=replace(pair.notion, values={"status": "Todo"})))
    assert desk.plan() == []
    assert desk.conflicts()[0]["state"] == "open"


def test_a_choice_holds_until_both_sides_show_it() -> None:
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    desk.plan()
    carry_out(desk.journal, "resolve", {"id": 1, "take": "value", "value": "third"})
    first, second = desk.plan()
    desk.answer(first, Outcome.DONE, row("1", {"title": "third"}))
    desk.answer(second, Outcome.RETRY, reason="busy")
    assert desk.conflicts()[0]["state"] == "resolving"
    desk.clock.seconds = 60.0
    again = desk.planned()
    assert (again.action.side, again.action.changes["title"].new) == (Side.NOTION, "third")
    desk.answer(again, Outcome.DONE, page("page-1", "1", {"title": "third"}, seen=at(60)))
    assert desk.plan() == []
    assert desk.conflicts()[0]["state"] == "resolved"


@pytest.mark.parametrize(("policy", "state"), [(Policy.MANUAL, "resolved"), (Policy.POSTGRES_WINS, "decided")])
@pytest.mark.parametrize("side", list(Side))
def test_a_choice_that_an_edit_has_overtaken_is_not_carried_out(side: Side, policy: Policy, state: str) -> None:
    """Chosen while no bridge ran: nobody had seen the edit when the choice was made."""
    desk = Desk(make_sync(policy=policy))
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}), page("page-1", "1", {"title": "theirs"}, edited=minute(1), seen=at(61)))
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE, page("page-1", "1", {"title": "ours"}, seen=at(70)))
    desk.plan()
    carry_out(desk.journal, "resolve", {"id": 1, "take": "base"})
    if side is Side.POSTGRES:
        desk.see(row("1", {"title": "newer"}))
    else:
        desk.see(page("page-1", "1", {"title": "newer"}, edited=minute(2), seen=at(130)))
    written = [intent.action.changes["title"].new for intent in desk.plan()]
    assert "before" not in written
    first = desk.conflicts()[0]
    assert (first["state"], first["take"]) == (state, "overtaken")
    carried = written == ["newer"]
    recorded = any("newer" in (found["postgres"] + found["notion"]) for found in desk.conflicts())
    assert carried or recorded, "the edit is on both sides, or in a conflict"


# What waits


def waiting_desk(value: Value | Unfit) -> Desk:
    """A row whose title Notion cannot hold."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": value}))
    assert desk.plan() == []
    return desk


def test_what_does_not_fit_is_parked_once_and_leaves_nothing_pending() -> None:
    desk = waiting_desk("unholdable")
    desk.journal.soil_all("tasks")
    assert desk.plan() == []
    [item] = desk.parked()
    assert (item["field"], item["side"], item["kind"]) == ("title", "notion", "unfit")
    assert (item["reason"], read_value(item["value"])) == ("Notion cannot hold it", "unholdable")
    assert desk.journal.counts("tasks")["pending"] == 0


def test_what_does_not_fit_for_another_reason_is_told_anew() -> None:
    desk = waiting_desk("unholdable")
    carry_out(desk.journal, "drop", {"id": 1})
    desk.see(row("1", {"title": Unfit("a list of lists", "[[1]]")}))
    assert desk.plan() == []
    [item] = desk.parked()
    assert (item["id"], item["reason"]) == (1, "a list of lists")
    assert read_value(item["value"]) == Unfit("a list of lists", "[[1]]")


def test_what_fits_again_is_cleared_and_written() -> None:
    desk = waiting_desk("unholdable")
    desk.see(row("1", {"title": "short"}))
    assert desk.planned().action.changes["title"].new == "short"
    assert desk.parked() == []
    assert [item["state"] for item in desk.journal.parked("tasks", "")] == ["cleared"]


def test_what_was_dropped_stays_dropped_while_it_is_the_same() -> None:
    desk = waiting_desk("unholdable")
    carry_out(desk.journal, "drop", {"id": 1})
    for _ in range(2):
        desk.journal.soil_all("tasks")
        assert desk.plan() == []
    assert desk.parked() == []
    assert len(desk.journal.parked("tasks", "")) == 1


def test_what_was_retried_and_still_does_not_fit_is_parked_again() -> None:
    desk = waiting_desk("unholdable")
    carry_out(desk.journal, "retry", {"id": 1})
    assert desk.plan() == []
    assert [(item["id"], item["state"]) for item in desk.journal.parked("tasks", "")] == [(1, "retried"), (2, "open")]


def held_desk() -> Desk:
    desk = Desk(make_sync(deletes=Deletes("hold", "hold")))
    desk.record("1", BEFORE)
    desk.see(row("1"))
    assert desk.plan() == []
    assert [(item["kind"], item["side"]) for item in desk.parked()] == [("held", "notion")]
    return desk


def test_a_yes_to_a_held_deletion_holds_through_a_second_attempt() -> None:
    desk = held_desk()
    carry_out(desk.journal, "approve", {"id": 1})
    intent = desk.planned()
    assert intent.action.op is Op.DELETE
    desk.answer(intent, Outcome.RETRY, reason="busy")
    desk.clock.seconds = 60.0
    again = desk.planned()
    assert again.action.op is Op.DELETE
    desk.answer(again, Outcome.DONE)
    assert desk.plan() == []
    assert [item["state"] for item in desk.journal.parked("tasks", "")] == ["cleared"]
    assert desk.pair("1").base == Base(Presence.GONE, BEFORE)


def test_a_no_to_a_held_deletion_brings_the_record_back_once() -> None:
    desk = held_desk()
    carry_out(desk.journal, "reject", {"id": 1})
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.POSTGRES, Op.CREATE)
    desk.answer(intent, Outcome.DONE, row("1", BEFORE))
    assert desk.plan() == []
    assert [item["state"] for item in desk.journal.parked("tasks", "")] == ["cleared"]
    desk.see(row("1"))
    assert desk.plan() == []
    assert [item["kind"] for item in desk.parked()] == ["held"], "a later deletion is asked about again"


def test_a_page_that_is_away_is_shown_and_cleared_when_it_is_back() -> None:
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.save_pair(replace(pair, notion=replace(pair.notion, presence=Presence.AWAY, note="it was moved")))
    desk.see(row("1", {"title": "new"}))
    assert desk.plan() == []
    [item] = desk.parked()
    assert (item["kind"], item["reason"]) == ("away", "it was moved")
    desk.see(page("page-1", "1", BEFORE, seen=at(10)))
    assert desk.planned().action.changes["title"].new == "new"
    assert desk.parked() == []
