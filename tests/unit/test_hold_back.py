"""What was refused is not tried again as it is, and holds nothing else back (S21)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine.planner import hold_back
from bridge.journal.rows import wanted
from bridge.journal.store import Row
from bridge.model import (
    Action,
    Change,
    Decision,
    Op,
    Side,
    Waiting,
)


def refused_row(action: Action, field: str, kind: str = "refused") -> Row:
    return {"side": "notion", "field": field, "kind": kind, "reason": "no", "wanted": wanted(action, field)}


UPDATE = Action(Side.NOTION, Op.UPDATE, {"title": Change("a", "b"), "status": Change("x", "y")})
ONE = replace(UPDATE, changes={"title": Change("a", "b")})


def test_nothing_refused_nothing_held_back() -> None:
    decision = Decision(None, (UPDATE,))
    assert hold_back(decision, []) is decision
    unfit = {**refused_row(UPDATE, "title"), "kind": "unfit"}
    assert hold_back(decision, [unfit]) is decision, "the merge itself keeps an unfit value back"


@pytest.mark.parametrize("kind", ["refused", "failing"])
def test_a_refused_field_is_left_out_and_the_others_are_written(kind: str) -> None:
    held = hold_back(Decision(None, (UPDATE,)), [refused_row(UPDATE, "title", kind)])
    assert held.actions == (replace(UPDATE, changes={"status": Change("x", "y")}),)
    assert held.waiting == (Waiting("title", Side.NOTION, "no", "b", kind),)


def test_a_write_of_nothing_but_refused_fields_is_not_made() -> None:
    held = hold_back(Decision(None, (ONE,)), [refused_row(ONE, "title")])
    assert held.actions == ()
    assert len(held.waiting) == 1


@pytest.mark.parametrize(
    "action", [replace(ONE, key=("1",)), replace(ONE, op=Op.CREATE, key=("1",)), replace(ONE, op=Op.RESTORE)]
)
def test_a_write_that_does_more_is_made_without_the_refused_field(action: Action) -> None:
    held = hold_back(Decision(None, (action,)), [refused_row(action, "title")])
    assert held.actions == (replace(action, changes={}),)


def test_a_refused_record_waits_whole_until_it_wants_something_else() -> None:
    held = hold_back(Decision(None, (UPDATE,)), [refused_row(UPDATE, "")])
    assert held.actions == ()
    assert held.waiting == (Waiting("", Side.NOTION, "no", None, "refused"),)
    other = replace(UPDATE, changes={"title": Change("a", "c")})
    assert hold_back(Decision(None, (other,)), [refused_row(UPDATE, "")]).actions == (other,)


def test_a_refused_value_may_be_tried_again_when_it_is_another() -> None:
    other = replace(ONE, changes={"title": Change("a", "c")})
    held = hold_back(Decision(None, (other,)), [refused_row(ONE, "title")])
    assert (held.actions, held.waiting) == ((other,), ())


def test_a_refusal_of_one_side_says_nothing_of_the_other() -> None:
    action = replace(UPDATE, side=Side.POSTGRES)
    assert hold_back(Decision(None, (action,)), [refused_row(UPDATE, "")]).actions == (action,)


def test_what_already_waits_is_kept_beside_what_is_held_back() -> None:
    away = Waiting("status", Side.NOTION, "unfit", None)
    held = hold_back(Decision(None, (ONE,), waiting=(away,)), [refused_row(ONE, "title")])
    assert [item.field for item in held.waiting] == ["status", "title"]
