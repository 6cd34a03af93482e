"""Reads rows by key, for looks and for the writer's guard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from bridge.ends import Evidence, Observation
from bridge.model import OUTSIDE, Key, Pair, Presence, Side, Stamp, Sync
from bridge.postgres.connection import Connection
from bridge.postgres.findings import schema_version
from bridge.postgres.names import source
from bridge.postgres.sqlstates import concerns_a_row
from bridge.postgres.unreadable import alone, refuse_many, without_values
from bridge.postgres.wire import (
    Row,
    in_query,
    key_expression,
    key_is,
    key_parameters,
    read_key,
    read_row,
    values_expression,
)

_KEYS_PER_QUERY = 500


def look(conn: Connection, sync: Sync, pairs: Sequence[Pair]) -> list[Observation]:
    """The present state of these records, one observation each, in order.

    The database is authoritative: a row that is not there is GONE. Unless its key was changed and the outbox
    still has that change: then the row is looked up under its new key, and `old_key` says what it was, whatever
    other row has the old key by now. A row outside of the filter is AWAY.
    """
    keys = list(dict.fromkeys(pair.key for pair in pairs if pair.key is not None))
    seen = server_time(conn)
    rows = read_rows(conn, sync, keys)
    # Read after the rows: whoever changed a key between the two is in the outbox by now.
    moved = _moved(conn, sync)
    elsewhere = [moved[key] for key in keys if key in moved]
    if elsewhere:
        rows = {**read_rows(conn, sync, elsewhere), **rows}
    return [_found(pair.key, rows, moved, seen) for pair in pairs]


def observe(row: Row, evidence: Evidence, seen: datetime | None, stamp: Stamp | None = None) -> Observation:
    """The observation of a row that was read."""
    return Observation(
        side=Side.POSTGRES,
        presence=row.presence,
        values=row.values,
        key=row.key,
        stamp=stamp,
        evidence=evidence,
        seen=seen,
        note=OUTSIDE if row.presence is Presence.AWAY else "",
    )


def read_rows(conn: Connection, sync: Sync, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows that exist among these keys. One of other columns, from before the mapping named these, is no key."""
    keys = [key for key in keys if len(key) == len(sync.key)]
    rows: dict[Key, Row] = {}
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        rows.update((row.key, row) for row in _read_some(conn, sync, keys[start : start + _KEYS_PER_QUERY]))
    refuse_many([*rows.values()], sync.table.qualified)
    return rows


def _read_some(conn: Connection, sync: Sync, keys: Sequence[Key]) -> Iterable[Row]:
    query = sql.SQL("SELECT {}, {} FROM {} AS r WHERE {}").format(
        in_query(key_expression(sync, "r")),
        in_query(values_expression(sync, "r")),
        in_query(source(sync.table)),
        key_is(sync, "r", len(keys)),
    )
    try:
        with alone(conn):
            fetched = conn.execute(query, key_parameters(keys)).fetchall()
    except psycopg.Error as error:
        if not concerns_a_row(error.sqlstate):
            raise
        if len(keys) == 1:
            return without_values(conn, sync, keys[0], error)
        # A key that the column cannot hold, or a row that cannot be read, is found by halving.
        middle = len(keys) // 2
        return [*_read_some(conn, sync, keys[:middle]), *_read_some(conn, sync, keys[middle:])]
    return [read_row(sync, key, values) for key, values in fetched]


def _moved(conn: Connection, sync: Sync) -> dict[Key, Key]:
    """Changed keys that are still in the outbox: the old one to the present one."""
    moved: dict[Key, Key] = {}
    if schema_version(conn) is None:
        return moved  # a plan or a comparison before anything was installed
    for old_wire, new_wire in conn.execute(
        "SELECT old_key, key FROM notion_bridge.outbox WHERE sync = %s AND old_key IS NOT NULL ORDER BY id DESC",
        [sync.name],
    ):
        # From the last change to the first: where a change leads is already known.
        old, new = read_key(sync, old_wire), read_key(sync, new_wire)
        moved[old] = moved.get(new, new)
    return moved


def _found(key: Key | None, rows: Mapping[Key, Row], moved: Mapping[Key, Key], seen: datetime) -> Observation:
    if key is None:  # a page that has no row yet
        return Observation(side=Side.POSTGRES, presence=Presence.UNSEEN, seen=seen)
    present = moved.get(key, key)
    old_key = key if present != key else None
    if present in rows:
        return replace(observe(rows[present], Evidence.LOOK, seen), old_key=old_key)
    return Observation(side=Side.POSTGRES, presence=Presence.GONE, key=key, evidence=Evidence.LOOK, seen=seen)


def server_time(conn: Connection) -> datetime:
    """Read before the rows: what they show was certainly so at this time or later."""
    [(moment,)] = conn.execute("SELECT clock_timestamp()").fetchall()
    return utc(moment)


def utc(moment: datetime) -> datetime:
    """The driver's zone object replaced by the one that the rest of the bridge uses."""
    return moment.astimezone(UTC)
