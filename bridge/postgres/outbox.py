"""Reads the outbox: its rows as observations, in the order of their numbers.

There is no cursor. Numbers are drawn before commit, so a reader that remembers "everything up to 2" loses 1 when
it commits later, and every refinement of such a cursor has a hole of its own. What is there is read, journaled,
and then deleted by number; what was not visible yet is there the next time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.ends import Batch, Evidence, Observation
from bridge.errors import SetupError
from bridge.model import OUTSIDE, FieldValue, Key, OnLeave, Presence, Side, Stamp, Sync
from bridge.postgres.bounds import left_out
from bridge.postgres.bundles import Bundles, Known
from bridge.postgres.connection import Connection
from bridge.postgres.notes import Note, oldest_notes
from bridge.postgres.reader import read_rows, server_time, utc
from bridge.postgres.wire import Row, captured_columns, read_key, read_row, through_fields

BATCH_CHANGES = 1000

_REREAD = {
    "truncate": "the table was emptied by TRUNCATE",
    "unknown": "a change could not be captured: a mapped column was dropped, renamed or retyped",
}


# Numbers of columns are never used again.
_COLUMNS_THERE = """
SELECT count(*) FROM pg_attribute WHERE attrelid = %s AND attnum = ANY (%s) AND NOT attisdropped
"""
_MADE_ANEW = "a mapped column was dropped, or made anew"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The token of a batch: the numbers of exactly the outbox rows in it."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many changes wait to be read, when the oldest was written (None when none waits), and how many changes were
    left out because as many waited as may."""

    changes: int
    oldest: datetime | None
    left_out: int = 0


def read_outbox(conn: Connection, sync: Sync, known: Known | None) -> Batch:
    """The oldest waiting changes: BATCH_CHANGES, and what else the last row of the outbox stands for.

    None, and `reread`, when a column is not the one that the sync was bound to. The trigger goes by names, and a column
    that was made anew is empty, which nobody has done to its rows. Asked after the changes were read: what made it anew
    was committed before any change that shows it.
    """
    notes, more = oldest_notes(conn, sync.name, BATCH_CHANGES)
    if notes and not columns_stand(conn, sync):
        return Batch((), reread=_MADE_ANEW)
    return event_batch(conn, sync, notes, known, more=more)


def columns_stand(conn: Connection, sync: Sync) -> bool:
    """Whether all columns are those that the sync was bound to, and none a new one of the same name."""
    numbers = {column.attnum for column in (*sync.key, *captured_columns(sync))}
    [(there,)] = conn.execute(_COLUMNS_THERE, [sync.table.oid, list(numbers)]).fetchall()
    return bool(there == len(numbers))


def require_columns(conn: Connection, sync: Sync) -> None:
    """Raises SetupError when a column is not the one that the sync was bound to."""
    if not columns_stand(conn, sync):
        raise SetupError(
            f"a mapped column of {sync.table.qualified} was dropped, or made anew",
            hint="The bridge binds the sync anew; `notion-bridge check` tells what is missing.",
        )


def event_batch(conn: Connection, sync: Sync, notes: Sequence[Note], known: Known | None, *, more: bool) -> Batch:
    """The batch for these rows of the outbox. `known` None: all rows are read."""
    links = _Links(conn, sync, notes)
    bundles = Bundles(conn, sync, notes, known)
    observations: list[Observation] = []
    for note in notes:
        if note.op in _REREAD:
            continue
        if note.keys is not None:
            observations += _bundled(sync, note, bundles)
        elif (event := _event(sync, note, links)) is not None:
            observations.append(event)
    reasons = dict.fromkeys(_REREAD[note.op] for note in notes if note.op in _REREAD)
    token = Acknowledgement(tuple(note.id for note in notes)) if notes else None
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
    [(changes, oldest, limit)] = conn.execute(
        "SELECT (SELECT coalesce(sum(coalesce(key_count, 1)), 0) FROM notion_bridge.outbox WHERE sync = s.name),"
        " (SELECT min(at) FROM notion_bridge.outbox WHERE sync = s.name), outbox_max"
        " FROM notion_bridge.sync AS s WHERE name = %s",
        [sync_name],
    ).fetchall()
    return Backlog(int(changes), None if oldest is None else utc(oldest), left_out(conn, sync_name, limit))


class _Links:
    """What is linked now to the records that these changes are about.

    Read after the changes: of two transactions that changed the links of one record, the note that is read last
    finds what both of them left. A new record's links come with it, so that none looks like a later edit.
    """

    def __init__(self, conn: Connection, sync: Sync, notes: Sequence[Note]) -> None:
        self._names = [field.name for field in through_fields(sync)]
        asked = [note.key for note in notes if note.op in ("insert", "links") and note.key is not None]
        keys = list(dict.fromkeys(read_key(sync, key) for key in asked)) if self._names else []
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


def _event(sync: Sync, note: Note, links: _Links) -> Observation | None:
    """None for links of a record that is gone, or outside of the filter: that is noted, too. Unless they are our own
    write's echo, which the engine waits for."""
    assert note.key is not None
    key = read_key(sync, note.key)
    stamp = Stamp(note.at, note.at)
    found = links.of(key) if note.op in ("insert", "links") else None
    if note.op == "links" and (found is None or found.presence is Presence.AWAY) and note.origin is None:
        return None
    if note.op == "links" and found is not None:
        return _observed(sync, note, replace(found, key=key), links.stamp(note.at))
    if note.op in ("delete", "links"):
        return _observed(sync, note, Row(key, Presence.GONE, {}), stamp)
    captured = read_row(sync, note.key, note.values)
    fields = {**captured.values, **(found.values if found is not None else {})}
    return _observed(sync, note, replace(captured, values=fields), stamp)


def _bundled(sync: Sync, note: Note, bundles: Bundles) -> Iterator[Observation]:
    """The rows of a bundle, each as an event of its own, and the keys of those that were not read."""
    for key in bundles.unread(note):
        stamp = Stamp(note.at, note.at)
        yield Observation(
            Side.POSTGRES, Presence.LIVE, {}, key, None, None, stamp, Evidence.EVENT, author=note.author, unread=True
        )
    linked = {field.name for field in through_fields(sync)}
    for place, row, stamp in bundles.rows(note):
        # A new record's links come with it; those of others have notes of their own.
        whole = not linked or note.op == "insert"
        told = row if whole else replace(row, values=_without(row.values, linked))
        yield _observed(sync, note, told, stamp, f"/{place}")


def _without(values: Mapping[str, FieldValue], names: Collection[str]) -> dict[str, FieldValue]:
    return {name: value for name, value in values.items() if name not in names}


def _observed(sync: Sync, note: Note, row: Row, stamp: Stamp, place: str = "") -> Observation:
    presence = row.presence
    why = OUTSIDE if presence is Presence.AWAY else ""
    if why and note.op != "links" and sync.on_leave is OnLeave.DELETE:
        # Only here, where a row is seen to leave: one that a scan finds outside may be there for another filter.
        presence, why = Presence.GONE, ""
    return Observation(
        side=Side.POSTGRES,
        presence=presence,
        values=row.values,
        key=row.key,
        old_key=None if note.old_key is None else read_key(sync, note.old_key),
        stamp=stamp,
        evidence=Evidence.EVENT,
        event_id=note.event_id + place,
        position=note.id,
        origin=note.origin,
        author=note.author,
        note=why,
    )
