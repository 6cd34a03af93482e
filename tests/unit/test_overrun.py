"""Edits of a page that a write, a trashing or a restore runs over are kept, as far as any answer has shown them: S3."""

from __future__ import annotations

from dataclasses import replace

from bridge.ends import Evidence, Outcome
from bridge.model import Op, Policy, Side, Value
from bridge.notion import guard
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}


def kept(desk: Desk) -> list[tuple[str, str, str, str]]:
    return [(c["rule"], c["field"], c["postgres"], c["notion"]) for c in desk.conflicts()]


def test_an_edit_that_was_taken_while_its_page_was_being_trashed_is_kept_although_its_property_is_gone() -> None:
    """Seed 13 of the worlds (of 100 steps)."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", None, stamp=stamp(60)))
    trashing = desk.planned()
    desk.see(page("page-1", "1", {**BEFORE, "title": "edited"}, edited=minute(1), seen=at(70)))
    answer = replace(page("page-1", "1", {"status": "Todo"}), presence=page("page-1", "1").presence)
    desk.answer(trashing, Outcome.DONE, answer)
    assert kept(desk) == [("edited-while-deleted", "title", "null", '"edited"')]


def test_an_edit_that_the_trash_showed_before_the_trashing_was_answered_is_kept() -> None:
    """Worlds, seed 4094: the answer was lost, and a look showed the page in the trash, with an edit that had slipped
    in, before it was asked what had become of the trashing: the edit then passed for known."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", None, stamp=stamp(60)))
    trashing = desk.planned()
    desk.answer(trashing, Outcome.UNKNOWN)
    there = page("page-1", "1", {**BEFORE, "title": "edited"}, edited=minute(1), seen=at(70))
    there = replace(there, presence=page("page-1", "1").presence)
    desk.see(there)
    [again] = desk.journal.intents_in_flight("tasks")
    desk.answer(again, Outcome.DONE, there)
    assert kept(desk) == [("edited-while-deleted", "title", "null", '"edited"')]


def test_what_a_page_in_the_trash_holds_of_a_field_that_was_bound_anew_is_kept() -> None:
    """Worlds, seed 4572: a column was dropped and made anew. Before it was filled from the page somebody edited the
    row, and somebody else trashed the page, which came out again with the row's value."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.forget_field("tasks", "title")
    trashed = replace(page("page-1", "1", BEFORE, seen=at(5)), presence=page("page-1", "1").presence)
    desk.see(row("1", {"title": "new", "status": "edited"}, stamp=stamp(60)), trashed)
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    told = ("edit-survives", "title", '"new"', '"before"')
    assert told in kept(desk)
    desk.answer(restore, Outcome.STALE, trashed, reason="it was restored; its values could not follow at once")
    desk.clock.seconds += 60.0
    for seconds, title in ((80, "other"), (90, "new")):
        desk.see(row("1", {"title": title, "status": "edited"}, stamp=stamp(seconds)))
    assert desk.planned().action.op is Op.RESTORE
    assert kept(desk).count(told) == 1


def test_what_a_row_held_that_its_page_had_never_shown_is_kept_when_it_goes_with_the_page() -> None:
    """Worlds, seed 3135: an edit of the row waited to be carried over when its property got another type. The field
    went on, and before the page was filled somebody trashed it, who had not seen the edit."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.forget_field("tasks", "title")
    desk.see(row("1", {"title": "edited", "status": "Todo"}), page("page-1", "1", seen=at(5)))
    deletion = desk.planned()
    assert (deletion.action.side, deletion.action.op) == (Side.POSTGRES, Op.DELETE)
    desk.answer(deletion, Outcome.DONE, row("1"))
    assert kept(desk) == [("deleted-with-page", "title", '"edited"', "null")]


def test_a_page_that_shows_what_was_not_known_of_it_is_not_trashed() -> None:
    """The field was suspended, and what was known of it forgotten, when the trashing was decided."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.forget_field("tasks", "title")
    desk.see(row("1", None, stamp=stamp(60)))
    trashing = desk.planned()
    assert trashing.action.op is Op.DELETE
    shown = guard.verdict(trashing, page("page-1", "1", {**BEFORE, "title": "edited"}))
    assert shown is not None
    assert shown.outcome is Outcome.STALE
    assert guard.verdict(trashing, page("page-1", "1", {**BEFORE, "title": None})) is None


def test_what_somebody_edited_before_a_page_was_trashed_is_kept_when_it_comes_out_with_the_row_s_values() -> None:
    """Seed 69 of the worlds (of 100 steps)."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {**BEFORE, "title": "ours"}, stamp=stamp(100)))
    gone = page("page-1", "1", seen=at(101))
    desk.see(replace(gone, values={"title": "theirs", "status": "Todo"}))
    restore = desk.planned()
    assert (restore.action.side, restore.action.op) == (Side.NOTION, Op.RESTORE)
    assert ("edit-survives", "title", '"ours"', '"theirs"') in kept(desk)
    assert len(kept(desk)) == 2, "the other one is about the record"


def test_who_takes_the_page_out_first_is_asked_all_the_same() -> None:
    """Seed 1085 of the worlds (of 100 steps): the two values differed, and nobody was told."""
    desk = Desk(make_sync(policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {**BEFORE, "title": "ours"}, stamp=stamp(100)))
    edited = {"title": "theirs", "status": "Todo"}
    desk.see(replace(page("page-1", "1", seen=at(101)), values=edited))
    desk.answer(
        desk.planned(), Outcome.STALE, page("page-1", "1", edited, seen=at(102)), reason="it is not in the trash"
    )
    assert desk.plan() == []
    assert [c["rule"] for c in desk.conflicts() if c["state"] == "open"] == ["manual"]


def test_what_a_row_held_that_both_sides_had_agreed_on_goes_with_its_page_untold() -> None:
    """Somebody edited the page and trashed it: the row's value is the one before."""
    desk = Desk()
    desk.record("1", BEFORE)
    trashed = page("page-1", "1", {**BEFORE, "title": "edited"}, edited=minute(1), seen=at(70))
    desk.see(replace(trashed, presence=page("page-1", "1").presence))
    desk.answer(desk.planned(), Outcome.DONE, row("1"))
    assert kept(desk) == []


def test_an_edit_that_a_write_ran_over_is_one_however_often_it_is_seen() -> None:
    """It was seen while the write was under way, and by a listing that was asked before and answered after it."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "ours"}, stamp=stamp(60)))
    write = desk.planned()
    edited = {**BEFORE, "title": "theirs"}
    desk.see(page("page-1", "1", edited, evidence=Evidence.SCAN, edited=minute(1), seen=at(61), stamp=stamp(60, 59)))
    desk.answer(write, Outcome.DONE, page("page-1", "1", {"title": "ours"}, edited=minute(2), seen=at(130)))
    desk.see(page("page-1", "1", edited, evidence=Evidence.SCAN, edited=minute(1), seen=at(62), stamp=stamp(61, 58)))
    assert kept(desk) == [("edited-while-written", "title", '"ours"', '"theirs"')]


def test_a_page_in_the_trash_that_shows_all_it_can_of_the_row_s_value_has_nothing_to_lose() -> None:
    """The minute of a time."""
    desk = Desk()
    desk.record("1", {**BEFORE, "title": "9:00"})
    trashed = page("page-1", "1", {**BEFORE, "title": "10:00"}, edited=minute(1), seen=at(70))
    desk.see(replace(trashed, presence=page("page-1", "1").presence))
    desk.see(row("1", {**BEFORE, "title": "10:00:30"}, stamp=stamp(80)))
    assert desk.planned().action.op is Op.RESTORE
    assert [found for found in kept(desk) if found[1] == "title"] == []
