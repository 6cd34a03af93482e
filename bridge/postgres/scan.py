"""Reads everything: the outbox and the table as of one instant."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

import psycopg
from psycopg import sql

from bridge.ends import Batch, Evidence
from bridge.model import Key, Presence, Sync
from bridge.postgres.bundles import Known
from bridge.postgres.connection import SCAN_LIMITS, Connection, open_connection
from bridge.postgres.findings import schema_version
from bridge.postgres.identity import Identity
from bridge.postgres.names import source, table_name
from bridge.postgres.notes import SELECT_ALL, portions, read_note
from bridge.postgres.outbox import BATCH_CHANGES, event_batch, require_columns
from bridge.postgres.reader import observe, read_rows, utc
from bridge.postgres.rowfilter import only_inside
from bridge.postgres.sqlstates import concerns_a_row
from bridge.postgres.trouble import address, explain
from bridge.postgres.unreadable import alone, refuse_many
from bridge.postgres.wire import (
    Row,
    in_query,
    key_expression,
    key_follows,
    key_parameters,
    read_key,
    read_row,
    values_expression,
)


def scan(
    dsn: str, sync: Sync, known: Known | None = None, identity: Identity | None = None
) -> Generator[Batch, None, None]:
    """The waiting changes, then every row of the sync in key order, all in one snapshot.

    So a row that the table does not show, and no waiting change explains, is certainly gone, or outside of the sync's
    filter: those are not listed, for they may be millions. Chunks should be taken promptly: the snapshot holds back
    the whole database's vacuum for as long as the scan lasts, and the server ends a scan whose next chunk is not asked
    for within ten minutes. Closing the iterator ends it. Raises SetupError when a column is another one than the sync
    was bound to; Replaced when the database is another one than was recognised; Unavailable, AccessLost.
    """
    connection = open_connection(dsn, SCAN_LIMITS)
    with closing(connection):
        try:
            if identity is not None:
                identity.require(connection)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                _require_columns(connection, sync)
                yield from _outbox(connection, sync, known)
                yield from _table(connection, sync)
        except psycopg.Error as error:
            raise explain(error, address(dsn)) from error


def _require_columns(connection: Connection, sync: Sync) -> None:
    """The table is read by the names of its columns; one that was made anew is empty, and nobody has emptied its rows.
    The lock, which every reader takes, comes before the snapshot: no migration comes between that and the reading."""
    connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(table_name(sync.table)))
    require_columns(connection, sync)


def _outbox(connection: Connection, sync: Sync, known: Known | None) -> Iterator[Batch]:
    if schema_version(connection) is None:
        return  # a plan or a comparison before anything was installed
    with connection.cursor(name="notion_bridge_outbox") as cursor:
        cursor.execute(SELECT_ALL, [sync.name])
        for notes in portions(map(read_note, cursor), BATCH_CHANGES):
            yield event_batch(connection, sync, notes, known, more=True)


def _table(connection: Connection, sync: Sync) -> Iterator[Batch]:
    # The snapshot was taken by the first query of the transaction, after now(): it shows that time or later.
    [(now,)] = connection.execute("SELECT now()").fetchall()
    seen = utc(now)
    for rows in _all_rows(connection, sync):
        yield Batch([observe(row, Evidence.SCAN, seen) for row in rows], more=True)


def _all_rows(connection: Connection, sync: Sync) -> Iterator[list[Row]]:
    """Every row in the order of the keys. A portion with one that cannot be read is read by its keys."""
    last: Key | None = None  # that was read
    unreadable: list[Row] = []
    while True:
        try:
            for rows in _rows_after(connection, sync, last):
                yield rows
                last = rows[-1].key
            return
        except psycopg.Error as error:
            if not concerns_a_row(error.sqlstate):
                raise
        keys = _keys_after(connection, sync, last)
        found = read_rows(connection, sync, keys)
        unreadable += [row for row in found.values() if row.unreadable]
        refuse_many(unreadable, sync.table.qualified)
        yield [row for row in found.values() if row.presence is not Presence.AWAY]
        last = keys[-1]


def _rows_after(connection: Connection, sync: Sync, last: Key | None) -> Iterator[list[Row]]:
    columns = sql.SQL("{}, {}").format(key_expression(sync, "r"), values_expression(sync, "r"))
    with alone(connection), connection.cursor(name="notion_bridge_table") as cursor:
        query = _from_table(sync, columns, last, *only_inside(sync))
        cursor.execute(query, key_parameters([last] if last else []))
        while rows := cursor.fetchmany(BATCH_CHANGES):
            yield [read_row(sync, key, values) for key, values in rows]


def _keys_after(connection: Connection, sync: Sync, last: Key | None) -> list[Key]:
    """The next keys, inside of the filter or not: it may be the filter that fails."""
    query = _from_table(sync, key_expression(sync, "r"), last) + sql.SQL(" LIMIT {}").format(BATCH_CHANGES)
    return [read_key(sync, key) for (key,) in connection.execute(query, key_parameters([last] if last else []))]


def _from_table(sync: Sync, columns: sql.Composable, last: Key | None, *conditions: sql.Composable) -> sql.Composed:
    order = sql.SQL(", ").join(sql.Identifier("r", column.name) for column in sync.key)
    asked = [in_query(condition) for condition in conditions] + ([key_follows(sync, "r")] if last else [])
    where = sql.SQL("WHERE ") + sql.SQL(" AND ").join(asked) if asked else sql.SQL("")
    return sql.SQL("SELECT {} FROM {} AS r {} ORDER BY {}").format(
        in_query(columns), in_query(source(sync.table)), where, in_query(order)
    )
