"""Installing and removing. What a DBA runs by hand is what the bridge runs; whatever somebody changes is found; and
nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bridge.errors import SetupError
from bridge.model import Sync
from bridge.postgres import (
    grants_sql,
    install,
    installed,
    list_tables,
    open_connection,
    read_table,
    render_sql,
    table_sequences,
    uninstall,
)
from bridge.postgres.capture import CaptureSettings, render_capture
from bridge.postgres.connection import Connection
from bridge.postgres.names import capture_function, row_trigger, truncate_trigger
from bridge.shapes import DataSource
from tests.postgres.support import TASK_FIELDS, TASKS, User, set_up, sync_for, waiting


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with open_connection(database) as connection:
        connection.execute(TASKS)
        yield connection


@pytest.fixture
def sync(conn: Connection) -> Sync:
    return sync_for(read_table(conn, "tasks"), TASK_FIELDS)


def everything(user: User) -> list[tuple[object, ...]]:
    """Every object of the database that is not the server's own, with what it is made of."""
    return user.execute(
        """
        SELECT 'relation', oid::regclass::text, relkind::text FROM pg_class WHERE relnamespace::regnamespace::text
            NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT 'function', oid::regprocedure::text, prosrc FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'trigger', tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'schema', nspname, '' FROM pg_namespace WHERE oid >= 16384
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE oid >= 16384
        ORDER BY 1, 2, 3
        """
    ).fetchall()


def test_install_is_idempotent_and_complete(conn: Connection, sync: Sync, user: User) -> None:
    assert [finding.name for finding in installed(conn, sync)] == ["missing"]
    assert install(conn, sync)
    assert installed(conn, sync, CaptureSettings()) == []
    before = everything(user)
    assert not install(conn, sync)
    conn.execute(render_sql(sync).encode())  # and by force
    assert everything(user) == before


def test_the_printed_script_is_what_runs(conn: Connection, sync: Sync, user: User, users: Callable[[], User]) -> None:
    session = users()
    session.execute(render_sql(sync).encode())
    assert installed(conn, sync) == []
    by_hand = everything(user)
    uninstall(conn, None)
    install(conn, sync)
    assert everything(user) == by_hand


def test_whoever_runs_the_script_waits_for_no_writer_for_long(sync: Sync, users: Callable[[], User]) -> None:
    """New writers wait behind it; psql, unlike the bridge's own sessions, has no limit by itself."""
    session = users()
    session.execute(render_sql(sync).rstrip().removesuffix("COMMIT;").encode())
    assert session.execute("SHOW lock_timeout").fetchone() == ("3s",)
    session.rollback()


def test_uninstall_leaves_nothing(conn: Connection, sync: Sync, user: User, database: str) -> None:
    before = everything(user)
    second = replace(sync, name="second")
    install(conn, sync)
    install(conn, second)
    user.execute("INSERT INTO tasks (title) VALUES ('a')")
    user.execute(
        "INSERT INTO notion_bridge.applied (intent, sync) SELECT gen_random_uuid(), name FROM notion_bridge.sync"
    )
    uninstall(conn, "second")
    assert user.execute("SELECT sync FROM notion_bridge.applied").fetchall() == [("tasks",)]
    assert next(finding.name for finding in installed(conn, second)) == "missing"
    user.execute("INSERT INTO tasks (title) VALUES ('b')")
    assert len(waiting(database, sync)) == 2
    uninstall(conn, "unknown")
    assert installed(conn, sync) == []
    uninstall(conn, "tasks")
    assert everything(user) == before
    uninstall(conn, None)  # once more, of nothing


def test_uninstall_of_a_dropped_table(conn: Connection, sync: Sync, user: User) -> None:
    install(conn, sync)
    user.execute("DROP TABLE tasks")
    uninstall(conn, None)
    assert everything(user) == []


def test_uninstall_does_not_take_what_is_not_ours(conn: Connection, sync: Sync, user: User) -> None:
    install(conn, sync)
    user.execute("CREATE TABLE notion_bridge.notes (a int)")
    with pytest.raises(SetupError, match="cannot drop"):
        uninstall(conn, None)
    assert installed(conn, sync) == []


def test_only_the_sequences_of_the_table_are_granted(user: User, conn: Connection) -> None:
    user.execute("""
        CREATE SEQUENCE "Shared"; CREATE SEQUENCE foreign_to_it;
        CREATE TABLE numbered (a serial PRIMARY KEY, b bigint GENERATED ALWAYS AS IDENTITY,
            c int DEFAULT nextval('"Shared"'));
        CREATE TABLE other (id serial PRIMARY KEY)
    """)
    found = table_sequences(conn, [read_table(conn, "numbered")])
    assert found == [("public", name) for name in ("Shared", "numbered_a_seq", "numbered_b_seq")]
    assert 'ON SEQUENCE "public"."Shared" TO "someone"' in grants_sql("someone", [], found)


def test_a_role_without_rights_is_told_who_must_do_it(
    database: str, conn: Connection, sync: Sync, user: User, role: str
) -> None:
    with open_connection(make_conninfo(database, user=role)) as poor:
        with pytest.raises(SetupError, match="may not install") as caught:
            install(poor, sync)
        assert "--print-sql" in caught.value.hint
        assert "GRANT CREATE" in caught.value.hint
        install(conn, sync)
        user.execute(grants_sql(role, [sync.table], table_sequences(user, [sync.table])).encode())
        assert installed(poor, sync) == []
        assert not install(poor, sync)
        with pytest.raises(SetupError, match="may not remove"):
            uninstall(poor, None)
    assert installed(conn, sync) == []


def test_an_owner_who_is_no_superuser(database: str, conn: Connection, user: User, role: str) -> None:
    dbname = conn.info.dbname
    user.execute(f'GRANT CREATE ON DATABASE "{dbname}" TO "{role}"; ALTER TABLE tasks OWNER TO "{role}"'.encode())
    with open_connection(make_conninfo(database, user=role)) as owner:
        sync = sync_for(read_table(owner, "tasks"), TASK_FIELDS)
        install(owner, sync)
        assert installed(owner, sync) == []
        user.execute("INSERT INTO tasks (title) VALUES ('a')")
        assert len(waiting(make_conninfo(database, user=role), sync)) == 1
        uninstall(owner, None)


def test_a_function_whose_owner_may_not_write_the_outbox(
    database: str, conn: Connection, sync: Sync, user: User, role: str
) -> None:
    """Every statement of the table's users would fail: it must not be installed, and is found when it happens."""
    install(conn, sync)
    user.execute(f'ALTER TABLE tasks OWNER TO "{role}"; GRANT CREATE, USAGE ON SCHEMA notion_bridge TO "{role}"')
    second = replace(sync, name="second")
    as_role = make_conninfo(database, user=role)
    with open_connection(as_role) as owner, pytest.raises(SetupError, match="may not install"):
        install(owner, second)
    user.execute(f'ALTER FUNCTION notion_bridge.capture_tasks() OWNER TO "{role}"')
    assert [finding.name for finding in installed(conn, sync)] == ["owner"]


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        ("DROP TRIGGER notion_bridge_rows_tasks ON tasks", "trigger-missing"),
        ("DROP TRIGGER notion_bridge_truncate_tasks ON tasks", "trigger-missing"),
        ("ALTER TABLE tasks DISABLE TRIGGER notion_bridge_rows_tasks", "trigger-disabled"),
        ("ALTER TABLE tasks ENABLE TRIGGER notion_bridge_truncate_tasks", "trigger-disabled"),
        ("ALTER TABLE notion_bridge.outbox ALTER COLUMN id SET CACHE 32", "sequence-cache"),
        ("ALTER FUNCTION notion_bridge.capture_tasks() SET TimeZone = 'CET'", "function"),
        ("ALTER FUNCTION notion_bridge.capture_tasks() SECURITY INVOKER", "function"),
        ("DROP FUNCTION notion_bridge.capture_tasks() CASCADE", "function"),
        (
            (
                "CREATE OR REPLACE FUNCTION notion_bridge.capture_tasks() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NULL; END'"
            ),
            "function",
        ),
        ("UPDATE notion_bridge.sync SET columns = '{title}'", "columns"),
        ("DELETE FROM notion_bridge.sync", "missing"),
        ("DELETE FROM notion_bridge.schema_version WHERE version > 1", "outdated"),
    ],
)
def test_damage_is_found_and_repaired(conn: Connection, sync: Sync, user: User, damage: str, name: str) -> None:
    install(conn, sync)
    user.execute(damage.encode())
    findings = installed(conn, sync)
    assert name in [finding.name for finding in findings]
    assert all(finding.message and finding.hint for finding in findings)
    assert install(conn, sync)
    assert installed(conn, sync) == []


def test_a_disabled_trigger_on_a_partition_is_found(database: str, user: User) -> None:
    ddl = (
        "CREATE TABLE t (id int PRIMARY KEY, s text) PARTITION BY RANGE (id);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (10)"
    )
    sync = set_up(database, ddl, ("s",), table="t")
    user.execute("ALTER TABLE p DISABLE TRIGGER notion_bridge_rows_tasks")
    with open_connection(database) as conn:
        (finding,) = installed(conn, sync)
        assert install(conn, sync)
        assert installed(conn, sync) == []
    assert finding.name == "trigger-disabled"
    assert " p " in finding.message


def test_a_repair_waits_for_no_reader(database: str, conn: Connection, sync: Sync, user: User) -> None:
    """A pg_dump may take hours, and whoever waits for it makes all others wait behind."""
    install(conn, sync)
    user.execute("ALTER TABLE tasks DISABLE TRIGGER ALL")
    with psycopg.connect(database) as reader:
        reader.execute("SELECT FROM tasks, notion_bridge.outbox, notion_bridge.sync")
        assert install(conn, sync)
        assert installed(conn, sync) == []


def test_a_changed_mapping_needs_another_installation(conn: Connection, sync: Sync) -> None:
    install(conn, sync)
    smaller = sync_for(sync.table, TASK_FIELDS[:2])
    assert {finding.name for finding in installed(conn, smaller)} == {"columns", "function"}
    elsewhere = replace(sync, data_source=DataSource("ds-2", "db-2", "Other", ()))
    assert [finding.name for finding in installed(conn, elsewhere)] == ["data-source"]
    assert {finding.name for finding in installed(conn, sync, CaptureSettings(notify=False))} == {"notify"}
    install(conn, smaller)
    assert installed(conn, smaller) == []


def test_a_sync_does_not_wander_to_another_table(conn: Connection, sync: Sync, user: User) -> None:
    install(conn, sync)
    user.execute("ALTER TABLE tasks RENAME TO old_tasks")
    assert installed(conn, sync) == []  # the same table under another name
    user.execute(TASKS.encode())
    other = sync_for(read_table(conn, "tasks"), TASK_FIELDS)
    with pytest.raises(SetupError, match=r"captures public\.old_tasks"):
        install(conn, other)
    user.execute("DROP TABLE old_tasks")
    assert install(conn, other)


def test_a_newer_schema_is_refused(conn: Connection, sync: Sync, user: User) -> None:
    install(conn, sync)
    user.execute("INSERT INTO notion_bridge.schema_version VALUES (9999, 'future')")
    with pytest.raises(SetupError, match="9999") as caught:
        install(conn, sync)
    assert "upgrade" in caught.value.hint


def test_names_fit_and_stay_apart() -> None:
    long = "ü" * 100
    names = [make(name) for make in (capture_function, row_trigger, truncate_trigger) for name in (long, long + "x")]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= 63 for name in names)


def test_the_bridges_own_tables_are_not_offered(conn: Connection, sync: Sync) -> None:
    install(conn, sync)
    assert [table.qualified for table in list_tables(conn)] == ["public.tasks"]


def test_the_dollar_quote_cannot_be_closed_by_a_name(conn: Connection) -> None:
    conn.execute('CREATE TABLE evil (id int PRIMARY KEY, "$capture$; DROP TABLE tasks; --" text, "$capture_$" text)')
    sync = sync_for(read_table(conn, "evil"), ("$capture$; DROP TABLE tasks; --", "$capture_$"), name="evil")
    assert "$capture__$" in render_capture(sync).script
    install(conn, sync)
    assert conn.execute("SELECT to_regclass('tasks') IS NOT NULL").fetchone() == (True,)


def test_two_installations_at_once(database: str, conn: Connection, sync: Sync) -> None:
    """Both finish, one after the other; CREATE ... IF NOT EXISTS alone would let one of them fail."""
    errors: list[BaseException] = []

    def run(name: str) -> None:
        try:
            with open_connection(database) as own:
                install(own, replace(sync, name=name))
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=[f"sync {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(installed(conn, replace(sync, name=f"sync {number}")) == [] for number in range(4))
