"""The status is truthful after a restart (S27): an error that the last process met is not told for ever."""

from __future__ import annotations

from bridge.engine.health import Health
from bridge.engine.status import sync_status
from bridge.errors import Unavailable
from bridge.model import Side
from tests.unit.desk import Desk, at


def test_an_error_of_the_process_before_ends_with_the_first_success() -> None:
    desk = Desk()
    desk.journal.update_sync("tasks", swept_at=at(0))
    Health(desk.journal, "tasks", desk.clock).failed(Side.NOTION, Unavailable("no answer"))
    health = Health(desk.journal, "tasks", desk.clock)  # started anew
    for side in Side:
        health.guarded(side, lambda: None)
    assert desk.journal.sync_state("tasks").last_error == ""
    assert sync_status(desk.journal, "tasks", desk.clock, 0).in_step
