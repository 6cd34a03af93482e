"""What happened, for people: read from the journal, so that a log, a console and a test see the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.journal import Journal
from bridge.journal.rows import noted_moment, read_key, read_moment, read_value
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Side
from bridge.values import canonical

_QUIET = ("echo", "same")
_LOOKED_BACK = 5_000  # events: writes are looked for several times a second, and have no index of their own
_AT_ONCE = 1000


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
    delay_seconds: float | None = None  # of a write: since the change that it carries over

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
            yield from (_of_event(row) for row in events if row["kind"] not in _QUIET)
        conflicts = self._journal.conflicts_after(self._conflict)
        parked = self._journal.parked_after(self._parked)
        self._conflict = conflicts[-1]["id"] if conflicts else self._conflict
        self._parked = parked[-1]["id"] if parked else self._parked
        yield from map(_of_conflict, conflicts)
        yield from map(_of_parked, parked)


def recent_writes(journal: Journal, limit: int) -> list[Notice]:
    """What the bridge wrote last, newest first."""
    after = journal.last_ids()["event"] - _LOOKED_BACK
    return [_of_event(row) for row in reversed(journal.newest_events(after, "write%", limit))]


def history(rows: list[Row]) -> list[Notice]:
    """The events of one record, oldest first."""
    return [_of_event(row) for row in rows if row["kind"] not in _QUIET]


def _of_event(row: Row) -> Notice:
    changes = {
        name: (canonical.decode(old), canonical.decode(new)) for name, (old, new) in json.loads(row["changes"]).items()
    }
    made, cause = noted_moment(row["journaled_at"]), read_moment(row.get("cause_at"))
    at = read_moment(row["latest"]) or made
    delay = None
    if cause is not None and row["kind"].startswith("write"):
        delay = max(0.0, (made - cause).total_seconds())
    return Notice(
        row["id"],
        row["kind"],
        row["sync"],
        Side(row["side"]),
        read_key(row["key"]),
        at,
        changes,
        row["author"] or "",
        delay,
    )


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
