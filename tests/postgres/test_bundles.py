"""A statement that changes many rows notes only which, in bundles; what they hold is read later, and is then still told
with the exact time of the statement, once, and never as older than it is.

S1 (no lost edit), S15 (complete), S20 (the trigger's cost).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.ends import Evidence
from bridge.model import Key, OnLeave, Presence, Stamp
from bridge.postgres import install, installed, open_connection, read_table
from bridge.postgres.bounds import FULL
from bridge.postgres.capture import CaptureSettings
from tests.postgres.support import TASKS, User, end_for, set_up, sync_for, taken, waiting
from tests.postgres.test_capture import FOLLOW

MANY = 1200


def add(user: User, rows: int = MANY) -> None:
    user.execute("INSERT INTO tasks (title, total) SELECT 'row ' || g, g FROM generate_series(1, %s) AS g", [rows])


def notes(user: User) -> list[tuple[Any, ...]]:
    return user.execute("SELECT op, key_count FROM notion_bridge.outbox ORDER BY id").fetchall()


def noted_at(user: User) -> list[datetime]:
    return [at for (at,) in user.execute("SELECT at FROM notion_bridge.outbox ORDER BY id").fetchall()]


def test_the_keys_of_many_rows_share_a_note(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    assert notes(user) == [("insert", 500), ("insert", 500), ("insert", 200)]
    assert "row" not in str(user.execute("SELECT keys FROM notion_bridge.outbox").fetchall())
    at = noted_at(user)
    events = waiting(database, sync)
    assert [(event.key, event.values["title"]) for event in events] == [
        ((str(number),), f"row {number}") for number in range(1, MANY + 1)
    ]
    assert {event.evidence for event in events} == {Evidence.EVENT}
    assert len({event.event_id for event in events}) == MANY
    assert {event.stamp for event in events} == {Stamp(moment, moment) for moment in at}


def test_new_rows_of_a_bundle_are_not_read_unless_they_are_known(database: str, user: User) -> None:
    """What they hold is read when it is needed, and in the order of the notes what came before and after counts."""
    sync = set_up(database)
    add(user, 300)
    user.execute("UPDATE tasks SET title = 'again' WHERE id IN (2, 7)")
    user.execute("DELETE FROM tasks WHERE id = 3")
    [at, *_] = noted_at(user)
    asked: list[Key] = []

    def known(keys: Sequence[Key]) -> list[Key]:
        asked.extend(keys)
        return [("5",), ("7",)]

    end = end_for(database, sync, known=known)
    batch = end.changes()
    whole = list(next(iter(end.scan())).observations)
    end.close()
    assert asked[:300] == [(str(number),) for number in range(1, 301)]
    assert [event.unread for event in batch.observations] == [event.unread for event in whole]
    unread = [event for event in batch.observations if event.unread]
    assert [event.key for event in unread] == [(str(n),) for n in range(1, 301) if n not in (5, 7)]
    assert {(event.stamp, event.author, event.event_id) for event in unread} == {(Stamp(at, at), "postgres", None)}
    read = [(event.key, event.values.get("title")) for event in batch.observations if not event.unread]
    assert read == [(("5",), "row 5"), (("2",), "again"), (("7",), "again"), (("3",), None)]


def test_a_bundle_that_changes_new_rows_reads_them(database: str, user: User) -> None:
    """One of them may be a record by then: it was deleted, and came back alone."""
    sync = set_up(database)
    add(user, 200)
    user.execute("DELETE FROM tasks WHERE id = 7")
    user.execute("INSERT INTO tasks (id, title) VALUES (7, 'alone')")
    user.execute("UPDATE tasks SET title = 'all'")
    end = end_for(database, sync, known=lambda keys: [])
    events = list(taken(end).observations)
    end.close()
    assert sum(event.unread for event in events) == 200
    assert [event.values["title"] for event in events if event.key == ("7",) and event.values] == ["alone", "all"]


def test_few_rows_are_noted_with_what_they_hold(database: str, user: User) -> None:
    set_up(database)
    add(user, 100)
    user.execute("UPDATE tasks SET done = true")
    assert notes(user) == [("insert", None)] * 100 + [("update", None)] * 100


def test_unmapped_columns_of_many_rows_are_no_change(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    waiting(database, sync)
    user.execute("UPDATE tasks SET secret = 'x', total = total * 1.0")
    events = waiting(database, sync)
    assert all(event.values["total"] == Decimal(str(event.key and event.key[0])) for event in events)
    user.execute("UPDATE tasks SET secret = 'y'")
    assert notes(user) == []


def test_a_row_that_was_changed_again_is_told_once_as_it_is(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    waiting(database, sync)
    user.execute("UPDATE tasks SET title = 'bulk'")
    user.execute("UPDATE tasks SET title = 'alone' WHERE id = 7")
    *bulk, alone = noted_at(user)
    events = waiting(database, sync)
    assert len(events) == MANY
    told = {event.key: (event.values["title"], event.stamp) for event in events}
    assert told.pop(("7",)) == ("alone", Stamp(alone, alone))
    assert set(told.values()) == {("bulk", Stamp(moment, moment)) for moment in bulk}


@pytest.mark.parametrize("rows", [200, MANY])
def test_the_bridges_own_write_does_not_hide_what_a_user_did_before(database: str, user: User, rows: int) -> None:
    """Whether its note is read together with theirs or, where they are many, after them."""
    sync = set_up(database)
    add(user, rows)
    waiting(database, sync)
    user.execute("UPDATE tasks SET title = 'bulk'")
    user.execute("SELECT set_config('notion_bridge.origin', '00000000-0000-4000-8000-000000000001', false)")
    user.execute("UPDATE tasks SET done = true WHERE id = 7")
    events = [event for event in waiting(database, sync) if event.key == ("7",)]
    assert [(event.origin is None, event.values["title"]) for event in events] == [(True, "bulk"), (False, "bulk")]


def test_the_bridges_own_writes_are_never_bundled(database: str, user: User) -> None:
    """Their echo is looked for by the row's key."""
    set_up(database)
    user.execute("SELECT set_config('notion_bridge.origin', '00000000-0000-4000-8000-000000000001', false)")
    add(user)
    assert notes(user) == [("insert", None)] * MANY


def test_many_deleted_rows(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    waiting(database, sync)
    user.execute("DELETE FROM tasks WHERE id <= 600")
    user.execute("INSERT INTO tasks (id, title) VALUES (5, 'again')")
    assert notes(user) == [("delete", 500), ("delete", 100), ("insert", None)]
    told = {event.key: event.presence for event in waiting(database, sync)}
    assert told.pop(("5",)) is Presence.LIVE
    assert set(told.values()) == {Presence.GONE}
    assert len(told) == 599


def test_many_new_keys(database: str, user: User) -> None:
    """Only rows with another key are told one by one: each with both."""
    sync = set_up(database)
    add(user, 300)
    waiting(database, sync)
    user.execute("UPDATE tasks SET title = 'x', id = CASE WHEN id > 200 THEN id + 5000 ELSE id END")
    assert notes(user) == [("update", 200)] + [("update", None)] * 100
    moved = {event.old_key: event.key for event in waiting(database, sync) if event.old_key is not None}
    assert moved == {(str(number),): (str(number + 5000),) for number in range(201, 301)}
    user.execute("UPDATE tasks SET id = id + 10000")
    assert notes(user) == [("update", None)] * 300


def test_a_row_that_got_another_key_before_it_was_read(database: str, user: User) -> None:
    sync = set_up(database)
    add(user, 300)
    waiting(database, sync)
    user.execute("UPDATE tasks SET title = 'bulk'")
    user.execute("UPDATE tasks SET id = 9000 WHERE id = 7")
    user.execute("DELETE FROM tasks WHERE id = 8")
    events = [event for event in waiting(database, sync) if event.key in {("7",), ("8",), ("9000",)}]
    assert [(event.key, event.old_key, event.presence) for event in events] == [
        (("9000",), ("7",), Presence.LIVE),
        (("8",), None, Presence.GONE),
    ]


@pytest.mark.parametrize(
    "parts", ["", " PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (1000)"]
)
def test_a_row_whose_new_key_another_trigger_changes_at_once_is_looked_for(
    database: str, user: User, parts: str
) -> None:
    """The later change is noted first, and does not tell which record it was."""
    sync = set_up(database, f"CREATE TABLE t (id int PRIMARY KEY, s text){parts}", ("s",), table="t")
    body = "UPDATE t SET id = id + 500 WHERE id = NEW.id;"
    user.execute(FOLLOW.format(name="aaa", events="UPDATE", body=body).encode())
    user.execute("INSERT INTO t VALUES (1, 'row')")
    waiting(database, sync)
    user.execute("UPDATE t SET id = 2")
    end = end_for(database, sync)
    assert taken(end).reread
    end.close()


def test_with_a_long_backlog_a_time_is_uncertain_and_no_row_forgotten(database: str, user: User) -> None:
    sync = set_up(database)
    add(user, 3000)
    waiting(database, sync)
    user.execute("UPDATE tasks SET title = 'bulk'")
    first, *_ = noted_at(user)
    user.execute("UPDATE tasks SET title = title || '!'")
    events = waiting(database, sync)
    assert {event.values["title"] for event in events} == {"bulk!"}
    assert {event.key for event in events} == {(str(number),) for number in range(1, 3001)}
    assert events[0].key == ("1",)
    assert events[0].stamp is not None
    assert events[0].stamp.earliest == first
    assert events[0].stamp.latest > first
    assert events[-1].stamp is not None
    assert events[-1].stamp.earliest == events[-1].stamp.latest


def test_what_was_read_is_recognised(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    end = end_for(database, sync)
    first, again = end.changes(), end.changes()
    end.close()
    assert first.more
    assert [event.event_id for event in first.observations] == [event.event_id for event in again.observations]
    assert len(first.observations) == 1000


def test_a_late_commit_is_told_by_itself(database: str, user: User, users: Callable[[], User]) -> None:
    sync = set_up(database)
    add(user)
    waiting(database, sync)
    slow = users()
    slow.execute("UPDATE tasks SET title = 'slow' WHERE id > 1000")
    user.execute("UPDATE tasks SET title = 'quick' WHERE id <= 1000")
    assert {event.values["title"] for event in waiting(database, sync)} == {"quick"}
    slow.commit()
    assert [event.values["title"] for event in waiting(database, sync)] == ["slow"] * 200


def test_a_scan_tells_bundles_as_of_its_instant(database: str, user: User) -> None:
    sync = set_up(database)
    add(user)
    end = end_for(database, sync)
    scan = end.scan()
    first = next(scan)
    user.execute("UPDATE tasks SET title = 'later'")
    batches = [first, *scan]
    end.close()
    events = [event for batch in batches if batch.token for event in batch.observations]
    assert [event.values["title"] for event in events] == [f"row {number}" for number in range(1, MANY + 1)]


@pytest.mark.parametrize("leaving", list(OnLeave))
def test_many_rows_come_and_go_through_a_filter(database: str, user: User, leaving: OnLeave) -> None:
    with open_connection(database) as conn:
        conn.execute(TASKS.encode())
        sync = replace(sync_for(read_table(conn, "tasks"), ("title",)), where="done", on_leave=leaving)
        install(conn, sync)
    user.execute("INSERT INTO tasks (title, done) SELECT 'x', g <= 200 FROM generate_series(1, 400) AS g")
    assert [event.key for event in waiting(database, sync)] == [(str(number),) for number in range(1, 201)]
    user.execute("UPDATE tasks SET total = 1, title = 'y' WHERE NOT done")
    assert notes(user) == [], "outside it was, and outside it stays"
    user.execute("UPDATE tasks SET done = NOT done")
    told = {event.key: event.presence for event in waiting(database, sync)}
    gone = Presence.GONE if leaving is OnLeave.DELETE else Presence.AWAY
    assert told == {(str(number),): Presence.LIVE if number > 200 else gone for number in range(1, 401)}
    user.execute("DELETE FROM tasks")
    assert len(waiting(database, sync)) == 200


def test_deleted_rows_that_came_back_outside_of_the_filter_are_gone(database: str, user: User) -> None:
    """They came unnoticed, before the bundle was read: they explain nothing."""
    with open_connection(database) as conn:
        conn.execute(TASKS.encode())
        sync = replace(sync_for(read_table(conn, "tasks"), ("title",)), where="done")
        install(conn, sync)
    user.execute("INSERT INTO tasks (id, title, done) SELECT g, 'x', true FROM generate_series(1, 200) AS g")
    waiting(database, sync)
    user.execute("DELETE FROM tasks")
    user.execute("INSERT INTO tasks (id, title, done) SELECT g, 'x', false FROM generate_series(1, 100) AS g")
    assert [event.presence for event in waiting(database, sync)] == [Presence.GONE] * 200


def test_a_statement_that_does_not_fit_is_left_out_as_a_whole(database: str, user: User) -> None:
    sync = set_up(database, settings=CaptureSettings(outbox_max=MANY))
    add(user, 300)
    user.execute("UPDATE tasks SET secret = 'unmapped' FROM generate_series(1, 2) AS g")
    add(user, MANY)
    assert notes(user) == [("insert", 300)]
    end = end_for(database, sync, outbox_max=MANY)
    reasons = []
    while (batch := taken(end)).token is not None:
        reasons.append(batch.reread)
    add(user, MANY)
    assert [count for _, count in notes(user)] == [500, 500, 200]
    end.close()
    assert reasons == ["", FULL]


def test_a_table_that_becomes_a_partition_is_captured_by_rows(database: str, user: User) -> None:
    """Then a statement may name its parent, and fires none of its triggers for statements."""
    sync = set_up(database, "CREATE TABLE tasks (id bigint PRIMARY KEY, title text)", ("title",))
    end = end_for(database, sync)
    assert not end.drifted()
    user.execute("CREATE TABLE every_task (LIKE tasks INCLUDING ALL) PARTITION BY RANGE (id)")
    user.execute("ALTER TABLE every_task ATTACH PARTITION tasks FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")
    assert end.drifted()
    end.close()
    with open_connection(database) as conn:
        again = replace(sync, table=read_table(conn, "tasks"))
        assert "function" in {finding.name for finding in installed(conn, again)}
        install(conn, again)
        assert installed(conn, again) == []
    user.execute("INSERT INTO every_task VALUES (1, 'through the parent')")
    assert [event.values["title"] for event in waiting(database, again)] == ["through the parent"]


def test_an_inherited_table_is_captured_by_rows(database: str, user: User) -> None:
    user.execute("CREATE TABLE things (id int PRIMARY KEY, title text)")
    child = "CREATE TABLE t (PRIMARY KEY (id)) INHERITS (things)"
    sync = set_up(database, child, ("title",), table="t")
    user.execute("INSERT INTO t VALUES (1, 'a')")
    user.execute("UPDATE things SET title = 'through the parent'")
    assert [event.values["title"] for event in waiting(database, sync)] == ["a", "through the parent"]


def test_rows_of_children_are_none_of_ours(database: str, user: User) -> None:
    sync = set_up(database, "CREATE TABLE t (id int PRIMARY KEY, title text)", ("title",), table="t")
    user.execute("CREATE TABLE child () INHERITS (t)")
    user.execute("INSERT INTO child SELECT g, 'child' FROM generate_series(1, 300) AS g")
    user.execute("INSERT INTO t VALUES (1, 'ours')")
    user.execute("UPDATE t SET title = title || '!'")
    user.execute("DELETE FROM t WHERE id > 1")
    user.execute("UPDATE t SET title = title || '!' WHERE id = 1")
    told = [(event.key, event.presence, event.values.get("title")) for event in waiting(database, sync)]
    assert told[-1] == (("1",), Presence.LIVE, "ours!!")
    assert {key for key, presence, _ in told if presence is Presence.LIVE} == {("1",)}


@pytest.mark.parametrize(
    ("statement", "told", "rows"),
    [
        ("INSERT INTO tasks (id, title) VALUES ({}, 'new')", "new", 2),
        ("INSERT INTO tasks (id, title) VALUES ({}, 'new')", "new", 3000),
        # In a small table these two fail without a trigger, too: the statement itself reads the whole of it.
        ("UPDATE tasks SET title = 'changed' WHERE id = {}", "changed", 3000),
        ("DELETE FROM tasks WHERE id = {}", None, 3000),
    ],
)
def test_serializable_transactions_fail_no_more_often(
    database: str, user: User, users: Callable[[], User], statement: str, told: str | None, rows: int
) -> None:
    """What a trigger reads of the table counts as read by the transaction: two that only write rows of their own would
    each have read past the other's."""
    sync = set_up(database)
    user.execute("INSERT INTO tasks (id, title) SELECT g, 'old' FROM generate_series(10, %s + 9) AS g", [rows])
    user.execute("TRUNCATE notion_bridge.outbox; ANALYZE tasks")
    first, second = users(), users()
    keys = (1, 2) if "INSERT" in statement else (10, 11)
    for session, key in zip((first, second), keys, strict=True):
        session.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        session.execute(statement.format(key).encode())
    if "INSERT" in statement:
        first.execute(statement.format(3).encode())
        second.execute(statement.format(4).encode())
    first.commit()
    second.commit()
    events = waiting(database, sync)
    assert {event.values.get("title") for event in events} == {told}
    assert len(events) == (4 if "INSERT" in statement else 2)
