"""Many syncs share three connections; the locks of all of them live and end with the one that writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.clock import CommonClock, SystemClock
from bridge.ends import Outcome
from bridge.errors import LockHeld, Unavailable
from bridge.model import Sync
from bridge.postgres import PostgresEnd, install, open_connection
from bridge.postgres.sessions import Sessions
from tests.postgres.support import (
    DEADLINE_S,
    User,
    create,
    end_for,
    end_the_holders,
    eventually,
    holders,
    set_up,
    sync_for,
)

CONNECTIONS = b"""
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'notion-bridge' AND datname = current_database()
"""


@pytest.fixture
def syncs(database: str) -> list[Sync]:
    first = set_up(database)
    others = [sync_for(first.table, ["title"], name=f"other {number}") for number in range(9)]
    with open_connection(database) as conn:
        for sync in others:
            install(conn, sync)
    return [first, *others]


@pytest.fixture
def ends(database: str, syncs: list[Sync]) -> Iterator[list[PostgresEnd]]:
    sessions = Sessions(database, CommonClock(SystemClock()), lock_patience=0.1)
    made = [PostgresEnd(sessions, sync) for sync in syncs]
    assert sessions.listener.wait(DEADLINE_S)
    for end in made:
        end.take_lock()
        end.changes()
    yield made
    for end in made:
        end.close()


def test_ten_syncs_need_three_connections(ends: list[PostgresEnd], user: User) -> None:
    assert user.execute(CONNECTIONS).fetchone() == (3,)
    assert len(holders(user)) == 10
    assert len(set(holders(user))) == 1


def test_a_new_session_takes_all_locks_before_it_writes_anything(
    database: str, ends: list[PostgresEnd], syncs: list[Sync], user: User
) -> None:
    end_the_holders(user)
    with pytest.raises(Unavailable):
        ends[3].take_lock()
    ends[3].take_lock()
    assert len(holders(user)) == 10

    end_the_holders(user)
    another = end_for(database, syncs[5])
    another.take_lock()
    with pytest.raises(Unavailable):
        ends[0].take_lock()
    with pytest.raises(LockHeld, match="other 4"):
        ends[0].take_lock()
    with pytest.raises(LockHeld):
        list(ends[0].apply([create({"title": "a"})]))
    another.close()
    eventually(lambda: holders(user) == [], "its session has ended")
    (receipt,) = ends[0].apply([create({"title": "b"})])
    assert receipt.outcome is Outcome.DONE
    assert user.execute("SELECT title FROM tasks").fetchall() == [("b",)]


def test_the_sessions_end_with_the_last_sync(ends: list[PostgresEnd], user: User) -> None:
    for end in ends[1:]:
        end.close()
    assert len(holders(user)) == 10
    ends[0].close()
    eventually(lambda: user.execute(CONNECTIONS).fetchone() == (0,), "all are closed")
