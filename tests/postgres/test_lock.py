"""One bridge per sync. The second is told who the first is; whoever lost the lock knows before the next write."""

from __future__ import annotations

import threading

import pytest

from bridge.clock import CommonClock, SystemClock
from bridge.ends import Outcome
from bridge.errors import ExitCode, LockHeld, Unavailable
from bridge.postgres.end import PostgresEnd
from bridge.postgres.sessions import Sessions
from tests.notion.clocks import SkippingClock
from tests.postgres.support import User, create, end_for, end_the_holders, holders, set_up, sync_for


def test_the_second_bridge_is_told_who_the_first_is(database: str, user: User) -> None:
    sync = set_up(database)
    first, second = end_for(database, sync), end_for(database, sync)
    first.take_lock()
    with pytest.raises(LockHeld, match='sync "tasks"') as caught:
        second.take_lock()
    (pid,) = holders(user)
    assert f"server process {pid}" in caught.value.message
    assert "notion-bridge" in caught.value.message
    assert caught.value.exit_code is ExitCode.LOCKED
    with pytest.raises(LockHeld):
        list(second.apply([create({"title": "a"})]))
    assert second.changes().observations == []  # reading needs no lock
    first.close()
    second.take_lock()
    second.close()


def test_who_has_the_lock_knows_the_servers_clock(database: str) -> None:
    """Worlds, seed 78: the database went away between the lock and the first read of the outbox. What Notion showed
    meanwhile was noted by this machine's clock, which was an hour ahead; for an hour nothing else of it was news."""
    sync, clock = set_up(database), CommonClock(SystemClock())
    end = PostgresEnd(Sessions(database, clock), sync)
    known = [clock.postgres.known]
    end.take_lock()
    known.append(clock.postgres.known)
    assert known == [False, True]
    end.close()


def test_another_sync_is_another_lock(database: str, user: User) -> None:
    sync = set_up(database)
    other = sync_for(sync.table, ["title"], name="other")
    first, second = end_for(database, sync), end_for(database, other)
    first.take_lock()
    second.take_lock()
    assert len(set(holders(user))) == 2
    first.close()
    second.close()


def test_a_lost_lock_is_noticed_and_not_taken_back_from_another(database: str, user: User) -> None:
    sync = set_up(database)
    first, second = end_for(database, sync), end_for(database, sync)
    first.take_lock()
    end_the_holders(user)
    second.take_lock()
    (receipt,) = first.apply([create({"title": "a"})])
    assert receipt.outcome is Outcome.RETRY  # in a session that must take the lock first
    with pytest.raises(LockHeld):
        list(first.apply([create({"title": "a"})]))
    (receipt,) = second.apply([create({"title": "b"})])
    assert receipt.outcome is Outcome.DONE
    assert user.execute("SELECT title FROM tasks").fetchall() == [("b",)]
    first.close()
    second.close()


def test_who_lost_the_lock_takes_no_change_away(database: str, user: User) -> None:
    """It may have journaled the change, but the bridge that works now has not."""
    sync = set_up(database)
    first, second = end_for(database, sync), end_for(database, sync)
    first.take_lock()
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    batch = first.changes()
    end_the_holders(user)
    second.take_lock()
    for _ in range(2):
        with pytest.raises((Unavailable, LockHeld)):
            first.acknowledge(batch)
    assert len(second.changes().observations) == 1
    first.close()
    second.close()


def test_who_has_nothing_to_write_notices_a_lost_lock_too(database: str, user: User) -> None:
    """The other bridge does all the work, also that of the first one, which would go on watching both sides for ever:
    found in tests/system/test_two_bridges.py, once in many runs."""
    sync, time = set_up(database), SkippingClock()
    first = PostgresEnd(Sessions(database, CommonClock(time)), sync)
    second = end_for(database, sync)
    first.take_lock()
    assert first.changes().observations == []
    end_the_holders(user)
    second.take_lock()
    time.advance(60)
    with pytest.raises(Unavailable):  # its session is gone; the next one must take the lock first
        first.changes()
    with pytest.raises(LockHeld, match='sync "tasks"'):
        first.changes()
    # It has been on its way out since: each of many writes that are under way would wait those seconds, one by one.
    assert time.slept == []
    first.close()
    second.close()


def test_a_killed_bridge_is_waited_for(database: str) -> None:
    """Its session lives on for a moment; the next start must not fail because of it."""
    sync = set_up(database)
    first, second = end_for(database, sync), end_for(database, sync, patience=20)
    first.take_lock()
    timer = threading.Timer(0.2, first.close)
    timer.start()
    second.take_lock()
    timer.join()
    second.close()
