"""What the seeded worlds have found about pages that our token makes: whose is one that is found later?"""

from __future__ import annotations

import pytest

from bridge.ends import Blame, Evidence, Outcome
from bridge.model import Op, Side
from tests.unit.desk import BOT, Desk, at, minute, page, row

ONE = {"title": "one", "status": "Todo"}
TWO = {"title": "two", "status": "Todo"}


def test_a_page_that_shows_an_old_key_is_not_taken_for_the_one_that_was_asked_for() -> None:
    """Seed 2: two keys were swapped while a create was under way. Its look-up found the other record's page, which
    still showed the key, and the journal refused to give one page to two records, at every start again."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("2", TWO))
    create = desk.planned()
    assert (create.action.op, create.action.side) == (Op.CREATE, Side.NOTION)
    desk.answer(create, Outcome.DONE, page("page-1", "2", ONE, creator=BOT), reason="the page was there already")
    assert desk.state(create) == "retry"
    assert desk.page_pair("page-1").key == ("1",)
    assert desk.pair("2").page_id is None


def test_a_page_of_ours_is_known_although_its_row_has_another_key_by_now() -> None:
    """The key was changed while the page was being made: a listing that shows the page with the old key shows no new
    record."""
    desk = Desk()
    desk.see(row("1", ONE))
    create = desk.planned()
    desk.see(row("9", ONE, old_key=("1",)))
    desk.see(page("page-1", "1", ONE, creator=BOT, edited=minute(0), seen=at(1)))
    assert desk.state(create) == "done"
    assert desk.page_pair("page-1").key == ("9",)
    [rename] = desk.plan()
    assert (rename.action.op, rename.action.key) == (Op.UPDATE, ("9",))


@pytest.mark.parametrize("edited", [False, True])
def test_a_page_that_an_earlier_attempt_made_does_not_run_over_what_the_row_has_become(edited: bool) -> None:
    """Seed 60012: a create was not answered, and its page hidden for so long that it counted as not made. The row was
    edited; the next attempt found the page, was taken for done, and what the page had been made with became an edit of
    the page: the row's newer values were lost."""
    desk = Desk()
    desk.see(row("1", ONE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="no page carries the key", blame=Blame.UNCLEAR)
    desk.clock.seconds += 1
    desk.see(row("1", {"title": "newer", "status": "Doing"}))
    second = desk.planned()
    shown = {**ONE, "status": "theirs"} if edited else ONE
    desk.answer(second, Outcome.DONE, page("page-1", "1", shown, creator=BOT, evidence=Evidence.LOOK, seen=at(9)))
    intents = {intent.action.side: intent.action.changes for intent in desk.plan()}
    assert intents[Side.NOTION]["title"].new == "newer"
    assert "title" not in intents.get(Side.POSTGRES, {})
    assert [found["field"] for found in desk.conflicts()] == (["status"] if edited else [])


@pytest.mark.parametrize(
    ("made", "title", "conflicts"), [(-30, "older", ["title"]), (0, "older", []), (-30, "newer", [])]
)
def test_a_page_that_a_lost_journal_made_does_not_run_over_its_row(
    made: float, title: str, conflicts: list[str]
) -> None:
    """Seeds 696 and 899: the journal was lost, and a page that the lost one had made was found while the answer to a
    new create was missing. It counted as made by that, so that its older value passed for a newer edit."""
    desk = Desk()
    desk.journal.begin("tasks", at(0))
    desk.see(row("1", {"title": "newer", "status": "Todo"}))
    shown = page("page-1", "1", {"title": title, "status": "Todo"}, creator=BOT, created=at(made), seen=at(made + 60))
    desk.answer(desk.planned(), Outcome.DONE, shown)
    desk.plan()
    assert [found["field"] for found in desk.conflicts()] == conflicts
    assert len(desk.journal.live_pages("tasks")) == 1


def given_up(desk: Desk) -> None:
    """A create that was not answered, and whose page was hidden for so long that it counts as not made."""
    desk.see(row("1", ONE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="no page carries the key", blame=Blame.UNCLEAR)
    desk.clock.seconds += 1


@pytest.mark.parametrize(("key", "edited"), [("1", False), ("9", False), ("9", True)])
def test_a_page_that_was_made_in_vain_is_no_new_record(key: str, edited: bool) -> None:
    """Seed 35: the row's key was changed before the next attempt made another page. When the first one showed, no
    record had its key, and it became a second one; so it did when the record had been edited meanwhile."""
    desk = Desk()
    given_up(desk)
    desk.see(row(key, ONE, old_key=("1",) if key != "1" else None))
    again = desk.planned()
    desk.answer(again, Outcome.DONE, page("page-2", key, ONE, creator=BOT, evidence=Evidence.RECEIPT, seen=at(20)))
    desk.see(row(key, TWO))
    desk.answer(desk.planned(), Outcome.DONE, page("page-2", key, TWO, seen=at(30)))
    desk.see(page("page-1", "1", {**ONE, "status": "theirs"} if edited else ONE, creator=BOT, seen=at(40)))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (
        (Side.POSTGRES, Op.CREATE) if edited else (Side.NOTION, Op.DELETE)
    )
    assert intent.pair.page_id == "page-1"


def test_a_page_that_was_made_in_vain_does_not_bring_back_its_row() -> None:
    """The same, when the row was deleted before the next attempt."""
    desk = Desk()
    given_up(desk)
    desk.see(row("1"))
    assert desk.plan() == []
    desk.see(page("page-1", "1", ONE, creator=BOT, seen=at(40)))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.NOTION, Op.DELETE)


def test_what_somebody_typed_where_a_new_page_could_not_hold_its_rows_value_is_an_edit() -> None:
    """Seed 100669: the answer to the create was lost, and the edit was there when the page was found. It passed for
    what the page had been made with, and the row's next value ran over it."""
    desk = Desk()
    desk.see(row("1", {"title": "unholdable", "status": "Todo"}))
    create = desk.planned()
    desk.answer(create, Outcome.UNKNOWN)
    desk.answer(
        create, Outcome.DONE, page("page-1", "1", {"title": "theirs", "status": "Todo"}, seen=at(9), creator=BOT)
    )
    desk.see(row("1", {"title": "ours", "status": "Todo"}))
    desk.plan()
    assert [found["notion"] for found in desk.conflicts()] == ['"theirs"']


@pytest.mark.parametrize("looked_up", [False, True])
@pytest.mark.parametrize("status", ["Todo", "typed"])
def test_of_two_creates_with_one_key_each_gets_the_page_that_it_made(status: str, *, looked_up: bool) -> None:
    """Seeds 100715 and, where somebody had edited the page, 4517: a row's key was changed while its page was being
    made, and another row took it, whose page was made then. The first create took that page for its own, and its row
    got the other row's values."""
    desk = Desk()
    desk.see(row("4", ONE))
    first = desk.planned()
    desk.answer(first, Outcome.UNKNOWN)
    desk.see(row("14", ONE, old_key=("4",)), row("4", TWO))
    second = desk.planned()
    made = page("page-2", "4", {**TWO, "status": status}, creator=BOT, edited=minute(0), seen=at(1))
    if looked_up:
        desk.answer(first, Outcome.DONE, made, reason="the page was there already")
        assert desk.state(first) == "retry"
    desk.see(made)
    assert desk.page_pair("page-2").key == ("4",)
    assert desk.state(second) == "done"


@pytest.mark.parametrize("edited", [False, True])
def test_a_page_of_an_attempt_that_was_given_up_is_its_records_though_another_row_has_the_key_now(
    *, edited: bool
) -> None:
    """Seed 3199: the index hid two pages until their creates were given up, and the keys of the two rows were swapped.
    The page with the first one's old key was taken for the other row's, whose values it then replaced."""
    desk = Desk()
    desk.see(row("1", ONE), row("2", TWO))
    for create in desk.plan():
        desk.answer(create, Outcome.RETRY, reason="no page carries the key: it was not created")
    desk.see(row("9", ONE, old_key=("1",)), row("1", TWO, old_key=("2",)), row("2", ONE, old_key=("9",)))
    shown = {**ONE, "status": "typed"} if edited else ONE
    desk.see(page("page-1", "1", shown, creator=BOT, edited=minute(0), seen=at(1)))
    assert desk.page_pair("page-1").key == ("2",)
    assert desk.pair("1").page_id is None


def test_a_second_page_of_another_record_is_not_taken_for_that_of_the_row_which_has_its_key_now() -> None:
    """The same seed: the first one's row had got another page by then, and somebody had edited the hidden one."""
    desk = Desk()
    desk.see(row("1", ONE), row("2", TWO))
    for create in desk.plan():
        desk.answer(create, Outcome.RETRY, reason="no page carries the key: it was not created")
    desk.clock.seconds += 60.0
    again = {create.pair.key: create for create in desk.plan()}
    desk.answer(again["1",], Outcome.DONE, page("page-3", "1", ONE, creator=BOT, edited=minute(1), seen=at(61)))
    desk.answer(again["2",], Outcome.RETRY, reason="no page carries the key: it was not created")
    desk.see(row("9", ONE, old_key=("1",)), row("1", TWO, old_key=("2",)), row("2", ONE, old_key=("9",)))
    desk.see(page("page-1", "1", {**ONE, "title": "typed"}, creator=BOT, edited=minute(0), seen=at(62)))
    assert desk.page_pair("page-1").key is None, "a new record"
    assert desk.page_pair("page-3").key == ("2",)
    assert desk.pair("1").page_id is None
