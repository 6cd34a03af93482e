"""Words for rows that come in great numbers: what is told of them, who waits for its turn, what a look shows then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.ends import Evidence, Observation
from bridge.model import Pair, Value
from tests.unit.desk import Desk, at, row, stamp

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}
Table = dict[str, Observation]


def loaded(desk: Desk, *keys: str) -> Table:
    """So many rows come with one statement; the table that has them."""
    desk.see(*(row(key, BEFORE, stamp=stamp(1), author="loader", event_id=f"e-{key}") for key in keys))
    return {key: live(key, BEFORE) for key in keys}


def showing(table: Table) -> Callable[[Sequence[Pair]], list[Observation]]:
    def look(pairs: Sequence[Pair]) -> list[Observation]:
        keys = [pair.key for pair in pairs]
        return [table.get(key[0], row(key[0], evidence=Evidence.LOOK)) for key in keys if key is not None]

    return look


def live(key: str, values: dict[str, Value]) -> Observation:
    """What a look shows."""
    return row(key, values, evidence=Evidence.LOOK, seen=at(9))


def came(key: str) -> Observation:
    """One of many new rows, of which only the keys were noted."""
    return row(key, {}, stamp=stamp(1), author="loader", unread=True)


def waiting(desk: Desk) -> list[str]:
    return [one.key[0] for one in desk.journal.arrivals.first("tasks", 99)]


def known(desk: Desk) -> list[str]:
    return [pair.key[0] for pair in desk.journal.all_pairs("tasks") if pair.key is not None]
