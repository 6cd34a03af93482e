"""What `status` tells: counts from the journal and from the outbox, never from memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.clock import Clock
from bridge.journal import Journal
from bridge.journal.rows import moment, read_moment
from bridge.model import Suspended

NEVER_SYNCED = "never synced"


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """One sync, as counted."""

    name: str
    in_step: bool
    linked: int
    pending: int
    conflicts: int
    parked: int
    breaker: str
    paused: bool
    lag_seconds: float
    last_event_at: datetime | None
    last_error: str
    outbox: int | None  # rows that wait in the database; None when it did not answer
    swept_at: datetime | None
    suspended: tuple[Suspended, ...] = ()
    left_out: int = 0  # changes that were not noted, because the outbox was full
    resync: bool = False  # a person asked for one, and no bridge has begun it
    not_captured: str = ""  # why changes of the table are not noted, as far as the database could be asked

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "in_step": self.in_step,
            "linked": self.linked,
            "pending": self.pending,
            "conflicts": self.conflicts,
            "parked": self.parked,
            "breaker": self.breaker or None,
            "paused": self.paused,
            "lag_seconds": round(self.lag_seconds, 3),
            "last_event_at": moment(self.last_event_at),
            "last_error": self.last_error or None,
            "outbox": self.outbox,
            "left_out": self.left_out,
            "swept_at": moment(self.swept_at),
            "resync": self.resync,
            "not_captured": self.not_captured or None,
            "suspended": [{"field": s.field, "reason": s.reason, "hint": s.hint} for s in self.suspended],
        }


def sync_status(journal: Journal, name: str, clock: Clock, outbox: int | None) -> SyncStatus:
    """Counts one sync. `outbox` is how many rows wait in the database, when it could be asked."""
    if journal.sync_row(name) is None:
        return SyncStatus(name, False, 0, outbox or 0, 0, 0, "", False, 0.0, None, NEVER_SYNCED, outbox, None)
    state, counts = journal.sync_state(name), journal.counts(name)
    pending = counts["pending"] + (outbox or 0)
    conflicts, parked = journal.conflict_count(name), journal.parked_count(name)
    oldest = read_moment(journal.oldest_pending(name))
    lag = max(0.0, (clock.now() - oldest).total_seconds()) if oldest is not None else 0.0
    quiet = not (pending or conflicts or parked or state.breaker or state.last_error or state.paused)
    quiet = quiet and not state.suspended
    return SyncStatus(
        name=name,
        in_step=quiet and state.swept_at is not None,
        linked=counts["linked"],
        pending=pending,
        conflicts=conflicts,
        parked=parked,
        breaker=state.breaker,
        paused=state.paused,
        lag_seconds=lag,
        last_event_at=state.last_event_at,
        last_error=state.last_error,
        outbox=outbox,
        swept_at=state.swept_at,
        suspended=state.suspended,
        resync=state.resync,
    )
