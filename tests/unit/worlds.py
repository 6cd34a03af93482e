"""Small syncs, pairs and codecs for tests of the pure parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.errors import Refused
from bridge.model import (
    Base,
    Deletes,
    Direction,
    Field,
    FieldValue,
    Pair,
    Policy,
    Presence,
    Side,
    Snapshot,
    Stamp,
    Sync,
    Value,
)
from bridge.shapes import Column, DataSource, Property, Table

T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlainCodec:
    """Carries any value unchanged; refuses the word "unholdable" on its way to Notion."""

    kind: str = "text"
    computed: bool = False

    def from_postgres(self, wire: Any) -> FieldValue:
        value: FieldValue = wire
        return value

    def to_postgres(self, value: Value) -> str | list[str] | None:
        return None if value is None else str(value)

    def from_notion(self, wire: Mapping[str, Any]) -> FieldValue:
        value: FieldValue = wire["rich_text"]
        return value

    def to_notion(self, value: Value, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if value == "unholdable":
            raise Refused("Notion cannot hold it")
        return {"rich_text": value}

    def canonical(self, value: Value) -> FieldValue:
        return value

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        return shown == held or (isinstance(held, str) and shown == re.sub(":(30|45)$", "", held) != held)

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        return shown is None and held == "an option"

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None) -> bool:
        return self.shrunk(shown, held)


def make_field(name: str, direction: Direction = Direction.BOTH, *, computed: bool = False) -> Field:
    column = Column(name, "text", "text", 2)
    return Field(
        name, column, Property(f"id-{name}", name.title(), "rich_text"), direction, PlainCodec("text", computed)
    )


def make_sync(
    fields: tuple[Field, ...] = (make_field("title"), make_field("status")),
    *,
    policy: Policy = Policy.LAST_WRITER_WINS,
    tie: Side = Side.POSTGRES,
    first_sync: Side | None = Side.POSTGRES,
    deletes: Deletes = Deletes(),  # noqa: B008 - frozen
) -> Sync:
    key = Column("id", "bigint", "bigint", 1, not_null=True)
    table = Table("public", "tasks", 1, (key, *(f.column for f in fields)), ("id",))
    key_property = Property("id-key", "ID", "rich_text")
    source = DataSource("ds", "db", "Tasks", (key_property, *(f.property for f in fields)))
    return Sync("tasks", table, source, (key,), key_property, fields, policy, tie, first_sync, deletes)


def stamp(seconds: float, width: float = 0.0) -> Stamp:
    start = T0 + timedelta(seconds=seconds)
    return Stamp(start, start + timedelta(seconds=width))


def live(values: Mapping[str, FieldValue], stamps: Mapping[str, Stamp] | None = None) -> Snapshot:
    return Snapshot(Presence.LIVE, dict(values), dict(stamps or {}))


def make_pair(
    base: Mapping[str, Value] | Base | None,
    postgres: Mapping[str, FieldValue] | Snapshot,
    notion: Mapping[str, FieldValue] | Snapshot,
) -> Pair:
    """A linked pair; plain mappings mean that the record is alive."""
    agreed = base if isinstance(base, Base) or base is None else Base(Presence.LIVE, dict(base))
    row = postgres if isinstance(postgres, Snapshot) else live(postgres)
    page = notion if isinstance(notion, Snapshot) else live(notion)
    page_id = None if page.presence is Presence.UNSEEN else "page"
    return Pair(1, "tasks", ("1",), page_id, agreed, row, page, ("1",) if page_id else None)
