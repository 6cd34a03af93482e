"""The outbox holds no more than it may; a change that was left out is never missed, whoever commits when; and nobody in
the host's database waits for the bridge or fails because of it.

S15 (complete), S22 (host unharmed), P9 (a long time offline).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from bridge.ends import Batch
from bridge.model import Sync
from bridge.postgres import PostgresEnd, install, installed, open_connection, uninstall
from bridge.postgres.bounds import FULL
from bridge.postgres.capture import CaptureSettings
from tests.postgres.support import User, end_for, set_up

MAX = 5
SETTINGS = CaptureSettings(outbox_max=MAX)


@pytest.fixture
def sync(database: str) -> Sync:
    return set_up(database, settings=SETTINGS)


@pytest.fixture
def end(database: str, sync: Sync) -> Iterator[PostgresEnd]:
    made = end_for(database, sync, outbox_max=MAX)
    yield made
    made.close()


def add(user: User, rows: int) -> None:
    """A statement for each row: a statement whose changes do not fit is left out as a whole."""
    for _ in range(rows):
        user.execute("INSERT INTO tasks (title) VALUES ('row')")


def noted(user: User) -> int:
    [(count,)] = user.execute("SELECT count(*) FROM notion_bridge.outbox").fetchall()
    return int(count)


def drain(end: PostgresEnd) -> list[Batch]:
    """Everything that waits, acknowledged, up to the first batch that has nothing."""
    batches = []
    while (batch := end.changes()).token is not None:
        end.acknowledge(batch)
        batches.append(batch)
    return [*batches, batch]


def told(end: PostgresEnd) -> bool:
    """Whether the table is to be read, once all that waits is acknowledged."""
    return FULL in [batch.reread for batch in drain(end)]


def scanned(end: PostgresEnd) -> int:
    return sum(len(batch.observations) for batch in end.scan() if batch.token is None)


def test_no_more_are_noted_than_may_wait_and_the_table_is_read_instead(end: PostgresEnd, user: User) -> None:
    add(user, MAX)
    assert noted(user) == MAX
    add(user, 20)
    user.execute("UPDATE tasks SET title = 'again'")
    user.execute("DELETE FROM tasks WHERE id = 1")
    user.execute("TRUNCATE tasks")
    assert noted(user) == MAX
    first, full, last = drain(end)
    assert (len(first.observations), first.reread, full.reread, last.reread) == (MAX, "", FULL, "")
    assert end.changes().reread == "", "it is told once"
    add(user, 1)
    assert noted(user) == 1


def test_that_there_were_too_many_is_told_until_the_journal_has_it(end: PostgresEnd, user: User) -> None:
    """A bridge that is killed in between has noted nothing, and goes on from what it knew before."""
    add(user, MAX + 1)
    end.acknowledge(end.changes())
    for _ in range(3):
        assert end.changes().reread == FULL
        add(user, 1)
        assert noted(user) == 0
    end.acknowledge(end.changes())
    add(user, 1)
    assert noted(user) == 1
    assert scanned(end) == MAX + 5


def test_what_was_read_makes_room(end: PostgresEnd, user: User) -> None:
    for _ in range(4):
        add(user, MAX)
        assert [batch.reread for batch in drain(end)] == ["", ""]


def test_a_rollback_and_a_change_of_nothing_leave_nothing_behind(end: PostgresEnd, user: User, sync: Sync) -> None:
    with user.transaction(force_rollback=True):
        add(user, 20)
    assert noted(user) == 0
    assert told(end), "too much rather than too little: the sequence does not roll back"
    user.execute("INSERT INTO tasks (title) VALUES ('one')")
    for _ in range(20):
        user.execute("UPDATE tasks SET secret = 'unmapped'")
    assert noted(user) == 1
    assert not told(end)


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_the_table_is_not_read_before_who_left_a_change_out_has_committed(
    end: PostgresEnd, user: User, users: Callable[[], User], level: str
) -> None:
    slow = users()
    slow.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
    add(user, MAX)
    add(slow, 3)
    assert not told(end), "the change that was left out cannot be seen yet"
    assert noted(user) == 0
    add(user, 3)
    assert noted(user) == 0, "still full: the count does not begin anew under whoever left something out"
    slow.commit()
    assert told(end)
    assert scanned(end) == MAX + 6


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_does_not_leave_out_what_is_noted_again(
    end: PostgresEnd, user: User, users: Callable[[], User], level: str
) -> None:
    """It began while the outbox was full, and writes after the table was read."""
    old = users()
    old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
    add(user, 20)
    old.execute("SELECT count(*) FROM tasks")
    assert told(end)
    assert scanned(end) == 20
    add(old, 2)
    old.commit()
    assert noted(user) == 2


def test_a_savepoint_that_is_rolled_back_holds_nothing_up(
    end: PostgresEnd, user: User, users: Callable[[], User]
) -> None:
    add(user, MAX)
    other = users()
    other.execute("SELECT 1")
    with other.transaction(force_rollback=True):
        add(other, 3)
    assert told(end)


def test_nobody_waits_for_the_bridge(end: PostgresEnd, user: User, users: Callable[[], User]) -> None:
    """Even if the instant in which it begins anew lasted for ever: then the change is noted."""
    add(user, 20)
    bridge = users()
    [(lock,)] = user.execute("SELECT prosrc FROM pg_proc WHERE proname = 'statement_insert_tasks'").fetchall()
    numbers = lock.split("pg_try_advisory_xact_lock_shared(")[1].split(")")[0]
    bridge.execute(f"SELECT pg_advisory_xact_lock({numbers})".encode())
    user.execute("SET statement_timeout = '5s'")
    add(user, 1)
    assert noted(user) == MAX + 1
    assert not told(end), "and the bridge does not wait either"
    bridge.rollback()
    assert told(end)


def test_the_bridges_own_writes_come_back_however_full_it_is(user: User, sync: Sync) -> None:
    add(user, 20)
    user.execute("SET notion_bridge.origin = '00000000-0000-4000-8000-000000000001'")
    add(user, 1)
    assert noted(user) == MAX + 1


def test_unreadable_changes_are_bounded_too(end: PostgresEnd, user: User) -> None:
    user.execute("ALTER TABLE tasks RENAME COLUMN title TO name")
    for _ in range(20):
        user.execute("INSERT INTO tasks (name) VALUES ('row')")
    assert user.execute("SELECT DISTINCT op FROM notion_bridge.outbox").fetchall() == [("unknown",)]
    assert noted(user) == MAX


def test_without_a_limit_everything_is_noted(database: str, user: User) -> None:
    sync = set_up(database)
    add(user, 20)
    assert noted(user) == 20
    with open_connection(database) as conn:
        assert [finding.name for finding in installed(conn, sync, SETTINGS)] == ["outbox-max"]
        install(conn, sync, SETTINGS)
        assert installed(conn, sync, SETTINGS) == installed(conn, sync) == []
        install(conn, sync)
        assert installed(conn, sync) == []
        uninstall(conn, None)


def test_uninstalling_takes_the_counter_along(database: str, sync: Sync, user: User) -> None:
    add(user, 20)
    with open_connection(database) as conn:
        uninstall(conn, None)
    assert user.execute("SELECT FROM pg_namespace WHERE nspname = 'notion_bridge'").fetchall() == []


def test_two_syncs_of_one_table_count_apart(database: str, user: User, sync: Sync, end: PostgresEnd) -> None:
    with open_connection(database) as conn:
        second = replace(sync, name="second", data_source=replace(sync.data_source, id="ds-2"))
        install(conn, second, CaptureSettings(outbox_max=100))
    add(user, 20)
    assert user.execute("SELECT sync, count(*) FROM notion_bridge.outbox GROUP BY 1 ORDER BY 1").fetchall() == [
        ("second", 20),
        ("tasks", MAX),
    ]


def test_a_counter_that_somebody_resets_is_no_error(database: str, user: User, sync: Sync) -> None:
    user.execute("ALTER SEQUENCE notion_bridge.noted_tasks RESTART")
    add(user, 20)
    assert noted(user) == MAX
    with psycopg.connect(database) as two_phase:
        assert two_phase.execute("SELECT pg_sequence_last_value('notion_bridge.noted_tasks')").fetchone() == (20,)
