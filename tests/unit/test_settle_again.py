"""What a write that was not made leads to: another attempt, later and later, and a parked item in the end.

S8 (no blind overwrite), S21 (poison stays put).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Blame, Evidence, Intent, Outcome
from bridge.engine.decisions import carry_out
from bridge.engine.settle import ATTEMPTS_MAX
from bridge.model import Op, Presence, Side
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.writes import (
    AFTER,
    BEFORE,
    MAKERS,
    Maker,
    delete_row,
    restore_page,
    seen_after,
    update_page,
    update_row,
)


@pytest.mark.parametrize("make", MAKERS)
def test_a_record_that_moved_is_merged_again_at_once_and_then_less_often(make: Maker) -> None:
    desk, intent = make()
    waits = []
    for _ in range(5):
        desk.answer(intent, Outcome.STALE, reason="it moved")
        assert desk.state(intent) == "stale"
        attempt = desk.journal.next_attempt("tasks")
        waits.append((attempt - desk.clock.now()).total_seconds() if attempt else 0.0)
        desk.clock.seconds += waits[-1]
        intent = desk.planned()
    assert waits == [0.0, 0.0, 2.0, 4.0, 8.0]


def test_a_record_that_moves_for_ever_is_never_parked() -> None:
    desk, intent = update_page()
    for _ in range(ATTEMPTS_MAX + 3):
        desk.answer(intent, Outcome.STALE)
        desk.clock.seconds += 60.0
        intent = desk.planned()
    assert desk.parked() == []


@pytest.mark.parametrize("make", MAKERS)
def test_what_cannot_be_written_is_tried_again_ever_later_and_given_up(make: Maker) -> None:
    desk, intent = make()
    waits = []
    for _ in range(ATTEMPTS_MAX - 1):
        desk.answer(intent, Outcome.RETRY, reason="busy")
        assert desk.plan() == []
        attempt = desk.journal.next_attempt("tasks")
        assert attempt is not None
        waits.append((attempt - desk.clock.now()).total_seconds())
        desk.clock.seconds += waits[-1]
        intent = desk.planned()
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert desk.parked() == []

    desk.answer(intent, Outcome.RETRY, reason="busy")
    [item] = desk.parked()
    assert (item["kind"], item["field"], item["side"]) == ("failing", "", intent.action.side.value)
    assert item["reason"] == f"given up after {ATTEMPTS_MAX} attempts: busy"
    desk.clock.seconds += 3600.0
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 0, "it never blocks anything else"

    carry_out(desk.journal, "retry", {"id": item["id"]})
    assert desk.planned().action == intent.action


def test_after_giving_up_another_wish_is_tried_soon() -> None:
    desk, intent = update_page()
    for _ in range(ATTEMPTS_MAX - 1):
        desk.answer(intent, Outcome.RETRY)
        desk.clock.seconds += 60.0
        intent = desk.planned()
    desk.answer(intent, Outcome.RETRY)
    desk.see(row("1", {"title": "another"}))
    desk.clock.seconds += 1.0
    assert desk.planned().action.changes["title"].new == "another"


def test_a_side_that_names_its_time_is_obeyed() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.RETRY, retry_after=600.0)
    assert desk.journal.next_attempt("tasks") == at(600)


def test_success_forgets_the_failures_before() -> None:
    desk, intent = update_page()
    for _ in range(4):
        desk.answer(intent, Outcome.RETRY)
        desk.clock.seconds += 60.0
        intent = desk.planned()
    assert desk.row_of("1")["attempts"] == 4
    desk.answer(intent, Outcome.DONE, seen_after(intent))
    assert [desk.row_of("1")[name] for name in ("attempts", "failures", "not_before")] == [0, 0, None]


def test_each_attempt_is_told_how_many_there_were() -> None:
    desk, intent = update_page()
    for number in range(3):
        assert intent.attempts == number
        desk.answer(intent, Outcome.RETRY)
        desk.clock.seconds += 60.0
        intent = desk.planned()


def test_what_made_a_page_write_stale_is_taken_and_told() -> None:
    desk, intent = update_page()
    newer = page("page-1", "1", {"title": "theirs"}, edited=minute(2), seen=at(130), stamp=stamp(120, 59))
    desk.answer(intent, Outcome.STALE, newer)
    assert desk.events("1")[-1] == "update"
    assert desk.pair("1").notion.values["title"] == "theirs"
    assert [found["rule"] for found in desk.conflicts()] == []
    onward = desk.planned()
    assert onward.action.side is Side.POSTGRES, "the later edit wins"
    assert [found["rule"] for found in desk.conflicts()] == ["last-writer"]


def test_a_stale_answer_that_shows_nothing_new_is_no_event() -> None:
    desk, intent = update_page()
    history = desk.events("1")
    desk.answer(intent, Outcome.STALE, page("page-1", "1", BEFORE, edited=minute(0), seen=at(130)))
    assert desk.events("1") == history
    assert desk.row_of("1")["notion_seen"] == "2026-11-22T10:02:10.000000Z"


def test_what_made_a_row_write_stale_is_left_to_the_outbox() -> None:
    """A row's news comes through the outbox in order; taken from here it could be overtaken."""
    desk, intent = update_row()
    desk.answer(intent, Outcome.STALE, row("1", {"title": "ours"}))
    assert desk.pair("1").postgres.values["title"] == "before"


def test_a_row_that_was_there_already_is_taken() -> None:
    """A create met a row that nobody told us of: then nothing else will."""
    desk, deletion = delete_row()
    desk.answer(deletion, Outcome.DONE)
    desk.see(row("1"), page("page-1", "1", AFTER, edited=minute(9), seen=at(560)))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.POSTGRES, Op.CREATE)
    desk.answer(intent, Outcome.STALE, row("1", {"title": "there", "status": "Todo"}, evidence=Evidence.LOOK))
    assert desk.pair("1").postgres.values["title"] == "there"
    assert desk.events("1")[-1] == "restore"


def test_a_row_that_was_there_already_is_taken_whatever_is_made_after_it() -> None:
    desk = Desk()
    desk.see(*(page(f"page-{key}", key, BEFORE, edited=minute(0), seen=at(1)) for key in ("1", "2")))
    first, _ = desk.plan()
    desk.answer(first, Outcome.STALE, row("1", {"title": "there", "status": "Todo"}, evidence=Evidence.LOOK))
    assert desk.pair("1").postgres.values["title"] == "there"


def test_a_page_that_is_gone_from_the_trash_too_is_made_anew() -> None:
    """Purged: there is nothing to restore, and waiting would not bring it back."""
    desk, intent = restore_page()
    assert intent.action.op is Op.RESTORE
    purged = replace(page("page-1", None, seen=at(300)), presence=Presence.AWAY, note="it was deleted for good")
    desk.answer(intent, Outcome.STALE, purged)
    again = desk.planned()
    assert (again.action.op, again.pair.page_id, again.action.key) == (Op.CREATE, None, ("1",))
    assert {name: change.new for name, change in again.action.changes.items()} == AFTER


@pytest.mark.parametrize("edited", [False, True])
def test_a_row_that_is_deleted_after_its_page_was_half_restored_stays_deleted(*, edited: bool) -> None:
    """World 164: the page was taken out of the trash, its values could not follow, and the row was deleted: as if
    somebody had brought the page back, the row was made anew."""
    desk, intent = restore_page()
    shown = replace(page("page-1", "1", BEFORE, edited=minute(5), seen=at(300)), evidence=Evidence.RECEIPT)
    desk.answer(intent, Outcome.STALE, shown, reason="its values could not follow")
    assert desk.events("1")[-1] == "write-restore"
    desk.see(row("1"))
    if edited:
        desk.see(page("page-1", "1", {**BEFORE, "status": "theirs"}, edited=minute(9), seen=at(560)))
    made = desk.planned()
    if edited:
        assert (made.action.side, made.action.op) == (Side.POSTGRES, Op.CREATE)
        assert "edit-survives" in [found["rule"] for found in desk.conflicts()]
    else:
        assert (made.action.side, made.action.op) == (Side.NOTION, Op.DELETE)


def test_a_row_that_somebody_inserted_again_is_not_deleted() -> None:
    """Both sides deleted the record while a write to its page was under way, and agreed on that; then somebody made the
    row anew. As if its page alone had been deleted, the new row was deleted with it."""
    desk, intent = update_page()
    desk.see(page("page-1", "1", edited=minute(1), seen=at(61)))
    desk.see(row("1"))
    desk.see(row("1", BEFORE))
    desk.answer(intent, Outcome.STALE, page("page-1", "1", edited=minute(1), seen=at(62)))
    made = desk.planned()
    assert (made.action.side, made.action.op) == (Side.NOTION, Op.RESTORE)


def test_a_page_that_is_away_when_it_is_written_waits() -> None:
    desk, intent = update_page()
    moved = replace(page("page-1", None, seen=at(300)), presence=Presence.AWAY, note="it was moved")
    desk.answer(intent, Outcome.STALE, moved)
    assert desk.plan() == []
    assert [(item["kind"], item["reason"]) for item in desk.parked()] == [("away", "it was moved")]
    assert desk.pair("1").page_id == "page-1"


def outage(desk: Desk, intent: Intent, blame: Blame) -> Intent:
    """More failures than a record may have of its own; the side answers in between, and each is tried at once."""
    for _ in range(3 * ATTEMPTS_MAX):
        desk.answer(intent, Outcome.RETRY, reason="no answer", blame=blame)
        desk.journal.release("tasks", intent.action.side)
        intent = desk.planned()
    return intent


@pytest.mark.parametrize("blame", [Blame.SIDE, Blame.UNCLEAR])
@pytest.mark.parametrize("make", MAKERS)
def test_no_outage_of_a_side_gives_a_record_up(make: Maker, blame: Blame) -> None:
    """Worlds: records were parked as given up after an outage of minutes, and waited for a person."""
    desk, intent = make()
    intent = outage(desk, intent, blame)
    assert desk.parked() == []
    desk.answer(intent, Outcome.RETRY, reason="busy")
    assert desk.parked() == [], "the first failure of its own"


def test_a_record_that_breaks_a_side_which_takes_others_is_given_up() -> None:
    """An error of the side's own, each time this record is written, while it makes every other write."""
    desk, intent = update_page()
    for number in range(ATTEMPTS_MAX + 1):
        assert desk.parked() == []
        desk.answer(intent, Outcome.RETRY, reason="internal error", blame=Blame.UNCLEAR)
        desk.record(f"other-{number}", BEFORE)
        desk.see(row(f"other-{number}", AFTER))
        other = desk.planned()
        desk.answer(other, Outcome.DONE, page(f"page-other-{number}", f"other-{number}", AFTER, seen=at(900)))
        if number < ATTEMPTS_MAX:
            desk.clock.seconds += 60.0
            intent = desk.planned()
    assert [found["reason"] for found in desk.parked()] == [f"given up after {ATTEMPTS_MAX} attempts: internal error"]


def test_while_a_side_fails_for_everyone_another_record_s_older_success_proves_nothing() -> None:
    desk, intent = update_page()
    desk.record("other", BEFORE)
    desk.see(row("other", AFTER))
    other = desk.planned()
    desk.answer(other, Outcome.DONE, page("page-other", "other", AFTER, seen=at(900)))
    outage(desk, intent, Blame.UNCLEAR)
    assert desk.parked() == []


def test_a_property_that_was_made_anew_while_its_page_was_being_made_does_not_empty_the_row() -> None:
    """Seed 101050 of the worlds (of 100 steps)."""
    desk = Desk()
    desk.see(row("1", BEFORE))
    create = desk.planned()
    desk.answer(create, Outcome.UNKNOWN)
    with desk.journal.transaction():
        desk.journal.forget_field("tasks", "title")
    desk.see(row("1", BEFORE))
    found = page("page-1", "1", {**BEFORE, "title": None}, evidence=Evidence.SCAN, edited=minute(0), seen=at(1))
    desk.answer(desk.journal.open_creates(desk.pair("1"))[0], Outcome.DONE, found)
    update = desk.planned()
    assert (update.action.side, update.action.changes["title"].new) == (Side.NOTION, BEFORE["title"])


@pytest.mark.parametrize("made", ["first", "second", "edited"])
def test_a_page_that_one_of_two_attempts_may_have_made_is_not_of_a_lost_journal(made: str) -> None:
    """Of its making Notion tells only the minute, in which this journal began."""
    desk = Desk()
    desk.journal.begin("tasks", at(30))
    desk.see(row("1", {**BEFORE, "title": "first"}))
    desk.answer(desk.planned(), Outcome.RETRY, reason="it was not found")
    desk.clock.seconds += 60.0
    desk.see(row("1", {**BEFORE, "title": "second"}))
    create = desk.planned()
    found = page("page-1", "1", {**BEFORE, "title": made}, evidence=Evidence.SCAN, created=minute(0), seen=at(61))
    desk.answer(create, Outcome.DONE, found)
    assert (desk.pair("1").base is None) is (made == "edited")
