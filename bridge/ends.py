"""The one interface of both ends: what a feed tells and what a writer answers.

`bridge.postgres` and `bridge.notion` implement `End`; one contract suite runs against both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from bridge.model import Action, FieldValue, Key, Pair, Presence, Side, Stamp


class Evidence(StrEnum):
    """Where an observation comes from; decides how far it is trusted."""

    EVENT = "event"  # the outbox row of one change, in commit order per row
    SCAN = "scan"  # a listing of the whole side, or a poll; in Notion it may be stale
    LOOK = "look"  # an authoritative read of this record
    RECEIPT = "receipt"  # the answer to our own write


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of one record of one side, as seen once.

    `stamp` bounds when the last change happened that led to this state, on PostgreSQL's clock; for Notion
    the lower bound is tightened by the journal, which knows when the old value was last seen.
    """

    side: Side
    presence: Presence
    values: Mapping[str, FieldValue] = field(default_factory=dict)
    key: Key | None = None  # the row's key; for a page what its key property says, None when it is empty or no key
    old_key: Key | None = None  # postgres: the key before a primary-key update
    page_id: str | None = None
    stamp: Stamp | None = None
    evidence: Evidence = Evidence.LOOK
    event_id: str | None = None  # postgres: the outbox row's uuid, for dedupe
    position: int | None = None  # postgres: the outbox row's id
    origin: str | None = None  # postgres: the intent that made the change, if it was ours
    edited: datetime | None = None  # notion: last_edited_time, minute-floored, Notion's clock
    created: datetime | None = None  # notion: created_time
    seen: datetime | None = None  # when it was certainly so (request sent; query lag taken off), PostgreSQL's clock
    author: str | None = None  # who made the last change, when the side says so
    creator: str | None = None  # notion: who made the page
    note: str = ""  # why a page is away
    unread: bool = False  # postgres: a new row that came with many others, of which the values were not read
    retyped: tuple[str, ...] = ()  # notion: fields whose property has another type than was bound; they have no value


@dataclass(frozen=True, slots=True)
class Batch:
    """Observations in order, to be journaled in one commit and acknowledged after it.

    `reread` asks for a full scan because the feed saw a change that it cannot describe (TRUNCATE, a captured
    row whose columns could not be read). `token` is the feed's own, handed back by `acknowledge`.
    """

    observations: Sequence[Observation]
    token: object = None
    reread: str = ""
    more: bool = False
    confirmed: datetime | None = None  # notion: every page not listed was unchanged at this time, PostgreSQL's clock
    confirmed_before: datetime | None = None  # notion: that is said only of pages created before, Notion's clock
    complete: bool = False  # notion: a poll that listed every page there is


def made_by(page: Observation, bot: str) -> bool:
    """Whether our token may have made the page. Where either is not known it may."""
    return not bot or page.creator in (None, bot)


class Feed(Protocol):
    """Observes one side."""

    def changes(self) -> Batch:
        """What changed since the last acknowledged batch; empty when nothing did. Raises Unavailable, AccessLost."""

    def acknowledge(self, batch: Batch) -> None:
        """The journal has it: let the side forget it (delete the outbox rows, move the watermark)."""

    def scan(self) -> Iterator[Batch]:
        """Everything that is alive, and for Postgres the outbox as of the same instant before it.

        The listing is complete only if the iterator ends without raising; absence counts only then.
        """

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        """An authoritative read of these records, one observation each, in order."""


class Outcome(StrEnum):
    """What became of one write."""

    DONE = "done"
    STALE = "stale"  # the record is not what the merge saw: look again; nothing was written
    REFUSED = "refused"  # the side says no, and will again: park it
    RETRY = "retry"  # certainly not written; try later
    UNKNOWN = "unknown"  # may have been written: find out before anything else


class Blame(StrEnum):
    """What a write that is to be tried again failed for."""

    RECORD = "record"  # this record: other writes may well pass
    SIDE = "side"  # not the record: the side could not be reached, takes nothing now, or somebody has locked the row
    UNCLEAR = "unclear"  # no answer, or an error of the side's own: it may be this write that breaks it


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was decided and journaled before it is made. `id` is a uuid and names it on the other side."""

    id: str
    pair: Pair
    action: Action
    at: datetime
    attempts: int = 0
    backfill: bool = False  # a first fill: waits behind people's changes in the rate limiter


class IntentState(StrEnum):
    """How far an intent is, as the journal keeps it. While it is one of the first three its record is left alone."""

    OPEN = "open"  # decided; it may be under way
    UNKNOWN = "unknown"  # it may have been made, and the answer is missing
    ECHO = "echo"  # made; the outbox has not told of it yet
    DONE = "done"
    STALE = "stale"  # not made: the record was not what the merge saw, or had nothing to be written any more
    RETRY = "retry"  # not made, or never found; the record is merged again
    REFUSED = "refused"  # not made, and parked

    @property
    def answered(self) -> bool:
        """Whether its outcome is known. Any other answer to it changes nothing."""
        return self not in (IntentState.OPEN, IntentState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to one intent. `seen` is the record after the write (or the newer state that made it stale)."""

    intent_id: str
    outcome: Outcome
    seen: Observation | None = None
    reason: str = ""
    field: str = ""  # REFUSED: the one field that is to blame, when it is known
    position: int | None = None  # postgres: the outbox row that will come back as our own echo
    retry_after: float | None = None  # seconds
    blame: Blame = Blame.RECORD  # RETRY: a record is given up for its own failures only
    lingers: bool = False  # STALE: it had no answer and is not there, but the side may still make it


class Made(NamedTuple):
    """A row that a write of ours made for a page which did not carry its key then."""

    intent_id: str
    page_id: str
    key: Key


class Writer(Protocol):
    """Writes one side, guarded: never over something that the merge has not seen."""

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        """Makes the writes and answers each as it ends, in any order. Raises Unavailable, AccessLost when none can."""

    def find_out(self, intent: Intent) -> Receipt:
        """What became of an intent whose outcome is unknown; UNKNOWN again when it cannot be told yet."""


class End(Feed, Writer, Protocol):
    """One side, whole."""

    @property
    def side(self) -> Side: ...
