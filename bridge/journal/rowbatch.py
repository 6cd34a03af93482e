"""Many changes of rows in one transaction. What is known of their records is read by one query, and what they lead to
is written by one statement of each kind: a statement for every change would cost more than all the rest of taking it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Observation
from bridge.journal import rows
from bridge.journal.arrivals import Arrival
from bridge.journal.journal import Journal
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Pair, Presence, Snapshot, Stamp
from bridge.values import canonical


class RowBatch:
    """The records of one sync that some observations are about. `flush` writes what has changed; before anything else
    asks the journal about these records it has to be called, and `forget` after anything else has changed one."""

    def __init__(self, journal: Journal, sync: str, seen: Sequence[Observation]) -> None:
        self._journal = journal
        self._sync = sync
        self._known = self._known_events([item.event_id for item in seen if item.event_id is not None])
        keys = {item.key for item in seen if item.key is not None}
        self._rows = self._stored(keys)
        self._pairs: dict[Key, Pair] = {}
        self._made: dict[int, Pair] = {}
        self._waiting = self._who_waits(keys)
        self._arrived: dict[Key, Arrival] = {}
        self._left: set[Key] = set()
        self._unread: set[int] = set()
        self._read: set[int] = set()
        self._changed: dict[int, Pair] = {}
        self._agreed: dict[int, Pair] = {}
        self._events: list[Row] = []
        self._last: datetime | None = None
        self._next_id = 0
        self._now = journal.now()

    def known_event(self, event_id: str) -> bool:
        """Whether it is journaled, or about to be."""
        return event_id in self._known

    def is_displaced(self) -> bool:
        """Whether a record's key was taken by another row, and no change has told yet where it went."""
        return self._journal.store.row("pairs_any_displaced", sync=self._sync) is not None

    def is_no_news(self, seen: Observation) -> bool:
        """Whether a row that was read with all others is just as it is known; told without reading what is known."""
        row = self._rows.get(seen.key) if seen.key is not None and seen.key not in self._pairs else None
        if row is None or seen.event_id is not None or seen.presence is not Presence.LIVE:
            return False
        return bool(row["postgres_state"] == Presence.LIVE and row["postgres"] == canonical.dumps(seen.values))

    def pair(self, key: Key) -> Pair | None:
        """The record with this key."""
        if key not in self._pairs and (row := self._row(key)) is not None:
            self._pairs[key] = rows.read_pair(row)
        return self._pairs.get(key)

    def number(self, key: Key) -> int | None:
        """The number of the record with this key."""
        if key in self._pairs:
            return self._pairs[key].id
        row = self._row(key)
        return None if row is None else int(row["id"])

    def add(self, key: Key) -> Pair:
        """A new record, of which nothing is known yet but this key."""
        self._next_id = max(self._next_id, 0 if self._made else self._last_pair()) + 1
        pair = Pair(self._next_id, self._sync, key, None, None, Snapshot(), Snapshot())
        self._pairs[key] = self._made[pair.id] = pair
        self._journal.tell((pair,))
        return pair

    def waits(self, key: Key) -> bool:
        """Whether the row's turn has not come."""
        if key not in self._waiting:
            self._waiting.update(self._who_waits({key}))
        return self._waiting[key]

    def arrive(self, seen: Observation, key: Key) -> None:
        """A new row whose turn comes later. That it is there is all that is remembered of it."""
        self._waiting[key] = True
        self._arrived[key] = Arrival(key, seen.stamp.earliest if seen.stamp else None, seen.author)

    def leave(self, key: Key) -> None:
        """The row, if it waited, is there no more."""
        if self.waits(key):
            self._waiting[key] = False
            self._arrived.pop(key, None)
            self._left.add(key)

    def is_unread(self, pair: Pair) -> bool:
        """Whether the pair's row is still to be read."""
        row = self._rows.get(pair.key) if pair.key is not None else None
        return pair.id not in self._read and row is not None and bool(row["unread"])

    def need_read(self, pair: Pair) -> None:
        """The pair's row is to be read before it is merged."""
        self._unread.add(pair.id)

    def was_read(self, pair: Pair) -> None:
        """What the pair's row holds was read."""
        self._read.add(pair.id)

    def save(self, pair: Pair) -> None:
        """What is known of the row has changed, and perhaps what is agreed."""
        assert pair.key is not None
        before, self._pairs[pair.key] = self._pairs[pair.key], pair
        if pair.id in self._made:
            self._made[pair.id] = pair
        else:
            self._changed[pair.id] = pair
            if pair.base is not before.base:
                self._agreed[pair.id] = pair
        self._journal.tell((pair,))

    def add_event(
        self,
        pair: Pair,
        seen: Observation,
        kind: str,
        changes: Mapping[str, tuple[FieldValue, FieldValue]],
        stamp: Stamp | None,
    ) -> None:
        """Appends to the history of one record."""
        if seen.event_id is not None:
            self._known.add(seen.event_id)
        self._events.append(
            self._journal.event_columns(
                pair,
                seen.side,
                kind,
                changes,
                stamp=stamp,
                author=seen.author,
                source=seen.event_id,
                at=self._now,
            )
        )

    def happened(self, at: datetime | None) -> None:
        """When the last change of the sync was."""
        self._last = at

    def flush(self) -> None:
        """Writes everything down."""
        store = self._journal.store
        if self._made:
            with crash_point(CrashPoint.PAIR_MADE):
                store.run_many("pair_insert", map(rows.pair_columns, self._made.values()))
        store.run_many("pair_save_row", map(rows.row_columns, self._changed.values()))
        store.run_many("pair_save_base", map(rows.base_columns, self._agreed.values()))
        store.run_many("event_add", self._events)
        if self._unread:
            store.run_many("pair_unread", ({"id": number} for number in self._unread))
        if self._read:
            self._journal.were_read(list(self._read))
        if self._left:
            self._journal.arrivals.done(self._sync, self._left)
        if self._arrived:
            self._journal.arrivals.add(self._sync, self._arrived.values())
        if self._last is not None:
            self._journal.update_sync(self._sync, last_event_at=self._last)
        self._made, self._changed, self._agreed, self._last = {}, {}, {}, None
        self._events, self._arrived, self._left, self._unread, self._read = [], {}, set(), set(), set()

    def forget(self) -> None:
        """Something else has changed records: they are read again when they are asked for."""
        self._rows, self._pairs, self._waiting = {}, {}, {}

    def _row(self, key: Key) -> Row | None:
        if key not in self._rows:
            self._rows.update(self._stored({key}))
        return self._rows[key]

    def _who_waits(self, keys: Collection[Key]) -> dict[Key, bool]:
        """Of each key whether its row waits for its turn."""
        arrivals = self._journal.arrivals
        waiting = arrivals.among(self._sync, keys) if arrivals.any(self._sync) else set[Key]()
        return {key: key in waiting for key in keys}

    def _known_events(self, sources: Sequence[str]) -> set[str]:
        found = self._journal.store.rows("events_known", sources=json.dumps(sources)) if sources else []
        return {row["source"] for row in found}

    def _stored(self, keys: Collection[Key]) -> dict[Key, Row | None]:
        """The records with these keys as they are stored; None where there is none."""
        by_text = {rows.key_text(key): key for key in keys}
        found = self._journal.store.rows("pairs_by_keys", sync=self._sync, keys=json.dumps(list(by_text)))
        return {**dict.fromkeys(keys), **{by_text[row["key"]]: row for row in found}}

    def _last_pair(self) -> int:
        row = self._journal.store.row("pair_last")
        return int(row["id"]) if row else 0
