"""Proves: a change is put back whole or not at all; what was edited since, what did not fit and what Notion computes is
refused in words, and nothing is changed then.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out
from bridge.engine.resolving import DecisionRefused, NoSuchNumber
from bridge.model import Conflict, FieldValue, Policy, Side, Unfit
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.record("1", {"title": "before", "status": "Todo"})
    return made


def edit(desk: Desk, **values: FieldValue) -> int:
    """Somebody edits the row, and the bridge carries it over; the number of that change."""
    desk.see(row("1", values, stamp=stamp(100)))
    number = int(desk.journal.events_of(desk.pair("1"))[-1]["id"])
    for intent in desk.plan():
        desk.answer(intent, Outcome.DONE)
    desk.see(page("page-1", "1", values, edited=minute(2), seen=at(121)))
    assert desk.plan() == []
    return number


def put_back(desk: Desk, number: int) -> dict[str, Any]:
    return carry_out(desk.journal, "put-back", {"event": number})


def refused(desk: Desk, number: int, why: str) -> None:
    before = (desk.conflicts(), desk.pair("1"))
    with pytest.raises(DecisionRefused, match=why):
        put_back(desk, number)
    assert (desk.conflicts(), desk.pair("1")) == before
    assert desk.plan() == [], "nothing is written"


def test_both_sides_get_what_was_before(desk: Desk) -> None:
    number = edit(desk, title="after", status="Done")
    answer = put_back(desk, number)
    assert answer["changes"] == {"title": ["after", "before"], "status": ["Done", "Todo"]}
    planned = desk.plan()
    assert {intent.action.side for intent in planned} == set(Side)
    for intent in planned:
        changes = {name: change.new for name, change in intent.action.changes.items()}
        assert changes == {"title": "before", "status": "Todo"}, intent.action.side


def test_it_is_all_or_nothing(desk: Desk) -> None:
    number = edit(desk, title="after", status="Done")
    edit(desk, status="Later")
    refused(desk, number, "'status' in postgres is not what change")


@pytest.mark.parametrize("side", list(Side))
def test_an_edit_of_either_side_that_is_not_carried_over_yet_counts(desk: Desk, side: Side) -> None:
    number = edit(desk, title="after")
    newer = {"title": "newer"}
    seen = row("1", newer, stamp=stamp(200)) if side is Side.POSTGRES else page("page-1", "1", newer, edited=minute(5))
    desk.see(seen)
    with pytest.raises(DecisionRefused, match=f"'title' in {side} is not what change"):
        put_back(desk, number)
    assert desk.conflicts() == []


def test_a_record_that_is_gone_is_not_edited(desk: Desk) -> None:
    number = edit(desk, title="after")
    desk.see(row("1", None, stamp=stamp(200)))
    with pytest.raises(DecisionRefused, match="'title' in postgres is not what change"):
        put_back(desk, number)


def test_a_value_that_did_not_fit_does_not_come_back(desk: Desk) -> None:
    """What is put back must be written: an array of arrays that was shown cut, say, is not what was there."""
    pair = desk.pair("1")
    with desk.journal.transaction():
        desk.journal.add_event(
            pair,
            Side.POSTGRES,
            "update",
            {"title": (Unfit("it has 3 dimensions", "{{{1}}}"), "before")},
            stamp=stamp(5),
        )
    number = int(desk.journal.events_of(pair)[-1]["id"])
    refused(desk, number, "before change .* does not fit: it has 3 dimensions")


@pytest.mark.parametrize(("kind", "way"), [("formula", "computed by Notion"), ("rich_text", "")])
def test_what_notion_computes_is_not_put_back(desk: Desk, kind: str, way: str) -> None:
    number = edit(desk, title="after")
    bound = {"title": [1, "text", "id-title", kind]}
    with desk.journal.transaction():
        desk.journal.update_sync(desk.sync.name, columns=json.dumps(bound))
    if way:
        refused(desk, number, way)
    else:
        assert put_back(desk, number)["changes"] == {"title": ["after", "before"]}


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("insert", "Delete the row or trash the page"),
        ("write-create", "Delete the row or trash the page"),
        ("delete", "Restore the page"),
        ("write-delete", "Restore the page"),
        ("rekey", "Delete the row"),
        ("write-restore", "Delete the row or trash the page"),
    ],
)
def test_what_is_no_edit_says_how_it_is_undone(desk: Desk, kind: str, way: str) -> None:
    pair = desk.pair("1")
    with desk.journal.transaction():
        desk.journal.add_event(pair, Side.POSTGRES, kind, {}, stamp=stamp(5))
    with pytest.raises(DecisionRefused) as told:
        put_back(desk, int(desk.journal.events_of(pair)[-1]["id"]))
    assert way in told.value.hint


def test_a_number_that_is_none(desk: Desk) -> None:
    with pytest.raises(NoSuchNumber):
        put_back(desk, 99)


def test_a_conflict_of_before_may_be_taken_back_at_the_same_time(desk: Desk) -> None:
    """The guard looks at what both sides hold, and at nothing else."""
    number = edit(desk, title="after")
    with desk.journal.transaction():
        moment = stamp(100)
        desk.journal.add_conflict(
            desk.pair("1"), Conflict("title", "before", "after", "x", moment, moment, "last-writer", Side.POSTGRES)
        )
    assert put_back(desk, number)["changes"] == {"title": ["after", "before"]}


def test_what_is_asked_for_again_is_not_taken_for_another_conflict() -> None:
    """The database refused the value, and meanwhile another field waits for a person."""
    desk = Desk(replace(make_sync(), policy=Policy.MANUAL))
    desk.record("1", {"title": "before", "status": "Todo"})
    number = edit(desk, title="after")
    put_back(desk, number)
    for intent in desk.plan():
        desk.answer(intent, Outcome.REFUSED, reason="violates check constraint")
    desk.see(row("1", {"status": "Doing"}, stamp=stamp(200)))
    desk.see(page("page-1", "1", {"title": "after", "status": "Done"}, edited=minute(5), seen=at(301)))
    desk.plan()
    put_back(desk, number)
    found = {item["field"]: (item["rule"], item["state"], item["take"]) for item in desk.conflicts()}
    assert found == {"title": ("undo", "resolving", "base"), "status": ("manual", "open", None)}
