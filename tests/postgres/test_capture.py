"""The trigger. It writes down every change of key and mapped columns, in one text form whoever writes, nothing
else, and it never makes a user's statement fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg import sql

from bridge.ends import Evidence
from bridge.model import Presence
from bridge.postgres import install, open_connection, read_table
from bridge.postgres.capture import CaptureSettings
from tests.postgres.support import TASK_FIELDS, TASKS, User, end_for, set_up, sync_for, taken, waiting


def outbox(user: User) -> list[tuple[Any, ...]]:
    return user.execute('SELECT op, key, old_key, "values", origin FROM notion_bridge.outbox ORDER BY id').fetchall()


def test_insert_update_delete(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title, total, done, due) VALUES ('Paint', 1.50, true, '2026-11-22')")
    user.execute("UPDATE tasks SET total = 99999999.99")
    user.execute("DELETE FROM tasks")

    inserted, updated, deleted = waiting(database, sync)
    assert inserted.values == {
        "title": "Paint",
        "total": Decimal("1.5"),
        "done": True,
        "due": date(2026, 11, 22),
    }
    assert updated.values["total"] == Decimal("99999999.99")
    assert [event.presence for event in (inserted, updated, deleted)] == [
        Presence.LIVE,
        Presence.LIVE,
        Presence.GONE,
    ]
    assert all(event.key == ("1",) and event.evidence is Evidence.EVENT for event in (inserted, updated, deleted))
    assert len({event.event_id for event in (inserted, updated, deleted)}) == 3
    assert inserted.position is not None
    assert updated.position is not None
    assert inserted.position < updated.position
    assert inserted.author == "postgres"
    assert inserted.stamp is not None
    assert inserted.stamp.earliest.tzinfo is UTC
    assert waiting(database, sync) == []


def test_unmapped_columns_stay_private(database: str, user: User) -> None:
    set_up(database)
    user.execute("INSERT INTO tasks (title, secret) VALUES ('a', 'hunter2')")
    user.execute("UPDATE tasks SET secret = 'hunter3'")
    assert len(outbox(user)) == 1
    assert "hunter" not in str(outbox(user))


def test_no_op_updates_write_nothing(database: str, user: User) -> None:
    set_up(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, n numeric, s text, j json)",
        ("n", "s"),
        table="t",
    )
    user.execute("INSERT INTO t VALUES (1, 1.50, NULL, '{}')")
    user.execute("UPDATE t SET n = n, s = s")
    user.execute("UPDATE t SET n = 1.5")  # the same number, written differently
    user.execute("INSERT INTO t VALUES (1, 1.5) ON CONFLICT (id) DO UPDATE SET n = excluded.n")
    assert [op for op, *_ in outbox(user)] == ["insert"]


def test_a_json_column_that_jsonb_cannot_hold(database: str, user: User) -> None:
    """`WHEN (OLD.* IS DISTINCT FROM NEW.*)` would fail on any json, and to_jsonb(NEW) on this one."""
    set_up(database, "CREATE TABLE t (id int PRIMARY KEY, s text, j json)", ("s",), table="t")
    user.execute("""INSERT INTO t VALUES (1, 'a', '{"nul": "\\u0000"}')""")
    user.execute("UPDATE t SET s = 'b'")
    assert [op for op, *_ in outbox(user)] == ["insert", "update"]


def test_the_writing_session_does_not_shape_the_text(database: str, user: User) -> None:
    sync = set_up(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, at timestamptz, due date, x double precision)",
        ("at", "due", "x"),
        table="t",
    )
    user.execute("SET TimeZone = 'Australia/Eucla'")  # +08:45
    user.execute("SET DateStyle = 'German, DMY'")
    user.execute("SET IntervalStyle = 'sql_standard'")
    user.execute("SET extra_float_digits = -15")
    user.execute("INSERT INTO t VALUES (1, '22.11.2026 08:45:00.123', '22.11.2026', 0.1)")
    (event,) = waiting(database, sync)
    assert event.values == {
        "at": datetime(2026, 11, 22, 0, 0, 0, 123000, UTC),
        "due": date(2026, 11, 22),
        "x": Decimal("0.1"),
    }
    assert user.execute("SHOW TimeZone").fetchone() == ("Australia/Eucla",)


def test_primary_key_update_is_one_change(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (id, title) VALUES (1, 'a')")
    user.execute("UPDATE tasks SET id = 7")
    _, moved = waiting(database, sync)
    assert (moved.old_key, moved.key, moved.presence) == (("1",), ("7",), Presence.LIVE)


def test_swapped_keys(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, s text)"
    sync = set_up(database, ddl, ("s",), table="t")
    user.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    user.execute("UPDATE t SET id = 3 - id")
    events = waiting(database, sync)[2:]
    assert {(event.old_key, event.key, event.values["s"]) for event in events} == {
        (("1",), ("2",), "one"),
        (("2",), ("1",), "two"),
    }


def test_composite_keys_and_a_chosen_key(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (a int, b text, c uuid NOT NULL UNIQUE, s text, PRIMARY KEY (b, a))"
    by_primary = set_up(database, ddl, ("s",), table="t", name="primary")
    with open_connection(database) as conn:
        chosen = sync_for(read_table(conn, "t", ["c"]), ("s",), name="chosen")
        install(conn, chosen)
    user.execute("INSERT INTO t VALUES (1, 'x|y', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 's')")
    assert [event.key for event in waiting(database, by_primary)] == [("x|y", "1")]
    assert [event.key for event in waiting(database, chosen)] == [("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",)]


def test_copy(database: str, user: User) -> None:
    sync = set_up(database)
    with user.cursor().copy("COPY tasks (title) FROM STDIN") as copy:
        for number in range(10_000):
            copy.write_row([f"task {number}"])
    end = end_for(database, sync)
    titles: list[object] = []
    while (batch := taken(end)).observations:
        assert len(batch.observations) == 1000
        titles += [event.values["title"] for event in batch.observations]
    end.close()
    assert titles == [f"task {number}" for number in range(10_000)]


def test_truncate(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute("TRUNCATE tasks RESTART IDENTITY CASCADE")
    user.execute("INSERT INTO tasks (title) VALUES ('b')")
    end = end_for(database, sync)
    batch = taken(end)
    assert [event.values["title"] for event in batch.observations] == ["a", "b"]
    assert "TRUNCATE" in batch.reread
    assert not end.changes().reread
    end.close()


FOLLOW = """
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
CREATE TRIGGER {name} AFTER {events} ON t FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION follow();
"""


@pytest.mark.parametrize("name", ["aaa", "zzz"])  # triggers fire in the order of their names
@pytest.mark.parametrize(("kind", "rows"), [("table", 1), ("table", 4), ("table", 150), ("partitions", 4)])
@pytest.mark.parametrize(
    ("events", "body"),
    [
        ("INSERT OR UPDATE", "UPDATE t SET n = n + 1 WHERE id = NEW.id;"),
        ("INSERT OR UPDATE", "UPDATE t SET n = n + 1;"),  # every row, also those whose turn comes later
        ("INSERT OR UPDATE", "UPDATE t SET hidden = n WHERE id = NEW.id;"),
        ("UPDATE", "UPDATE t SET id = id + 500 WHERE id = NEW.id;"),
        ("UPDATE", "DELETE FROM t WHERE id = NEW.id;"),
        ("DELETE", "INSERT INTO t VALUES (OLD.id, OLD.s || ' again');"),
    ],
)
def test_the_last_note_shows_the_row_as_it_is(
    database: str, user: User, name: str, kind: str, rows: int, events: str, body: str
) -> None:
    """Other triggers change rows after our statement did, and before its own changes are noted."""
    by_range = " PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (1000)"
    ddl = "CREATE TABLE t (id int PRIMARY KEY, s text, n bigint DEFAULT 0, hidden int)"
    sync = set_up(database, ddl + (by_range if kind == "partitions" else ""), ("s", "n"), table="t")
    user.execute(FOLLOW.format(name=name, events=events, body=body).encode())
    user.execute("INSERT INTO t SELECT g, 'row' FROM generate_series(1, %s) AS g", [rows])
    user.execute("UPDATE t SET s = 'changed'")
    user.execute("DELETE FROM t WHERE id % 2 = 0")
    user.execute("DELETE FROM t WHERE id = 1")

    told: dict[object, object] = {}
    for event in waiting(database, sync):
        if event.old_key is not None:
            told.pop(event.old_key, None)
        if event.presence is Presence.GONE:
            told.pop(event.key, None)
        else:
            told[event.key] = (event.values["s"], event.values["n"])
    present = user.execute("SELECT id, s, n FROM t").fetchall()
    assert told == {(str(number),): (s, Decimal(n)) for number, s, n in present}


def test_keys_that_cascade_into_their_own_table(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON UPDATE CASCADE)"
    sync = set_up(database, ddl, ("up",), table="t")
    user.execute("INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2)")
    user.execute("UPDATE t SET id = id + 10")
    told = {event.key: event.values["up"] for event in waiting(database, sync)[3:]}
    assert told == {("11",): None, ("12",): Decimal(11), ("13",): Decimal(12)}


def test_citext_keys_are_found_by_their_index(database: str, user: User) -> None:
    user.execute("CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions")
    ddl = "CREATE TABLE t (id extensions.citext PRIMARY KEY, s text)"
    sync = set_up(database, ddl, ("s",), table="t")
    user.execute("INSERT INTO t VALUES ('Ada', 'a')")
    user.execute("DELETE FROM t")
    assert [event.presence for event in waiting(database, sync)] == [Presence.LIVE, Presence.GONE]
    (body,) = user.execute("SELECT prosrc FROM pg_proc WHERE proname = 'capture_tasks'").fetchone() or ("",)
    assert "OPERATOR(extensions.=)" in body


def test_replica_role_is_captured(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("SET session_replication_role = replica")
    user.execute("INSERT INTO tasks (title) VALUES ('replicated')")
    assert [event.values["title"] for event in waiting(database, sync)] == ["replicated"]


def test_replica_role_is_captured_when_it_empties_the_table(database: str, user: User) -> None:
    sync = set_up(database)
    user.execute("SET session_replication_role = replica")
    user.execute("TRUNCATE tasks")
    end = end_for(database, sync)
    assert "TRUNCATE" in taken(end).reread
    end.close()


def test_rolled_back_changes_never_were(database: str, users: Callable[[], User]) -> None:
    sync = set_up(database)
    session = users()
    session.execute("INSERT INTO tasks (title) VALUES ('kept')")
    session.execute("SAVEPOINT s")
    session.execute("INSERT INTO tasks (title) VALUES ('undone')")
    session.execute("ROLLBACK TO s")
    session.execute("INSERT INTO tasks (title) VALUES ('kept too')")
    session.commit()
    session.execute("INSERT INTO tasks (title) VALUES ('rolled back')")
    session.rollback()
    assert [event.values["title"] for event in waiting(database, sync)] == ["kept", "kept too"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE tasks DROP COLUMN due", "was dropped, or made anew"),
        ("ALTER TABLE tasks RENAME COLUMN due TO deadline", "could not be captured"),
        ("ALTER TABLE tasks ALTER COLUMN total TYPE text", ""),
    ],
)
def test_a_changed_column_does_not_break_the_users_statement(database: str, user: User, change: str, told: str) -> None:
    sync = set_up(database)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")  # this session has the function planned by now
    waiting(database, sync)
    user.execute(change.encode())
    assert user.execute("UPDATE tasks SET title = 'b'").rowcount == 1
    assert user.execute("INSERT INTO tasks (title) VALUES ('c')").rowcount == 1
    assert user.execute("DELETE FROM tasks").rowcount == 2
    end = end_for(database, sync)
    batch = taken(end)
    end.close()
    # Either the change was readable all the same, or the bridge is told to read the table again.
    assert batch.reread or len(batch.observations) == 4
    assert told in batch.reread
    if told:
        assert not any(event.presence is Presence.LIVE for event in batch.observations)


def test_the_capturing_block_takes_no_transaction_id(database: str, users: Callable[[], User]) -> None:
    """A subtransaction that writes takes an id per row, and 64 of them in one transaction slow every other one."""
    set_up(database)
    session = users()
    session.execute("INSERT INTO tasks (title) SELECT 'x' FROM generate_series(1, 200)")
    (first,) = session.execute("SELECT pg_current_xact_id()::text::bigint").fetchone() or (0,)
    session.commit()
    (second,) = session.execute("SELECT pg_current_xact_id()::text::bigint").fetchone() or (0,)
    # Not "the very next id": the server's own workers (autovacuum) take one now and then.
    assert second - first < 200


def test_origin_marks_our_own_writes(database: str, user: User) -> None:
    sync = set_up(database)
    ours = "0b7f5a3e-4c1d-4e2f-9a6b-123456789abc"
    for setting in (ours, "", "garbage'; DROP TABLE tasks; --", "f" * 36, f"{ours}0", f"0{ours}"):
        user.execute("SELECT set_config('notion_bridge.origin', %s, false)", [setting])
        user.execute("INSERT INTO tasks (title) VALUES ('x')")
    assert [event.origin for event in waiting(database, sync)] == [ours, *[None] * 5]


def test_several_syncs_share_a_table(database: str, user: User) -> None:
    first = set_up(database)
    with open_connection(database) as conn:
        second = sync_for(read_table(conn, "tasks"), ["due"], name="calendar")
        install(conn, second)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute("UPDATE tasks SET title = 'b'")
    assert [event.values["title"] for event in waiting(database, first)] == ["a", "b"]
    assert [dict(event.values) for event in waiting(database, second)] == [{"due": None}]


def test_odd_names(database: str, user: User) -> None:
    schema = '"My ""Schema"""'
    table = schema + """."Tasks % {0} 'q'\""""
    columns = '"Id" int PRIMARY KEY, "select" text, "$capture$" text, "a\\b" text'
    ddl = f"CREATE SCHEMA {schema}; CREATE TABLE {table} ({columns})"
    name = "Aufgaben für 'alle' \"Leute\" – " + "x" * 60
    sync = set_up(database, ddl, ("select", "$capture$", "a\\b"), table=table, name=name)
    user.execute(sql.SQL("INSERT INTO {} VALUES (1, 's', 'c', 'b')").format(sql.SQL(table)))
    (event,) = waiting(database, sync)
    assert event.values == {"select": "s", "$capture$": "c", "a\\b": "b"}


def test_more_columns_than_a_call_takes(database: str, user: User) -> None:
    names = [f"c{number}" for number in range(120)]
    columns = ", ".join(f"{name} text" for name in names)
    sync = set_up(database, f"CREATE TABLE wide (id int PRIMARY KEY, {columns})", names, table="wide")
    user.execute("INSERT INTO wide (id, c119) VALUES (1, 'last')")
    (event,) = waiting(database, sync)
    assert len(event.values) == 120
    assert event.values["c119"] == "last"


def test_partitions(database: str, user: User) -> None:
    ddl = """
    CREATE TABLE t (id int PRIMARY KEY, s text) PARTITION BY RANGE (id);
    CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10);
    """
    sync = set_up(database, ddl, ("s",), table="t")
    user.execute("CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (10) TO (20)")  # after the installation
    user.execute("SET session_replication_role = replica")
    user.execute("INSERT INTO t VALUES (1, 'low'), (11, 'high')")
    user.execute("INSERT INTO t_low VALUES (2, 'direct')")
    assert [event.values["s"] for event in waiting(database, sync)] == ["low", "high", "direct"]


def test_cascades_and_upserts(database: str, user: User) -> None:
    ddl = """
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, s text, parent int REFERENCES parent ON DELETE CASCADE);
    INSERT INTO parent VALUES (1);
    """
    sync = set_up(database, ddl, ("s",), table="child")
    user.execute("INSERT INTO child VALUES (1, 'a', 1)")
    user.execute("INSERT INTO child VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET s = excluded.s")
    user.execute("DELETE FROM parent")
    events = waiting(database, sync)
    assert [(event.presence, event.values.get("s")) for event in events] == [
        (Presence.LIVE, "a"),
        (Presence.LIVE, "b"),
        (Presence.GONE, None),
    ]


def test_two_phase_commit_without_notify(database: str, user: User) -> None:
    """A transaction that has used NOTIFY cannot be prepared; installed without, it gets past the trigger."""
    with open_connection(database) as conn:
        conn.execute(TASKS)
        sync = sync_for(read_table(conn, "tasks"), TASK_FIELDS)
        install(conn, sync, CaptureSettings(notify=False))
    (body,) = user.execute("SELECT prosrc FROM pg_proc WHERE proname = 'capture_tasks'").fetchone() or ("",)
    assert "pg_notify" not in body
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    assert len(waiting(database, sync)) == 1


def test_tombstone_column(database: str, user: User) -> None:
    ddl = "CREATE TABLE t (id int PRIMARY KEY, s text, deleted_at timestamptz)"
    sync = set_up(database, ddl, ("s",), table="t", tombstone="deleted_at")
    user.execute("INSERT INTO t VALUES (1, 'a')")
    user.execute("UPDATE t SET deleted_at = now()")
    user.execute("UPDATE t SET deleted_at = NULL")
    assert [event.presence for event in waiting(database, sync)] == [
        Presence.LIVE,
        Presence.GONE,
        Presence.LIVE,
    ]


def test_a_writer_without_rights_on_the_outbox(database: str, user: User, role: str) -> None:
    sync = set_up(database)
    user.execute(sql.SQL("GRANT INSERT ON tasks TO {}").format(sql.Identifier(role)))
    user.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    (event,) = waiting(database, sync)
    assert event.author == "postgres"  # who logged in, not the role that the session has put on
