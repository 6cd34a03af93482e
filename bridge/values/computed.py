"""What Notion computes: formula, rollup, unique_id, and who and when. Carried to PostgreSQL only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from bridge.model import FieldValue, Unfit
from bridge.values.canonical import plain
from bridge.values.choice import read_option
from bridge.values.dates import read_date
from bridge.values.files import read_files
from bridge.values.halves import ColumnType, ComputedProperty, Kind, Suggestion, unreadable
from bridge.values.lists import read_options
from bridge.values.number import read_number
from bridge.values.people import People, read_author, read_people
from bridge.values.places import read_place, read_verification
from bridge.values.text import read_runs, read_string

Reader = Callable[[Any], FieldValue]


def _read_boolean(value: Any) -> FieldValue:
    return value if value is None or isinstance(value, bool) else unreadable("boolean", value)


def _read_relation(value: Any) -> FieldValue:
    """The ids of the related pages: what they are called is for a relation property to say, not for a rollup of one."""
    ids = [item.get("id") for item in value if isinstance(item, dict)] if isinstance(value, list) else [None]
    texts = tuple(item for item in ids if isinstance(item, str))
    return texts if len(texts) == len(ids) else unreadable("relation", value)


def _read_unique_id(value: Any) -> FieldValue:
    """PRE-12, or 12 where there is no prefix."""
    if not isinstance(value, dict):
        return unreadable("unique_id", value)
    number, prefix = read_number(value.get("number")), value.get("prefix")
    return f"{prefix}-{plain(number)}" if isinstance(number, Decimal) and prefix else number


# What formulas give, and the items of a rollup: property values of the related pages, and results of formulas there.
_ITEM: dict[str, Reader] = {
    "string": read_string,
    "boolean": _read_boolean,
    "title": read_runs,
    "rich_text": read_runs,
    "number": read_number,
    "checkbox": _read_boolean,
    "select": read_option,
    "status": read_option,
    "multi_select": read_options,
    "date": read_date,
    "url": read_string,
    "email": read_string,
    "phone_number": read_string,
    "created_time": read_string,
    "last_edited_time": read_string,
    "unique_id": _read_unique_id,
    "relation": _read_relation,
    "files": read_files,
    "verification": read_verification,
    "place": read_place,
}
_ROLLED_TO_NUMBER = {
    "count",
    "count_values",
    "empty",
    "not_empty",
    "unique",
    "percent_empty",
    "percent_not_empty",
    "sum",
    "average",
    "median",
    "min",
    "max",
    "range",
    "checked",
    "unchecked",
    "percent_checked",
    "percent_unchecked",
}


def _readers(people: People) -> dict[str, Reader]:
    """The readers of everything that a formula or a rollup may give."""

    def author(value: Any) -> FieldValue:
        return None if value is None else read_author(value, people)

    known = {
        **_ITEM,
        "people": lambda value: read_people(value, people),
        "created_by": author,
        "last_edited_by": author,
    }
    return {**known, "formula": lambda value: _read_typed(value, known, "formula")}


def _read_items(items: Any, readers: dict[str, Reader], what: str, column: ColumnType) -> FieldValue:
    """Several results: apart in a list, else joined with commas. Of an item that is a list itself, every element."""
    if not isinstance(items, list):
        return unreadable(what, items)
    shown: list[str] = []
    for item in items:
        read = _read_typed(item, readers, what)
        if isinstance(read, Unfit):
            return read
        shown += read if isinstance(read, tuple) else [plain(read)]
    filled = tuple(text for text in shown if text)
    if column.kind is Kind.LIST:
        return filled or None
    return ", ".join(filled) or None


def _fitted(read: FieldValue, column: ColumnType) -> FieldValue:
    """A list where the column holds lists; elsewhere its elements joined with commas."""
    if not isinstance(read, tuple):
        return read
    return (read if column.kind is Kind.LIST else ", ".join(read)) or None


def _read_typed(value: Any, readers: dict[str, Reader], what: str) -> FieldValue:
    """An object that says its own type: {"type": "number", "number": 1}."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return unreadable(what, value)
    type_name = value["type"]
    if type_name in readers:
        return readers[type_name](value.get(type_name))
    shown = str(value.get(type_name, ""))
    return Unfit(f'the {what} gives "{type_name}", which cannot be carried; look at it in Notion', shown)


@dataclass(frozen=True, slots=True)
class FormulaProperty(ComputedProperty):
    """formula. The type of its result is known only from each result."""

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return _fitted(_read_typed(value, _readers(self.context.people), "formula"), column)

    def suggest(self) -> Suggestion:
        return Suggestion("text", "Notion does not tell the type of a formula's result; change it if you know it")


@dataclass(frozen=True, slots=True)
class RollupProperty(ComputedProperty):
    """rollup. Notion evaluates at most 25 related pages."""

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        if isinstance(value, dict) and value.get("type") == "array":
            return _read_items(value.get("array"), _readers(self.context.people), "rollup", column)
        return _read_typed(value, {"number": read_number, "date": read_date}, "rollup")

    def suggest(self) -> Suggestion:
        function = self.prop.config.get("function") if isinstance(self.prop.config, dict) else None
        if function in _ROLLED_TO_NUMBER:
            return Suggestion("numeric", f"{function} gives a number")
        return Suggestion("text", "several values are joined with commas; take text[] to keep them apart")


@dataclass(frozen=True, slots=True)
class TimeProperty(ComputedProperty):
    """created_time and last_edited_time. Notion rounds both down to the minute."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.MOMENT, Kind.LOCAL, Kind.TEXT})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return unreadable(self.prop.type, value) if not value else read_date({"start": value})

    def suggest(self) -> Suggestion:
        return Suggestion("timestamptz", "a moment, rounded down to the minute")


@dataclass(frozen=True, slots=True)
class UniqueIdProperty(ComputedProperty):
    """unique_id: "PRE-12", or 12 for a column of numbers."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.NUMBER})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        if isinstance(value, dict) and column.kind is Kind.NUMBER:
            return read_number(value.get("number"))
        read = _read_unique_id(value)
        return plain(read) if isinstance(read, Decimal) else read

    def suggest(self) -> Suggestion:
        prefix = self.prop.config.get("prefix") if isinstance(self.prop.config, dict) else None
        if prefix:
            return Suggestion("text", f"it reads {prefix}-12; take bigint for the number alone")
        return Suggestion("bigint", "a number that Notion counts up")
