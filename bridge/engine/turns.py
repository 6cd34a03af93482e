"""Whose turn it is to become a record, of rows that came in greater numbers than Notion takes pages.

What a bulk load brings is known by its keys alone (see `bridge.journal.arrivals`) until little else waits to be made.
So people's changes are not behind it, and the journal does not grow by what nobody needs yet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.ends import Arrival, Observation
from bridge.journal import Journal
from bridge.model import Key, Pair, Presence, Snapshot, Stamp, Sync

AHEAD = 5_000  # records that may wait to be made: half an hour's work of the common budget
_AT_ONCE = 500
_A_PART = 5  # one of so many places is free: rows are not called one by one

Look = Callable[[Sequence[Pair]], Sequence[Observation]]


class Turns:
    """The rows of one sync. `ahead`: how many records may wait to be made before a new row waits for its turn; None:
    any number, and what has arrived is taken from a full read of the table."""

    def __init__(self, journal: Journal, sync: Sync, ahead: int | None) -> None:
        self._journal = journal
        self._name = sync.name
        self._ahead = ahead

    def room(self) -> int:
        """How many new rows may become records now."""
        if self._ahead is None:
            return sys.maxsize
        return self._ahead - self._journal.to_fill(self._name, self._ahead)

    def arrive(self, arrived: Sequence[Arrival]) -> None:
        """New rows, known by their keys. Each is read when its turn comes, at once if there is room."""
        if arrived and self._ahead is not None:
            self._journal.arrivals.add(self._name, arrived)

    def waits(self, key: Key) -> bool:
        """Whether this row's turn has not come."""
        return bool(self._journal.arrivals.among(self._name, [key]))

    def called(self) -> list[Arrival]:
        """Some of the rows of which a page was seen; else of those whose turn has come."""
        arrivals, room = self._journal.arrivals, self.room()
        if due := arrivals.due(self._name, _AT_ONCE):
            return due
        return arrivals.first(self._name, min(room, _AT_ONCE)) if room * _A_PART >= (self._ahead or 0) else []

    def read(self, called: Sequence[Arrival], look: Look) -> list[Observation]:
        """What these rows hold now. One that is gone, has left the filter or got another key is none of ours, or a
        change will tell of it."""
        shown = look([Pair(0, self._name, one.key, None, None, Snapshot(), Snapshot()) for one in called])
        return [
            _arrived(one, seen)
            for one, seen in zip(called, shown, strict=True)
            if seen.presence is Presence.LIVE and seen.old_key is None
        ]


def _arrived(one: Arrival, seen: Observation) -> Observation:
    """Since it was written it may have been changed at any time."""
    stamp = Stamp(one.at, max(one.at, seen.seen)) if one.at and seen.seen else None
    return replace(seen, stamp=stamp, author=one.author)
