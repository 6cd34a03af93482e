"""A write that Notion makes long after it was given up is no edit of anybody's (S6: an older value never overwrites a
newer one; a deletion needs somebody who deletes)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Evidence, Intent, Observation, Outcome
from bridge.model import Op, Policy, Side
from tests.unit.desk import BOT, Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

BEFORE = {"title": "v0", "status": "Todo"}


def shown(number: int, author: str = BOT, **values: str) -> Observation:
    """The page in that minute."""
    return page("page-1", "1", {**BEFORE, **values}, edited=minute(number), seen=at(60 * number), author=author)


def trashed(number: int, author: str = BOT) -> Observation:
    return page("page-1", "1", None, edited=minute(number), seen=at(60 * number), author=author)


def lose(desk: Desk, intent: Intent, seen: Observation) -> None:
    """No answer; and the look that follows does not show it."""
    desk.answer(intent, Outcome.UNKNOWN)
    desk.answer(intent, Outcome.STALE, seen, lingers=True)


def restore_twice(desk: Desk) -> None:
    """A row that was deleted is inserted again. The first attempt to restore its page has no answer, the second has."""
    desk.record("1", BEFORE)
    desk.see(row("1", stamp=stamp(60)))
    desk.answer(desk.planned(), Outcome.DONE, trashed(1))
    desk.see(row("1", BEFORE, stamp=stamp(120)))
    lose(desk, desk.planned(), trashed(2))
    desk.answer(desk.planned(), Outcome.DONE, receipt(3, "v0"))


def write(desk: Desk, number: int, title: str) -> None:
    desk.see(row("1", {**BEFORE, "title": title}, stamp=stamp(60 * number)))
    desk.answer(desk.planned(), Outcome.DONE, receipt(number, title))


def receipt(number: int, title: str) -> Observation:
    seen = shown(number, title=title)
    return page("page-1", "1", seen.values, edited=seen.edited, seen=seen.seen, evidence=Evidence.RECEIPT, author=BOT)


def overtaken(first: str) -> Desk:
    """A write of `first`, which Notion shows as v1, was lost, and was made when it was tried again; then one of v2."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {**BEFORE, "title": first}, stamp=stamp(60)))
    lose(desk, desk.planned(), shown(1))
    desk.answer(desk.planned(), Outcome.DONE, receipt(2, "v1"))
    write(desk, 3, "v2")
    assert desk.plan() == []
    return desk


@pytest.fixture
def desk() -> Desk:
    return overtaken("v1")


def write_another_field(desk: Desk) -> None:
    """The answer shows v1 again."""
    desk.see(row("1", {"title": "v2", "status": "Done"}, stamp=stamp(240)))
    late = {"title": "v1", "status": "Done"}
    answer = page("page-1", "1", late, edited=minute(4), seen=at(240), evidence=Evidence.RECEIPT, author=BOT)
    desk.answer(desk.planned(), Outcome.DONE, answer)


def test_the_newer_value_is_written_once_more(desk: Desk) -> None:
    desk.see(shown(4, title="v1"))
    again = desk.planned()
    assert (again.action.side, again.action.op) == (Side.NOTION, Op.UPDATE)
    assert [(change.expected, change.new) for change in again.action.changes.values()] == [("v1", "v2")]
    assert desk.conflicts() == []
    desk.answer(again, Outcome.DONE, receipt(5, "v2"))
    assert desk.plan() == []


def test_so_it_is_when_the_answer_to_another_write_shows_it(desk: Desk) -> None:
    write_another_field(desk)
    assert [change.new for change in desk.planned().action.changes.values()] == ["v2"]


def test_what_a_person_types_is_an_edit_whatever_it_is(desk: Desk) -> None:
    desk.see(shown(4, author="ann", title="v1"))
    edit = desk.planned()
    assert (edit.action.side, [change.new for change in edit.action.changes.values()]) == (Side.POSTGRES, ["v1"])


def test_what_was_written_by_another_program_with_our_token_is_an_edit(desk: Desk) -> None:
    desk.see(shown(4, title="v3"))
    assert desk.planned().action.side is Side.POSTGRES


def test_it_does_not_linger_for_ever(desk: Desk) -> None:
    desk.clock.seconds += 301
    desk.see(shown(9, title="v1"))
    assert desk.planned().action.side is Side.POSTGRES


def test_a_persons_edit_in_between_is_kept(desk: Desk) -> None:
    desk.see(shown(4, author="ann", title="w"))
    desk.answer(desk.planned(), Outcome.DONE, row("1", {**BEFORE, "title": "w"}))
    desk.see(shown(5, title="v1"))
    again = desk.planned()
    assert (again.action.side, [change.new for change in again.action.changes.values()]) == (Side.NOTION, ["w"])


def test_a_late_trashing_deletes_no_row_that_was_made_since() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", stamp=stamp(60)))
    lose(desk, desk.planned(), shown(1))
    desk.answer(desk.planned(), Outcome.DONE, trashed(2))
    desk.see(row("1", BEFORE, stamp=stamp(180)))
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    desk.answer(restore, Outcome.DONE, receipt(3, "v0"))
    assert desk.plan() == []
    desk.see(trashed(4))
    again = desk.planned()
    assert (again.action.side, again.action.op) == (Side.NOTION, Op.RESTORE)
    assert desk.pair("1").postgres.live


def test_a_late_restore_brings_no_row_back() -> None:
    desk = Desk()
    restore_twice(desk)
    desk.see(row("1", stamp=stamp(240)))
    desk.answer(desk.planned(), Outcome.DONE, trashed(4))
    assert desk.plan() == []
    desk.see(shown(5))
    again = desk.planned()
    assert (again.action.side, again.action.op) == (Side.NOTION, Op.DELETE)


def test_a_value_that_notion_shows_in_short_is_known_again() -> None:
    desk = overtaken("v1:30")
    desk.see(shown(4, title="v1"))
    assert [change.new for change in desk.planned().action.changes.values()] == ["v2"]


def test_what_a_person_may_have_typed_just_before_another_write_is_kept(desk: Desk) -> None:
    """The answer bears our name, whoever it was that made the page show v1 again."""
    write_another_field(desk)
    [kept] = desk.conflicts()
    assert (kept["field"], kept["rule"], kept["postgres"], kept["notion"]) == (
        "title",
        "edited-while-written",
        '"v2"',
        '"v1"',
    )


def test_nothing_is_decided_for_a_person_who_is_asked() -> None:
    desk = Desk(replace(make_sync(), policy=Policy.MANUAL))
    desk.record("1", BEFORE)
    desk.see(row("1", {**BEFORE, "title": "v1"}, stamp=stamp(60)))
    lose(desk, desk.planned(), shown(1))
    desk.see(shown(2, author="ann", title="w"))
    assert desk.plan() == []
    desk.see(row("1", {**BEFORE, "title": "v2"}, stamp=stamp(180)))
    assert desk.plan() == []
    desk.see(shown(4, title="v1"))
    assert desk.plan() == []
    assert {found["state"] for found in desk.conflicts()} == {"open"}


def test_an_edit_of_a_page_that_comes_out_of_the_trash_late_is_an_edit() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", stamp=stamp(60)))
    desk.answer(desk.planned(), Outcome.DONE, trashed(1))
    desk.see(row("1", BEFORE, stamp=stamp(120)))
    lose(desk, desk.planned(), trashed(2))
    desk.see(shown(3, status="Doing"))
    edit = desk.planned()
    assert (edit.action.side, [change.new for change in edit.action.changes.values()]) == (Side.POSTGRES, ["Doing"])


def test_what_the_page_showed_before_is_not_what_such_a_write_has_done() -> None:
    """Somebody typed just that, and was seen; then another program edited another field with our token."""
    desk = overtaken("v1")
    desk.see(shown(4, author="ann", title="v1"))
    desk.see(shown(5, title="v1", status="Done"))
    edit = desk.planned()
    carried = {name: change.new for name, change in edit.action.changes.items()}
    assert (edit.action.side, carried) == (Side.POSTGRES, {"title": "v1", "status": "Done"})


def test_an_edit_of_a_page_that_is_there_is_one_though_a_restore_may_come_late() -> None:
    """The restore had no answer, and was made when it was tried again. What is edited then is no late restore's."""
    desk = Desk(replace(make_sync(), policy=Policy.MANUAL))
    restore_twice(desk)
    desk.see(shown(4, author="ann", title="w"))
    desk.see(shown(5, title="w", status="Done"))
    edit = desk.planned()
    carried = {name: change.new for name, change in edit.action.changes.items()}
    assert (edit.action.side, carried) == (Side.POSTGRES, {"title": "w", "status": "Done"})


def test_what_nobody_knows_who_did_is_an_edit(desk: Desk) -> None:
    desk.see(replace(shown(4, title="v1"), author=None))
    assert desk.planned().action.side is Side.POSTGRES
