"""One rig per side: the same handles for a user's hand and for the end under test."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from psycopg import sql

from bridge.ends import Batch, End, Intent, Observation, Receipt
from bridge.engine.opening import Sides
from bridge.journal import Journal
from bridge.model import Action, Base, Change, FieldValue, Op, Pair, Presence, Side, Snapshot, Sync
from tests.system.world import World

# What a user may have typed, by field, as a canonical value.
SAMPLE: dict[str, FieldValue] = {
    "title": "first, with ü and 🙂",
    "stage": "Doing",
    "amount": Decimal("12.5"),
    "done": True,
    "due": datetime(2026, 12, 24, tzinfo=UTC).date(),
    "starts": datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    "tags": ("a", "b"),
    "mail": "a@example.com",
}
OTHER: dict[str, FieldValue] = {
    "title": "second\nwith a line",
    "stage": "Done",
    "amount": Decimal("-0.25"),
    "done": False,
    "due": None,
    "starts": datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
    "tags": ("b", "c", "a"),
    "mail": None,
}


class Rig(Protocol):
    """A side with a user at it."""

    end: End
    sync: Sync

    def add(self, values: Mapping[str, FieldValue]) -> str:
        """A user makes a record; answers its name on this side."""

    def edit(self, name: str, values: Mapping[str, FieldValue]) -> None: ...

    def remove(self, name: str) -> None: ...

    def read(self, name: str) -> dict[str, FieldValue]:
        """What a user sees, past the end under test."""

    def name_of(self, seen: Observation) -> str: ...

    def names(self) -> set[str]:
        """The records that are alive."""

    def refusable(self) -> tuple[str, Any]:
        """A field and a value that this side refuses."""


class RowRig:
    """PostgreSQL, and psql as the user's hand."""

    def __init__(self, world: World, sides: Sides, sync: Sync) -> None:
        self.sync = sync
        self.end: End = sides.postgres_end(sync)
        self._world = world

    def add(self, values: Mapping[str, FieldValue]) -> str:
        columns = sql.SQL(", ").join(map(sql.Identifier, values))
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(values))
        statement = sql.SQL("INSERT INTO tasks ({}) VALUES ({}) RETURNING id").format(columns, marks)
        [(key,)] = self._world.sql(statement, *map(_parameter, values.values()))
        return str(key)

    def edit(self, name: str, values: Mapping[str, FieldValue]) -> None:
        for column, value in values.items():
            statement = sql.SQL("UPDATE tasks SET {} = %s WHERE id = %s").format(sql.Identifier(column))
            self._world.sql(statement, _parameter(value), int(name))

    def remove(self, name: str) -> None:
        self._world.sql("DELETE FROM tasks WHERE id = %s", int(name))

    def read(self, name: str) -> dict[str, FieldValue]:
        row = self._world.rows()[name]
        shown = {column: row[column] for column in SAMPLE}
        shown["starts"] = shown["starts"] and shown["starts"].astimezone(UTC)
        shown["tags"] = shown["tags"] and tuple(shown["tags"])
        return shown

    def name_of(self, seen: Observation) -> str:
        assert seen.key is not None
        return seen.key[0]

    def names(self) -> set[str]:
        return set(self._world.rows())

    def refusable(self) -> tuple[str, Any]:
        self._world.sql("ALTER TABLE tasks ADD CONSTRAINT cheap CHECK (amount < 1000)")
        return "amount", Decimal(5000)


class PageRig:
    """Notion, and a person in its workspace as the user's hand."""

    def __init__(self, world: World, sides: Sides, sync: Sync, journal: Journal) -> None:
        self.sync = sync
        self.end: End = sides.notion_end(sync, journal)
        self._world = world
        self._properties = {field.name: field.property.name for field in sync.fields}
        self._count = 0

    def add(self, values: Mapping[str, FieldValue]) -> str:
        self._count += 1
        typed = {self._properties[name]: _typed(value) for name, value in values.items()}
        return self._world.person.create_row(self._world.data_source, {**typed, "ID": str(self._count)})

    def edit(self, name: str, values: Mapping[str, FieldValue]) -> None:
        self._world.person.edit(name, {self._properties[field]: _typed(value) for field, value in values.items()})

    def remove(self, name: str) -> None:
        self._world.person.trash(name)

    def read(self, name: str) -> dict[str, FieldValue]:
        page = self._world.person.read(name)
        shown = {field: page[prop] for field, prop in self._properties.items()}
        shown["amount"] = None if shown["amount"] is None else Decimal(str(shown["amount"]))
        shown["due"] = shown["due"] and datetime.fromisoformat(shown["due"]).date()
        shown["starts"] = shown["starts"] and datetime.fromisoformat(shown["starts"]).astimezone(UTC)
        shown["tags"] = tuple(shown["tags"]) or None
        return shown

    def name_of(self, seen: Observation) -> str:
        assert seen.page_id is not None
        return seen.page_id

    def names(self) -> set[str]:
        return {page["_id"] for page in self._world.pages()}

    def refusable(self) -> tuple[str, Any]:
        return "tags", ("one, two",)


def _parameter(value: FieldValue) -> object:
    return list(value) if isinstance(value, tuple) else value


def _typed(value: FieldValue) -> object:
    if isinstance(value, tuple):
        return list(value)
    return float(value) if isinstance(value, Decimal) else value


def observed(batch: Batch | list[Batch], rig: Rig) -> dict[str, Observation]:
    """The newest observation of each record."""
    batches = [batch] if isinstance(batch, Batch) else batch
    return {rig.name_of(seen): seen for one in batches for seen in one.observations}


def pair_of(rig: Rig, seen: Observation) -> Pair:
    """A linked pair whose sides agree on what was seen of one of them."""
    known = Snapshot(seen.presence, dict(seen.values))
    values: dict[str, Any] = dict(seen.values)
    key = seen.key or ("1",)
    return Pair(1, rig.sync.name, key, seen.page_id, Base(Presence.LIVE, values), known, known, key)


def intent(rig: Rig, pair: Pair, op: Op, changes: Mapping[str, FieldValue] | None = None) -> Intent:
    """A decided write, as the engine would journal it."""
    known = pair.side(rig.end.side).values
    made = {name: Change(known.get(name), value) for name, value in (changes or {}).items()}  # type: ignore[arg-type]
    key = pair.key if op is Op.CREATE and rig.end.side is Side.NOTION else None
    return Intent(str(uuid.uuid4()), pair, Action(rig.end.side, op, made, key), datetime.now(UTC))


def newborn(rig: Rig, values: Mapping[str, FieldValue], key: str) -> Pair:
    """A record that is alive on the other side only."""
    there = Snapshot(Presence.LIVE, dict(values))
    pair = Pair(2, rig.sync.name, (key,), None, None, Snapshot(), Snapshot())
    return replace(pair, **{rig.end.side.other.value: there})  # type: ignore[arg-type]


def apply(rig: Rig, *intents: Intent) -> list[Receipt]:
    """The receipts in the order of the intents."""
    by_id = {receipt.intent_id: receipt for receipt in rig.end.apply(list(intents))}
    return [by_id[one.id] for one in intents]
