"""A bulk load is in nobody's way, and each of its rows gets its page: S1, S9, S10, S15."""

from __future__ import annotations

from collections import Counter

import pytest

from bridge.engine.worker import Worker
from tests.system.test_both_ways import insert
from tests.system.world import World

LOADED = 150  # noted by their keys alone


@pytest.fixture(autouse=True)
def a_few_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Worker.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "ahead", 10)


def load(world: World, first: int = 1001) -> None:
    world.sql(
        "INSERT INTO tasks (id, title) SELECT n, 'loaded ' || n FROM generate_series(%s::int, %s::int) AS n",
        first,
        first + LOADED - 1,
    )


def waiting(world: World) -> int:
    journal = world.journal()
    try:
        return journal.arrivals.count("tasks")
    finally:
        journal.close()


def assert_each_once(world: World) -> None:
    assert waiting(world) == 0
    assert sorted(page["ID"] for page in world.pages()) == sorted(world.rows())
    assert world.in_step()


def test_an_edit_goes_before_the_rows_that_wait(world: World) -> None:
    key = insert(world, "one")
    with world.running():
        world.until(lambda: world.page(key), "the first page")
        load(world)
        world.until(lambda: waiting(world), "the load is journaled")
        world.sql("UPDATE tasks SET title = 'edited' WHERE id = %s", int(key))
        world.until(lambda: world.page(key)["Name"] == "edited", "the edit")
        assert len(world.pages()) < LOADED, "most of the others still wait"
        world.until(lambda: len(world.pages()) == LOADED + 1, "all pages")
        world.until(world.in_step, "both sides agree")
    assert_each_once(world)


def test_what_happens_to_rows_that_wait(world: World) -> None:
    """They are changed, deleted, given other keys and brought back, while others are made."""
    with world.running():
        load(world)
        world.until(lambda: waiting(world), "the load is journaled")
        world.sql("UPDATE tasks SET title = 'changed' WHERE id >= 1100")
        world.sql("DELETE FROM tasks WHERE id BETWEEN 1120 AND 1130")
        world.sql("INSERT INTO tasks (id, title) VALUES (1125, 'again')")
        world.sql("UPDATE tasks SET id = id + 5000 WHERE id > 1140")
        world.sql("UPDATE tasks SET title = 'moved' WHERE id > 6000")
        world.until(lambda: len(world.pages()) == LOADED - 10, "all pages")
        world.until(world.in_step, "both sides agree")
    assert_each_once(world)
    assert Counter(page["Name"] for page in world.pages())["moved"] == 10
    assert world.page("1125")["Name"] == "again"


def test_rows_that_have_a_page_already_are_found_and_not_made_twice(world: World) -> None:
    load(world)
    for number in range(1001, 1001 + LOADED, 2):
        same = {"Name": f"loaded {number}", "ID": str(number), "Stage": "Todo"}
        world.person.create_row(world.data_source, same)
    world.sync()
    assert_each_once(world)
    assert world.journal().conflicts() == []


def test_a_table_that_is_emptied_and_loaded_again_is_the_same_one(world: World) -> None:
    load(world)
    world.sync()
    before = {page["ID"]: page["_id"] for page in world.pages()}
    world.sql("DELETE FROM tasks")
    load(world)
    world.sql("UPDATE tasks SET title = 'anew' WHERE id < 1010")
    world.sync()
    assert_each_once(world)
    assert {page["ID"]: page["_id"] for page in world.pages()} == before
    assert world.pages(trashed=True) == []
