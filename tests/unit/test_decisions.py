"""What a person may decide, what it does to the journal, and every way in which it is refused.

S4 and J8: a choice is made on what was shown, carried out once, and never run over what came since.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out
from bridge.engine.rebinding import read_remembered
from bridge.engine.resolving import DecisionRefused
from bridge.errors import ConfigError, ExitCode
from bridge.journal.rows import read_value
from bridge.model import Conflict, FieldValue, Op, Policy, Side, Sync, Unfit, Waiting
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

BEFORE = {"title": "before", "status": "Todo"}
MANUAL = make_sync(policy=Policy.MANUAL)


def divided(base: FieldValue, ours: FieldValue, theirs: FieldValue, sync: Sync = MANUAL) -> Desk:
    """One conflict about the title of record 1."""
    desk = Desk(sync)
    plain: Any = base
    desk.record("1", {**BEFORE, "title": plain})
    desk.see(
        row("1", {"title": ours}, stamp=stamp(100)),
        page("page-1", "1", {"title": theirs}, edited=minute(1), seen=at(101), stamp=stamp(60, 59)),
    )
    assert desk.plan() == []
    assert len(desk.conflicts()) == 1
    return desk


def resolve(desk: Desk, take: str, value: str | None = None) -> dict[str, Any]:
    return carry_out(desk.journal, "resolve", {"id": 1, "take": take} | ({} if value is None else {"value": value}))


def chosen(desk: Desk) -> FieldValue:
    return read_value(desk.conflicts()[0]["value"])


def test_an_unknown_request_is_refused() -> None:
    with pytest.raises(ConfigError, match="'dance'") as raised:
        carry_out(Desk().journal, "dance", {})
    assert "older version" in raised.value.hint


# Conflicts


@pytest.mark.parametrize(
    ("take", "value", "means"),
    [
        ("postgres", None, "ours"),
        ("notion", None, "theirs"),
        ("base", None, "before"),
        ("value", "a third", "a third"),
        ("value", "", None),
        ("value", None, None),
    ],
)
def test_a_choice_is_written_to_both_sides_and_then_done(take: str, value: str | None, means: str | None) -> None:
    desk = divided("before", "ours", "theirs")
    assert resolve(desk, take, value) == {"id": 1, "state": "resolving", "take": take}
    assert chosen(desk) == means
    for intent in desk.plan():
        assert intent.action.changes["title"].new == means
        desk.answer(intent, Outcome.DONE)
    desk.see(row("1", {"title": means}), page("page-1", "1", {"title": means}, seen=at(200)))
    assert desk.plan() == []
    conflict = desk.conflicts()[0]
    assert (conflict["state"], conflict["take"]) == ("resolved", take)
    assert conflict["resolved_at"]
    base = desk.pair("1").base
    assert base is not None
    assert base.values["title"] == means


def test_a_conflict_is_decided_once() -> None:
    desk = divided("before", "ours", "theirs")
    resolve(desk, "notion")
    with pytest.raises(DecisionRefused, match="already resolving: notion was taken"):
        resolve(desk, "postgres")
    assert chosen(desk) == "theirs"


def test_an_unknown_conflict_says_where_to_look() -> None:
    with pytest.raises(DecisionRefused, match="no conflict 1") as raised:
        resolve(Desk(), "notion")
    assert "conflicts list" in raised.value.hint


def test_a_side_that_does_not_exist_cannot_be_taken() -> None:
    desk = divided("before", "ours", "theirs")
    with pytest.raises(ConfigError, match="'mine'") as raised:
        resolve(desk, "mine")
    assert raised.value.exit_code is ExitCode.USAGE
    assert desk.conflicts()[0]["state"] == "open"


@pytest.mark.parametrize(
    "newer", [row("1", {"title": "newer"}), page("page-1", "1", {"title": "newer"}, edited=minute(9), seen=at(540))]
)
def test_a_choice_does_not_run_over_an_edit_made_since(newer: Any) -> None:
    desk = divided("before", "ours", "theirs")
    desk.see(newer)
    with pytest.raises(DecisionRefused, match=f"changed in {newer.side.value} since conflict 1") as raised:
        resolve(desk, "base")
    assert "the newer edit stands" in raised.value.hint
    assert desk.conflicts()[0]["state"] == "open"


def test_a_value_that_no_side_can_be_given_cannot_be_taken() -> None:
    """The record was divided before the page's value became one that a column cannot hold."""
    desk = divided("before", "ours", "theirs")
    pair = desk.pair("1")
    unfit = Unfit("it has an end", "1 → 2")
    [made] = desk.conflicts()
    desk.journal.store.db.table("conflicts").update(
        made["id"], {"notion": '{"unfit": {"reason": "it has an end", "shown": "1 → 2"}}'}
    )
    desk.journal.save_pair(replace(pair, notion=replace(pair.notion, values={"title": unfit})))
    with pytest.raises(DecisionRefused, match="it has an end") as raised:
        resolve(desk, "notion")
    assert "value=TEXT" in raised.value.hint
    assert resolve(desk, "postgres")["state"] == "resolving"


@pytest.mark.parametrize(
    ("sample", "typed", "means"),
    [
        (True, "no", False),
        (True, "TRUE", True),
        (Decimal(1), "2.50", Decimal("2.5")),
        (date(2026, 1, 1), "2026-12-24", date(2026, 12, 24)),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-12-24T10:00:00+00:00", datetime(2026, 12, 24, 10, tzinfo=UTC)),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            "2026-12-24T10:00:00+02:00",
            datetime(2026, 12, 24, 10, tzinfo=timezone(timedelta(hours=2))),
        ),
        (datetime(2026, 1, 1), "2026-12-24T10:00", datetime(2026, 12, 24, 10)),  # noqa: DTZ001 - a local time
        (("a",), "b, c", ("b", "c")),
        ("text", "12", "12"),
        (Unfit("too long", "x"), "12", "12"),
    ],
)
def test_a_typed_value_is_read_as_what_the_field_holds(sample: FieldValue, typed: str, means: FieldValue) -> None:
    desk = Desk(MANUAL)
    pair = desk.record("1", BEFORE)
    conflict_about(desk, pair.id, sample)
    resolve(desk, "value", typed)
    assert chosen(desk) == means


@pytest.mark.parametrize(
    ("sample", "typed", "shown"),
    [
        (True, "perhaps", "true or false"),
        (Decimal(1), "one", "-1234.5"),
        (date(2026, 1, 1), "tomorrow", "2026-01-01"),
        (datetime(2026, 1, 1, tzinfo=UTC), "noon", "2026-01-01T00:00:00Z"),
    ],
)
def test_a_typed_value_of_another_kind_is_refused(sample: FieldValue, typed: str, shown: str) -> None:
    desk = Desk(MANUAL)
    pair = desk.record("1", BEFORE)
    conflict_about(desk, pair.id, sample)
    with pytest.raises(ConfigError, match=f"'{typed}' is no value") as raised:
        resolve(desk, "value", typed)
    assert shown in raised.value.hint
    assert desk.conflicts()[0]["state"] == "open"


def conflict_about(desk: Desk, pair_id: int, sample: FieldValue) -> None:
    """A conflict whose row holds `sample` and whose page is empty."""
    pair = desk.journal.pair(pair_id)
    changed = replace(
        pair,
        postgres=replace(pair.postgres, values={"title": sample}),
        notion=replace(pair.notion, values={"title": None}),
    )
    desk.journal.save_pair(changed)
    desk.journal.add_conflict(changed, Conflict("title", None, sample, None, None, None, "manual", None))


def deleted_against_edited() -> Desk:
    """The row was deleted, the page edited: the edit survived, and the conflict is about the record."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(
        row("1", stamp=stamp(100)),
        page("page-1", "1", {"title": "edited"}, edited=minute(1), seen=at(101), stamp=stamp(60, 59)),
    )
    intent = desk.planned()
    assert (intent.action.side, intent.action.op) == (Side.POSTGRES, Op.CREATE)
    assert [(found["field"], found["rule"]) for found in desk.conflicts()] == [("", "edit-survives")]
    return desk


def test_keeping_a_record_that_was_kept_ends_its_conflict() -> None:
    desk = deleted_against_edited()
    assert resolve(desk, "notion") == {"id": 1, "state": "resolved", "take": "notion"}
    assert desk.conflicts()[0]["state"] == "resolved"


@pytest.mark.parametrize("take", ["postgres", "base", "value"])
def test_a_kept_record_is_not_deleted_by_a_choice(take: str) -> None:
    desk = deleted_against_edited()
    with pytest.raises(DecisionRefused, match="whole record") as raised:
        resolve(desk, take)
    assert "delete the row or trash the page" in raised.value.hint
    assert desk.conflicts()[0]["state"] == "decided"


# Parked items


def parked(kind: str) -> Desk:
    """One open parked item of this kind; its record has failed a few times and waits."""
    desk = Desk()
    pair = desk.record("1", BEFORE)
    desk.journal.park(pair, Waiting("" if kind == "held" else "title", Side.NOTION, "because", "x", kind))
    desk.journal.postpone(pair.id, 5, at(3600))
    desk.journal.clean([pair.id])
    return desk


ENDINGS = {"retry": "retried", "drop": "dropped", "approve": "approved", "reject": "rejected"}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *(("retry", kind) for kind in ("unfit", "refused", "failing", "away")),
        ("drop", "refused"),
        ("approve", "held"),
        ("reject", "held"),
    ],
)
def test_an_item_is_ended_and_its_record_looked_at_again(word: str, kind: str) -> None:
    desk = parked(kind)
    assert carry_out(desk.journal, word, {"id": 1}) == {"id": 1, "state": ENDINGS[word]}
    item = desk.journal.parked_item(1)
    assert item is not None
    assert item["state"] == ENDINGS[word]
    assert item["ended_at"]
    found = desk.row_of("1")
    assert (found["dirty"], found["attempts"], found["not_before"]) == (1, 0, None)
    with pytest.raises(DecisionRefused, match=f"not open any more: it is {ENDINGS[word]}"):
        carry_out(desk.journal, word, {"id": 1})


@pytest.mark.parametrize("word", ENDINGS)
def test_an_unknown_item_says_where_to_look(word: str) -> None:
    with pytest.raises(DecisionRefused, match="no parked item 1") as raised:
        carry_out(Desk().journal, word, {"id": 1})
    assert "parked list" in raised.value.hint


@pytest.mark.parametrize(
    ("word", "kind", "right"),
    [
        ("approve", "refused", "retry or drop"),
        ("reject", "unfit", "retry or drop"),
        ("retry", "held", "approve or reject"),
        ("drop", "held", "approve or reject"),
    ],
)
def test_a_word_that_does_not_fit_names_those_that_do(word: str, kind: str, right: str) -> None:
    desk = parked(kind)
    with pytest.raises(DecisionRefused) as raised:
        carry_out(desk.journal, word, {"id": 1})
    assert right in raised.value.hint
    assert [item["state"] for item in desk.parked()] == ["open"]
    assert desk.row_of("1")["dirty"] == 0


# Fields that changed


def remember(desk: Desk, **fields: str) -> None:
    columns = {name: [1, "text", "p", kind] for name, kind in fields.items()}
    desk.journal.update_sync("tasks", columns=json.dumps(columns))


def test_an_accepted_field_is_forgotten_and_waits_for_the_next_binding() -> None:
    desk = Desk()
    remember(desk, title="title", status="select")
    assert carry_out(desk.journal, "accept", {"sync": "tasks", "fields": ["status"]}) == {
        "sync": "tasks",
        "accepted": ["status"],
    }
    assert list(read_remembered(desk.journal, "tasks").fields) == ["title"]
    assert [item.field for item in desk.journal.sync_state("tasks").suspended] == ["status"]


@pytest.mark.parametrize(("sync", "field", "word"), [("other", "title", "'other'"), ("tasks", "colour", "'colour'")])
def test_what_is_not_known_cannot_be_accepted(sync: str, field: str, word: str) -> None:
    desk = Desk()
    remember(desk, title="title")
    with pytest.raises(DecisionRefused, match=word):
        carry_out(desk.journal, "accept", {"sync": sync, "fields": ["title", field]})
    assert list(read_remembered(desk.journal, "tasks").fields) == ["title"]
