"""Asked to stop, the bridge ends what is under way and begins nothing: no listing is read to its end first, and what
was not sent is neither lost nor called trouble.
"""

from __future__ import annotations

from bridge.sandbox.notion import Request
from tests.system.test_both_ways import insert
from tests.system.world import World

QUERY = {"method": "POST", "path": "/query$"}


def test_a_first_listing_ends_with_the_request_that_is_under_way(world: World) -> None:
    for number in range(120):  # two requests list them all
        world.person.create_row(world.data_source, {"Name": f"page {number}"})
    insert(world, "one")
    asked: list[Request] = []

    with world.running() as bridge:

        def ask_to_stop(request: Request) -> None:
            asked.append(request)
            bridge.sides.stop.set()

        world.sandbox.faults.hook(ask_to_stop, **QUERY, times=None)
        world.until(lambda: asked, "the listing has begun")
    assert len(asked) == 1
    journal = world.journal()
    assert journal.sync_state("tasks").last_error == ""
    journal.close()

    world.sandbox.faults.clear()
    world.sync()
    assert len(world.rows()) == 121
    assert world.in_step()


def test_a_write_with_its_guard_is_finished_and_the_next_is_not_begun(world: World) -> None:
    keys = [insert(world, "old") for _ in range(3)]
    world.sync()
    world.sql("UPDATE tasks SET title = 'new'")
    with world.running() as bridge:
        world.sandbox.faults.hook(lambda request: bridge.sides.stop.set(), "PATCH", "/pages/")
        world.until(bridge.sides.stop.is_set, "a write is under way")
    assert "new" in {page["Name"] for page in world.pages()}
    world.sync()
    assert [world.page(key)["Name"] for key in keys] == ["new"] * 3
    assert world.in_step()
