"""What a write that was made leads to: the new base, the record's other name, an edit that it ran over.

S3 (no lost update), S8 (no blind overwrite), S18 (idempotent).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.ends import Evidence, Intent, Observation, Outcome, Receipt
from bridge.errors import Refused
from bridge.journal.rows import read_value
from bridge.model import Action, Base, Change, Direction, FieldValue, Op, Presence, Side, Unfit, Value
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import PlainCodec, make_field, make_sync
from tests.unit.writes import (
    AFTER,
    BEFORE,
    MAKERS,
    Maker,
    create_page,
    create_row,
    create_row_without_a_key,
    delete_page,
    delete_row,
    seen_after,
    update_page,
    update_row,
)


@pytest.mark.parametrize("make", MAKERS)
def test_a_write_that_was_made_is_agreed_on_and_leaves_nothing_to_do(make: Maker) -> None:
    desk, intent = make()
    desk.answer(intent, Outcome.DONE, seen_after(intent))
    assert desk.state(intent) == "done"
    if make is delete_row:
        desk.see(row("1"))
    assert desk.plan() == []
    pair = desk.journal.pair(intent.pair.id)
    gone = intent.action.op is Op.DELETE
    assert pair.base is not None
    assert pair.base.presence is (Presence.GONE if gone else Presence.LIVE)
    assert pair.base.values == pair.side(intent.action.side.other).values
    assert desk.row_of("1")["attempts"] == 0
    kind = "write" if intent.action.op is Op.UPDATE else f"write-{intent.action.op.value}"
    [event] = [found for found in desk.journal.events_of(pair) if found["intent"] == intent.id]
    assert (event["kind"], event["side"]) == (kind, intent.action.side.value)


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("make", MAKERS)
def test_a_second_answer_changes_nothing(make: Maker, outcome: Outcome) -> None:
    """A late receipt, or one found out after it was known."""
    desk, intent = make()
    desk.answer(intent, Outcome.DONE, seen_after(intent))
    pair, history = desk.journal.pair_row(intent.pair.id), desk.events("1")
    desk.answer(intent, outcome, page("page-9", "9", {"title": "late"}), reason="late", field="title")
    assert desk.state(intent) == "done"
    assert desk.journal.pair_row(intent.pair.id) == pair
    assert desk.events("1") == history
    assert desk.parked() == []


@pytest.mark.parametrize("first", [Outcome.STALE, Outcome.RETRY])
@pytest.mark.parametrize("make", MAKERS)
def test_an_answer_to_a_write_that_was_given_up_changes_nothing(make: Maker, first: Outcome) -> None:
    desk, intent = make()
    desk.answer(intent, first)
    state, pair, history = desk.state(intent), desk.journal.pair_row(intent.pair.id), desk.events("1")
    desk.answer(intent, Outcome.DONE, seen_after(intent), reason="late")
    desk.answer(intent, Outcome.RETRY, reason="late")
    assert (desk.state(intent), desk.journal.pair_row(intent.pair.id), desk.events("1")) == (state, pair, history)


def test_an_answer_to_a_row_write_whose_outbox_row_is_on_its_way_changes_nothing() -> None:
    desk, intent = update_row()
    desk.answer(intent, Outcome.DONE, row("1", AFTER), position=7)
    desk.answer(intent, Outcome.STALE, reason="late")
    assert desk.state(intent) == "echo"
    assert desk.plan() == []


def test_an_answer_to_nothing_changes_nothing() -> None:
    desk, intent = update_page()
    desk.settler.settle(Intent("another", intent.pair, intent.action, intent.at), Receipt("another", Outcome.DONE))
    assert desk.state(intent) == "open"
    assert desk.pair("1") == intent.pair


def test_a_row_write_waits_for_its_outbox_row_to_come_back() -> None:
    desk, intent = update_row()
    desk.answer(intent, Outcome.DONE, row("1", AFTER), position=7)
    assert desk.state(intent) == "echo"
    assert desk.pair("1").postgres.values["title"] == "before", "the outbox shows it, in order"
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 1
    desk.see(row("1", AFTER, origin=intent.id, event_id="e-7", position=7))
    assert desk.state(intent) == "done"
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 0


@pytest.mark.parametrize(("arrived", "expected"), [(6, False), (7, True), (8, True), (None, False)])
def test_the_last_echo_is_the_one_at_the_written_position(arrived: int | None, *, expected: bool) -> None:
    desk, intent = update_row()
    desk.answer(intent, Outcome.DONE, position=7)
    assert desk.settler.is_last_echo(intent.id, arrived) is expected


def test_a_page_edit_beside_our_write_is_somebody_s_change() -> None:
    """N18: between our look at the page and our PATCH. The answer shows it, and it is carried over."""
    desk, intent = update_page()
    desk.answer(
        intent, Outcome.DONE, page("page-1", "1", {"title": "new", "status": "Doing"}, seen=at(300), author="ada")
    )
    assert [(found["kind"], found["author"]) for found in desk.journal.events_of(desk.pair("1"))][-2:] == [
        ("update", "ada"),
        ("write", None),
    ]
    onward = desk.planned()
    assert (onward.action.side, onward.action.changes) == (Side.POSTGRES, {"status": Change("Todo", "Doing")})


def test_an_edit_of_the_written_field_that_the_answer_shows_is_carried_back() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.DONE, page("page-1", "1", {"title": "edited at once"}, seen=at(300)))
    onward = desk.planned()
    assert onward.action.changes == {"title": Change("new", "edited at once")}
    assert onward.action.side is Side.POSTGRES


def test_an_edit_that_our_trashing_hid_is_recorded() -> None:
    desk, intent = delete_page()
    last = page("page-1", "1", {"title": "edited unseen"}, edited=minute(1), seen=at(101), stamp=stamp(60, 59))
    desk.answer(intent, Outcome.DONE, last)
    [conflict] = desk.conflicts()
    assert (conflict["field"], conflict["rule"], conflict["winner"]) == ("title", "edited-while-deleted", "postgres")
    assert [read_value(conflict[side]) for side in ("base", "postgres", "notion")] == ["before", None, "edited unseen"]
    assert conflict["notion_earliest"]


def test_a_deleted_page_that_shows_nothing_new_is_no_conflict() -> None:
    desk, intent = delete_page()
    desk.answer(intent, Outcome.DONE, Observation(Side.NOTION, Presence.GONE, BEFORE, page_id="page-1", seen=at(300)))
    assert desk.conflicts() == []
    assert desk.pair("1").notion.presence is Presence.GONE


def test_a_page_that_was_made_is_the_record_s_page() -> None:
    desk, intent = create_page()
    assert (intent.pair.page_id, intent.action.key) == (None, ("1",))
    desk.answer(intent, Outcome.DONE, seen_after(intent))
    pair = desk.pair("1")
    assert (pair.page_id, pair.page_key) == ("page-1", ("1",))


def test_a_row_that_was_made_names_the_record_and_the_page_is_told() -> None:
    desk, intent = create_row_without_a_key()
    assert intent.pair.key is None
    desk.answer(intent, Outcome.DONE, row("1", BEFORE))
    assert desk.page_pair("page-1").key == ("1",)
    onward = desk.planned()
    assert onward.action == Action(Side.NOTION, Op.UPDATE, {}, ("1",))
    desk.answer(onward, Outcome.DONE, page("page-1", "1", BEFORE, seen=at(300)))
    assert desk.plan() == []


def test_a_record_that_has_a_page_keeps_it() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.DONE, page("page-9", "1", AFTER, seen=at(300)))
    assert desk.pair("1").page_id == "page-1"


def test_a_new_row_has_the_key_that_it_really_got() -> None:
    """A trigger of the table may rewrite the key; the page gets the row's."""
    desk, intent = create_row()
    desk.answer(intent, Outcome.DONE, row("9", BEFORE))
    assert desk.page_pair("page-1").key == ("9",)
    assert desk.planned().action.key == ("9",)


def test_a_page_gives_up_a_key_that_the_database_gave_to_another_row() -> None:
    desk = Desk()
    desk.see(page("page-1", None, BEFORE, seen=at(1)), page("page-2", "1", BEFORE, seen=at(1)))
    first, second = desk.plan()
    desk.answer(first, Outcome.DONE, row("1", BEFORE))
    desk.answer(second, Outcome.STALE, row("1", BEFORE), reason="a row with this key exists")
    assert (desk.page_pair("page-1").key, desk.page_pair("page-2").key) == (("1",), None)
    assert desk.page_pair("page-2").postgres.presence is Presence.UNSEEN


def test_what_a_trigger_made_of_a_value_does_not_hide_what_was_typed() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", {"title": "typed"}, edited=minute(1), seen=at(61)))
    desk.answer(desk.planned(), Outcome.DONE, row("1", {**BEFORE, "title": "stored"}))
    [conflict] = desk.conflicts()
    assert (conflict["rule"], conflict["postgres"], conflict["notion"]) == (
        "changed-by-database",
        '"stored"',
        '"typed"',
    )
    assert desk.planned().action.changes["title"].new == "stored"


def test_what_an_answer_does_not_show_was_not_changed_by_the_database() -> None:
    desk, intent = update_row()
    desk.answer(intent, Outcome.DONE, row("1", {"status": "Todo"}, evidence=Evidence.RECEIPT))
    assert desk.conflicts() == []


def test_what_a_default_filled_in_comes_back_as_that_side_s_change() -> None:
    """An empty value is left out of a create; the base says empty, so the default is news and not a conflict."""
    desk = Desk()
    desk.see(page("page-1", None, {"title": "a", "status": None}, seen=at(1)))
    intent = desk.planned()
    assert "status" not in intent.action.changes
    desk.answer(intent, Outcome.DONE, row("1", {"title": "a", "status": "Todo"}))
    onward = desk.planned()
    assert (onward.action.side, onward.action.changes) == (Side.NOTION, {"status": Change(None, "Todo")})
    assert desk.conflicts() == []


def test_what_the_new_side_could_not_hold_stays_a_change_that_waits() -> None:
    desk = Desk()
    desk.see(row("1", {"title": "a", "status": "unholdable"}))
    intent = desk.planned()
    assert set(intent.action.changes) == {"title"}
    shown: dict[str, FieldValue] = {"title": "a", "status": "option 1"}
    desk.answer(intent, Outcome.DONE, page("page-1", "1", shown, evidence=Evidence.RECEIPT, seen=at(1)))
    base = desk.pair("1").base
    assert base is not None
    assert base.values["status"] == "option 1"
    assert desk.plan() == []
    assert desk.conflicts() == []
    assert [item["field"] for item in desk.parked()] == ["status"]
    desk.see(row("1", {"status": "option 2"}))
    assert desk.planned().action.changes == {"status": Change("option 1", "option 2")}


def test_what_somebody_typed_into_a_page_before_it_was_found_is_no_agreement() -> None:
    """In the place of a value that the page could not be made with."""
    desk = Desk()
    desk.see(row("1", {"title": "unholdable", "status": "Todo"}))
    create = desk.planned()
    assert set(create.action.changes) == {"status"}
    desk.answer(create, Outcome.UNKNOWN)
    shown = {"title": "typed", "status": "Todo"}
    desk.answer(create, Outcome.DONE, page("page-1", "1", shown, edited=minute(1), seen=at(61)))
    desk.plan()
    assert [(found["field"], found["notion"]) for found in desk.conflicts()] == [("title", '"typed"')]


def test_a_field_that_the_source_did_not_show_is_not_agreed_on() -> None:
    desk = Desk(make_sync((make_field("title"), make_field("status"), make_field("notes"))))
    desk.see(row("1", {"title": "a", "status": "unholdable"}, evidence=Evidence.SCAN))
    intent = desk.planned()
    shown: dict[str, FieldValue] = {"title": "a", "status": Unfit("a range", "1 → 2"), "notes": "n"}
    desk.answer(intent, Outcome.DONE, page("page-1", "1", shown, evidence=Evidence.RECEIPT, seen=at(1)))
    assert desk.pair("1").base == Base(Presence.LIVE, {"title": "a"})


def test_a_create_whose_answer_shows_nothing_agrees_on_what_was_written() -> None:
    desk, intent = create_page()
    desk.answer(intent, Outcome.DONE)
    assert desk.pair("1").base == Base(Presence.LIVE, BEFORE)


# Unknown


@pytest.mark.parametrize("make", MAKERS)
def test_a_write_of_unknown_outcome_holds_its_record_until_it_is_known(make: Maker) -> None:
    desk, intent = make()
    desk.answer(intent, Outcome.UNKNOWN, reason="the connection broke")
    assert desk.state(intent) == "unknown"
    desk.journal.soil_all("tasks")
    assert desk.plan() == []
    assert [found.id for found in desk.journal.intents_in_flight("tasks")] == [intent.id]
    desk.answer(intent, Outcome.UNKNOWN, reason="cannot be told yet")
    desk.answer(intent, Outcome.RETRY, reason="it was not made")
    desk.clock.seconds = 60.0
    assert desk.planned().action == intent.action


class FormulaCodec(PlainCodec):
    """Nothing can be written into what Notion computes."""

    def to_notion(self, value: Value, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
        raise Refused("Notion computes it")


@pytest.mark.parametrize("codec", [PlainCodec(), PlainCodec(computed=True), FormulaCodec(computed=True)])
def test_what_only_the_page_may_say_is_no_conflict_in_a_new_record(codec: PlainCodec) -> None:
    """A formula shows its value as soon as the page is made; the row's column is still empty, and nobody emptied it."""
    total = replace(make_field("total", Direction.TO_POSTGRES), codec=codec)
    desk = Desk(make_sync((make_field("title"), total)))
    desk.see(row("1", {"title": "one", "total": None}))
    create = desk.planned()
    desk.answer(create, Outcome.DONE, page("page-1", "1", {"title": "one", "total": "12"}, evidence=Evidence.RECEIPT))
    update = desk.planned()
    assert (update.action.side, dict(update.action.changes)) == (Side.POSTGRES, {"total": Change(None, "12")})
    assert desk.conflicts() == []


def test_what_only_the_page_may_say_is_put_back_in_a_new_record_too_and_the_typed_value_is_kept() -> None:
    desk = Desk(make_sync((make_field("title"), make_field("total", Direction.TO_POSTGRES))))
    desk.see(row("1", {"title": "one", "total": "typed"}))
    create = desk.planned()
    desk.answer(create, Outcome.DONE, page("page-1", "1", {"title": "one", "total": "12"}, evidence=Evidence.RECEIPT))
    assert desk.planned().action.side is Side.POSTGRES
    [conflict] = desk.conflicts()
    assert (conflict["rule"], conflict["winner"]) == ("direction", "notion")
    assert read_value(conflict["postgres"]) == "typed"


def test_what_only_the_page_may_say_is_no_conflict_in_a_restored_record() -> None:
    """The row was deleted and inserted anew, without the formula's value; its page came out of the trash with it."""
    desk = Desk(make_sync((make_field("title"), make_field("total", Direction.TO_POSTGRES))))
    desk.record("1", {"title": "one", "total": "12"})
    desk.see(row("1", stamp=stamp(100)))
    desk.answer(desk.planned(), Outcome.DONE)
    desk.see(row("1", {"title": "one", "total": None}, stamp=stamp(200)))
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    desk.answer(restore, Outcome.DONE, page("page-1", "1", {"title": "one", "total": "12"}, seen=at(201)))
    update = desk.planned()
    assert (update.action.side, dict(update.action.changes)) == (Side.POSTGRES, {"total": Change(None, "12")})
    assert desk.conflicts() == []
