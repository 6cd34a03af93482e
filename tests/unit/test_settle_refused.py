"""What a refused write leads to: a parked item that blocks nothing else, and is never tried again as it is.

S9 (refused, never changed), S21 (poison stays put).
"""

from __future__ import annotations

import pytest

from bridge.ends import Evidence, Observation, Outcome
from bridge.engine.decisions import carry_out
from bridge.journal.rows import read_value
from bridge.model import Base, Change, Deletes, FieldValue, Presence, Side, Unfit, Waiting
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.worlds import make_sync
from tests.unit.writes import (
    BEFORE,
    MAKERS,
    Maker,
    create_page,
    update_page,
    update_row,
)


def test_a_refused_field_is_parked_and_the_rest_is_written() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", {"title": "new", "status": "bad"}))
    intent = desk.planned()
    desk.answer(intent, Outcome.REFUSED, reason="no such option", field="status")
    assert desk.state(intent) == "refused"
    [item] = desk.parked()
    assert (item["field"], item["kind"], item["reason"]) == ("status", "refused", "no such option")
    assert read_value(item["value"]) == "bad"
    onward = desk.planned()
    assert onward.action.changes == {"title": Change("before", "new")}
    desk.answer(onward, Outcome.DONE, page("page-1", "1", {"title": "new"}, seen=at(300)))
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 0


def test_a_record_that_was_refused_for_its_key_is_tried_with_another_one() -> None:
    desk = Desk()
    desk.see(row("", BEFORE))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="the key is an empty text")
    assert (len(desk.parked()), desk.plan()) == (1, [])
    desk.see(row("good", BEFORE, old_key=("",), event_id="e-2"))
    assert desk.planned().action.key == ("good",)
    assert desk.parked() == []


@pytest.mark.parametrize("field", ["", "somewhere else"])
@pytest.mark.parametrize("make", MAKERS)
def test_a_refusal_that_blames_no_field_parks_the_write(make: Maker, field: str) -> None:
    desk, intent = make()
    desk.answer(intent, Outcome.REFUSED, reason="no", field=field)
    [item] = desk.parked()
    assert (item["field"], item["side"], item["reason"]) == ("", intent.action.side.value, "no")
    assert desk.plan() == []
    carry_out(desk.journal, "retry", {"id": item["id"]})
    assert desk.planned().action == intent.action


def test_a_refused_field_may_be_written_when_it_is_another_value() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.REFUSED, reason="first", field="title")
    assert desk.plan() == []
    desk.see(row("1", {"title": "newer"}))
    again = desk.planned()
    desk.answer(again, Outcome.REFUSED, reason="second", field="title")
    [item] = desk.parked()
    assert (item["reason"], read_value(item["value"])) == ("second", "newer")
    assert desk.plan() == []


def test_what_was_refused_and_dropped_is_not_tried_again() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.REFUSED, reason="too long", field="title")
    assert desk.plan() == []
    [item] = desk.parked()
    carry_out(desk.journal, "drop", {"id": item["id"]})
    for _ in range(2):
        desk.journal.soil(intent.pair.id)
        assert desk.plan() == []
    found = desk.journal.parked_item(item["id"])
    assert found is not None
    assert found["state"] == "dropped"


def test_a_refused_deletion_that_was_approved_is_one_item() -> None:
    """The yes is kept until it is carried out; when it cannot be, its item says why."""
    desk = Desk(make_sync(deletes=Deletes("hold", "hold")))
    desk.record("1", BEFORE)
    desk.see(row("1"))
    assert desk.plan() == []
    carry_out(desk.journal, "approve", {"id": 1})
    desk.answer(desk.planned(), Outcome.REFUSED, reason="the page is locked")
    [item] = desk.journal.parked("tasks", "")
    assert (item["id"], item["state"], item["kind"], item["reason"]) == (1, "open", "refused", "the page is locked")
    assert read_value(item["value"]) is None


def test_what_a_refusal_shows_of_the_page_is_taken() -> None:
    desk, intent = update_page()
    shown = page("page-1", "1", {"status": "Doing"}, edited=minute(2), seen=at(130), evidence=Evidence.LOOK)
    desk.answer(intent, Outcome.REFUSED, shown, reason="no", field="title")
    assert desk.pair("1").notion.values == {"title": "before", "status": "Doing"}
    onward = desk.planned()
    assert (onward.action.side, set(onward.action.changes)) == (Side.POSTGRES, {"status"})


def test_what_a_refusal_shows_of_the_row_is_taken() -> None:
    desk, intent = update_row()
    shown = row("1", {"status": "Doing"}, evidence=Evidence.LOOK)
    desk.answer(intent, Outcome.REFUSED, shown, reason="a check", field="title")
    assert desk.pair("1").postgres.values == {"title": "before", "status": "Doing"}


def test_each_refused_field_is_an_item_of_its_own() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    for field in ("title", "status"):
        desk.see(row("1", {field: "bad"}))
        desk.answer(desk.planned(), Outcome.REFUSED, reason="no", field=field)
    assert desk.plan() == []
    assert [item["field"] for item in desk.parked()] == ["title", "status"]


def test_what_one_side_refuses_is_an_item_beside_what_the_other_cannot_hold() -> None:
    desk, intent = update_row()
    desk.journal.park(intent.pair, Waiting("title", Side.NOTION, "Notion cannot hold it", "x"))
    desk.answer(intent, Outcome.REFUSED, reason="too long", field="title")
    assert {(item["side"], item["kind"]) for item in desk.parked()} == {("notion", "unfit"), ("postgres", "refused")}


def stored(values: dict[str, FieldValue]) -> Observation:
    return page("page-1", "1", values, edited=minute(5), seen=at(300), evidence=Evidence.RECEIPT)


def test_a_value_that_was_stored_otherwise_is_no_edit_and_waits() -> None:
    """Notion took the write and keeps something else: it is not carried back, and not written again and again."""
    desk, intent = update_page()
    desk.answer(intent, Outcome.REFUSED, stored({"title": "n"}), reason="stored otherwise", field="title")
    pair = desk.pair("1")
    assert pair.base is not None
    assert pair.base.values["title"] == "n"
    assert desk.plan() == []
    assert desk.conflicts() == []
    assert [item["field"] for item in desk.parked()] == ["title"]


def test_a_page_that_was_made_with_something_else_is_linked_all_the_same() -> None:
    desk, intent = create_page()
    desk.answer(intent, Outcome.REFUSED, stored({"title": "b", "status": "Todo"}), reason="otherwise", field="title")
    pair = desk.pair("1")
    assert (pair.page_id, pair.page_key) == ("page-1", ("1",))
    assert pair.base == Base(Presence.LIVE, {"title": "b", "status": "Todo"})
    assert desk.plan() == []


def test_what_was_stored_but_cannot_be_read_is_not_agreed_on() -> None:
    desk, intent = update_page()
    answer: dict[str, FieldValue] = {"title": Unfit("a range", "1 → 2")}
    desk.answer(intent, Outcome.REFUSED, stored(answer), reason="otherwise", field="title")
    pair = desk.pair("1")
    assert pair.base is not None
    assert pair.base.values["title"] == "new"
    assert pair.notion.values["title"] == Unfit("a range", "1 → 2")
