"""A field that an answer does not show was not observed: it is not empty (S25)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.config import FieldConfig, SyncConfig
from bridge.ends import Evidence, Outcome
from bridge.engine.rebinding import Binding
from bridge.model import Side, Suspended
from bridge.postgres.wire import read_row
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.test_settle_refused import stored
from tests.unit.worlds import make_sync
from tests.unit.writes import update_page


def test_a_refusal_that_does_not_show_the_field_agrees_on_no_emptiness() -> None:
    desk, intent = update_page()
    desk.answer(intent, Outcome.REFUSED, stored({"status": "Todo"}), reason="otherwise", field="title")
    base = desk.pair("1").base
    assert base is not None
    assert base.values["title"] is not None
    desk.plan()
    assert desk.conflicts() == []


def test_a_column_that_a_change_does_not_carry_is_not_observed() -> None:
    """A trigger of before the column was mapped, or after it was dropped, says nothing of it."""
    row = read_row(make_sync(), [1], {"title": "x"})
    assert dict(row.values) == {"title": "x"}


def test_what_another_type_emptied_for_a_moment_is_filled_again() -> None:
    """Seed 100044 of the worlds: a property got another type, which emptied its pages, and its old one back before the
    data source was looked at. By then both were as they had been bound, and the emptiness passed for an edit."""
    desk = Desk()
    desk.record("1", {"title": "before", "status": "Todo"})
    desk.see(page("page-1", "1", {"status": "Todo"}, retyped=("title",), edited=minute(0), seen=at(9)))
    fields = (FieldConfig("title", "Name"), FieldConfig("status", "Status"))
    no_catalogs: Any = None
    binding = Binding(no_catalogs, desk.journal, SyncConfig("tasks", "public.tasks", "source", "ID", fields))
    binding.take(desk.sync)  # nothing has changed
    assert desk.journal.sync_state("tasks").suspended == ()
    desk.see(row("1", {"title": "before", "status": "Todo"}, evidence=Evidence.SCAN))
    desk.see(page("page-1", "1", {"title": None, "status": "Todo"}, edited=minute(0), seen=at(11)))
    filled = desk.planned()
    assert (filled.action.side, filled.action.changes["title"].new) == (Side.NOTION, "before")


def test_what_a_suspended_field_was_bound_to_is_remembered() -> None:
    """Else it would be a field that never fitted, which is an error, and its property were known by its old name."""
    desk = Desk()
    fields = (FieldConfig("title", "Name"), FieldConfig("status", "Status"))
    no_catalogs: Any = None
    binding = Binding(no_catalogs, desk.journal, SyncConfig("tasks", "public.tasks", "source", "ID", fields))
    binding.take(desk.sync)
    before = binding.remembered()
    assert set(before.fields) == {"title", "status"}
    lost = Suspended("title", "it was renamed", "")
    binding.take(replace(desk.sync, fields=desk.sync.fields[1:], suspended=(lost,)))
    assert binding.remembered() == before


def test_each_field_that_was_seen_with_another_type_waits_for_the_next_binding() -> None:
    desk = Desk()
    for retyped in (("title",), ("status",), ("title", "status")):
        desk.see(page("page-1", "1", {}, retyped=retyped, edited=minute(0), seen=at(9)))
    assert [item.field for item in desk.journal.sync_state("tasks").suspended] == ["title", "status"]
