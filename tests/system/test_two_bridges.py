"""One bridge per sync (S24): the second leaves and says why; who lost the lock stops before its next write."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from bridge.errors import ExitCode
from bridge.notion import client as client_module
from tests.line import Line
from tests.system.crashing import Command
from tests.system.history import is_quiet
from tests.system.test_both_ways import insert
from tests.system.world import World

WRITES = (b"PATCH /v1/pages", b"POST /v1/pages ")
END_LOCK_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def elsewhere(world: World, pages_line: Line) -> World:
    """The same sync on another machine, with a journal of its own."""
    other = replace(world, name="elsewhere", bridge_url="")
    other.write_config()
    return other


def started(world: World) -> Command:
    bridge = Command(world, ["run", "--no-live"])
    world.until(lambda: "tasks started" in bridge.said() or not bridge.running(), "the bridge starts")
    return bridge


@pytest.mark.parametrize("journal", ["the same", "another"])
def test_the_second_leaves_and_says_why(world: World, elsewhere: World, journal: str) -> None:
    insert(world, "one")
    first = started(world)
    second = Command(world if journal == "the same" else elsewhere, ["run", "--no-live"])
    assert second.ended() == ExitCode.LOCKED
    said = second.said()
    assert (
        "another notion-bridge" in said if journal == "the same" else 'another bridge works on the sync "tasks"' in said
    )
    world.until(lambda: is_quiet(world), "the first one goes on")
    first.kill()


def shows(rows: Callable[[], dict[str, dict[str, object]]], key: str, column: str, value: str) -> bool:
    return rows()[key][column] == value


def writes(line: Line) -> list[bytes]:
    return [said for said in line.heard if said.startswith(WRITES)]


@pytest.mark.parametrize("work", ["create", "update"])
def test_a_frozen_bridge_that_lost_its_lock_writes_nothing_any_more(
    world: World, elsewhere: World, pages_line: Line, work: str
) -> None:
    """It is stopped in the middle of a backlog for longer than its database session lives; another bridge has taken
    over, and done all the work, when it wakes up."""
    if work == "update":
        for number in range(30):
            insert(world, f"old {number}")
        world.sync()
        elsewhere.sync()
    first = started(world)
    world.until(lambda: is_quiet(world), "it is in step")
    pages_line.hold(*WRITES)
    if work == "update":
        world.sql("UPDATE tasks SET title = 'new ' || id")
    else:
        world.sql("INSERT INTO tasks (title) SELECT 'row ' || n FROM generate_series(1, 30) AS n")
    # Each of its connections waits for the answer to a write: none is between the look at the lock and the sending,
    # where no program could call it back.
    world.until(lambda: pages_line.held == world.config().notion.connections, "it is in the middle of the work")
    os.kill(first.pid, signal.SIGSTOP)
    frozen = time.monotonic()
    pages_line.release()
    world.until(pages_line.idle, "what it has sent has arrived")
    world.sql(END_LOCK_SESSIONS)

    second = started(elsewhere)
    world.until(lambda: is_quiet(elsewhere), "the second one has done the work")
    changed = world.sql(
        "UPDATE tasks SET mail = 'since@example.com' WHERE id = (SELECT min(id) FROM tasks) RETURNING id"
    )
    sent = len(writes(pages_line))
    # Within that time of the look at the lock a write may still leave, and may have been looked at just before.
    world.until(lambda: time.monotonic() - frozen > client_module._FRESH_S, "what it knew of the lock is too old")
    os.kill(first.pid, signal.SIGCONT)
    assert first.ended() == ExitCode.LOCKED, first.said()
    assert 'another bridge works on the sync "tasks"' in first.said()
    assert writes(pages_line)[sent:] == []

    world.until(lambda: is_quiet(elsewhere), "both sides are in step")
    second.kill()
    assert sorted(page["ID"] for page in world.pages()) == sorted(world.rows())
    assert world.page(str(changed[0][0]))["Mail"] == "since@example.com"
    assert world.pages(trashed=True) == []


def test_a_bridge_takes_a_lost_lock_again_when_nobody_else_has_it(world: World) -> None:
    key = insert(world, "one")
    bridge = started(world)
    world.until(lambda: is_quiet(world), "it is in step")
    for number in range(3):
        title, mail = f"page {number}", f"row{number}@example.com"
        world.sql(END_LOCK_SESSIONS)
        world.person.edit(world.page(key)["_id"], {"Name": title})
        world.until(partial(shows, world.rows, key, "title", title), "the edit arrives")
        world.sql("UPDATE tasks SET mail = %s", mail)
        world.until(lambda: is_quiet(world), "and the other way")
        assert world.page(key)["Mail"] == mail
    assert bridge.running()
    bridge.kill()
