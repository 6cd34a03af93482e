"""What the dashboard shows, as frozen values, and where they come from.

Values stay as they are in the journal; `draw` makes them harmless for the terminal. Everything is read in
bounded portions, because this happens several times a second beside the loop that does the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bridge.console.progress import Progress
from bridge.engine.notices import Notice
from bridge.journal import Journal
from bridge.journal.rows import noted_moment, read_key, read_moment, read_value
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Side, Suspended, Sync
from bridge.notion.limiter import Priority

_SHOWN = 50  # conflicts and parked items: more fit on no screen beside the changes
_PARTS = 15  # of the last minute


class State(StrEnum):
    """How a sync is, in the words of the screen; a later one outranks an earlier one."""

    IN_STEP = "in step"
    WORKING = "catching up"
    READING = "reading both sides"
    ASKING = "waiting for you"
    DOWN = "waiting for a side"
    PAUSED = "paused"
    STOPPED = "stopped itself"


_RANK = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class SyncView:
    """One sync, as counted."""

    name: str
    table: str
    data_source: str
    rows: int
    pages: int
    pending: int = 0
    filling: int = 0  # of these, records that are on their way to the other side for the first time
    behind: float | None = None  # seconds that the longest waiting record has waited
    conflicts: int = 0
    parked: int = 0
    swept: bool = True
    paused: bool = False
    breaker: str = ""
    error: str = ""
    down: Side | None = None
    suspended: tuple[Suspended, ...] = ()

    @property
    def state(self) -> State:
        """What matters most about it now."""
        if self.breaker:
            return State.STOPPED
        if self.paused:
            return State.PAUSED
        if self.error:
            return State.DOWN
        if not self.swept:
            return State.READING
        if self.pending:
            return State.WORKING
        return State.ASKING if self.conflicts or self.parked or self.suspended else State.IN_STEP


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One write of the bridge. `delay` is in seconds, from the change that it carries over."""

    at: datetime
    into: Side
    op: str  # update, create, delete, restore
    key: Key | None
    changes: Mapping[str, tuple[FieldValue, FieldValue]]
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class ConflictView:
    """One conflict; `winner` None: it waits for a person."""

    id: int
    key: Key | None
    field: str
    postgres: FieldValue
    notion: FieldValue
    rule: str
    winner: Side | None
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParkedView:
    """Something that cannot be carried over now."""

    id: int
    key: Key | None
    field: str
    side: Side
    reason: str


@dataclass(frozen=True, slots=True)
class RateView:
    """Requests to Notion in the last minute, of how many; `blocked` seconds until Notion wants to hear us again.

    `recent` counts them in equal parts of that minute, oldest first; `queue` is what waits to be sent, by class.
    """

    used: int
    budget: int
    configured: int
    blocked: float = 0.0
    recent: tuple[int, ...] = ()
    queue: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """The whole dashboard at one moment. `notes` are (label, text) lines below the title, `keys` (key, what it does).

    `next_look` is in seconds; None when nothing is known of it. `message` is a word about the last key.
    """

    at: datetime
    syncs: tuple[SyncView, ...]
    rate: RateView
    progress: Progress | None = None
    changes: tuple[ChangeView, ...] = ()  # newest first
    conflicts: tuple[ConflictView, ...] = ()
    parked: tuple[ParkedView, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = (("Ctrl-C", "stops"),)
    message: str = ""
    next_look: float | None = None

    @property
    def state(self) -> State:
        """Of all syncs the one that most needs to be seen."""
        return max((sync.state for sync in self.syncs), key=_RANK.__getitem__, default=State.IN_STEP)


class Budget(Protocol):
    """What is asked of the rate limiter."""

    @property
    def budget(self) -> int: ...

    @property
    def configured(self) -> int: ...

    def used(self) -> int: ...

    def blocked_for(self) -> float: ...

    def sent_lately(self, parts: int) -> tuple[int, ...]: ...

    def waiting(self) -> Mapping[Priority, int]: ...


def sync_view(journal: Journal, sync: Sync, now: datetime, *, swept: bool, down: Side | None) -> SyncView:
    """Counts one sync. `swept`: both sides were read since the start; `down`: the side that fails now."""
    if journal.sync_row(sync.name) is None:
        return SyncView(sync.name, sync.table.qualified, sync.data_source.title, rows=0, pages=0, swept=False)
    state, counts = journal.sync_state(sync.name), journal.counts(sync.name)
    since = read_moment(journal.oldest_pending(sync.name)) if counts["pending"] else None
    return SyncView(
        name=sync.name,
        table=sync.table.qualified,
        data_source=sync.data_source.title,
        rows=counts["rows"],
        pages=counts["pages"],
        pending=counts["pending"],
        filling=counts["filling"],
        behind=None if since is None else max(0.0, (now - since).total_seconds()),
        conflicts=journal.conflict_count(sync.name),
        parked=journal.parked_count(sync.name),
        swept=swept,
        paused=state.paused,
        breaker=state.breaker,
        error=state.last_error,
        down=down,
        suspended=state.suspended,
    )


def change_views(notices: Iterable[Notice]) -> tuple[ChangeView, ...]:
    """The writes among what happened."""
    return tuple(
        ChangeView(
            at=notice.at.astimezone(),
            into=notice.side,
            op=notice.kind.removeprefix("write").lstrip("-") or "update",
            key=notice.key,
            changes=notice.changes,
            delay=notice.delay_seconds,
        )
        for notice in notices
        if notice.by_bridge
    )


def conflict_views(journal: Journal, syncs: Iterable[str]) -> tuple[ConflictView, ...]:
    """The newest conflicts of these syncs, those that wait for a person first: they are never hidden by others."""
    names = list(syncs)
    found: list[Row] = []
    for state in ("open", "resolving", "decided"):
        newest = [row for name in names for row in journal.newest_conflicts(name, state, _SHOWN)]
        found += sorted(newest, key=lambda row: -row["id"])
    return tuple(map(_conflict, found[:_SHOWN]))


def parked_views(journal: Journal, syncs: Iterable[str]) -> tuple[ParkedView, ...]:
    """The newest items that are parked in these syncs."""
    found = sorted((row for name in syncs for row in journal.newest_parked(name, _SHOWN)), key=lambda row: -row["id"])
    return tuple(
        ParkedView(row["id"], read_key(row["key"]), row["field"], Side(row["side"]), row["reason"])
        for row in found[:_SHOWN]
    )


def rate_view(limiter: Budget, syncs: Sequence[SyncView] = ()) -> RateView:
    """How much of the minute is spent, and what waits for the rest: people's edits, looks, the first fill."""
    filling = sum(sync.filling for sync in syncs)
    queue = {
        "changed": total_pending(syncs) - filling,
        "polling": limiter.waiting()[Priority.POLL],
        "first fill": filling,
    }
    used, budget, configured = limiter.used(), limiter.budget, limiter.configured
    return RateView(used, budget, configured, limiter.blocked_for(), limiter.sent_lately(_PARTS), queue)


def total_pending(syncs: Sequence[SyncView]) -> int:
    """Records that are not settled yet, over all syncs."""
    return sum(sync.pending for sync in syncs)


def _conflict(row: Row) -> ConflictView:
    at = noted_moment(row["at"])
    return ConflictView(
        id=row["id"],
        key=read_key(row["key"]),
        field=row["field"],
        postgres=read_value(row["postgres"]),
        notion=read_value(row["notion"]),
        rule=row["rule"],
        winner=Side(row["winner"]) if row["winner"] else None,
        state=row["state"],
        at=at.astimezone(),
    )
