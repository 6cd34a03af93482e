"""`where` on real parts: rows enter and leave the sync, pages are kept or trashed, edits wait and are never lost, and
no change of the filter deletes anything."""

from __future__ import annotations

import pytest

from bridge.clock import SystemClock
from bridge.engine.compare import preview
from bridge.engine.opening import new_id, open_sides
from bridge.engine.status import sync_status
from bridge.errors import SetupError
from bridge.journal import Journal
from bridge.model import OUTSIDE
from tests.system.test_both_ways import insert
from tests.system.world import World


@pytest.fixture
def filtered(world: World) -> World:
    """Only what is not done is in the sync; `done` is mapped, so that a person can finish a task in Notion."""
    set_filter(world, "done = false")
    return world


def set_filter(world: World, where: str, more: str = "") -> None:
    world.options = f'where = "{where}"\n{more}' if where else more
    world.write_config()


def in_step(world: World) -> bool:
    journal = world.journal()
    status = sync_status(journal, "tasks", SystemClock(), 0)
    journal.close()
    return status.in_step


def parked(world: World) -> list[tuple[str, str]]:
    journal = world.journal()
    found = [(row["kind"], row["reason"]) for row in journal.parked("tasks")]
    journal.close()
    return found


def test_only_rows_that_fulfil_it_get_a_page(filtered: World) -> None:
    inside, outside = insert(filtered, "open"), insert(filtered, "old", done=True)
    filtered.sync()
    assert [page["ID"] for page in filtered.pages()] == [inside]
    filtered.sql("UPDATE tasks SET done = NOT done")
    filtered.sync()
    assert {page["ID"]: page["Name"] for page in filtered.pages()} == {inside: "open", outside: "old"}
    assert filtered.in_step()


def test_a_row_that_leaves_keeps_its_page_and_comes_back_merged(filtered: World) -> None:
    with filtered.running():
        key = insert(filtered, "task")
        filtered.until(lambda: filtered.page(key)["Name"] == "task", "the page")
        filtered.sql("UPDATE tasks SET done = true, title = 'unseen' WHERE id = %s", int(key))
        filtered.until(lambda: in_step(filtered), "the row left, and nothing waits")
        assert (filtered.page(key)["Name"], filtered.page(key)["Done"]) == ("task", False)
        filtered.person.edit(filtered.page(key)["_id"], {"Mail": "ada@example.com"})
        filtered.until(lambda: parked(filtered) == [("away", OUTSIDE)], "the edit waits, and is told")
        assert filtered.rows()[key]["mail"] is None
        filtered.sql("UPDATE tasks SET done = false, title = 'back' WHERE id = %s", int(key))
        filtered.until(lambda: filtered.rows()[key]["mail"] == "ada@example.com", "the edit of the page")
        filtered.until(lambda: filtered.page(key)["Name"] == "back", "the edit of the row")
        filtered.until(lambda: parked(filtered) == [], "nothing waits")
    assert filtered.in_step()


def test_a_page_of_a_row_outside_is_excused(filtered: World) -> None:
    key = insert(filtered, "task")
    filtered.sync()
    filtered.sql("UPDATE tasks SET done = true")
    filtered.sync()
    found = filtered.verify()
    assert [(d.key, d.postgres, d.notion, d.excused) for d in found.differences] == [((key,), "away", "there", OUTSIDE)]
    config = filtered.config()
    with open_sides(config) as sides:
        journal = Journal.in_memory(sides.clock.local, config.journal.path)
        sync = sides.bind(config.syncs[0])
        ends = sides.postgres_end(sync), sides.notion_end(sync, journal)
        assert list(preview(sync, journal, *ends, sides.clock.local, new_id)) == []
        journal.close()


def test_a_task_that_is_finished_in_notion_leaves(filtered: World) -> None:
    with filtered.running():
        key = insert(filtered, "task")
        filtered.until(lambda: filtered.page(key), "the page")
        filtered.person.edit(filtered.page(key)["_id"], {"Done": True})
        filtered.until(lambda: filtered.rows()[key]["done"], "the row is done")
        filtered.until(lambda: in_step(filtered), "and outside")
        assert parked(filtered) == []
        filtered.sql("UPDATE tasks SET done = false")
        filtered.until(lambda: filtered.page(key)["Done"] is False, "it came back")
    assert filtered.in_step()


def test_a_new_page_that_would_be_outside_waits(filtered: World) -> None:
    page = filtered.person.create_row(filtered.data_source, {"Name": "late", "Done": True})
    filtered.sync()
    assert filtered.rows() == {}
    assert parked(filtered) == [("refused", "the row would be outside of the sync's filter (where)")]
    filtered.person.edit(page, {"Done": False})
    filtered.sync()
    assert [row["title"] for row in filtered.rows().values()] == ["late"]
    assert filtered.in_step()


def test_leaving_can_trash_the_page_and_entering_brings_it_back(world: World) -> None:
    set_filter(world, "done = false", 'on_leave = "delete"')
    with world.running():
        key = insert(world, "task")
        page = world.until(lambda: world.page(key), "the page")
        world.sql("UPDATE tasks SET done = true")
        world.until(lambda: [p["_id"] for p in world.pages(trashed=True)] == [page["_id"]], "it is in the trash")
        world.until(lambda: in_step(world), "and nothing waits")
        world.sql("UPDATE tasks SET done = false, title = 'back'")
        world.until(lambda: world.page(key)["Name"] == "back", "it was restored")
        assert world.page(key)["_id"] == page["_id"]
    assert world.in_step()


def test_a_mass_leave_trips_the_breaker(world: World) -> None:
    set_filter(world, "done = false", 'on_leave = "delete"')
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 12) AS n")
    world.sync()
    world.sql("UPDATE tasks SET done = true")
    world.sync()
    assert len(world.pages()) == 12
    world.sync()  # a start reads the whole table, and takes nothing of it for undone
    assert "it would delete 12 of 12" in world.journal().sync_state("tasks").breaker
    world.decide("resume", syncs=["tasks"], deletes="undo")
    world.sync()
    assert (len(world.pages()), parked(world)) == (12, [])
    assert all(row["done"] for row in world.rows().values())


@pytest.mark.parametrize("on_leave", ["keep", "delete"])
def test_another_filter_lets_rows_enter_and_leave_and_deletes_nothing(world: World, on_leave: str) -> None:
    keys = [insert(world, f"task {n}", amount=n) for n in range(1, 4)]
    set_filter(world, "amount < 3", f'on_leave = "{on_leave}"')
    world.sync()
    assert sorted(page["ID"] for page in world.pages()) == keys[:2]
    set_filter(world, "amount > 1", f'on_leave = "{on_leave}"')
    world.sync()
    world.sql("UPDATE tasks SET title = 'new'")
    world.sync()
    names = {page["ID"]: page["Name"] for page in world.pages()}
    assert names == {keys[0]: "task 1", keys[1]: "new", keys[2]: "new"}
    set_filter(world, "")
    world.sync()
    assert {page["Name"] for page in world.pages()} == {"new"}
    assert len(world.rows()) == len(world.pages()) == 3
    assert world.in_step()


def test_trashing_the_page_of_a_row_outside_deletes_no_row(filtered: World) -> None:
    key = insert(filtered, "task")
    filtered.sync()
    filtered.sql("UPDATE tasks SET done = true")
    filtered.sync()
    filtered.person.trash(filtered.page(key)["_id"])
    filtered.sync()
    filtered.sql("UPDATE tasks SET done = false")
    filtered.sync()
    assert filtered.page(key)["Name"] == "task"
    assert filtered.in_step()


def test_a_filter_that_is_none_is_refused_before_anything_is_done(world: World) -> None:
    set_filter(world, "due > now()")
    with pytest.raises(SetupError, match="IMMUTABLE"):
        world.sync()
    assert world.sql("SELECT FROM pg_namespace WHERE nspname = 'notion_bridge'") == []


def test_a_row_for_which_the_filter_fails_holds_up_no_other_and_loses_no_page(world: World) -> None:
    world.options = 'where = "100 / amount > 1"'
    world.write_config()
    odd, other = insert(world, "odd", amount=1), insert(world, "other", amount=1)
    world.sync()
    world.sql("UPDATE tasks SET amount = 0, title = 'changed' WHERE id = %s", int(odd))
    world.sql("UPDATE tasks SET title = 'goes on' WHERE id = %s", int(other))
    world.person.edit(world.page(odd)["_id"], {"Mail": "waits@example.com"})
    world.sync()
    assert (world.page(odd)["Name"], world.page(other)["Name"]) == ("odd", "goes on")
    assert {row["reason"] for row in world.journal().parked()} == {"its row cannot be read: division by zero"}
    assert world.rows()[odd]["mail"] is None
    world.sql("UPDATE tasks SET amount = 2 WHERE id = %s", int(odd))
    world.sync()
    assert (world.page(odd)["Name"], world.rows()[odd]["mail"]) == ("changed", "waits@example.com")
    assert world.journal().parked() == []
    assert world.in_step()
