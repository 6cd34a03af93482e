"""Text: text, varchar, char, citext, uuid columns; url, email, phone_number properties; how text is cut into runs.

Notion has no empty text: an empty property is all there is. So '' and NULL are one canonical value, None.
An '' in the column equals an empty property and is never rewritten; a text that is cleared in Notion
becomes NULL, or '' where the column is NOT NULL.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import plain
from bridge.values.halves import EVERY_KIND, ColumnType, Kind, ParsedColumn, PropertyType, Suggestion, unreadable
from bridge.values.option_names import suggest_options

RUN_UNITS = 2000
MAX_RUNS = 100
_SURROGATE = re.compile("[\ud800-\udfff]")
_LIMITS = {"url": 2000, "email": 200, "phone_number": 200}


def units(text: str) -> int:
    """Length in UTF-16 units, which is what Notion counts: most emoji are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def sound(text: str) -> FieldValue:
    """Text from Notion as a value: None when empty, Unfit when PostgreSQL could not store it."""
    if "\x00" in text:
        return Unfit("it contains a NUL character, which PostgreSQL cannot store; remove it", text)
    if _SURROGATE.search(text):
        return Unfit("it contains half of a surrogate pair, which is no text; type it again", text)
    return text or None


def read_string(value: Any) -> FieldValue:
    """A url, email or phone_number value, or any other plain JSON string."""
    if value is None:
        return None
    return sound(value) if isinstance(value, str) else unreadable("text", value)


def read_runs(value: Any) -> FieldValue:
    """A rich-text array: the text as people read it, mentions and equations in their plain form."""
    if not isinstance(value, list):
        return unreadable("rich text", value)
    plain_texts = [run.get("plain_text") for run in value if isinstance(run, dict)]
    texts = [text for text in plain_texts if isinstance(text, str)]
    return sound("".join(texts)) if len(texts) == len(value) else unreadable("rich text", value)


def runs(text: str) -> list[dict[str, Any]]:
    """`text` as a rich-text array. Raises Refused when it is longer than Notion takes."""
    cut = list(pieces(text))
    if len(cut) > MAX_RUNS:
        raise Refused(f"the text has {units(text):,} UTF-16 units; Notion takes {MAX_RUNS} runs of {RUN_UNITS:,} each")
    return [{"type": "text", "text": {"content": piece}} for piece in cut]


def pieces(text: str) -> Iterator[str]:
    """Cuts into runs of at most RUN_UNITS, never inside a surrogate pair (Python has none) nor a CRLF."""
    start = 0
    while start < len(text):
        end = min(start + RUN_UNITS, len(text))
        while units(text[start:end]) > RUN_UNITS:
            end -= (units(text[start:end]) - RUN_UNITS + 1) // 2
        if text[end - 1 : end + 1] == "\r\n":
            end -= 1
        yield text[start:end]
        start = end


@dataclass(frozen=True, slots=True)
class TextColumn(ColumnType):
    """text, character varying(n), citext."""

    kind: ClassVar[Kind] = Kind.TEXT

    def read(self, wire: Any) -> FieldValue:
        if wire is None:
            return None
        return (wire or None) if isinstance(wire, str) else self.strange(wire)

    def parse(self, text: str) -> FieldValue:
        value = sound(text)
        if not isinstance(value, str):
            return value
        limit, allowed = self.column.max_length, self.column.allowed
        if limit is not None and len(value) > limit:
            return Unfit(f"{len(value):,} characters, but the column holds {limit:,}; shorten it", value)
        if allowed and value not in allowed:
            return Unfit(f"a CHECK of the table allows only: {', '.join(allowed)}", value)
        return value

    def fit(self, value: Value) -> FieldValue:
        return self.parse(plain(value))

    def write(self, value: Value) -> str | None:
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        if taken is None:
            return "" if self.column.not_null else None
        return self.text(taken)

    def whole(self, wire: Any) -> FieldValue:
        # Unlike elsewhere '' is not NULL here: it is a legal key part, and a legal element of an array.
        return "" if wire == "" else self.read(wire)

    def parse_whole(self, text: str) -> FieldValue:
        return self.parse(text) if text else ""

    def suggest(self) -> Suggestion:
        if self.column.allowed:
            return suggest_options(self.column.allowed, "one option for each text that the table's CHECK allows")
        return Suggestion("rich_text", "it carries any text exactly, up to 200,000 characters")


@dataclass(frozen=True, slots=True)
class CharColumn(TextColumn):
    """character(n). Its trailing blanks are padding: PostgreSQL itself ignores them in comparisons."""

    def read(self, wire: Any) -> FieldValue:
        return (wire.rstrip(" ") or None) if isinstance(wire, str) else TextColumn.read(self, wire)

    def parse(self, text: str) -> FieldValue:
        return TextColumn.parse(self, text.rstrip(" "))

    def whole(self, wire: Any) -> FieldValue:
        return TextColumn.whole(self, wire.rstrip(" ") if isinstance(wire, str) else wire)

    def parse_whole(self, text: str) -> FieldValue:
        return TextColumn.parse_whole(self, text.rstrip(" "))


@dataclass(frozen=True, slots=True)
class UuidColumn(ParsedColumn):
    """uuid, in lower case with dashes whatever a person typed."""

    kind: ClassVar[Kind] = Kind.TEXT

    def parse(self, text: str) -> FieldValue:
        try:
            return str(uuid.UUID(text.strip()))
        except ValueError:
            return Unfit("it is no uuid; write it like 123e4567-e89b-12d3-a456-426614174000", text)

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "Notion has no property type for uuids")


@dataclass(frozen=True, slots=True)
class StringProperty(PropertyType):
    """url, email and phone_number: one string, which Notion does not check but for its length."""

    carries: ClassVar[frozenset[Kind]] = EVERY_KIND

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return read_string(value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> str | None:
        text = "" if value is None else column.text(value)
        limit = _LIMITS[self.prop.type]
        if units(text) > limit:
            raise Refused(f"it has {units(text):,} UTF-16 units; a property of type {self.prop.type} takes {limit:,}")
        return text or None

    def suggest(self) -> Suggestion:
        return Suggestion("text", "Notion does not check what people write there")
