"""A record is deleted on one side before both have agreed on a field that is new to the sync."""

from __future__ import annotations

import pytest

from bridge.merge import merge
from bridge.model import Direction, Op, Presence, Side, Snapshot
from tests.unit.worlds import make_field, make_pair, make_sync

SYNC = make_sync((make_field("title"), make_field("new")))


@pytest.mark.parametrize("gone", Side)
@pytest.mark.parametrize(("deleted", "held", "survives"), [("x", None, False), (None, "x", True), ("x", "y", True)])
def test_only_a_value_in_the_new_field_outlives_the_deletion(
    gone: Side, deleted: str | None, held: str | None, *, survives: bool
) -> None:
    """Nobody emptied what was never filled: taken for an edit, it would bring back every record that is deleted."""
    left, there = Snapshot(Presence.GONE, {"title": "a", "new": deleted}), {"title": "a", "new": held}
    row, page = (left, there) if gone is Side.POSTGRES else (there, left)
    decision = merge(make_pair({"title": "a"}, row, page), SYNC)
    assert [conflict.rule for conflict in decision.conflicts] == ["edit-survives"] * survives
    assert [action.op is Op.DELETE for action in decision.actions] == [not survives]


@pytest.mark.parametrize("filled", list(Side))
@pytest.mark.parametrize("direction", [Direction.TO_NOTION, Direction.TO_POSTGRES])
def test_a_new_field_that_goes_one_way_is_filled_that_way_only(direction: Direction, filled: Side) -> None:
    """What stands where nothing may be carried from is put back, and kept."""
    sync = make_sync((make_field("title"), make_field("notes", direction)))
    values = {side: {"title": "same", "notes": "typed" if side is filled else None} for side in Side}
    decision = merge(make_pair({"title": "same"}, values[Side.POSTGRES], values[Side.NOTION]), sync)
    [action] = decision.actions
    source = Side.POSTGRES if direction is Direction.TO_NOTION else Side.NOTION
    assert (action.side, action.changes["notes"].new) == (source.other, "typed" if filled is source else None)
    assert [(found.rule, found.winner) for found in decision.conflicts] == [("direction", source)]
