"""A parked item shows what waits now (S3 d), and a drop is about the value that was dropped."""

from __future__ import annotations

from bridge.engine.decisions import carry_out
from bridge.journal.rows import read_value
from bridge.model import Unfit
from tests.unit.desk import row
from tests.unit.test_planner import waiting_desk


def test_another_value_with_the_same_reason_is_shown() -> None:
    desk = waiting_desk(Unfit("too long", "A"))
    desk.see(row("1", {"title": Unfit("too long", "B")}))
    assert desk.plan() == []
    assert [read_value(item["value"]) for item in desk.parked()] == [Unfit("too long", "B")]


def test_a_new_value_after_a_drop_is_told() -> None:
    desk = waiting_desk(Unfit("too long", "A"))
    carry_out(desk.journal, "drop", {"id": 1})
    desk.see(row("1", {"title": Unfit("too long", "B")}))
    assert desk.plan() == []
    assert [read_value(item["value"]) for item in desk.parked()] == [Unfit("too long", "B")]
