"""A person's word is about what was shown: no later edit is run over; a breaker holds to the end (S4, S8, S12)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.engine import worker
from bridge.postgres import outbox
from bridge.sandbox.notion import Request
from tests.system.test_both_ways import insert
from tests.system.world import World


def open_conflict(world: World) -> tuple[str, str, int]:
    """A record whose title waits for a person: its key, its page and the conflict's number."""
    world.options = 'policy = "manual"'
    world.write_config()
    key = insert(world, "before")
    world.sync()
    page_id = world.page(key)["_id"]
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
    world.person.edit(page_id, {"Name": "theirs"})
    world.sync()
    (conflict,) = world.journal().conflicts()
    return key, page_id, conflict["id"]


def test_a_row_edited_after_the_decision_is_not_run_over(world: World) -> None:
    key, _, conflict = open_conflict(world)
    world.decide("resolve", id=conflict, take="notion")
    world.sql("UPDATE tasks SET title = 'newest' WHERE id = %s", int(key))
    world.sync()
    assert world.rows()[key]["title"] == "newest" or "newest" in str(world.journal().conflicts())


@pytest.mark.parametrize("moment", ["before the pass", "before the last look"])
def test_a_page_edited_after_the_decision_is_not_run_over(world: World, moment: str) -> None:
    key, page_id, conflict = open_conflict(world)

    def person(request: Request | None = None) -> None:
        world.person.edit(page_id, {"Name": "newest"})

    acts: dict[str, Callable[[], object]] = {
        "before the pass": person,
        "before the last look": lambda: world.sandbox.faults.hook(person, "GET", r"/pages/"),
    }
    world.decide("resolve", id=conflict, take="postgres")
    acts[moment]()
    world.sync()
    assert world.page(key)["Name"] == "newest" or "newest" in str(world.journal().conflicts())


def test_a_mass_deletion_is_judged_as_a_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is longer than what one round reads; its first part alone is below every limit."""
    monkeypatch.setattr(worker, "_ROWS_PER_ROUND", 20)
    monkeypatch.setattr(outbox, "BATCH_CHANGES", 20)
    world.sql("INSERT INTO tasks (title) SELECT 'row ' || n FROM generate_series(1, 300) AS n")
    world.sync()
    with world.running() as bridge:
        world.until(lambda: bridge.loop.workers[0].swept, "both sides are listed")
        each = "FOR number IN SELECT id FROM tasks LOOP DELETE FROM tasks WHERE id = number; END LOOP;"
        world.sql(f"DO $$ DECLARE number bigint; BEGIN {each} END $$")
        world.until(lambda: world.journal().sync_state("tasks").breaker, "the breaker trips")
    assert len(world.pages()) == 300


def test_a_held_deletion_that_is_rejected_brings_the_page_back_with_one_write(world: World) -> None:
    """The sandbox calls a second write that changes nothing a violation."""
    world.options = 'deletes = "hold"'
    world.write_config()
    key = insert(world, "kept")
    world.sync()
    world.person.trash(world.page(key)["_id"])
    world.sync()
    (held,) = world.journal().parked()
    world.decide("reject", id=held["id"])
    world.sync()
    assert world.page(key)["Name"] == "kept"
    assert world.in_step()


def test_what_was_allowed_once_is_asked_about_again(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'row ' || n FROM generate_series(1, 60) AS n")
    world.sync()
    world.sql("DELETE FROM tasks WHERE id <= 25")
    world.sync()
    world.decide("resume", syncs=["tasks"], deletes="allow")
    world.sync()
    assert len(world.pages()) == 35
    world.sql("DELETE FROM tasks WHERE id <= 50")
    world.sync()
    assert len(world.pages()) == 35
    assert world.journal().sync_state("tasks").breaker
