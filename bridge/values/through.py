"""The links of a record through a join table, as if they were one column: a list of keys, in no order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import plain
from bridge.values.halves import ColumnType, Kind, Suggestion


@dataclass(frozen=True, slots=True)
class LinksColumn(ColumnType):
    """What a join table holds for one record. `element` is the type of the column with the other key."""

    kind: ClassVar[Kind] = Kind.LIST
    element: ColumnType

    def read(self, wire: Any) -> FieldValue:
        if wire is None:
            return None
        if not isinstance(wire, list):
            return self.strange(wire)
        try:
            return tuple(sorted(self.element.key(item) for item in wire)) or None
        except Refused as refused:
            return Unfit(refused.reason, str(wire))

    def parse(self, text: str) -> FieldValue:
        return self.fit(tuple(part.strip() for part in text.split(",") if part.strip()))

    def fit(self, value: Value) -> FieldValue:
        if not isinstance(value, tuple):
            return Unfit("a join table holds lists of keys", plain(value))
        try:
            return tuple(sorted({self.element.parse_key(item) for item in value})) or None
        except Refused as refused:
            return Unfit(refused.reason, plain(value))

    def write(self, value: Value) -> list[str]:
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        return list(taken) if isinstance(taken, tuple) else []

    def suggest(self) -> Suggestion:
        return Suggestion("relation", "the records that are linked through the table")
