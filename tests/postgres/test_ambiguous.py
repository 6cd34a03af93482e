"""A connection that dies around COMMIT. Nobody is told what happened, and the bridge finds out, exactly."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from bridge.ends import Blame, Intent, Outcome, Receipt
from bridge.errors import Unavailable
from bridge.model import Sync
from bridge.postgres import PostgresEnd
from bridge.postgres.connection import Limits
from bridge.postgres.writer import RowWriter
from tests.line import Fate, Line
from tests.postgres.support import (
    DEADLINE_S,
    AloneSession,
    User,
    create,
    end_for,
    end_the_holders,
    set_up,
    taken,
    update,
)


@pytest.fixture
def line(database: str) -> Iterator[Line]:
    with Line.to_postgres(database) as line:
        yield line


@pytest.fixture
def sync(database: str) -> Sync:
    return set_up(database)


@pytest.fixture
def end(line: Line, sync: Sync) -> Iterator[PostgresEnd]:
    end = end_for(line.dsn, sync, patience=DEADLINE_S)
    yield end
    end.close()


def write(end: PostgresEnd, intent: Intent) -> Receipt:
    (receipt,) = end.apply([intent])
    return receipt


def rows(user: User) -> list[tuple[object, ...]]:
    return user.execute("SELECT title FROM tasks").fetchall()


def test_committed_but_not_answered(end: PostgresEnd, line: Line, user: User) -> None:
    end.take_lock()
    line.on(b"COMMIT", Fate.DELIVERED)
    intent = create({"title": "a"})
    assert write(end, intent).outcome is Outcome.UNKNOWN
    found = end.find_out(intent)
    assert found.outcome is Outcome.DONE
    assert found.seen is not None
    assert found.seen.key == ("1",)
    (echo,) = taken(end).observations
    assert (echo.origin, echo.position) == (intent.id, found.position)
    assert rows(user) == [("a",)]
    # Even when the echo was read before anybody asked.
    assert end.find_out(intent).seen.key == ("1",)  # type: ignore[union-attr]


def test_not_committed(end: PostgresEnd, line: Line, user: User) -> None:
    end.take_lock()
    line.on(b"COMMIT", Fate.LOST)
    intent = create({"title": "a"})
    assert write(end, intent).outcome is Outcome.UNKNOWN
    found = end.find_out(intent)
    assert (found.outcome, found.blame) == (Outcome.RETRY, Blame.UNCLEAR)
    assert rows(user) == []
    assert write(end, intent).outcome is Outcome.DONE
    assert rows(user) == [("a",)]


def test_lost_before_commit_is_certain(end: PostgresEnd, line: Line, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    end.take_lock()
    for needle in (b"notion_bridge.applied", b"UPDATE ONLY"):
        line.on(needle, Fate.DELIVERED)
        intent = update(("1",), title=("a", "b"))
        receipt = write(end, intent)
        assert receipt.outcome is Outcome.RETRY
        assert line.happened.is_set()
    assert rows(user) == [("a",)]


def test_a_commit_in_flight_is_waited_for(database: str, sync: Sync, user: User) -> None:
    """As long as the other transaction holds the proof, there is no answer; then there is the right one."""
    session = AloneSession(database, limits=Limits(lock=1))
    writer = RowWriter(session, sync)
    for outcome in (Outcome.DONE, Outcome.RETRY):
        intent = update(("1",), title=("a", "b"))
        with user.transaction() as transaction:
            user.execute("INSERT INTO notion_bridge.applied VALUES (%s, 'tasks')", [intent.id])
            assert writer.find_out(intent).outcome is Outcome.UNKNOWN
            transaction.force_rollback = outcome is Outcome.RETRY
        assert writer.find_out(intent).outcome is outcome
    session.close()


def test_our_own_dead_session_does_not_lock_us_out(end: PostgresEnd, line: Line, user: User) -> None:
    """The network swallows the COMMIT: the server still keeps the session, its lock and its transaction."""
    end.take_lock()
    line.on(b"COMMIT", Fate.HELD)
    intent = create({"title": "a"})
    receipts: list[Receipt] = []
    thread = threading.Thread(target=lambda: receipts.append(write(end, intent)))
    thread.start()
    assert line.happened.wait(DEADLINE_S)
    session = end._sessions._writing._connection
    assert session is not None
    # What the client's kernel does when TCP gives up, only sooner.
    with socket.socket(fileno=os.dup(session.fileno())) as ours:
        ours.shutdown(socket.SHUT_RD)
    thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.UNKNOWN]
    assert end.find_out(intent).outcome is Outcome.RETRY
    assert rows(user) == []


def test_a_server_that_is_down_raises(database: str, sync: Sync) -> None:
    with Line.to_postgres(database) as line:
        end = end_for(line.dsn, sync)
        end.take_lock()
        line.on(b"COMMIT", Fate.LOST)
        assert write(end, create({"title": "a"})).outcome is Outcome.UNKNOWN
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        write(end, create({"title": "b"}))
    end.close()


def test_the_backend_is_killed_between_two_writes(end: PostgresEnd, user: User) -> None:
    """What was not begun was certainly not made: it is tried again, and nothing needs to be found out."""
    end.take_lock()
    end_the_holders(user)
    intent = create({"title": "a"})
    assert write(end, intent).outcome is Outcome.RETRY
    assert rows(user) == []
    assert write(end, intent).outcome is Outcome.DONE
    assert rows(user) == [("a",)]
