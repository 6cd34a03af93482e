"""The rows of the outbox as the trigger wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from bridge.postgres.connection import Connection
from bridge.postgres.reader import utc

_COLUMNS = sql.SQL('id, op, key, old_key, "values", keys, origin::text, at, author')

# By sync: another sync's backlog is not waded through.
SELECT_ALL = sql.SQL("SELECT {} FROM notion_bridge.outbox WHERE sync = %s ORDER BY id").format(_COLUMNS)

# Up to a number of changes, of which one row may stand for many; and how many rows there were to choose from.
_SELECT_SOME = sql.SQL("""
SELECT {columns}, rows
FROM (
    SELECT *, count(*) OVER () AS rows, sum(coalesce(key_count, 1)) OVER (ORDER BY id) AS upto
    FROM (SELECT * FROM notion_bridge.outbox WHERE sync = %s AND {condition} ORDER BY id LIMIT {limit}) AS oldest
) AS counted
WHERE upto - coalesce(key_count, 1) < {limit} ORDER BY id
""")
_ANY = sql.SQL("true")
_OTHERS_SINCE = sql.SQL("id > %s AND id <> ALL (%s) AND origin IS NULL")


@dataclass(frozen=True, slots=True)
class Note:
    """One row of the outbox. `keys` instead of `key`: many rows that one statement changed."""

    id: int
    op: str
    key: Sequence[Any] | None
    old_key: Sequence[Any] | None
    values: Mapping[str, Any] | None
    keys: Sequence[Sequence[Any]] | None
    origin: str | None
    at: datetime
    author: str

    @property
    def event_id(self) -> str:
        """Recognises a change that is read twice. Numbers alone repeat, after a restore or setval."""
        return f"{self.id}@{self.at.isoformat()}"

    @property
    def size(self) -> int:
        """The changes that it stands for."""
        return 1 if self.keys is None else len(self.keys)


def read_note(facts: Sequence[Any]) -> Note:
    """The note for a row of SELECT_ALL."""
    number, op, key, old_key, values, keys, origin, at, author = facts
    return Note(number, op, key, old_key, values, keys, origin, utc(at), author)


def oldest_notes(conn: Connection, sync: str, changes: int) -> tuple[list[Note], bool]:
    """The oldest notes, of so many changes and what else the last of them stands for; whether there are others."""
    return _some(conn, _ANY, [sync], changes)


def others_since(conn: Connection, sync: str, notes: Sequence[Note], changes: int) -> tuple[list[Note], bool]:
    """The same for those after the first of `notes`, without these notes and the bridge's own."""
    return _some(conn, _OTHERS_SINCE, [sync, notes[0].id, [note.id for note in notes]], changes)


def _some(
    conn: Connection, condition: sql.Composable, parameters: Sequence[Any], changes: int
) -> tuple[list[Note], bool]:
    query = _SELECT_SOME.format(columns=_COLUMNS, condition=condition, limit=sql.Literal(changes))
    rows = conn.execute(query, parameters).fetchall()
    candidates = rows[0][-1] if rows else 0
    return [read_note(row[:-1]) for row in rows], candidates == changes or len(rows) < candidates


def portions(notes: Iterable[Note], changes: int) -> Iterator[list[Note]]:
    """All notes, in portions of about so many changes."""
    portion: list[Note] = []
    size = 0
    for note in notes:
        portion.append(note)
        size += note.size
        if size >= changes:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
