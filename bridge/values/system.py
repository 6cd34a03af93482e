"""Types of PostgreSQL's own catalogs that are met in users' tables, too: name and oid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.model import FieldValue, Unfit
from bridge.values.halves import Suggestion
from bridge.values.number import NumberColumn
from bridge.values.text import TextColumn

_NAME_BYTES = 63
_LAST_OID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class NameColumn(TextColumn):
    """name: text of at most 63 bytes, which PostgreSQL would cut off without a word."""

    def parse(self, text: str) -> FieldValue:
        value = TextColumn.parse(self, text)
        if isinstance(value, str) and len(value.encode()) > _NAME_BYTES:
            return Unfit(f"it has {len(value.encode())} bytes, and a name has at most {_NAME_BYTES}; shorten it", text)
        return value


@dataclass(frozen=True, slots=True)
class OidColumn(NumberColumn):
    """oid: a whole number of 32 bits without a sign, which `to_jsonb` writes as text."""

    def read(self, wire: Any) -> FieldValue:
        digits = isinstance(wire, str) and wire.isascii() and wire.isdigit()
        return NumberColumn.read(self, Decimal(wire) if digits else wire)

    def misfit(self, number: Decimal) -> str:
        if number != number.to_integral_value() or not 0 <= number <= _LAST_OID:
            return f"the column holds whole numbers from 0 to {_LAST_OID}"
        return ""

    def word(self, word: str) -> FieldValue:
        return Unfit("the column holds only whole numbers", word)

    def suggest(self) -> Suggestion:
        return Suggestion("number", "a Notion number holds every value exactly")
