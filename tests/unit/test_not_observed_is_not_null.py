"""A field that an answer does not show was not observed: it is not empty (S25)."""

from __future__ import annotations

from bridge.ends import Outcome
from bridge.postgres.wire import read_row
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
