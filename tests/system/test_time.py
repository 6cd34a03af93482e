"""Who was last: two clocks, one of which tells only minutes (S7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.sandbox.notion import ManualClock, OffsetClock, SystemClock
from tests.system.test_both_ways import insert
from tests.system.world import World


def test_the_edit_that_is_certainly_later_wins(world: World) -> None:
    key = insert(world, "t")
    world.sandbox.clock = ManualClock(datetime.now(UTC) - timedelta(minutes=10))
    world.sync()
    page_id = world.page(key)["_id"]
    world.person.edit(page_id, {"Name": "theirs, minutes ago"})
    world.sandbox.clock = SystemClock()
    world.sql("UPDATE tasks SET title = 'ours, just now' WHERE id = %s", int(key))
    world.sync()
    (conflict,) = world.journal().conflicts()
    assert (conflict["rule"], conflict["winner"]) == ("last-writer", "postgres")
    assert world.page(key)["Name"] == "ours, just now"


@pytest.mark.parametrize(("tie", "winner"), [("postgres", "ours"), ("notion", "theirs")])
def test_what_cannot_be_told_is_a_tie_and_called_one(world: World, tie: str, winner: str) -> None:
    world.options = f'tie = "{tie}"'
    world.write_config()
    key = insert(world, "t")
    world.sync()
    # In the middle of a minute, or an edit that falls into the next one is certainly the later. From here on only, and
    # forwards: a slow first sync must not use the minute up, and no page may bear an older minute than it has borne.
    world.sandbox.clock = OffsetClock(SystemClock(), (30 - datetime.now(UTC).second) % 60)
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
    world.person.edit(world.page(key)["_id"], {"Name": "theirs"})
    world.sync()
    (conflict,) = world.journal().conflicts()
    assert (conflict["rule"], conflict["winner"]) == ("tie", tie)
    assert world.rows()[key]["title"] == world.page(key)["Name"] == winner


@pytest.mark.parametrize("offset", [-3600, -90, 90, 3600])
def test_a_wrong_clock_in_notion_decides_nothing(world: World, offset: int) -> None:
    """The edit in PostgreSQL is made a while after the one in Notion, which bears a time far off."""
    world.sandbox.clock = OffsetClock(SystemClock(), offset)
    key = insert(world, "t")
    world.sync()
    world.person.edit(world.page(key)["_id"], {"Name": "theirs"})
    with world.running():
        world.until(lambda: world.rows()[key]["title"] == "theirs", "the edit in Notion arrives")
        world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Name"] == "ours", "the edit in PostgreSQL arrives")
    assert world.journal().conflicts() == []
    assert world.in_step()
