"""Whose turn it is to become a record, of rows that came in greater numbers than Notion takes pages.

What a bulk load brings is known by its keys alone (see `bridge.journal.arrivals`) until little else waits to be made.
So changes of records are not behind it, and the journal does not grow by what nobody needs yet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.ends import Evidence, Observation
from bridge.journal import Journal
from bridge.journal.arrivals import Arrival
from bridge.model import Key, Pair, Presence, Snapshot, Stamp, Sync

AHEAD = 5_000  # records that may wait to be made: half an hour's work of the common budget
_AT_ONCE = 500  # rows that are read in one round of the bridge, which does nothing else meanwhile
_A_PART = 5  # one of so many places is free: rows are not called one by one

Look = Callable[[Sequence[Pair]], Sequence[Observation]]
Take = Callable[[Sequence[Observation]], None]


class Turns:
    """The rows of one sync. `ahead`: how many records may wait to be made before a new row waits for its turn; None:
    any number."""

    def __init__(self, journal: Journal, sync: Sync, ahead: int | None) -> None:
        self._journal = journal
        self._name = sync.name
        self._ahead = ahead

    def room(self) -> int:
        """How many new rows may become records now."""
        if self._ahead is None:
            return sys.maxsize
        return self._ahead - self._journal.to_fill(self._name, self._ahead)

    def rename(self, old: Key, new: Key) -> bool:
        """A row that waits has got another key: it waits under that. Not if a record has the one, or another row that
        waits: two that change keys are told apart as records."""
        journal, name = self._journal, self._name
        if not journal.arrivals.waits(name, old) or journal.arrivals.waits(name, new) or journal.pair_by_key(name, new):
            return False
        journal.arrivals.rename(name, old, new)
        return True

    def call_in(self, look: Look, take: Take) -> bool:
        """Has some of the rows taken that are to be read before their pair is merged, and of those whose turn has come.
        Answers whether there are others. `take` is called in a transaction."""
        unread = self._journal.unread(self._name, _AT_ONCE)
        if unread:
            shown = [as_read(pair, seen) for pair, seen in zip(unread, look(unread), strict=True)]
            with self._journal.transaction():
                take(shown)
                self._journal.were_read([pair.id for pair in unread])
        return self._call(look, take) or len(unread) == _AT_ONCE

    def _call(self, look: Look, take: Take) -> bool:
        """Whether anybody's turn has come."""
        if self._ahead is None or not self._journal.arrivals.any(self._name):
            return False
        room = self.room()
        if room * _A_PART < self._ahead:
            return False
        called = self._journal.arrivals.first(self._name, min(room, _AT_ONCE))
        shown = look([Pair(0, self._name, one.key, None, None, Snapshot(), Snapshot()) for one in called])
        # One that is gone, or has left the filter, is none of ours. Of one that has another key a change will tell.
        came = [(one, seen) for one, seen in zip(called, shown, strict=True) if seen.old_key is None]
        with self._journal.transaction():
            self._journal.arrivals.done(self._name, [one.key for one, _ in came])
            take([_arrived(one, seen) for one, seen in came if seen.presence is Presence.LIVE])
        return bool(came)


def _arrived(one: Arrival, seen: Observation) -> Observation:
    return replace(_between(one.at, seen), author=one.author)


def is_part(sync: Sync, seen: Observation) -> bool:
    """Whether a row holds more than a change of it has told: the note of an update lacks what is linked to the row."""
    return seen.evidence is Evidence.EVENT and any(item.name not in seen.values for item in sync.fields)


def as_read(pair: Pair, seen: Observation) -> Observation:
    """What the row of a pair shows that was made before it was read."""
    came = pair.postgres.stamps.get("")
    return _between(came.earliest if came else None, seen) if seen.stamp is None else seen


def _between(at: datetime | None, seen: Observation) -> Observation:
    """Since it was written it may have been changed at any time."""
    stamp = Stamp(at, max(at, seen.seen)) if at and seen.seen else None
    return replace(seen, stamp=stamp)
