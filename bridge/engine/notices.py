"""What happened, for people: read from the journal, so that a log, a console and a test see the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.engine.rebinding import read_remembered
from bridge.journal import Journal
from bridge.journal.rows import noted_moment, read_key, read_moment, read_value
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Side
from bridge.values import canonical
from bridge.values.registry import PROPERTY_TYPES

_QUIET = ("echo", "same")
_LOOKED_BACK = 5_000  # events: writes are looked for several times a second, and have no index of their own
_AT_ONCE = 1000
_UNSURE_S = 5.0  # an edit that may have been made in a longer time than this has no delay to tell


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of what happened."""

    id: int
    kind: str  # insert, update, delete, restore, rekey, away, link, surplus, write, write-create ..., conflict, parked
    sync: str
    side: Side
    key: Key | None
    at: datetime
    changes: Mapping[str, tuple[FieldValue, FieldValue]]
    text: str = ""
    delay_seconds: float | None = None  # of a write: since the change that it carries over; None where nobody can tell

    @property
    def by_bridge(self) -> bool:
        """Whether the bridge wrote this, rather than observed it."""
        return self.kind.startswith("write")

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "sync": self.sync,
            "side": self.side.value,
            "key": list(self.key) if self.key else None,
            "changes": {k: [canonical.encode(old), canonical.encode(new)] for k, (old, new) in self.changes.items()},
            "text": self.text,
            "delay_seconds": self.delay_seconds,
        }


class Notices:
    """Follows the journal: each call gives what is new since the last."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        last = journal.last_ids()
        self._event, self._conflict, self._parked = last["event"], last["conflict"], last["parked"]

    def new(self) -> Iterator[Notice]:
        """Events, conflicts and parked items since the last call, in order of kind and time."""
        while events := self._journal.events_after(self._event, _AT_ONCE):  # a full outbox brings a million
            self._event = events[-1]["id"]
            computed = _Computed(self._journal)
            yield from (_of_event(row, computed.of(row["sync"])) for row in events if row["kind"] not in _QUIET)
        conflicts = self._journal.conflicts_after(self._conflict)
        parked = self._journal.parked_after(self._parked)
        self._conflict = conflicts[-1]["id"] if conflicts else self._conflict
        self._parked = parked[-1]["id"] if parked else self._parked
        yield from map(_of_conflict, conflicts)
        yield from map(_of_parked, parked)


def recent_writes(journal: Journal, limit: int) -> list[Notice]:
    """What the bridge wrote last, newest first."""
    after = journal.last_ids()["event"] - _LOOKED_BACK
    computed = _Computed(journal)
    return [_of_event(row, computed.of(row["sync"])) for row in reversed(journal.newest_events(after, "write%", limit))]


def history(rows: list[Row]) -> list[Notice]:
    """The events of one record, oldest first."""
    return [_of_event(row) for row in rows if row["kind"] not in _QUIET]


def _of_event(row: Row, computed: Set[str] = frozenset()) -> Notice:
    changes = {
        name: (canonical.decode(old), canonical.decode(new)) for name, (old, new) in json.loads(row["changes"]).items()
    }
    made = noted_moment(row["journaled_at"])
    at = read_moment(row["latest"]) or made
    return Notice(
        row["id"],
        row["kind"],
        row["sync"],
        Side(row["side"]),
        read_key(row["key"]),
        at,
        changes,
        row["author"] or "",
        _delay(row.get("cause_at") or "", made, derived=bool(changes) and changes.keys() <= computed),
    )


def _delay(cause: str, made: datetime, *, derived: bool) -> float | None:
    """Seconds from what a write carries over.

    An edit counts from the earliest moment at which it may have been made, unless that may as well have been much
    later: where only Notion's minute is known, any number would be wrong. What Notion computes follows from something
    else, and its page names the minute of the last edit, however long ago: it counts from when it was first seen.
    """
    if not cause:
        return None
    seen, *told = cause.split()
    if derived or not told:  # a person's word has one moment
        told = [seen, seen]
    if "-" in told:
        return None
    first, last = map(datetime.fromisoformat, told)
    if (last - first).total_seconds() > _UNSURE_S:
        return None
    return max(0.0, (made - first).total_seconds())


class _Computed:
    """Which fields Notion computes, as the last start saw them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[str, frozenset[str]] = {}

    def of(self, sync: str) -> frozenset[str]:
        if sync not in self._known:
            fields = read_remembered(self._journal, sync).fields
            self._known[sync] = frozenset(name for name, ends in fields.items() if _is_computed(ends.property_type))
        return self._known[sync]


def _is_computed(kind: str) -> bool:
    known = PROPERTY_TYPES.get(kind)
    return known is not None and known.computed


def _of_conflict(row: Row) -> Notice:
    values = {row["field"] or "the record": (read_value(row["postgres"]), read_value(row["notion"]))}
    waits = "waits for you" if row["state"] == "open" else "a person decides"
    text = f"{row['rule']}: " + (f"{row['winner']} wins" if row["winner"] else waits)
    side = Side(row["winner"] or "postgres")
    at = noted_moment(row["at"])
    return Notice(row["id"], "conflict", row["sync"], side, read_key(row["key"]), at, values, text)


def _of_parked(row: Row) -> Notice:
    at = noted_moment(row["at"])
    values = {row["field"] or "the record": (None, read_value(row["value"]))}
    return Notice(row["id"], "parked", row["sync"], Side(row["side"]), read_key(row["key"]), at, values, row["reason"])
