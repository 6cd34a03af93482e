"""What the rows hold whose keys alone were noted, because one statement had changed many.

A bundle is read later than it was written, and a row may have been changed again by then. Whoever did so has noted
it: then the bundle says nothing of this row, and the later note says everything. So what a bundle shows has not changed
since its statement, and its time is exactly that of the statement.

That holds because the notes are read after the rows: a change that the rows show is among the notes. With a backlog of
which not all can be looked through, a row may have been changed at any time until it was read.

New rows of a bundle are not read, unless their keys belong to known records: they are read when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from bridge.model import Key, Presence, Stamp, Sync
from bridge.postgres.connection import Connection
from bridge.postgres.notes import Note, others_since
from bridge.postgres.reader import read_rows, server_time
from bridge.postgres.wire import Row, read_key

_LOOKED_THROUGH = 1000  # later changes

# Which of these keys belong to known records. Rows that are new and many are told without being read.
Known = Callable[[Sequence[Key]], Collection[Key]]


class Bundles:
    """The rows of all bundles among some notes of the outbox. `known`: which keys belong to known records."""

    def __init__(self, conn: Connection, sync: Sync, notes: Sequence[Note], known: Known | None) -> None:
        self._sync = sync
        self._rows: dict[Key, Row] = {}
        self._changed_again: dict[Key, int] = {}
        self._read: dict[int, list[Key]] = {}  # by the note's number: each is asked for several times
        self._exact = True
        bundles = [note for note in notes if note.keys is not None]
        new = [key for note in bundles if note.op == "insert" for key in self._keys(note)]
        self._unread = set(new).difference(known(new)) if new and known is not None else set[Key]()
        wanted = [key for note in bundles for key in self._keys(note) if not self._is_unread(note, key)]
        if not wanted:
            return
        self._rows = read_rows(conn, sync, list(dict.fromkeys(wanted)))
        self._seen = server_time(conn)
        later, more = others_since(conn, sync.name, notes, _LOOKED_THROUGH)
        self._exact = not more
        # The last one counts. The bridge's own writes do not: a user's change that they came after is still news.
        for note in sorted((*notes, *later), key=lambda note: note.id):
            if note.origin is None:
                self._changed_again.update(dict.fromkeys(self._keys(note), note.id))

    def rows(self, note: Note) -> Iterator[tuple[int, Row, Stamp]]:
        """Of a bundle the rows that were not changed again, each with its place and the time of its last change.

        One that is not there any more was deleted, and if not by this statement then that is noted; one that is there
        again was inserted again, and that is noted. A row that came back outside of the filter came unnoticed.
        """
        stamp = Stamp(note.at, note.at if self._exact else max(note.at, self._seen))
        for place, key in enumerate(self._keys(note)):
            if self._is_unread(note, key) or self._changed_again.get(key, note.id) > note.id:
                continue
            row = self._rows.get(key)
            if note.op == "delete":
                if row is None or row.presence is Presence.AWAY:
                    yield place, Row(key, Presence.GONE, {}), stamp
            elif row is not None:
                yield place, row, stamp
            elif note.op == "update" and self._sync.where:
                # It left the filter and was deleted there, which nobody notes: its page is as if it had only left.
                yield place, Row(key, Presence.AWAY, {}), stamp

    def unread(self, note: Note) -> list[Key]:
        """The new rows of a bundle that were not read."""
        return [key for key in self._keys(note) if self._is_unread(note, key)]

    def _is_unread(self, note: Note, key: Key) -> bool:
        return note.op == "insert" and key in self._unread

    def _keys(self, note: Note) -> list[Key]:
        if note.id not in self._read:
            wire = note.keys if note.keys is not None else [note.key] if note.key is not None else []
            self._read[note.id] = [read_key(self._sync, key) for key in wire]
        return self._read[note.id]
