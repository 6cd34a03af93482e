"""Rows that came with many others, and whose turn has not come: known by their keys.

Notion takes three pages a second. What a bulk load brings waits for hours, and much of it will have changed by then, so
that its values are read when they are needed, and take neither time nor room before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.journal import rows
from bridge.journal.store import Row, Store
from bridge.model import Key


@dataclass(frozen=True, slots=True)
class Arrival:
    """One such row: when it was written and by whom, if a change told of it; None where it was read with all others."""

    key: Key
    at: datetime | None = None
    author: str | None = None


class Arrivals:
    """The table `arrivals`. Methods that write belong inside a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def any(self, sync: str) -> bool:
        return self._store.row("arrivals_any", sync=sync) is not None

    def count(self, sync: str) -> int:
        """How many wait. Counts them all."""
        row = self._store.row("arrivals_count", sync=sync)
        return int(row["n"]) if row else 0

    def add(self, sync: str, arrived: Iterable[Arrival]) -> None:
        """Puts these behind the others. Who waits already keeps its place."""
        columns = (
            {"sync": sync, "key": rows.key_text(one.key), "at": rows.moment(one.at), "author": one.author}
            for one in arrived
        )
        self._store.run_many("arrivals_add", columns)

    def among(self, sync: str, keys: Collection[Key]) -> set[Key]:
        """Those of these keys whose rows wait here."""
        by_text = {rows.key_text(key): key for key in keys}
        found = self._store.rows("arrivals_among", sync=sync, keys=json.dumps(list(by_text)))
        return {by_text[row["key"]] for row in found}

    def forget(self, sync: str) -> None:
        """Nobody waits any more."""
        self._store.run("arrivals_forget", sync=sync)

    def waits(self, sync: str, key: Key) -> bool:
        """Whether the row with this key waits here."""
        return bool(self.among(sync, [key]))

    def rename(self, sync: str, old: Key, new: Key) -> None:
        """The row has another key now, which no other has that waits here. It keeps its place."""
        self._store.run("arrivals_rename", sync=sync, old=rows.key_text(old), new=rows.key_text(new))

    def take(self, sync: str, key: Key) -> Arrival | None:
        """Takes one out of the queue, if it is there."""
        row = self._store.row("arrivals_take", sync=sync, key=rows.key_text(key))
        return None if row is None else _read(row)

    def first(self, sync: str, most: int) -> list[Arrival]:
        """Those that came first."""
        return [_read(row) for row in self._store.rows("arrivals_next", sync=sync, most=most)]

    def done(self, sync: str, taken: Collection[Key]) -> None:
        """These are records now, or are no more."""
        keys = json.dumps([rows.key_text(key) for key in taken])
        self._store.run("arrivals_done", sync=sync, keys=keys)


def _read(row: Row) -> Arrival:
    key = rows.read_key(row["key"])
    assert key is not None
    return Arrival(key, rows.read_moment(row["at"]), row["author"])
