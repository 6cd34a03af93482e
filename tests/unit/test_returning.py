"""A page that was moved out of its data source and back: what the move has emptied is no edit.

S3 (no lost update), S25 (no null is written because something was missing).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Evidence
from bridge.model import MOVED, Presence, Side, Value
from tests.unit.desk import Desk, at, minute, page

BEFORE: dict[str, Value] = {"title": "t", "status": "Todo"}
EMPTIED: dict[str, Value] = {"title": "t", "status": None}


def returned(desk: Desk, key: str | None, values: dict[str, Value], *, note: str | None = MOVED) -> None:
    """The page was seen away, unless `note` is None, and is seen again with these values."""
    if note is not None:
        away = replace(page("page-1", None, seen=at(60)), presence=Presence.AWAY, note=note)
        desk.see(replace(away, evidence=Evidence.LOOK))
    desk.see(page("page-1", key, values, edited=minute(2), seen=at(120), evidence=Evidence.LOOK))


@pytest.mark.parametrize("note", [MOVED, None])
def test_it_is_filled_from_the_row(note: str | None) -> None:
    """None: nobody has looked while it was away."""
    desk = Desk()
    desk.record("1", BEFORE)
    returned(desk, None, EMPTIED, note=note)
    action = desk.planned().action
    assert (action.side, action.key) == (Side.NOTION, ("1",))
    assert {name: change.new for name, change in action.changes.items()} == {"status": BEFORE["status"]}
    assert desk.conflicts() == []


def test_what_somebody_typed_into_it_since_is_an_edit() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    returned(desk, "1", {"title": "typed", "status": None})
    actions = {intent.action.side: intent.action.changes for intent in desk.plan()}
    assert {name: change.new for name, change in actions[Side.POSTGRES].items()} == {"title": "typed"}


@pytest.mark.parametrize(("key", "note"), [("1", None), ("1", "archived in Notion")])
def test_what_somebody_emptied_in_its_place_is_an_edit(key: str, note: str | None) -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    returned(desk, key, EMPTIED, note=note)
    action = desk.planned().action
    assert (action.side, {name: change.new for name, change in action.changes.items()}) == (
        Side.POSTGRES,
        {"status": None},
    )


def test_a_key_that_somebody_took_away_empties_nothing() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    returned(desk, None, BEFORE, note=None)
    action = desk.planned().action
    assert (action.side, action.key, action.changes) == (Side.NOTION, ("1",), {})
