"""Reads the outbox: its rows as observations, in the order of their numbers.

There is no cursor. Numbers are drawn before commit, so a reader that remembers "everything up to 2" loses 1 when
it commits later, and every refinement of such a cursor has a hole of its own. What is there is read, journaled,
and then deleted by number; what was not visible yet is there the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from bridge.ends import Batch, Evidence, Observation
from bridge.model import OUTSIDE, Key, OnLeave, Presence, Side, Stamp, Sync
from bridge.postgres.bounds import left_out
from bridge.postgres.connection import Connection
from bridge.postgres.reader import read_rows, server_time, utc
from bridge.postgres.wire import Row, read_key, read_row, through_fields

BATCH_ROWS = 1000

# By sync: another sync's backlog is not waded through.
SELECT_OUTBOX = sql.SQL(
    'SELECT id, event::text, op, key, old_key, "values", origin::text, at, author'
    " FROM notion_bridge.outbox WHERE sync = %s ORDER BY id"
)

_REREAD = {
    "truncate": "the table was emptied by TRUNCATE",
    "unknown": "a change could not be captured: a mapped column was dropped, renamed or retyped",
}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The token of a batch: the numbers of exactly the outbox rows in it."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Outbox rows that wait to be read, when the oldest was written (None when none waits), and how many changes were
    left out because as many waited as may."""

    rows: int
    oldest: datetime | None
    left_out: int = 0


def read_outbox(conn: Connection, sync: Sync) -> Batch:
    """The oldest waiting changes, at most BATCH_ROWS."""
    rows = conn.execute(SELECT_OUTBOX + sql.SQL(" LIMIT %s"), [sync.name, BATCH_ROWS]).fetchall()
    return event_batch(conn, sync, rows, more=len(rows) == BATCH_ROWS)


def event_batch(conn: Connection, sync: Sync, rows: Sequence[tuple[Any, ...]], *, more: bool) -> Batch:
    """The batch for rows of SELECT_OUTBOX."""
    links = _Links(conn, sync, rows)
    events = [_event(sync, row, links) for row in rows if row[2] not in _REREAD]
    observations = [event for event in events if event is not None]
    reasons = dict.fromkeys(_REREAD[row[2]] for row in rows if row[2] in _REREAD)
    token = Acknowledgement(tuple(row[0] for row in rows)) if rows else None
    return Batch(observations, token=token, reread="; ".join(reasons), more=more)


def acknowledge(conn: Connection, sync: Sync, batch: Batch) -> None:
    """Deletes the outbox rows of a batch that the journal has; a batch without a token has none."""
    if isinstance(batch.token, Acknowledgement):
        conn.execute(
            "DELETE FROM notion_bridge.outbox WHERE sync = %s AND id = ANY (%s)",
            [sync.name, list(batch.token.ids)],
        )


def backlog(conn: Connection, sync_name: str) -> Backlog:
    """How far behind the reader is. The sync must be installed."""
    [(rows, oldest, limit)] = conn.execute(
        "SELECT (SELECT count(*) FROM notion_bridge.outbox WHERE sync = s.name),"
        " (SELECT min(at) FROM notion_bridge.outbox WHERE sync = s.name), outbox_max"
        " FROM notion_bridge.sync AS s WHERE name = %s",
        [sync_name],
    ).fetchall()
    return Backlog(rows, None if oldest is None else utc(oldest), left_out(conn, sync_name, limit))


class _Links:
    """What is linked now to the records that these changes are about.

    Read after the changes: of two transactions that changed the links of one record, the note that is read last
    finds what both of them left. A new record's links come with it, so that none looks like a later edit.
    """

    def __init__(self, conn: Connection, sync: Sync, rows: Sequence[tuple[Any, ...]]) -> None:
        self._names = [field.name for field in through_fields(sync)]
        asked = [row[3] for row in rows if row[2] in ("insert", "links")] if self._names else []
        keys = list(dict.fromkeys(read_key(sync, key) for key in asked))
        self._rows = read_rows(conn, sync, keys) if keys else {}
        self._seen = server_time(conn) if keys else None

    def of(self, key: Key) -> Row | None:
        """The record with its links only; None when it is not there any more."""
        row = self._rows.get(key)
        if row is None:
            return None
        return replace(row, values={name: row.values[name] for name in self._names if name in row.values})

    def stamp(self, at: datetime) -> Stamp:
        """Another change may have been made between the noted one and the reading."""
        return Stamp(at, max(at, self._seen)) if self._seen is not None else Stamp(at, at)


def _event(sync: Sync, row: tuple[Any, ...], links: _Links) -> Observation | None:
    """None for links of a record that is gone, or outside of the filter: that is noted, too. Unless they are our own
    write's echo, which the engine waits for."""
    number, event, op, key, old_key, values, origin, at, author = row
    moment = utc(at)
    stamp = Stamp(moment, moment)
    found = links.of(read_key(sync, key)) if op in ("insert", "links") else None
    if op == "links" and (found is None or found.presence is Presence.AWAY) and origin is None:
        return None
    if op == "links" and found is not None:
        presence, fields = found.presence, dict(found.values)
        stamp = links.stamp(moment)
    elif op in ("delete", "links"):
        presence, fields = Presence.GONE, {}
    else:
        captured = read_row(sync, key, values)
        presence, fields = captured.presence, {**captured.values, **(found.values if found is not None else {})}
    note = OUTSIDE if presence is Presence.AWAY else ""
    if note and op != "links" and sync.on_leave is OnLeave.DELETE:
        # Only here, where a row is seen to leave: one that a scan finds outside may be there for another filter.
        presence, note = Presence.GONE, ""
    return Observation(
        side=Side.POSTGRES,
        presence=presence,
        values=fields,
        key=read_key(sync, key),
        old_key=None if old_key is None else read_key(sync, old_key),
        stamp=stamp,
        evidence=Evidence.EVENT,
        event_id=event,
        position=number,
        origin=origin,
        author=author,
        note=note,
    )
