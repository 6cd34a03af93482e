"""Records whose pages are made after those that they link to, and which of them wait for which.

Kept in memory: what a record waits for is found out anew each time that it is merged, which is when the page that it
waits for is there, when it is clear that none comes, at a start, and after a while.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from bridge.journal import rows
from bridge.journal.store import Store
from bridge.model import Key, Pair


class Awaiting:
    """Methods that write belong inside a transaction. `wanted`: see `bridge.values.links.for_page`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_page: dict[str, dict[int, tuple[str, str]]] = {}  # by `wanted`: pairs, with their sync and the other's
        self._count: defaultdict[tuple[str, str], int] = defaultdict(int)  # how many of one sync wait for the other's

    def comes(self, target: str, key: Key, before: int | None) -> bool:
        """Whether this row is still to get a page, as far as the journal knows: it is new, and nobody refused it.
        `before`: only a record that is older than that pair."""
        found = self._store.row("page_comes", sync=target, key=rows.key_text(key), before=before)
        return found is not None

    def add(self, pair: Pair, target: str, wanted: str, until: datetime) -> None:
        """The pair is not merged before that page is there, or the time has come."""
        waiting = self._by_page.setdefault(wanted, {})
        if pair.id not in waiting:
            waiting[pair.id] = (pair.sync, target)
            self._count[pair.sync, target] += 1
        self._store.run("pair_postpone", id=pair.id, attempts=0, not_before=rows.moment(until), failures=None)

    def done(self, wanted: str) -> None:
        """The page is there, or none comes: whoever waits for it is merged again."""
        waiting = self._by_page.pop(wanted, {})
        for sides in waiting.values():
            self._count[sides] -= 1
        if waiting:
            self._store.run("pairs_go_on", pairs=json.dumps(list(waiting)))

    def only(self, sync: str, targets: Collection[str]) -> None:
        """The other syncs make no pages now: no record of this sync waits for one of theirs."""
        idle = {pair for pair, count in self._count.items() if count and pair[0] == sync and pair[1] not in targets}
        if idle:
            with self._store.transaction():
                for wanted in [wanted for wanted, waiting in self._by_page.items() if idle & set(waiting.values())]:
                    self.done(wanted)
