"""Waiting. A notification ends it early; whatever happens to the listening session, it comes back, and then the
outbox is looked at once, because a notification may have been missed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bridge.clock import SystemClock
from bridge.postgres import listener as listener_module
from bridge.postgres.listener import Listener, is_heard
from tests.line import Fate, Line
from tests.postgres.support import DEADLINE_S, User, eventually, set_up

LISTENING = "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN notion_bridge' AND datname = current_database()"


class QuickClock(SystemClock):
    """Time that passes a thousand times as fast, for back-off and heartbeats."""

    def monotonic(self) -> float:
        return super().monotonic() * 1000


@pytest.fixture
def listener(database: str) -> Iterator[Listener]:
    set_up(database)
    listener = Listener(database, SystemClock())
    assert listener.wait(DEADLINE_S)  # it has begun to listen: look at once
    yield listener
    listener.close()


def test_a_commit_ends_the_wait(listener: Listener, user: User) -> None:
    with user.transaction():
        user.execute("INSERT INTO tasks (title) SELECT 'x' FROM generate_series(1, 100)")
        assert not listener.wait(0.05)  # nothing before the commit
    assert listener.wait(DEADLINE_S)
    assert not listener.wait(0.05)  # a hundred rows are one reason to look


def test_a_rollback_and_an_unseen_update_are_silent(listener: Listener, user: User) -> None:
    with user.transaction(force_rollback=True):
        user.execute("INSERT INTO tasks (title) VALUES ('x')")
    user.execute("UPDATE tasks SET secret = 'x'")
    assert not listener.wait(0.05)


def test_a_killed_session_is_opened_again(listener: Listener, user: User) -> None:
    assert is_heard(user)
    (pid,) = user.execute(LISTENING.encode()).fetchone() or (None,)
    user.execute("SELECT pg_terminate_backend(%s)", [pid])
    eventually(lambda: listener.wait(0.05), "it listens anew and asks for a look")
    assert is_heard(user)
    user.execute("INSERT INTO tasks (title) VALUES ('x')")
    assert listener.wait(DEADLINE_S)


def test_the_listening_session_sits_in_no_transaction(listener: Listener, user: User) -> None:
    user.execute("INSERT INTO tasks (title) VALUES ('x')")
    assert listener.wait(DEADLINE_S)
    state = user.execute(LISTENING.replace("SELECT pid", "SELECT state").encode()).fetchall()
    assert state == [("idle",)]


def test_a_server_that_is_away_only_costs_the_wait(database: str) -> None:
    with Line.to_postgres(database) as line:
        dsn = line.dsn
    listener = Listener(dsn, SystemClock())
    assert not listener.wait(0.05)
    listener.close()


def test_a_stop_ends_the_wait(database: str) -> None:
    stop = threading.Event()
    listener = Listener(database, SystemClock(stop), stop)
    assert listener.wait(DEADLINE_S)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(listener.wait(3600)))
    thread.start()
    stop.set()
    thread.join(DEADLINE_S)
    assert results == [False]
    listener.close()


def test_a_silent_line_is_given_up(database: str) -> None:
    """Half-open: the packets vanish, nobody is told. The heartbeat is not answered, and that is how it shows."""
    assert listener_module._HEARTBEAT_S > listener_module._ANSWER_S
    with Line.to_postgres(database) as line:
        listener = Listener(line.dsn, QuickClock())
        eventually(lambda: listener.wait(200), "it listens")
        line.on(b"SELECT 'LISTEN", Fate.HELD)
        eventually(lambda: listener.wait(200), "the silence is noticed, and it listens again")
        assert line.happened.is_set()
        listener.close()


def test_heartbeats_are_answered(database: str, user: User) -> None:
    listener = Listener(database, QuickClock())
    eventually(lambda: listener.wait(200), "it listens")
    (pid,) = user.execute(LISTENING.encode()).fetchone() or (None,)
    beat = f"SELECT FROM pg_stat_activity WHERE pid = {pid} AND query LIKE 'SELECT ''LISTEN%'".encode()
    eventually(lambda: not listener.wait(200) and user.execute(beat).fetchone() is not None, "a heartbeat")
    listener._clock = SystemClock()
    listener._heard = listener._clock.monotonic()
    assert is_heard(user)
    listener.close()
