"""The first change after a look wakes the bridge, and the others do not: whoever notifies commits alone in the whole
cluster. What nobody is told of is found by the next look, which comes soon.

S15 (complete), S22 (host unharmed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.clock import SystemClock
from bridge.model import Sync
from bridge.postgres import PostgresEnd
from bridge.postgres.capture import CaptureSettings
from bridge.postgres.listener import Listener
from tests.postgres.support import DEADLINE_S, User, end_for, set_up, taken

LIMIT = 1000
MANY = 20
SOON_S = 0.05


@pytest.fixture(params=[None, LIMIT], ids=["without a limit", "with a limit"])
def sync(database: str, request: pytest.FixtureRequest) -> Sync:
    return set_up(database, settings=CaptureSettings(outbox_max=request.param))


@pytest.fixture
def end(database: str, sync: Sync, request: pytest.FixtureRequest) -> Iterator[PostgresEnd]:
    made = end_for(database, sync, outbox_max=request.node.callspec.params["sync"])
    assert made._sessions.listener.wait(DEADLINE_S), "it has begun to listen"
    yield made
    made.close()


@pytest.fixture
def heard(database: str, sync: Sync) -> Iterator[Callable[..., bool]]:
    """Whether somebody has notified since it was asked last; what should have come may take its time."""
    listener = Listener(database, SystemClock())
    assert listener.wait(DEADLINE_S)
    yield lambda within_s=DEADLINE_S: listener.wait(within_s)
    listener.close()


def add(user: User, rows: int = 1) -> None:
    for _ in range(rows):
        user.execute("INSERT INTO tasks (title) VALUES ('row')")


def drain(end: PostgresEnd) -> int:
    """How many changes waited, up to a look that found none."""
    found = 0
    while (batch := taken(end)).token is not None:
        found += len(batch.observations)
    return found


def test_only_the_first_change_after_a_look_notifies(end: PostgresEnd, user: User, heard: Callable[..., bool]) -> None:
    for _ in range(3):
        add(user)
        assert heard()
        add(user, 3)
        user.execute("UPDATE tasks SET title = title || '+' WHERE id = 1")
        assert not heard(SOON_S)
        assert drain(end) == 5


def test_of_a_bulk_the_first_statement_notifies(end: PostgresEnd, user: User, heard: Callable[..., bool]) -> None:
    for _ in range(2):
        user.execute("INSERT INTO tasks (title) SELECT 'row' FROM generate_series(1, 300)")
        assert heard()
        user.execute("UPDATE tasks SET title = title || '+'")
        assert not heard(SOON_S)
        drain(end)
        assert drain(end) == 0


def test_who_commits_after_the_look_is_found_by_the_next(
    end: PostgresEnd, user: User, users: Callable[[], User], heard: Callable[..., bool]
) -> None:
    add(user)
    assert end._sessions.listener.wait(DEADLINE_S)
    slow = users()
    add(slow)
    assert drain(end) == 1
    slow.commit()
    assert heard(), "of the first change"
    assert not heard(SOON_S), "the second notifies nobody"
    assert end._sessions.listener.wait(DEADLINE_S), "but the end asks for another look by itself"
    assert drain(end) == 1


def test_while_many_come_nobody_notifies(end: PostgresEnd, user: User, heard: Callable[..., bool]) -> None:
    add(user, MANY)
    assert heard()
    for _ in range(3):
        assert drain(end) == MANY
        add(user, MANY)
        assert not heard(SOON_S), "it looks again by itself"
    assert drain(end) == MANY
    assert drain(end) == 0
    add(user)
    assert heard(), "when nothing more comes it is woken again"


def test_a_change_that_is_rolled_back_costs_a_look(
    end: PostgresEnd, user: User, users: Callable[[], User], heard: Callable[..., bool]
) -> None:
    add(users())  # never committed
    add(user)
    assert not heard(SOON_S)
    assert drain(end) == 1
    add(user)
    assert heard()


def test_the_bridges_own_write_notifies_always(end: PostgresEnd, user: User, heard: Callable[..., bool]) -> None:
    """It waits for what its write has become."""
    add(user)
    assert heard()
    user.execute("SET notion_bridge.origin = '00000000-0000-4000-8000-000000000001'")
    add(user)
    assert heard()


def test_silence_when_asked_for(database: str, user: User) -> None:
    sync = set_up(database, settings=CaptureSettings(notify=False, outbox_max=LIMIT))
    listener = Listener(database, SystemClock())
    assert listener.wait(DEADLINE_S)
    add(user)
    assert not listener.wait(0.05)
    listener.close()
    end = end_for(database, sync, outbox_max=LIMIT)
    assert drain(end) == 1
    end.close()
