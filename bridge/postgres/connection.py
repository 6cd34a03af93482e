"""Connections: opened when needed, with pinned settings, and opened again after they were lost."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.types.json import set_json_loads

from bridge.errors import BridgeError, SetupError
from bridge.postgres.dsn import parts_of
from bridge.postgres.sqlstates import is_standbys
from bridge.postgres.trouble import address, explain

APPLICATION_NAME = "notion-bridge"
_OLDEST_SERVER = 140000

Connection = psycopg.Connection[tuple[Any, ...]]
_Answer = TypeVar("_Answer")

# Floats would lose digits of numeric columns.
_decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)  # json.loads would make one for each text


def _exact_json(text: str | bytes) -> Any:
    return _decoder.decode(text if isinstance(text, str) else text.decode())


# Only where the DSN does not say otherwise. A dead network is noticed within about a minute, on our side by
# these and on the server's side by the settings below: an abandoned session would keep its locks.
_CONNECT = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

# What shapes the text of a value. The trigger fixes the same, so that whatever both read has one text.
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        # The form of money, with two decimals; the catalog asks how many the database's own currency has.
        "lc_monetary": "C",
    }
)

# Set in each session of ours to this process's own word, and in no new one: see `_refuse_shared`.
_MARK = "notion_bridge.session"
_OURS = secrets.token_hex(8)

# The form of every value read or written, and the isolation that the guarded write is built on, do not depend on
# what somebody has set for the role or the database. search_path is left alone: the user's own triggers run in
# our session and may rely on it.
_PINNED = {
    **FORMATS,
    "default_transaction_isolation": "read committed",
    # Fail instead of hiding rows: a hidden row would look deleted.
    "row_security": "off",
    _MARK: _OURS,
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a statement may take, in seconds; zero is no limit."""

    statement: int = 60
    lock: int = 5
    idle_in_transaction: int = 60

    def settings(self) -> dict[str, str]:
        return {
            "statement_timeout": f"{self.statement}s",
            "lock_timeout": f"{self.lock}s",
            "idle_in_transaction_session_timeout": f"{self.idle_in_transaction}s",
        }


DEFAULT_LIMITS = Limits()
_GRACE_S = 10.0  # for the server to tell that a statement took too long
# A scan reads a large table; its consumer writes a journal between two chunks.
SCAN_LIMITS = Limits(statement=600, idle_in_transaction=600)


class _PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Gives up a server that owes an answer and says nothing.

    The settings above find a dead network. They do not find a proxy that has lost its server, or a server that stands
    still: those keep the connection alive, and the driver would wait for ever.
    """

    patience = float("inf")  # seconds of silence

    def wait(self, gen: PQGen[_Answer], *arguments: Any, **options: Any) -> _Answer:
        try:
            return super().wait(_heard(gen, self.patience), *arguments, **options)
        except _Silence:
            self.pgconn.finish()  # the state it is in is unknown; nothing may be asked of it any more
            raise


class _Silence(psycopg.OperationalError):
    """The server owes an answer for too long."""


def _heard(gen: PQGen[_Answer], patience: float) -> PQGen[_Answer]:
    """The driver's conversation with the socket. Raises _Silence when that was not ready for so long."""
    heard = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > patience:
                raise _Silence(f"no answer for {patience:.0f} seconds")
            wanted = gen.send(ready)
    except StopIteration as end:
        answer: _Answer = end.value
        return answer


def open_connection(dsn: str, limits: Limits = DEFAULT_LIMITS) -> Connection:
    """A connection in autocommit mode. Raises ConfigError, Unavailable, AccessLost, SetupError."""
    where = address(dsn)
    given = parts_of(dsn)
    defaults = {name: value for name, value in _CONNECT.items() if name not in given}
    try:
        connection = _PatientConnection.connect(
            make_conninfo(dsn, application_name=APPLICATION_NAME, client_encoding="UTF8", **defaults),
            autocommit=True,
            # Prepared statements do not survive a pooler, and a changed column makes them fail.
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise explain(error, where) from error
    if connection.info.server_version < _OLDEST_SERVER:
        connection.close()
        raise SetupError(
            f"PostgreSQL at {where} is version {connection.info.server_version // 10000}, which is too old",
            hint="the bridge needs PostgreSQL 14 or newer",
        )
    connection.patience = limits.statement + _GRACE_S if limits.statement else float("inf")
    try:
        _refuse_shared(connection, where)
        set_json_loads(_exact_json, connection)
        _pin(connection, _PINNED | limits.settings())
    except psycopg.Error as error:
        connection.close()
        raise explain(error, where) from error
    return connection


def _refuse_shared(connection: Connection, where: str) -> None:
    """Raises SetupError when a pooler hands this session what another one of this process has left in the server's: it
    pools transactions. Locks of a session are nobody's then, and our settings would be those of other programs. What an
    earlier process has left is cleared away: a pool of sessions may be set up not to do so itself."""
    [(mark,)] = connection.execute("SELECT current_setting(%s, true)", [_MARK]).fetchall()
    if not mark:
        return
    connection.execute("RESET ALL")
    if mark != _OURS:
        return
    connection.close()
    raise SetupError(
        f"the pooler at {where} gives one session of the server to several of ours, as in transaction pooling",
        hint="Connect directly, or let it pool sessions: the bridge needs locks and settings that stay its own.",
    )


def _pin(connection: Connection, settings: dict[str, str]) -> None:
    """Sets everything in one round trip. Not through the `options` parameter, which poolers refuse."""
    calls = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    pairs = [text for pair in settings.items() for text in pair]
    connection.execute(f"SELECT {calls}", pairs)
    # Of PostgreSQL 17: a table is read in one transaction, however long that takes.
    connection.execute("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'")
    # A write that we report as done must survive a crash of the server; a stronger setting is kept.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )


class Session:
    """One connection for one purpose. Safe for several threads: one at a time uses it.

    `prepare` runs on every new connection before it is used, and may refuse it by raising.
    """

    def __init__(
        self, dsn: str, *, limits: Limits = DEFAULT_LIMITS, prepare: Callable[[Connection], None] | None = None
    ) -> None:
        self._dsn = dsn
        self._limits = limits
        self._prepare = prepare
        self._connection: Connection | None = None
        self._turn = threading.RLock()
        self.where = address(dsn)

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """The live connection. Driver errors come out as Unavailable, AccessLost or SetupError.

        Whatever transaction is open at the end of the block is rolled back.
        """
        with self._turn:
            connection = self._live()
            try:
                yield connection
            except psycopg.Error as error:
                self._leave(connection, error)
                raise explain(error, self.where) from error
            except BridgeError as error:
                self._leave(connection, error.__cause__)
                raise
            finally:
                self._settle(connection)

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _live(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self.close()
            connection = open_connection(self._dsn, self._limits)
            try:
                if self._prepare is not None:
                    self._prepare(connection)
            except psycopg.Error as error:
                connection.close()
                raise explain(error, self.where) from error
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _leave(self, connection: Connection, error: BaseException | None) -> None:
        """Closes a connection to a server that takes no writes: the address may lead to the primary by now, and a
        session of a standby lives on."""
        if isinstance(error, psycopg.Error) and is_standbys(error.sqlstate):
            connection.close()

    def _settle(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            # A connection that cannot even roll back is lost; the server rolls back when it notices.
            connection.close()
