"""The words of the bridge, as frozen values. Imports nothing of ours but the shapes of the two sides.

A *pair* is a row and a page that are the same record. The journal keeps, per pair, the last seen
*snapshot* of each side and the *base*: what both sides last agreed on. What there is to do is always
recomputed from these three by `bridge.merge`; there is no to-do list that could go stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from bridge.shapes import Column, DataSource, Property, Table, Through


class Side(StrEnum):
    """One of the two ends. Both implement one interface and pass one contract suite."""

    POSTGRES = "postgres"
    NOTION = "notion"

    @property
    def other(self) -> Side:
        return Side.NOTION if self is Side.POSTGRES else Side.POSTGRES


class Direction(StrEnum):
    """Which way a field's changes are carried."""

    BOTH = "both"
    TO_NOTION = "to-notion"
    TO_POSTGRES = "to-postgres"

    def into(self, side: Side) -> bool:
        """Whether changes may be carried into `side`."""
        return self is Direction.BOTH or self.value == f"to-{side.value}"


class OnLeave(StrEnum):
    """What happens to the page of a row that stops fulfilling the sync's filter."""

    KEEP = "keep"  # it stays as it was, and waits for the row to come back
    DELETE = "delete"  # leaving is a deletion of the row, as far as the sync goes


class Policy(StrEnum):
    """How a conflict of one field is decided."""

    LAST_WRITER_WINS = "last-writer-wins"
    POSTGRES_WINS = "postgres-wins"
    NOTION_WINS = "notion-wins"
    MANUAL = "manual"


class Format(StrEnum):
    """What a column of text says about a property of rich text."""

    PLAIN = "plain"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Unfit:
    """What one side holds and the field's other side cannot: it is kept, shown and parked, never approximated.

    `waits_for` names what has to appear for it to fit by itself (a related record); "" = somebody must change it.
    """

    reason: str
    shown: str
    waits_for: str = ""


# The canonical value: side-neutral and exact. A number is a Decimal without trailing zeros, or one of the words
# "NaN", "Infinity", "-Infinity"; a moment is an aware UTC datetime; a local date-time is naive; a list is a tuple.
# Whatever else PostgreSQL has (intervals, ranges, JSON, addresses) is its one canonical text.
Value = None | bool | str | Decimal | date | datetime | tuple[str, ...]
FieldValue = Value | Unfit

# The key as canonical text, one entry per key column, in the key's order.
Key = tuple[str, ...]


class Codec(Protocol):
    """Carries the values of one field between a column, the canonical form and a property."""

    @property
    def kind(self) -> str:
        """The canonical kind, for people, such as text, number, yes/no, date: see `values.halves.Kind`."""

    @property
    def computed(self) -> bool:
        """Whether the property is computed by Notion and can never be written."""

    def from_postgres(self, wire: Any) -> FieldValue:
        """The canonical value of what `to_jsonb` made of the column (numbers parsed as Decimal; JSON as text)."""

    def to_postgres(self, value: Value) -> str | list[str] | None:
        """The text that a CAST to the column's type turns into this value. Raises Refused."""

    def from_notion(self, wire: Mapping[str, Any]) -> FieldValue:
        """The canonical value of a property value object as the API returns it."""

    def to_notion(self, value: Value, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The property value object to send. Raises Refused when Notion could not give it back exactly.

        `over` is the property value object that is there now, whole: what the value does not tell of it (formatting,
        hosted files) is kept. None while only asking whether it can be written.
        """

    def canonical(self, value: Value) -> FieldValue:
        """A value that came from anywhere, such as a person's keyboard, as the column would show it; Unfit when it
        cannot hold it."""

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        """Whether `shown` is all that Notion shows of the value `held`: equal, or a time without its seconds."""

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        """Whether Notion itself may have made `shown` of `held`, by removing an option: only `lapsed` can tell."""

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None) -> bool:
        """Whether it did: nobody edited the page, so that what it shows is no news. `stamp` is the change's."""


@dataclass(frozen=True, slots=True)
class Field:
    """One mapped pair column <-> property; named after the column."""

    name: str
    column: Column
    property: Property
    direction: Direction
    codec: Codec
    target: str = ""  # a relation: the sync whose records it links to
    through: Through | None = None  # the join table that stands for the column, which then is no real one
    format: Format = Format.PLAIN


@dataclass(frozen=True, slots=True)
class Deletes:
    """What a deletion on one side does on the other: mirror, hold, ignore, or column:NAME."""

    to_notion: str = "mirror"
    to_postgres: str = "mirror"

    def into(self, side: Side) -> str:
        return self.to_postgres if side is Side.POSTGRES else self.to_notion


MIRROR = Deletes()


@dataclass(frozen=True, slots=True)
class Suspended:
    """A configured field that is not carried now, because its column or its property is not what it was."""

    field: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Sync:
    """One table bound to one data source, with everything resolved against the two catalogs."""

    name: str
    table: Table
    data_source: DataSource
    key: tuple[Column, ...]
    key_property: Property
    fields: tuple[Field, ...]
    policy: Policy = Policy.LAST_WRITER_WINS
    tie: Side = Side.POSTGRES
    first_sync: Side | None = Side.POSTGRES  # None: by hand
    deletes: Deletes = MIRROR
    tombstone: Column | None = None  # a non-null value marks the row as deleted (deletes = "column:NAME")
    max_deletes: int = 20
    max_deletes_percent: float = 10.0
    suspended: tuple[Suspended, ...] = ()
    where: str = ""  # an SQL condition over the table's own columns: the rows that fulfil it are in the sync
    on_leave: OnLeave = OnLeave.KEEP
    status_property: Property | None = None  # where the bridge tells why an edit of a page was not taken

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a change happened: somewhere in [earliest, latest], in UTC on PostgreSQL's clock."""

    earliest: datetime
    latest: datetime

    def before(self, other: Stamp) -> bool:
        """Whether this certainly happened before `other`. Overlapping intervals are a tie."""
        return self.latest < other.earliest


class Presence(StrEnum):
    """What is known of the record on one side."""

    UNSEEN = "unseen"
    LIVE = "live"
    GONE = "gone"  # deleted or trashed, with evidence
    # A page that moved, was archived or is no longer shared; a row outside of the filter: no deletion; the pair waits.
    AWAY = "away"


MOVED = "moved to another place in Notion"
OUTSIDE = "its row is outside of the filter (where)"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last seen state of one side. A field missing from `values` was not observed: it is not null."""

    presence: Presence = Presence.UNSEEN
    values: Mapping[str, FieldValue] = field(default_factory=dict)
    stamps: Mapping[str, Stamp] = field(default_factory=dict)  # per field: its last change; "" = presence
    note: str = ""  # why it is away

    @property
    def live(self) -> bool:
        return self.presence is Presence.LIVE


@dataclass(frozen=True, slots=True)
class Base:
    """What both sides last agreed on."""

    presence: Presence
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """A row and a page that are the same record."""

    id: int
    sync: str
    key: Key | None
    page_id: str | None
    base: Base | None
    postgres: Snapshot
    notion: Snapshot
    page_key: Key | None = None  # what the page's key property said when it was last seen

    def side(self, side: Side) -> Snapshot:
        return self.postgres if side is Side.POSTGRES else self.notion


class Op(StrEnum):
    """What a write does to one record of one side."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"  # Notion only: out of the trash, with values


@dataclass(frozen=True, slots=True)
class Change:
    """One field's write: `new` replaces `expected`, and only if `expected` is still there."""

    expected: FieldValue
    new: Value


@dataclass(frozen=True, slots=True)
class Action:
    """One write that merge decided on. An update is guarded by each change's `expected`, a delete by the snapshot."""

    side: Side
    op: Op
    changes: Mapping[str, Change] = field(default_factory=dict)
    key: Key | None = None  # Notion only: the key to put into the key property, when it is not there
    note: str | None = None  # Notion only: the text for the status property

    @property
    def only_tells(self) -> bool:
        """Whether the write carries nothing but the note (which the journal does not keep)."""
        return self.op is Op.UPDATE and not self.changes and self.key is None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides moved one field away from base to different values ("" = the record: deleted against edited)."""

    field: str
    base: FieldValue
    postgres: FieldValue
    notion: FieldValue
    postgres_stamp: Stamp | None
    notion_stamp: Stamp | None
    rule: str  # last-writer, tie, policy, first-sync, direction, edit-survives, manual
    winner: Side | None  # None: it waits for a person


@dataclass(frozen=True, slots=True)
class Waiting:
    """A field (or, with field "", the record) that cannot be carried over now, and why."""

    field: str
    side: Side  # the side that cannot be written
    reason: str
    value: FieldValue
    kind: str = "unfit"  # unfit, held (a deletion that waits for a yes), away, link (a related record is missing)
    wanted: str = ""  # link: which one, as in `bridge.values.links`


@dataclass(frozen=True, slots=True)
class Decision:
    """What merge found: values agreed on now, writes to make, conflicts to record, fields that wait."""

    base: Base | None
    actions: tuple[Action, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    waiting: tuple[Waiting, ...] = ()
