"""`verify` shows what both sides show (S27), whatever the journal thinks is under way."""

from __future__ import annotations

from tests.unit.desk import row
from tests.unit.test_compare import BEFORE, Sides


def test_a_write_under_way_hides_no_difference() -> None:
    """Killed after its PATCH; the row was set back meanwhile. The page shows the new title, the row the old one."""
    sides = Sides()
    after = {**BEFORE, "title": "new"}
    sides.add("1", BEFORE, after)
    sides.desk.see(row("1", after))
    sides.desk.planned()
    found = sides.verify()
    assert [(d.field, d.postgres, d.notion) for d in found.differences] == [("title", "before", "new")]
    assert not found.agrees
