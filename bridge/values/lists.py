"""Lists: arrays of whatever has a text; multi_select properties.

As with text, the empty list and NULL are one canonical value, None, because a multi_select has one empty
state. In a property of text a list is written one element a line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Stamp, Unfit, Value
from bridge.shapes import Option
from bridge.values.canonical import number_text, plain
from bridge.values.choice import gone, known_option, new_option, read_option, unknown_name
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable
from bridge.values.number import IntegerColumn
from bridge.values.option_names import suggest_options
from bridge.values.text import TextColumn

MAX_OPTIONS = 100
_NEEDS_QUOTES = re.compile(r'[{}",\\\s]|^(null)?$', re.IGNORECASE)


def gathered(texts: tuple[str, ...], column: ColumnType, what: str) -> FieldValue:
    """Texts as the column holds them: all of them in a list, else the only one."""
    if column.kind is Kind.LIST:
        return texts or None
    if len(texts) > 1:
        return Unfit(f"there are {len(texts)} {what}, and the column holds one; use an array of text", ", ".join(texts))
    return texts[0] if texts else None


def spread(value: Value) -> tuple[str, ...]:
    """The texts in a value that `gathered` gave. Raises Refused for any other."""
    match value:
        case None:
            return ()
        case str():
            return (value,)
        case tuple():
            return value
    raise Refused(f"the property holds texts, and this is none: {plain(value)}")


def read_options(value: Any) -> FieldValue:
    """A multi_select value: the options' names in order."""
    if not isinstance(value, list):
        return unreadable("multi_select", value)
    names: list[str] = []
    for item in value:
        name = read_option(item)
        if not isinstance(name, str):
            return name if isinstance(name, Unfit) else unreadable("multi_select", value)
        names.append(name)
    return tuple(names) or None


def _as_sql(wire: Any) -> str:
    """An array as PostgreSQL writes it, for people: {a,"b, c",NULL}."""
    match wire:
        case list():
            return "{" + ",".join(map(_as_sql, wire)) + "}"
        case None:
            return "NULL"
        case bool():
            return "t" if wire else "f"
        case Decimal():
            return number_text(wire)
    text = str(wire)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if _NEEDS_QUOTES.search(text) else text


@dataclass(frozen=True, slots=True)
class ListColumn(ColumnType):
    """An array; `list_of` names the type of its elements. An element is its type's canonical text."""

    kind: ClassVar[Kind] = Kind.LIST
    keyable: ClassVar[bool] = False
    element: ClassVar[type[ColumnType]] = TextColumn

    def read(self, wire: Any) -> FieldValue:
        if wire is None:
            return None
        if not isinstance(wire, list):
            return self.strange(wire)
        if any(isinstance(item, list) for item in wire):
            return Unfit("an array of several dimensions has no form in Notion", _as_sql(wire))
        if None in wire:
            return Unfit("a NULL inside the array has no form in Notion", _as_sql(wire))
        return self._judge(map(self._element.whole, wire), _as_sql(wire))

    def parse(self, text: str) -> FieldValue:
        return self.fit(tuple(line for line in text.split("\n") if line))

    def fit(self, value: Value) -> FieldValue:
        if not isinstance(value, tuple):
            return Unfit("the column holds lists", plain(value))
        return self._judge(map(self._element.parse_whole, value), plain(value))

    def text(self, value: Value) -> str:
        items = self._items(value)
        if any(not item or "\n" in item for item in items):
            raise Refused("an element is empty or has a line break; as text, a list is one element a line")
        return "\n".join(items)

    def write(self, value: Value) -> list[str] | None:
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        if taken is None:
            return [] if self.column.not_null else None
        return list(self._items(taken))

    def wire_cast(self) -> str:
        cast = self._element.wire_cast()
        return f"{cast}[]" if cast else ""

    def suggest(self) -> Suggestion:
        if self.column.labels:
            return suggest_options(self.column.labels, "one option for each element", "multi_select")
        if issubclass(self.element, (TextColumn, IntegerColumn)):
            return Suggestion("multi_select", "one option for each element")
        return Suggestion("rich_text", "one element a line; as options there would be one for each value")

    @property
    def _element(self) -> ColumnType:
        return self.element(replace(self.column, type_name=self.column.type_name.removesuffix("[]")))

    def _judge(self, items: Iterable[FieldValue], shown: str) -> FieldValue:
        """The list of its elements' texts; Unfit when one of them is no value."""
        element, texts = self._element, list[str]()
        for item in items:
            if isinstance(item, Unfit):
                return Unfit(f'in "{item.shown}": {item.reason}', shown)
            if item is None:
                return Unfit("an element is empty", shown)
            texts.append(element.text(item))
        return tuple(texts) or None

    def _items(self, value: Value) -> tuple[str, ...]:
        if not isinstance(value, tuple):
            raise Refused(f"the column holds lists, and this is none: {plain(value)}")
        return value


@functools.cache
def list_of(element: type[ColumnType]) -> type[ListColumn]:
    """The column type of arrays of `element`."""
    made: type[ListColumn] = type(f"ListOf{element.__name__}", (ListColumn,), {"element": element, "__slots__": ()})
    return made


@dataclass(frozen=True, slots=True)
class MultiSelectProperty(PropertyType):
    """multi_select. Order is kept; an option can be there only once."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.LIST})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        names = read_options(value)
        if not isinstance(names, tuple):
            return names
        for wire, name in zip(value, names, strict=True):
            unknown = unknown_name(self.prop, self.context.options, wire, name, lambda text: column.fit((text,)))
            if unknown is not None:
                return Unfit(unknown.reason, ", ".join(names))
        return names

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        """What is left of a list are its other elements, in their order."""
        if not isinstance(held, tuple) or not isinstance(shown, tuple | None):
            return False
        left = shown or ()
        return len(left) < len(held) and tuple(item for item in held if item in left) == left

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None, column: ColumnType) -> bool:
        left = shown if isinstance(shown, tuple) else ()
        lost = [item for item in held if item not in left] if isinstance(held, tuple) else []
        options = self.context.options
        return all(gone(self.prop, options, stamp, item.__eq__, (item,)) for item in lost)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[dict[str, str]]:
        if value is None:
            return []
        if not isinstance(value, tuple):
            raise Refused(f"a multi_select holds lists, and this is none: {plain(value)}")
        if len(value) > MAX_OPTIONS:
            raise Refused(f"{len(value)} elements; Notion takes {MAX_OPTIONS} options at a time")
        if "" in value:
            raise Refused("an empty text in the array cannot be an option")
        if len({item.casefold() for item in value}) < len(value):
            raise Refused("an element is there twice (case does not count); an option can be chosen once")
        known = {option.name: option for option in self.context.options.now(self.prop)}
        return [self._chosen(item, known.get(item)) for item in value]

    def _chosen(self, name: str, option: Option | None) -> dict[str, str]:
        return known_option(option) if option else new_option(self.prop, self.context.options, name)

    def suggest(self) -> Suggestion:
        return Suggestion("text[]", "one element for each option, in order")
