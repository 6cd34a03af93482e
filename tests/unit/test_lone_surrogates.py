"""Half of a surrogate pair, which JSON can carry and UTF-8 cannot, is parked like what does not fit (S21)."""

from __future__ import annotations

from bridge.model import Conflict, Unfit
from tests.unit.desk import Desk, page, row

HALF = Unfit("half of a surrogate pair", "a\ud800")
BEFORE = {"title": "before", "status": "Todo"}


def test_it_is_journaled_and_parked_and_the_rest_goes_on() -> None:
    desk = Desk()
    desk.see(page("page-1", None, {"title": HALF, "status": "Todo"}), row("2", BEFORE))
    assert len(desk.plan()) == 2
    assert [item["field"] for item in desk.parked()] == ["title"]


def test_it_is_kept_in_a_conflict() -> None:
    desk = Desk()
    assert desk.journal.add_conflict(
        desk.record("1", BEFORE), Conflict("title", None, "a", HALF, None, None, "manual", None)
    )
