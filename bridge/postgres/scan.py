"""Reads everything: the outbox and the table as of one instant."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

import psycopg
from psycopg import sql

from bridge.ends import Batch, Evidence
from bridge.model import Sync
from bridge.postgres.bundles import Known
from bridge.postgres.connection import SCAN_LIMITS, Connection, open_connection
from bridge.postgres.findings import schema_version
from bridge.postgres.identity import Identity
from bridge.postgres.names import source, table_name
from bridge.postgres.notes import SELECT_ALL, portions, read_note
from bridge.postgres.outbox import BATCH_CHANGES, event_batch, require_columns
from bridge.postgres.reader import observe, utc
from bridge.postgres.rowfilter import only_inside
from bridge.postgres.trouble import address, explain
from bridge.postgres.wire import key_expression, read_row, values_expression


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
    order = sql.SQL(", ").join(sql.Identifier("r", column.name) for column in sync.key)
    query = sql.SQL("SELECT {}, {} FROM {} AS r {} ORDER BY {}").format(
        key_expression(sync, "r"), values_expression(sync, "r"), source(sync.table), only_inside(sync), order
    )
    with connection.cursor(name="notion_bridge_table") as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(BATCH_CHANGES):
            yield Batch([observe(read_row(sync, key, values), Evidence.SCAN, seen) for key, values in rows], more=True)
