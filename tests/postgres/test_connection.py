"""Connections. Settings are pinned whatever the role has set; errors say what to do; secrets stay out of them."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bridge.errors import AccessLost, BridgeError, ConfigError, SetupError, Unavailable
from bridge.postgres import connection, open_connection
from bridge.postgres.connection import Limits, Session
from bridge.postgres.names import capture_function
from bridge.postgres.trouble import address, explain
from tests.line import Line
from tests.postgres.support import User, set_up


def test_settings_are_pinned(database: str, user: User, role: str) -> None:
    user.execute(
        f"""ALTER ROLE "{role}" SET TimeZone = 'Asia/Tokyo'; ALTER ROLE "{role}" SET DateStyle = 'German';
        ALTER ROLE "{role}" SET IntervalStyle = 'sql_standard'; ALTER ROLE "{role}" SET bytea_output = 'escape';
        ALTER ROLE "{role}" SET extra_float_digits = -10; ALTER ROLE "{role}" SET lc_monetary = 'POSIX';
        ALTER ROLE "{role}" SET default_transaction_isolation = 'serializable';
        ALTER ROLE "{role}" SET synchronous_commit = off; ALTER ROLE "{role}" SET client_encoding = 'LATIN1'""".encode()
    )
    with open_connection(make_conninfo(database, user=role)) as conn:
        shown = {
            name: (conn.execute(f"SHOW {name}".encode()).fetchone() or ("",))[0]
            for name in (
                "TimeZone",
                "DateStyle",
                "IntervalStyle",
                "bytea_output",
                "extra_float_digits",
                "lc_monetary",
                "default_transaction_isolation",
                "synchronous_commit",
                "row_security",
                "client_encoding",
                "application_name",
                "lock_timeout",
                "transaction_timeout",
            )
        }
        assert shown == {
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "iso_8601",
            "bytea_output": "hex",
            "extra_float_digits": "1",
            "lc_monetary": "C",
            "default_transaction_isolation": "read committed",
            "synchronous_commit": "on",
            "row_security": "off",
            "client_encoding": "UTF8",
            "application_name": "notion-bridge",
            "lock_timeout": "5s",
            "transaction_timeout": "0",
        }


def test_the_trigger_and_the_session_pin_the_same(database: str) -> None:
    """A value that both read is to have one text."""
    columns = "at timestamptz, span tstzrange, took interval, raw bytea, x real, price money"
    names = ("at", "span", "took", "raw", "x", "price")
    sync = set_up(database, f"CREATE TABLE t (id int PRIMARY KEY, {columns})", names, table="t")
    with open_connection(database) as conn:
        row = conn.execute("SELECT proconfig FROM pg_proc WHERE proname = %s", [capture_function(sync.name)]).fetchone()
        assert row is not None
        captured = dict(setting.split("=", 1) for setting in row[0])
        del captured["search_path"]
        assert captured.keys() >= {"TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "lc_monetary"}
        assert captured.keys() >= {"extra_float_digits", "row_security"}
        for name, value in captured.items():
            assert conn.execute(f"SHOW {name}".encode()).fetchone() == (value,)


def test_numbers_keep_their_digits(database: str) -> None:
    with open_connection(database) as conn:
        (value,) = conn.execute("SELECT to_jsonb(0.1234567890123456789012345)").fetchone() or (None,)
        assert value == Decimal("0.1234567890123456789012345")
        (value,) = conn.execute("SELECT to_jsonb(12345678901234567890123)").fetchone() or (None,)
        assert value == Decimal(12345678901234567890123)


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://ann:s3cret@[bad/db", "host=x pass=s3cret", "s3cret", "postgresql://ann:s3cret@h:notaport/db"],
)
def test_a_bad_dsn_is_not_repeated(dsn: str) -> None:
    with pytest.raises(BridgeError) as caught:
        open_connection(dsn)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value.__cause__)


def test_the_address_has_no_secrets() -> None:
    assert address("postgresql://ann:s3cret@db.example:5433/shop?sslmode=require") == "db.example:5433/shop"
    assert address("dbname=shop password=s3cret") == "the local socket/shop"
    with pytest.raises(ConfigError, match="cannot be read"):
        address("s3cret")


def test_what_cannot_be_reached(database: str) -> None:
    with Line.to_postgres(database) as line:
        dsn = line.dsn
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        open_connection(make_conninfo(dsn, password="s3cret"))
    with pytest.raises(SetupError, match="no such database"):
        open_connection(make_conninfo(database, dbname="not_there"))
    with pytest.raises(AccessLost, match="does not let us in"):
        open_connection(make_conninfo(database, user="not_there"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.AdminShutdown, Unavailable),
        (psycopg.errors.TooManyConnections, Unavailable),
        (psycopg.errors.DiskFull, Unavailable),
        (psycopg.errors.ReadOnlySqlTransaction, Unavailable),
        (psycopg.errors.QueryCanceled, Unavailable),
        (psycopg.errors.InsufficientPrivilege, AccessLost),
        (psycopg.errors.InvalidPassword, AccessLost),
        (psycopg.errors.UndefinedTable, SetupError),
        (psycopg.errors.UndefinedColumn, SetupError),
        (psycopg.OperationalError, Unavailable),
        (psycopg.errors.DivisionByZero, Unavailable),
        (psycopg.errors.ProgramLimitExceeded, BridgeError),
    ],
)
def test_what_errors_mean(error: type[psycopg.Error], kind: type[BridgeError]) -> None:
    explained = explain(error("it happened"), "here")
    assert type(explained) is kind
    assert "it happened" in explained.message
    assert "here" in explained.message


def test_a_session_reconnects_and_rolls_back(database: str, user: User) -> None:
    session = Session(database)
    with session.use() as conn:
        conn.execute("BEGIN")
        conn.execute("CREATE TABLE half_done (a int)")
        pid = conn.info.backend_pid
    assert user.execute("SELECT to_regclass('half_done')").fetchone() == (None,)
    user.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(Unavailable), session.use() as conn:
        conn.execute("SELECT 1")
    with session.use() as conn:
        assert conn.info.backend_pid != pid
    session.close()


@pytest.mark.parametrize(
    "said",
    [
        "INSERT INTO notion_bridge.applied VALUES (gen_random_uuid(), 'x')",
        "DO $$ BEGIN RAISE object_not_in_prerequisite_state USING MESSAGE = 'recovery is in progress'; END $$",
    ],
)
def test_a_session_of_a_standby_is_not_kept(database: str, user: User, said: str) -> None:
    """It would live on when the primary is back at the address: nothing could be written until a restart."""
    set_up(database)
    user.execute(f"ALTER DATABASE {user.info.dbname} SET default_transaction_read_only = on".encode())
    session = Session(database)
    with pytest.raises(Unavailable, match=r"read-only|recovery"), session.use() as conn:
        conn.execute(said.encode())
    user.execute(f"ALTER DATABASE {user.info.dbname} RESET default_transaction_read_only".encode())
    with session.use() as conn:
        conn.execute("INSERT INTO notion_bridge.applied VALUES (gen_random_uuid(), 'x')")
    session.close()


def test_a_server_that_owes_an_answer_and_says_nothing_is_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-open: the connection looks alive to the kernel. The driver alone would wait for ever."""
    monkeypatch.setattr(connection, "_GRACE_S", 0.5)
    with Line.to_postgres(database) as line, closing(Session(line.dsn, limits=Limits(statement=1))) as session:
        with session.use() as conn:
            conn.execute("SELECT pg_sleep(0.9)")  # within its limits
        line.deafen()
        with pytest.raises(Unavailable, match="no answer for 2 seconds"), session.use() as conn:
            conn.execute("SELECT 1")
        line.heal()
        with session.use() as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_pooler_of_transactions_is_refused(database: str, user: User, role: str) -> None:
    """It shows by what another session of this process has left behind; that is cleared away for the next program."""
    with open_connection(database) as conn:
        [(mark,)] = conn.execute("SHOW notion_bridge.session").fetchall()
    user.execute(f"ALTER ROLE \"{role}\" SET notion_bridge.session = '{mark}'")
    with pytest.raises(SetupError, match="as in transaction pooling") as raised:
        open_connection(make_conninfo(database, user=role))
    assert "Connect directly" in raised.value.hint


def test_a_pool_of_sessions_that_clears_nothing_is_taken(database: str, user: User, role: str) -> None:
    """What is found there was left by a process that has ended."""
    user.execute(f'ALTER ROLE "{role}" SET notion_bridge.session = 1')
    open_connection(make_conninfo(database, user=role)).close()
