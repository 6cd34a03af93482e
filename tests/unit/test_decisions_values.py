"""A person's choice is a canonical value, and never runs over an edit that nobody saw when it was made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bridge.ends import Outcome
from bridge.engine.decisions import carry_out
from bridge.errors import BridgeError
from bridge.model import FieldValue, Policy
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.test_decisions import BEFORE, MANUAL, chosen, conflict_about, divided, resolve
from tests.unit.worlds import make_sync


@pytest.mark.parametrize("typed", ["NaN", "sNaN", "Infinity", "-inf", "1e99999999999", "one"])
def test_a_typed_number_that_is_none_is_refused(typed: str) -> None:
    """Decimal("NaN") equals nothing, itself included: it would be written for ever."""
    desk = Desk(MANUAL)
    conflict_about(desk, desk.record("1", BEFORE).id, Decimal(1))
    with pytest.raises(BridgeError, match="no value for this field"):
        resolve(desk, "value", typed)


AWARE, LOCAL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)  # noqa: DTZ001 - a time without a zone


@pytest.mark.parametrize(
    ("like", "typed", "hint"),
    [
        (AWARE, "2026-12-24T10:00", "zone"),
        (AWARE, "2026-12-24", "date and time"),
        (AWARE, "2026-12-24T10:00:00.123456Z", "millisecond"),
        (LOCAL, "2026-12-24T10:00Z", "zone"),
        (LOCAL, "2026-12-24T10:00:00.123456", "millisecond"),
        (AWARE.date(), "2026-12-24T10:00Z", "date"),
    ],
)
def test_a_typed_time_that_neither_side_would_show_is_refused(like: FieldValue, typed: str, hint: str) -> None:
    """A naive moment never equals the aware one that both sides show after the write: it would be written for ever."""
    desk = Desk(MANUAL)
    conflict_about(desk, desk.record("1", BEFORE).id, like)
    with pytest.raises(BridgeError, match="no value for this field") as raised:
        resolve(desk, "value", typed)
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("like", "typed", "means"),
    [
        (AWARE, "2026-12-24T12:00:00.500+02:00", datetime(2026, 12, 24, 10, 0, 0, 500000, tzinfo=UTC)),
        (LOCAL, "2026-12-24 10:00", datetime(2026, 12, 24, 10)),  # noqa: DTZ001
        (AWARE.date(), "2026-12-24", date(2026, 12, 24)),
        (Decimal(1), " 1e3 ", Decimal(1000)),
        (("a",), "b, c,", ("b", "c")),
        (False, "Yes", True),
        (AWARE, "", None),
    ],
)
def test_a_typed_value_is_canonical(like: FieldValue, typed: str, means: FieldValue) -> None:
    desk = Desk(MANUAL)
    conflict_about(desk, desk.record("1", BEFORE).id, like)
    resolve(desk, "value", typed)
    assert chosen(desk) == means


@pytest.mark.parametrize("side", ["postgres", "notion"])
def test_an_edit_after_the_choice_is_not_run_over_unseen(side: str) -> None:
    """Chosen while no bridge ran (or a moment before the write): the next pass sees an edit that the person did not."""
    desk = divided("before", "ours", "theirs")
    resolve(desk, "base")
    if side == "postgres":
        desk.see(row("1", {"title": "newer"}, stamp=stamp(200)))
    else:
        desk.see(page("page-1", "1", {"title": "newer"}, edited=minute(4), seen=at(260), stamp=stamp(240, 59)))
    writes = [i for i in desk.plan() if i.action.changes.get("title") and i.action.changes["title"].expected == "newer"]
    recorded = [c for c in desk.conflicts() if '"newer"' in (c["postgres"], c["notion"])]
    assert not writes or recorded, "the edit is neither on both sides nor in a conflict"


def test_the_last_word_about_a_field_holds() -> None:
    """Two conflicts about one field, both resolved before the next plan: the second word was the last one."""
    desk = Desk(make_sync(policy=Policy.POSTGRES_WINS))
    desk.record("1", {"title": "before", "status": "x"})
    for number, (ours, theirs) in enumerate([("a", "b"), ("before", "c")], 1):
        desk.see(
            row("1", {"title": ours}, stamp=stamp(number * 100)),
            page("page-1", "1", {"title": theirs}, edited=minute(number), seen=at(number * 100)),
        )
        desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {"title": ours}, seen=at(number * 100 + 1)))
        assert desk.plan() == []
    carry_out(desk.journal, "resolve", {"id": 1, "take": "notion"})
    carry_out(desk.journal, "resolve", {"id": 2, "take": "notion"})
    shown: FieldValue = "before"
    for _ in range(4):
        desk.journal.soil_all("tasks")  # as every start does
        for intent in desk.plan():
            shown = intent.action.changes["title"].new
            seen = {"title": shown}
            desk.answer(
                intent, Outcome.DONE, row("1", seen) if intent.action.side == "postgres" else page("page-1", "1", seen)
            )
    assert shown == "c"
