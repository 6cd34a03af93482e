"""What goes wrong on the way, and what must hold all the same: nothing lost, nothing doubled, nothing run over.

S3 (no lost update), S8 (no blind overwrite), S10 (no duplicate), S18 (idempotent), S21 (poison stays put), S23 (rate).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.errors import BridgeError
from bridge.sandbox.notion import Request
from tests.system.test_both_ways import insert
from tests.system.world import TASKS_PROPERTIES, World

CREATE = {"method": "POST", "path": r"/pages$"}
PATCH = {"method": "PATCH", "path": r"/pages/"}

AMBIGUOUS: dict[str, Callable[[World, dict[str, str]], object]] = {
    "answer lost": lambda world, what: world.sandbox.faults.apply_then_drop(**what),
    "request lost": lambda world, what: world.sandbox.faults.drop(**what),
    "answer cut": lambda world, what: world.sandbox.faults.truncate(**what),
    "503 after": lambda world, what: world.sandbox.faults.apply_then_fail(503, **what),
    "503 after, and says so": lambda world, what: world.sandbox.faults.apply_then_fail(503, reveal=True, **what),
    "503 before": lambda world, what: world.sandbox.faults.fail(503, **what),
    "502 as html": lambda world, what: world.sandbox.faults.html(502, **what),
    "504 after": lambda world, what: world.sandbox.faults.apply_then_fail(504, **what),
    "409": lambda world, what: world.sandbox.faults.fail(409, **what),
    "429": lambda world, what: world.sandbox.faults.fail(429, retry_after=1, **what),
    "529": lambda world, what: world.sandbox.faults.fail(529, retry_after=1, **what),
}


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_a_create_with_an_unclear_end_makes_one_page(world: World, fault: str) -> None:
    AMBIGUOUS[fault](world, CREATE)
    keys = [insert(world, f"row {number}") for number in range(3)]
    world.sync()
    assert sorted(page["ID"] for page in world.pages()) == sorted(keys)
    assert world.pages(trashed=True) == []
    assert world.in_step()


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_an_update_with_an_unclear_end_arrives(world: World, fault: str) -> None:
    key = insert(world, "old")
    world.sync()
    AMBIGUOUS[fault](world, PATCH)
    world.sql("UPDATE tasks SET title = 'new' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"] == "new"
    assert world.in_step()


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_a_trashing_with_an_unclear_end_happens(world: World, fault: str) -> None:
    key = insert(world, "old")
    world.sync()
    AMBIGUOUS[fault](world, PATCH)
    world.sql("DELETE FROM tasks WHERE id = %s", int(key))
    world.sync()
    assert world.pages() == []
    assert world.in_step()


def test_an_edit_between_the_last_look_and_our_write_is_seen_afterwards(world: World) -> None:
    key = insert(world, "old", mail="old@example.com")
    world.sync()
    page_id = world.page(key)["_id"]

    def person(request: Request) -> None:
        world.person.edit(page_id, {"Mail": "person@example.com"})

    world.sandbox.faults.hook(person, **PATCH)
    world.sql("UPDATE tasks SET title = 'new' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"] == world.rows()[key]["title"] == "new"
    assert world.page(key)["Mail"] == world.rows()[key]["mail"] == "person@example.com"


def test_an_edit_before_the_look_is_not_run_over(world: World) -> None:
    """The poll has not seen it yet; the guard does."""
    key = insert(world, "old")
    world.sync()
    page_id = world.page(key)["_id"]

    def person(request: Request) -> None:
        world.person.edit(page_id, {"Name": "theirs"})

    world.sandbox.faults.hook(person, method="GET", path=r"/pages/")
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
    world.sync()
    (conflict,) = world.journal().conflicts()
    assert (conflict["postgres"], conflict["notion"]) == ('"ours"', '"theirs"')
    assert world.page(key)["Name"] == world.rows()[key]["title"]


def test_a_storm_of_429_is_waited_out(world: World) -> None:
    world.sandbox.faults.fail(429, retry_after=1, times=5)
    keys = [insert(world, f"row {number}") for number in range(5)]
    world.sync()
    assert sorted(page["ID"] for page in world.pages()) == sorted(keys)


def test_a_stale_query_resurrects_nothing(world: World) -> None:
    """N9: queries are a minute behind; what we wrote ourselves meanwhile must not come back as an old value."""
    key, gone = insert(world, "one"), insert(world, "two")
    world.sync()
    page_id, gone_id = world.page(key)["_id"], world.page(gone)["_id"]
    world.sandbox.stale(page_id, 60)
    world.sandbox.stale(gone_id, 60)
    world.sql("UPDATE tasks SET title = 'new' WHERE id = %s", int(key))
    world.sql("DELETE FROM tasks WHERE id = %s", int(gone))
    for _ in range(4):
        world.sync()
    assert world.page(key)["Name"] == world.rows()[key]["title"] == "new"
    assert list(world.rows()) == [key]
    assert [page["_id"] for page in world.pages()] == [page_id]
    assert world.journal().conflicts() == []


def test_what_the_database_refuses_is_parked_and_the_rest_goes_on(world: World) -> None:
    world.sql("ALTER TABLE tasks ADD CONSTRAINT cheap CHECK (amount < 100)")
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    world.person.edit(world.page(one)["_id"], {"Amount": 500, "Name": "renamed"})
    world.person.edit(world.page(two)["_id"], {"Amount": 50})
    world.sync()
    assert world.rows()[two]["amount"] == 50
    assert world.rows()[one]["amount"] is None
    (parked,) = world.journal().parked()
    assert (parked["field"], parked["side"], parked["kind"]) == ("amount", "postgres", "refused")
    assert "cheap" in parked["reason"]
    world.sync()
    assert world.rows()[one]["title"] == "renamed"
    world.sql("ALTER TABLE tasks DROP CONSTRAINT cheap")
    world.decide("retry", id=parked["id"])
    world.sync()
    assert world.rows()[one]["amount"] == 500
    assert world.journal().parked() == []
    assert world.in_step()


def test_what_notion_cannot_hold_is_parked_and_the_rest_goes_on(world: World) -> None:
    key = insert(world, "one")
    world.sync()
    world.sql("UPDATE tasks SET title = 'new', tags = '{\"a,b\"}' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"] == "new"
    (parked,) = world.journal().parked()
    assert (parked["field"], parked["side"], parked["kind"]) == ("tags", "notion", "unfit")
    world.sql("UPDATE tasks SET tags = '{a,b}' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Tags"] == ["a", "b"]
    assert world.journal().parked() == []


def test_a_mass_deletion_stops_and_asks(world: World) -> None:
    for number in range(30):
        insert(world, f"row {number}")
    world.sync()
    world.sql("DELETE FROM tasks WHERE id > 5")
    world.sync()
    assert len(world.pages()) == 30
    state = world.journal().sync_state("tasks")
    assert "would delete 25 of 30" in state.breaker
    world.decide("resume", syncs=["tasks"], deletes="undo")
    world.sync()
    assert len(world.rows()) == 30
    world.sql("DELETE FROM tasks WHERE id > 5")
    world.sync()
    world.decide("resume", syncs=["tasks"], deletes="allow")
    world.sync()
    assert len(world.pages()) == 5
    assert world.in_step()


def test_an_unshared_database_deletes_nothing(world: World) -> None:
    insert(world, "one")
    world.sync()
    world.person.unshare(world.data_source)
    with pytest.raises(BridgeError):
        world.sync()
    world.person.share(world.data_source)
    world.sync()
    assert len(world.rows()) == len(world.pages()) == 1


def test_a_page_that_moved_away_is_left_alone_and_comes_back(world: World) -> None:
    key = insert(world, "one")
    world.sync()
    page_id = world.page(key)["_id"]
    _, elsewhere = world.person.create_database("Elsewhere", TASKS_PROPERTIES)
    world.person.move(page_id, elsewhere)
    world.sync()
    assert list(world.rows()) == [key]
    assert [row["kind"] for row in world.journal().parked()] == ["away"]
    world.person.move(page_id, world.data_source)
    world.sync()
    assert world.journal().parked() == []
    assert world.in_step()
