"""A side that refuses, hides or shows only a part of what it has: nothing is deleted, somebody is told, and the sync
goes on by itself when it is over.

S12 (no deletion without a cause), L3 (recovery); faults N7, N10, N11, N12.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.system.test_both_ways import insert
from tests.system.world import World


def filled(world: World, rows: int) -> list[str]:
    world.sql("INSERT INTO tasks (title) SELECT 'row ' || n FROM generate_series(1, %s) AS n", rows)
    world.sync()
    assert len(world.pages()) == rows
    return sorted(world.rows(), key=int)


def said(world: World) -> str:
    return world.journal().sync_state("tasks").last_error


@pytest.mark.parametrize(
    ("status", "path", "told"),
    [
        (401, "", "token"),
        (403, "", "Notion"),
        (404, "", "no longer shared"),
        (404, "/query$", "no longer shared"),
    ],
)
def test_lost_access_deletes_nothing_is_told_and_is_got_over(world: World, status: int, path: str, told: str) -> None:
    keys = filled(world, 12)
    with world.running() as bridge:
        world.until(lambda: bridge.loop.workers[0].swept, "the first look")
        world.sandbox.faults.fail(status, path=path, times=None)
        world.sql("UPDATE tasks SET title = 'edited' WHERE id = %s", int(keys[0]))
        world.sql("DELETE FROM tasks WHERE id = %s", int(keys[1]))
        made = insert(world, "made meanwhile")
        world.until(lambda: told in said(world), "somebody is told")
        asked = len(world.sandbox.log.entries)
        world.until(lambda: len(world.sandbox.log.entries) > asked, "it goes on asking")
        assert len(world.rows()) == 12
        world.sandbox.faults.clear()
        world.until(lambda: not said(world), "it is over")
        world.until(lambda: len(world.pages()) == 12 and world.page(made), "the new row's page")
        world.until(world.in_step, "both sides agree")
    assert world.page(keys[0])["Name"] == "edited"
    assert keys[1] not in {page["ID"] for page in world.pages()}
    assert [page["ID"] for page in world.pages(trashed=True)] == [keys[1]]
    assert world.journal().conflicts() == world.journal().parked() == []


@pytest.mark.parametrize("status", [403, 404])
def test_pages_that_may_not_be_read_are_no_deletions(world: World, status: int) -> None:
    """The listing answers without them, and each alone is refused: as when pages are moved where nobody may look."""
    keys = filled(world, 12)
    pages = [world.page(key)["_id"] for key in keys[:3]]
    for page_id in pages:
        world.person.trash(page_id)
    world.sandbox.faults.fail(status, "GET", r"/pages/", times=None)
    with world.running() as bridge:
        world.until(lambda: bridge.loop.workers[0].swept, "the listing")
        world.until(lambda: len(world.journal().parked()) == 3 or said(world), "somebody is told")
        assert len(world.rows()) == 12
        world.sandbox.faults.clear()
        for page_id in pages:
            world.person.restore(page_id)
        world.until(lambda: not said(world) and world.in_step(), "both sides agree")
        world.until(lambda: not world.journal().parked(), "nothing waits")
    assert sorted(world.rows(), key=int) == keys
    assert len(world.pages()) == 12


def test_an_emptied_notion_stops_the_sync_and_says_what_to_type(world: World) -> None:
    keys = filled(world, 12)
    for key in keys:
        world.person.trash(world.page(key)["_id"])
    world.sync()
    assert sorted(world.rows(), key=int) == keys
    told = world.journal().sync_state("tasks").breaker
    assert "would delete 12 of 12" in told
    assert "notion-bridge resume --sync tasks --allow-deletes" in told
    assert "notion-bridge resume --sync tasks --undo-deletes" in told
    world.decide("resume", syncs=["tasks"], deletes="undo")
    world.sync()
    assert sorted(page["ID"] for page in world.pages()) == sorted(keys)
    assert world.in_step()


def test_an_emptied_table_stops_the_sync_however_it_was_emptied(world: World) -> None:
    keys = filled(world, 12)
    world.sql("TRUNCATE tasks")
    world.sync()
    assert "would delete 12 of 12" in world.journal().sync_state("tasks").breaker
    world.sql("INSERT INTO tasks (id, title) SELECT n, 'row ' || n FROM generate_series(1, 12) AS n")
    world.decide("resume", syncs=["tasks"], deletes="undo")
    world.sync()
    assert sorted(world.rows(), key=int) == keys
    assert world.pages(trashed=True) == []
    assert world.in_step()


def test_a_trashed_database_is_no_deletion_of_its_records(world: World) -> None:
    keys = filled(world, 12)
    database = world.sandbox.world.data_sources[world.data_source].database_id
    world.person.trash_database(database)
    world.sync()
    assert {row["kind"] for row in world.journal().parked()} == {"away"}
    assert sorted(world.rows(), key=int) == keys
    world.person.trash_database(database, in_trash=False)
    world.sync()
    assert world.in_step()
    assert sorted(world.rows(), key=int) == keys


def test_a_listing_that_ends_too_soon_is_evidence_of_nothing(world: World) -> None:
    """All pages bear one minute, and a query shows five of them: which others there are cannot be told."""
    keys = filled(world, 12)
    gone = world.page(keys[0])["_id"]
    with world.running() as bridge:
        world.until(lambda: bridge.loop.workers[0].swept, "the first look")
        world.sandbox.options.query_result_limit = 5
        world.person.trash(gone)
        world.until(lambda: "before its end" in said(world), "somebody is told")
        assert sorted(world.rows(), key=int) == keys
        world.sandbox.options.query_result_limit = 10_000
        world.until(lambda: sorted(world.rows(), key=int) == keys[1:], "the one deletion")
        world.until(lambda: not said(world) and world.in_step(), "both sides agree")


def test_cursors_that_expire_are_evidence_of_nothing(world: World) -> None:
    keys = filled(world, 105)
    gone = world.page(keys[0])["_id"]
    with world.running() as bridge:
        world.until(lambda: bridge.loop.workers[0].swept, "the first look")
        message = "The start_cursor provided is invalid: gone"
        world.sandbox.faults.fail(400, "POST", "/query$", body="start_cursor", message=message, times=None)
        world.person.trash(gone)
        # That it broke off is told only until the next poll goes well, which may be a moment.
        asked = partial(world.sandbox.log.find, "POST", "/query$")
        world.until(lambda: sum(e.status == 400 for e in asked()) > 1, "a listing has broken off twice")
        assert sorted(world.rows(), key=int) == keys
        world.sandbox.faults.clear()
        world.until(lambda: sorted(world.rows(), key=int) == keys[1:], "the one deletion")
        world.until(lambda: not said(world) and world.in_step(), "both sides agree")
