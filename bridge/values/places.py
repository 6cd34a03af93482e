"""What a wiki and a map know of a page: verification and place, to PostgreSQL only.

Both could be written, but not from a column: a verification bears the name of who gives it, and a place is found on
Notion's map.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Value
from bridge.values.canonical import number_text
from bridge.values.dates import read_date
from bridge.values.halves import ColumnType, ComputedProperty, Kind, Suggestion, unreadable
from bridge.values.number import read_number
from bridge.values.text import read_string

_PARTS = ("name", "address", "lat", "lon", "google_place_id", "aws_place_id")


def read_verification(value: Any) -> FieldValue:
    """The state: verified, unverified or expired."""
    if value is None:
        return None
    return read_string(value.get("state")) if isinstance(value, dict) else unreadable("verification", value)


def read_place(value: Any) -> FieldValue:
    """What is known of the place as JSON, in one order, so that equal places are equal texts."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return unreadable("place", value)
    known = [(part, value[part]) for part in _PARTS if value.get(part) is not None]
    return "{" + ", ".join(f"{json.dumps(part)}: {_json(item)}" for part, item in known) + "}" if known else None


def _json(item: Any) -> str:
    # Not json.dumps: a coordinate is a Decimal, and stays one.
    number = read_number(item) if isinstance(item, int | float | Decimal) and not isinstance(item, bool) else None
    return number_text(number) if isinstance(number, Decimal) else json.dumps(item, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class VerificationProperty(ComputedProperty):
    """verification: its state, or since when it holds."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.LOCAL})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        if column.kind is Kind.TEXT:
            return read_verification(value)
        since = value.get("date") if isinstance(value, dict) else value
        # Its end is when the verification lapses: no part of since when it holds.
        return read_date({**since, "end": None} if isinstance(since, dict) else since)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> Any:
        raise Refused(f'"{self.prop.name}" says who verified the page; only people can, in Notion')

    def suggest(self) -> Suggestion:
        return Suggestion("text", "verified, unverified or expired; take timestamptz for since when")


@dataclass(frozen=True, slots=True)
class PlaceProperty(ComputedProperty):
    """place, as JSON text."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return read_place(value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> Any:
        raise Refused(f'"{self.prop.name}" is a place on Notion\'s map; choose it there')

    def suggest(self) -> Suggestion:
        return Suggestion("text", "JSON with name, address and coordinates, as far as they are known")
