"""Rows that the server cannot hand out: something in them makes the filter fail, a virtual generated column, or the
conversion to UTF-8.

Such a row is there, and what it holds cannot be told: each of its fields waits for a person, and the others go on. It
must not pass for one that is gone: its page would go to the trash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from bridge.errors import Unavailable
from bridge.model import Key, Presence, Sync, Unfit
from bridge.postgres.connection import Connection
from bridge.postgres.names import source
from bridge.postgres.sqlstates import concerns_a_row
from bridge.postgres.trouble import primary
from bridge.postgres.wire import Row, in_query, key_is, key_parameters

# In one reading. More are no odd rows: the filter itself is broken, or a column.
_MAX = 100


@contextmanager
def alone(conn: Connection) -> Iterator[None]:
    """What fails in here does not end the transaction around it."""
    if conn.info.transaction_status is TransactionStatus.IDLE:
        yield
        return
    with conn.transaction():
        yield


def without_values(conn: Connection, sync: Sync, key: Key, why: psycopg.Error) -> list[Row]:
    """The row with this key, of which only that it is there can be read; none when it is not there. A page may carry a
    key that the column cannot hold: no row can have it. Raises what the server says to a tombstone that cannot be
    read."""
    try:
        with alone(conn):
            there = _ask(conn, sync, key, sql.SQL("true"))
    except psycopg.Error as error:
        if not concerns_a_row(error.sqlstate):
            raise
        return []
    if not there:
        return []
    marked = sync.tombstone is not None and _ask(
        conn, sync, key, sql.SQL("{} IS NOT NULL").format(sql.Identifier("r", sync.tombstone.name))
    )
    unfit = Unfit(f"its row cannot be read: {primary(why)}", "")
    values = {field.name: unfit for field in sync.fields}
    return [Row(key, Presence.GONE if marked else Presence.LIVE, values, unreadable=True)]


def refuse_many(rows: Sequence[Row], where: str) -> None:
    """Raises Unavailable when there are too many."""
    found = [row for row in rows if row.unreadable]
    if len(found) > _MAX:
        reason = next(value.reason for value in found[0].values.values() if isinstance(value, Unfit))
        raise Unavailable(
            f"more than {_MAX} rows at {where} cannot be read; of the first, {reason}",
            hint="The filter (where), a virtual generated column or the conversion to UTF-8 fails for them. "
            "Mend it, or the rows; the bridge goes on by itself.",
        )


def _ask(conn: Connection, sync: Sync, key: Key, question: sql.Composable) -> bool:
    query = sql.SQL("SELECT {} FROM {} AS r WHERE {}").format(
        in_query(question), in_query(source(sync.table)), key_is(sync, "r")
    )
    row = conn.execute(query, key_parameters([key])).fetchone()
    return row is not None and bool(row[0])
