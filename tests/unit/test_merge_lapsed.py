"""A page that Notion emptied by itself, because an option was removed, was edited by nobody: the row stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.merge import merge
from bridge.model import Base, Change, Direction, Op, Pair, Policy, Presence, Side, Snapshot, Value
from tests.unit.worlds import live, make_field, make_pair, make_sync

HELD = "an option"  # what the codec of these tests takes for an option that is gone when its page is empty


def pair(row: Value) -> Pair:
    return make_pair(
        base=Base(Presence.LIVE, {"status": HELD}), postgres=live({"status": row}), notion=live({"status": None})
    )


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("row", [HELD, "another"])
def test_the_row_is_written_to_the_page_without_a_conflict(row: str, policy: Policy) -> None:
    decision = merge(pair(row), make_sync((make_field("status"),), policy=policy))
    (action,) = decision.actions
    assert (action.side, action.op, action.changes) == (Side.NOTION, Op.UPDATE, {"status": Change(None, row)})
    assert not decision.conflicts
    assert decision.base == Base(Presence.LIVE, {"status": HELD})


def test_what_the_page_cannot_take_waits_and_the_row_keeps_it() -> None:
    decision = merge(pair("unholdable"), make_sync((make_field("status"),)))
    assert not decision.actions
    (waiting,) = decision.waiting
    assert (waiting.side, waiting.value) == (Side.NOTION, "unholdable")


def test_a_field_that_may_not_be_written_to_notion_waits_with_a_word() -> None:
    decision = merge(pair(HELD), make_sync((make_field("status", Direction.TO_POSTGRES),)))
    assert not decision.actions
    (waiting,) = decision.waiting
    assert waiting.side is Side.POSTGRES
    assert "removed in Notion" in waiting.reason


def test_a_row_that_is_emptied_agrees_with_its_page() -> None:
    decision = merge(pair(None), make_sync((make_field("status"),)))
    assert not decision.actions
    assert not decision.waiting
    assert decision.base == Base(Presence.LIVE, {"status": None})


def test_it_is_no_edit_that_outlives_a_deletion() -> None:
    deleted = replace(pair(HELD), postgres=Snapshot(Presence.GONE, {"status": HELD}))
    decision = merge(deleted, make_sync((make_field("status"),)))
    assert [(action.side, action.op) for action in decision.actions] == [(Side.NOTION, Op.DELETE)]
