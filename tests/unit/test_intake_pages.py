"""Pages: whose is a page that nobody knows yet? A copy, a twin, an adopted one, a key that was typed.

S10 (no duplicate, no orphan), N13 of the faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.ends import Evidence, Outcome
from bridge.engine.intake import Intake
from bridge.model import Op, Presence, Side, Value
from tests.unit.desk import BOT, Desk, at, minute, page, row

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}


def keys(desk: Desk) -> dict[str | None, str | None]:
    """page by key"""
    return {pair.key[0] if pair.key else None: pair.page_id for pair in desk.journal.all_pairs("tasks")}


def test_a_page_and_a_row_with_one_key_are_one_record() -> None:
    for order in (1, -1):
        desk = Desk()
        desk.see(*[row("1", BEFORE), page("page-1", "1", BEFORE)][::order])
        assert keys(desk) == {"1": "page-1"}
        assert desk.plan() == []
        assert desk.conflicts() == []


def test_a_page_without_a_key_is_a_new_record() -> None:
    desk = Desk()
    desk.see(page("page-1", None, BEFORE), page("page-2", None, BEFORE))
    assert [pair.page_id for pair in desk.journal.all_pairs("tasks")] == ["page-1", "page-2"]
    assert [intent.action.op for intent in desk.plan()] == [Op.CREATE, Op.CREATE]


@pytest.mark.parametrize("presence", [Presence.GONE, Presence.AWAY])
def test_a_page_that_was_never_ours_is_not_taken_when_it_goes(presence: Presence) -> None:
    desk = Desk()
    desk.see(replace(page("page-1", "1"), presence=presence))
    assert keys(desk) == {}


def test_a_page_whose_create_got_no_answer_is_recognised_by_its_key() -> None:
    desk = Desk()
    desk.see(row("1", BEFORE))
    intent = desk.planned()
    desk.answer(intent, Outcome.UNKNOWN)
    desk.see(page("page-1", "1", BEFORE, evidence=Evidence.SCAN, creator=BOT, edited=minute(0), seen=at(1)))
    assert desk.state(intent) == "done"
    assert keys(desk) == {"1": "page-1"}
    assert desk.events("1") == ["insert", "link", "write-create"]
    assert desk.plan() == []


@pytest.mark.parametrize("key", [None, "9"])
def test_a_page_that_lost_its_key_before_its_create_was_answered_is_recognised_by_its_values(key: str | None) -> None:
    """Seeds 241 and 441 of the worlds (of 100 steps): it became a second record, and its row got a second page."""
    desk = Desk()
    desk.record("9", AFTER)
    desk.see(row("1", BEFORE))
    intent = desk.planned()
    desk.answer(intent, Outcome.UNKNOWN)
    desk.see(page("page-1", key, BEFORE, evidence=Evidence.SCAN, creator=BOT, edited=minute(0), seen=at(1)))
    assert desk.state(intent) == "done"
    assert keys(desk) == {"1": "page-1", "9": "page-9"}
    assert desk.planned().action.key == ("1",), "the page is told its key again"


def test_where_two_creates_might_have_made_it_a_page_without_its_key_is_a_new_record() -> None:
    desk = Desk()
    desk.see(row("1", BEFORE), row("2", BEFORE))
    for intent in desk.plan():
        desk.answer(intent, Outcome.UNKNOWN)
    desk.see(page("page-1", None, BEFORE, evidence=Evidence.SCAN, creator=BOT, edited=minute(0), seen=at(1)))
    assert desk.page_pair("page-1").key is None


def test_a_page_that_two_creates_with_one_key_may_have_made_alike_is_whose_that_was_asked_for() -> None:
    """Otherwise each would leave it to the other."""
    desk = Desk()
    desk.see(row("1", {"title": "one", "status": "Todo"}))
    first = desk.planned()
    desk.see(row("2", {"title": "one", "status": "Todo"}, old_key=("1",)), row("1", {"title": "two", "status": "Todo"}))
    second = desk.planned()
    assert (first.action.key, second.action.key) == (("1",), ("1",))
    for intent in (first, second):
        desk.answer(intent, Outcome.UNKNOWN)
    found = page("page-1", "1", {"title": "edited", "status": "Todo"}, creator=BOT, edited=minute(0), seen=at(1))
    desk.answer(first, Outcome.DONE, found)
    assert (desk.state(first), desk.pair("2").page_id) == ("done", "page-1")


@pytest.mark.parametrize(("shown", "creator"), [(AFTER, BOT), (BEFORE, "ada")])
def test_a_page_without_a_key_that_shows_something_else_or_is_a_person_s_is_a_new_record(
    shown: dict[str, Value], creator: str
) -> None:
    desk = Desk()
    desk.see(row("1", BEFORE))
    desk.answer(desk.planned(), Outcome.UNKNOWN)
    desk.see(page("page-1", None, shown, evidence=Evidence.SCAN, creator=creator, edited=minute(0), seen=at(1)))
    assert desk.page_pair("page-1").key is None


def test_a_page_whose_create_was_refused_is_only_linked() -> None:
    desk = Desk()
    desk.see(row("1", BEFORE))
    create = desk.planned()
    desk.answer(create, Outcome.REFUSED, reason="no")
    desk.see(page("page-1", "1", BEFORE))
    assert desk.state(create) == "refused"
    assert keys(desk) == {"1": "page-1"}


def test_a_person_s_page_is_not_what_a_create_that_was_given_up_has_made() -> None:
    """What differs is recorded, as between any row and page that are found to be one record."""
    desk = Desk()
    desk.see(row("1", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="it was not found")
    desk.see(page("page-1", "1", {**BEFORE, "title": "typed"}, creator="ada", edited=minute(0), seen=at(1)))
    desk.clock.seconds += 60.0
    desk.plan()
    assert [(found["field"], found["rule"]) for found in desk.conflicts()] == [("title", "first-sync")]


def test_a_copied_page_becomes_a_record_of_its_own() -> None:
    """Duplicating a page copies its key; the page that had it first keeps it."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("copy", "1", BEFORE, author="ada"))
    assert desk.page_pair("copy").key is None
    intent = desk.planned()
    assert (intent.action.side, intent.action.op, intent.pair.page_id) == (Side.POSTGRES, Op.CREATE, "copy")
    desk.answer(intent, Outcome.DONE, row("2", BEFORE))
    assert desk.planned().action.key == ("2",), "the copy is told its own key"
    assert keys(desk) == {"1": "page-1", "2": "copy"}


def made_twice(shown: Mapping[str, Value] = BEFORE) -> Desk:
    """A create got no answer, its page was not found, and it was made again; record 1 has the second page."""
    desk = Desk()
    desk.see(row("1", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="it was not found")
    desk.clock.seconds += 60.0
    again = page("page-1", "1", shown, edited=minute(1), seen=at(61))
    desk.answer(desk.planned(), Outcome.DONE, again)
    assert desk.plan() == []
    return desk


def test_a_second_page_of_one_create_of_ours_goes_to_the_trash() -> None:
    desk = made_twice()
    desk.see(page("twin", "1", BEFORE, creator=BOT))
    intent = desk.planned()
    assert (intent.action.side, intent.action.op, intent.pair.page_id) == (Side.NOTION, Op.DELETE, "twin")
    assert desk.journal.events_of(desk.page_pair("twin"))[0]["kind"] == "surplus"


def test_a_second_page_is_known_by_what_its_create_wrote() -> None:
    """Worlds, seed 1553: the row was edited between two attempts. What the first one had made was found when it was
    asked what became of the second, and the page of that one, which shows other values, passed for a new record."""
    desk = Desk()
    desk.see(row("1", BEFORE))
    desk.answer(desk.planned(), Outcome.RETRY, reason="it was not found")
    desk.clock.seconds += 60.0
    desk.see(row("1", AFTER))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", BEFORE, creator=BOT, edited=minute(0), seen=at(61)))
    desk.see(page("twin", "1", AFTER, creator=BOT, edited=minute(1), seen=at(62)))
    assert (Op.DELETE, "twin") in [(intent.action.op, intent.pair.page_id) for intent in desk.plan()]
    assert desk.journal.events_of(desk.page_pair("twin"))[0]["kind"] == "surplus"


def test_a_second_page_in_which_somebody_filled_what_its_create_left_empty_is_kept() -> None:
    desk = Desk()
    desk.see(row("1", {"title": "before", "status": None}))
    first = desk.planned()
    assert set(first.action.changes) == {"title"}
    desk.answer(first, Outcome.RETRY, reason="it was not found")
    desk.clock.seconds += 60.0
    made = page("page-1", "1", {"title": "before", "status": None}, edited=minute(1), seen=at(61))
    desk.answer(desk.planned(), Outcome.DONE, made)
    desk.see(page("twin", "1", {"title": "before", "status": "typed"}, creator=BOT, edited=minute(2), seen=at(130)))
    assert Op.DELETE not in [intent.action.op for intent in desk.plan()]


def test_a_key_that_a_living_row_has_got_again_is_not_free() -> None:
    """Both sides had deleted the record, and its row is back; its page is still in the trash."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1"), page("page-1", "1", seen=at(10)))
    assert desk.plan() == []
    desk.see(row("1", AFTER))
    desk.see(page("page-2", "1", AFTER))
    assert keys(desk) == {"1": "page-1", None: "page-2"}


def test_a_second_page_that_no_create_of_ours_explains_is_a_new_record() -> None:
    """An automation may write in our name."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("twin", "1", BEFORE, creator=BOT))
    assert desk.planned().action.op is Op.CREATE


def test_a_second_page_of_a_row_that_was_sent_once_is_a_new_record() -> None:
    """The one create of ours made the page that the record has."""
    desk = Desk()
    desk.see(row("1", BEFORE))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", BEFORE, creator=BOT, edited=minute(0), seen=at(1)))
    desk.see(page("twin", "1", BEFORE, creator=BOT))
    assert desk.planned().action.op is Op.CREATE


def test_a_second_page_is_kept_when_the_first_is_in_the_trash() -> None:
    """It may be the only one that is left."""
    desk = made_twice()
    desk.see(page("page-1", "1", seen=at(70)), page("twin", "1", BEFORE, creator=BOT))
    assert (Op.DELETE, "twin") not in [(intent.action.op, intent.pair.page_id) for intent in desk.plan()]


@pytest.mark.parametrize(
    ("shown", "author", "bot"),
    [
        ({**BEFORE, "title": "edited"}, BOT, BOT),  # somebody may have written into it
        (BEFORE, "ada", BOT),
        (BEFORE, None, BOT),
        (BEFORE, "", ""),  # who we are is not known
    ],
)
def test_what_may_be_a_person_s_page_is_never_trashed(shown: dict[str, Value], author: str | None, bot: str) -> None:
    desk = made_twice()
    desk.intake = Intake(desk.journal, desk.sync, desk.settler, bot)
    desk.see(page("copy", "1", shown, creator=author))
    assert desk.planned().action.op is Op.CREATE


def test_a_page_with_the_key_of_a_page_in_the_trash_is_a_person_s() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", seen=at(10)))
    desk.see(page("copy", "1", BEFORE, creator=BOT))
    assert {intent.pair.page_id: intent.action.op for intent in desk.plan()} == {
        "page-1": Op.DELETE,
        "copy": Op.CREATE,
    }


def test_a_key_is_free_again_when_its_record_is_gone_on_both_sides() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1"), page("page-1", "1", seen=at(10)))
    assert desk.plan() == []
    desk.see(page("page-2", "1", AFTER))
    assert keys(desk) == {None: "page-1", "1": "page-2"}
    intent = desk.planned()
    assert (intent.action.op, intent.pair.key) == (Op.CREATE, ("1",))


def keyless() -> Desk:
    """A page without a key, whose row cannot be made: the database draws no key for it."""
    desk = Desk()
    desk.see(page("page-1", None, BEFORE, edited=minute(0), seen=at(1)))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="the key is missing")
    assert desk.plan() == []
    return desk


def test_a_key_that_somebody_types_into_a_waiting_page_is_its_record_s() -> None:
    desk = keyless()
    desk.see(page("page-1", "7", BEFORE, edited=minute(1), seen=at(61)))
    assert keys(desk) == {"7": "page-1"}
    assert desk.parked() == []
    intent = desk.planned()
    assert (intent.action.op, intent.pair.key) == (Op.CREATE, ("7",))


def test_a_typed_key_that_the_table_refused_may_be_typed_anew() -> None:
    desk = Desk()
    desk.see(page("page-1", "2147483647", BEFORE, edited=minute(0), seen=at(1)))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="use a lower one")
    assert desk.plan() == []
    desk.see(page("page-1", "7", BEFORE, edited=minute(1), seen=at(61)))
    assert (keys(desk), desk.parked()) == ({"7": "page-1"}, [])
    assert desk.planned().pair.key == ("7",)


def test_a_page_whose_row_is_not_known_yet_keeps_its_key() -> None:
    """After a resync nothing is known of the row, and it is there all the same."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.journal.resync("tasks")
    desk.see(page("page-1", "1", BEFORE, edited=minute(1), seen=at(61)))
    desk.see(page("page-1", "7", BEFORE, edited=minute(2), seen=at(121)))
    assert keys(desk) == {"1": "page-1"}


def test_a_key_that_is_typed_while_the_row_is_being_made_does_not_move_it() -> None:
    desk = Desk()
    desk.see(page("page-1", "5", BEFORE, edited=minute(0), seen=at(1)))
    desk.answer(desk.planned(), Outcome.UNKNOWN)
    desk.see(page("page-1", "7", BEFORE, edited=minute(1), seen=at(61)))
    assert keys(desk) == {"5": "page-1"}


def test_a_typed_key_that_is_taken_is_not_given_twice() -> None:
    desk = keyless()
    desk.record("7", BEFORE)
    desk.see(page("page-1", "7", BEFORE, edited=minute(1), seen=at(61)))
    assert keys(desk) == {"7": "page-7", None: "page-1"}
    assert len(desk.parked()) == 1


def test_a_key_typed_into_a_page_that_has_a_row_changes_no_row() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "7", BEFORE, edited=minute(1), seen=at(61)))
    assert keys(desk) == {"1": "page-1"}
