"""kill -9 while a key changes: only the outbox knows that two keys are one record, so it forgets last (S10, S17)."""

from __future__ import annotations

import pytest

from bridge.crashpoints import CrashPoint, When
from tests.system.crashing import KILLED, run
from tests.system.test_both_ways import insert
from tests.system.world import World


@pytest.mark.parametrize(
    ("point", "when"),
    [
        (CrashPoint.ROWS_JOURNALED, "before"),
        (CrashPoint.ROWS_JOURNALED, "after"),
        (CrashPoint.OUTBOX_DELETED, "after"),
    ],
)
def test_a_changed_key_keeps_its_page(world: World, point: CrashPoint, when: When) -> None:
    """A scan after the restart would show one row less and one more; only the change itself tells that it moved."""
    key = insert(world, "moves")
    world.sync()
    page_id = world.page(key)["_id"]
    world.sql("UPDATE tasks SET id = 500 WHERE id = %s", int(key))
    assert run(world, "sync", crash=(point, when, 1)) == KILLED
    assert run(world, "sync") == 0
    assert world.page("500")["_id"] == page_id
    assert world.pages(trashed=True) == []
    assert world.in_step()
