"""The modelled database as a rig of the contract suite: what holds of PostgreSQL must hold of its model."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridge.clock import CommonClock
from bridge.config import FieldConfig, SyncConfig
from bridge.ends import End, Observation
from bridge.engine.binding import bind
from bridge.model import FieldValue, Sync
from bridge.shapes import Column, DataSource, Option, Property, Table
from tests.worlds.clock import WorldClock
from tests.worlds.row_people import AUTHOR
from tests.worlds.rows import ModelEnd, RowTrouble
from tests.worlds.table import Server

STAGES = ("Todo", "Doing", "Done")
COLUMNS = (
    Column("id", "bigint", "bigint", 1, not_null=True, has_default=True, identity="by default"),
    Column("title", "text", "text", 2, not_null=True),
    Column("stage", "enum", "stage", 3, not_null=True, has_default=True, labels=STAGES),
    Column("amount", "numeric", "numeric(12,2)", 4, precision=12, scale=2),
    Column("done", "boolean", "boolean", 5, not_null=True, has_default=True),
    Column("due", "date", "date", 6),
    Column("starts", "timestamp with time zone", "timestamptz", 7),
    Column("tags", "text[]", "text[]", 8),
    Column("mail", "text", "text", 9),
)
_TYPES = {
    "title": "title",
    "stage": "select",
    "amount": "number",
    "done": "checkbox",
    "due": "date",
    "starts": "date",
    "tags": "multi_select",
    "mail": "email",
}


class PresentClock(WorldClock):
    """The suite compares stamps with the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def true_time(self) -> datetime:
        return datetime.now(UTC)


def make_sync() -> Sync:
    """The sync of the contract suite, bound by the real binding."""
    options = tuple(Option(name, name) for name in STAGES)
    properties = [
        Property(name, name.title(), kind, options if kind == "select" else ()) for name, kind in _TYPES.items()
    ]
    source = DataSource("source", "database", "Tasks", (Property("key", "ID", "rich_text"), *properties))
    fields = tuple(FieldConfig(name, name.title()) for name in _TYPES)
    table = Table("public", "tasks", 1, COLUMNS, ("id",))
    return bind(SyncConfig("tasks", "public.tasks", "source", "ID", fields), table, source)


class ModelRig:
    """Implements `tests.contract.rigs.Rig`."""

    def __init__(self) -> None:
        clock = PresentClock()
        self.sync = make_sync()
        self._server = Server(self.sync.table, clock, random.Random(1))
        self._server.captured = tuple(_TYPES)
        self._server.defaults |= {"stage": "Todo", "done": False}
        self.end: End = ModelEnd(self._server, self.sync, CommonClock(clock), RowTrouble())

    def add(self, values: Mapping[str, FieldValue]) -> str:
        transaction = self._server.begin(AUTHOR)
        key = transaction.insert({name: _wire(value) for name, value in values.items()})
        transaction.commit()
        return str(key)

    def edit(self, name: str, values: Mapping[str, FieldValue]) -> None:
        transaction = self._server.begin(AUTHOR)
        transaction.update(int(name), {field: _wire(value) for field, value in values.items()})
        transaction.commit()

    def remove(self, name: str) -> None:
        transaction = self._server.begin(AUTHOR)
        transaction.delete(int(name))
        transaction.commit()

    def read(self, name: str) -> dict[str, FieldValue]:
        row = self._server.state.rows[int(name)]
        shown: dict[str, FieldValue] = {field: row[field] for field in _TYPES}
        shown["due"] = date.fromisoformat(row["due"]) if row["due"] else None
        shown["starts"] = datetime.fromisoformat(row["starts"]) if row["starts"] else None
        shown["tags"] = tuple(row["tags"]) if row["tags"] else None
        return shown

    def name_of(self, seen: Observation) -> str:
        assert seen.key is not None
        return seen.key[0]

    def names(self) -> set[str]:
        return {str(key) for key in self._server.state.rows}

    def refusable(self) -> tuple[str, Any]:
        self._server.checks["amount"] = lambda value: value < 1000
        return "amount", Decimal(5000)


def _wire(value: FieldValue) -> Any:
    """What to_jsonb would give for it."""
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
