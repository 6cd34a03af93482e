"""What a page's status property is told: derived from what waits, written once and last, never read as an edit, and
never in the way of a change that a person waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.config import FieldConfig, SyncConfig
from bridge.ends import Evidence, Outcome
from bridge.engine.rebinding import Binding
from bridge.engine.told import status_text
from bridge.model import Action, Deletes, Op, Side, Value
from bridge.shapes import Property
from bridge.values.text import units
from tests.unit.desk import Desk, minute, page, row, stamp
from tests.unit.worlds import make_sync

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
EDITED: dict[str, Value] = {"title": "dear", "status": "Todo"}
SYNC = replace(make_sync(), status_property=Property("id-sync", "Sync", "rich_text"))


def item(field: str, side: Side, kind: str, reason: str = "no", state: str = "open") -> dict[str, Any]:
    return {"field": field, "side": side.value, "kind": kind, "reason": reason, "state": state}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (item("title", Side.POSTGRES, "refused"), "Not taken: Title: no"),
        (item("", Side.POSTGRES, "refused"), "Not taken: no"),
        (item("title", Side.POSTGRES, "unfit"), "Waits: Title: no"),
        (item("title", Side.NOTION, "unfit"), "Not shown: Title: no"),
        (item("", Side.NOTION, "held"), "Waits: no"),
        (item("unmapped", Side.POSTGRES, "refused"), "Not taken: unmapped: no"),
        (item("title", Side.POSTGRES, "refused", state="dropped"), ""),
        (item("title", Side.POSTGRES, "refused", "a\x1b\u202eb"), "Not taken: Title: a\\x1b\\u202eb"),
    ],
)
def test_each_item_is_a_line(row: dict[str, Any], text: str) -> None:
    assert status_text(SYNC, [row], []) == text


def test_only_a_conflict_that_waits_is_told() -> None:
    rows = [{"id": number, "field": "title", "state": state} for number, state in enumerate(("open", "resolving"))]
    assert status_text(SYNC, [], rows).endswith("decides (conflict 0)")


@pytest.mark.parametrize("character", ["x", "🙂"])
def test_it_fits_one_run(character: str) -> None:
    text = status_text(SYNC, [item("title", Side.POSTGRES, "refused", character * 3000)] * 3, [])
    assert 1998 <= units(text) <= 2000
    assert text.endswith("…")


def refused_edit(*others: str) -> Desk:
    """An edit of a page, which the database refused; and records of these other keys, in step."""
    desk = Desk(SYNC)
    for key in ("1", *others):
        desk.record(key, BEFORE)
    desk.see(page("page-1", "1", EDITED, edited=minute(1)))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="too dear", field="title")
    return desk


NOTE = Action(Side.NOTION, Op.UPDATE, note="Not taken: Title: too dear")


def stored(desk: Desk, values: dict[str, Value] = EDITED) -> Any:
    return page("page-1", "1", values, edited=minute(2), evidence=Evidence.RECEIPT)


def test_it_is_told_once_and_is_no_event() -> None:
    desk = refused_edit()
    intent = desk.planned()
    assert (intent.action, intent.backfill) == (NOTE, True)
    before = desk.events("1")
    desk.answer(intent, Outcome.DONE, stored(desk))
    assert desk.plan() == []
    assert desk.events("1") == before
    desk.journal.soil_all("tasks")
    assert desk.plan() == []


def test_what_others_wait_for_goes_first() -> None:
    desk = refused_edit("2")
    desk.see(row("2", {"title": "after"}, stamp=stamp(100)))
    assert [list(intent.action.changes) for intent in desk.plan()] == [["title"]]
    assert desk.plan() == []
    desk.clock.seconds += 5
    assert desk.planned().action == NOTE


def test_it_does_not_wait_for_a_first_fill() -> None:
    desk = refused_edit()
    desk.see(row("2", BEFORE))
    create, told = desk.plan()
    assert (create.action.op, told.action) == (Op.CREATE, NOTE)


def test_of_many_a_part_is_told_and_the_others_are_left_alone_for_a_while() -> None:
    """A record that comes up is merged anew; thousands of them in every round would leave no time for anything else."""
    desk = Desk(SYNC)
    for key in map(str, range(6)):
        desk.record(key, BEFORE)
    desk.see(*(page(f"page-{key}", key, EDITED, edited=minute(1)) for key in map(str, range(6))))
    for intent in desk.plan():
        desk.answer(intent, Outcome.REFUSED, reason="too dear", field="title")
    assert [intent.action for intent in desk.plan(2)] == [NOTE] * 2
    desk.clock.seconds += 1
    assert desk.plan(2) == []
    desk.clock.seconds += 5
    assert [intent.action for intent in desk.plan(2)] == [NOTE] * 2


def test_it_goes_along_with_an_update_of_the_page() -> None:
    desk = refused_edit()
    desk.see(row("1", {"title": "before", "status": "Done"}))
    intent = desk.planned()
    assert (list(intent.action.changes), intent.action.note) == (["status"], NOTE.note)
    desk.answer(intent, Outcome.DONE, stored(desk, {"title": "dear", "status": "Done"}))
    assert desk.plan() == []


def test_it_is_taken_back() -> None:
    desk = refused_edit()
    desk.answer(desk.planned(), Outcome.DONE, stored(desk))
    desk.see(page("page-1", "1", BEFORE, edited=minute(3)))
    assert desk.planned().action == Action(Side.NOTION, Op.UPDATE, note="")


def test_a_lost_answer_is_told_again() -> None:
    """A look at the page does not show the property."""
    desk = refused_edit()
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", EDITED, edited=minute(2)))
    assert desk.planned().action == NOTE


def test_a_refusal_that_no_field_explains_leaves_the_note_out() -> None:
    desk = refused_edit()
    desk.see(row("1", {"title": "before", "status": "Done"}))
    intent = desk.planned()
    desk.answer(intent, Outcome.REFUSED, reason="Sync is not a property that exists")
    again = desk.planned()
    assert (again.action.changes, again.action.note) == (intent.action.changes, None)
    assert [row["field"] for row in desk.parked()] == ["title"], "only what the database refused"
    desk.answer(again, Outcome.DONE, stored(desk, {"title": "dear", "status": "Done"}))
    assert desk.plan() == [], "the same text is not tried again"


def test_a_note_that_cannot_be_written_is_never_parked() -> None:
    desk = refused_edit()
    for _ in range(20):
        desk.answer(desk.planned(), Outcome.RETRY, reason="busy")
        desk.clock.seconds += 100
    assert [item["reason"] for item in desk.parked()] == ["too dear"]


def test_another_property_is_told_anew() -> None:
    desk = refused_edit()
    desk.answer(desk.planned(), Outcome.DONE, stored(desk))
    desk.journal.forget_told("tasks")
    assert desk.planned().action == NOTE


def test_without_the_property_nothing_is_told() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", EDITED, edited=minute(1)))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="too dear", field="title")
    assert desk.plan() == []


def test_another_status_property_is_told_anew() -> None:
    """It is empty, whatever the one before was told."""
    desk = refused_edit()
    desk.journal.set_told(desk.pair("1"), "Not taken: Title: no")
    told_in = SYNC.status_property
    fields = (FieldConfig("title", "Name"), FieldConfig("status", "Status"))
    config = SyncConfig("tasks", "public.tasks", "source", "ID", fields, status_property="Sync")
    no_catalogs: Any = None
    assert told_in is not None
    for prop, told in ((told_in, ""), (told_in, "again"), (replace(told_in, id="id-other"), "")):
        Binding(no_catalogs, desk.journal, config).take(replace(SYNC, status_property=prop))
        assert desk.journal.told(desk.pair("1")) == told
        desk.journal.set_told(desk.pair("1"), "again")


def test_a_page_in_the_trash_is_told_nothing() -> None:
    """It takes no writes; what waits there is told by the lists of the command line."""
    desk = Desk(replace(SYNC, deletes=Deletes("hold", "hold")))
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1"))
    assert desk.plan() == []
    assert [item["kind"] for item in desk.parked()] == ["held"]
