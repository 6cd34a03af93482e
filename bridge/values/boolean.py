"""Yes or no: boolean columns and checkbox properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import plain
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable

_YES = {"yes", "true", "t", "y", "on", "1"}
_NO = {"no", "false", "f", "n", "off", "0"}


@dataclass(frozen=True, slots=True)
class BooleanColumn(ColumnType):
    """boolean; in a select or a text property "yes" and "no", read in any case."""

    kind: ClassVar[Kind] = Kind.YES_NO

    def read(self, wire: Any) -> FieldValue:
        return wire if wire is None or isinstance(wire, bool) else self.strange(wire)

    def parse(self, text: str) -> FieldValue:
        word = text.strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        return Unfit("it is neither yes nor no", text)

    def fit(self, value: Value) -> FieldValue:
        return value if isinstance(value, bool) else Unfit("the column holds only yes and no", plain(value))

    def suggest(self) -> Suggestion:
        if self.column.not_null:
            return Suggestion("checkbox", "ticked is true")
        return Suggestion("select", "a checkbox has no empty state for NULL; the options are yes and no")


@dataclass(frozen=True, slots=True)
class CheckboxProperty(PropertyType):
    """checkbox, which knows no third state."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.YES_NO})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return value if isinstance(value, bool) else unreadable("checkbox", value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> bool:
        if isinstance(value, bool):
            return value
        # Writing "not ticked" would come back as false and overwrite the NULL.
        raise Refused("a checkbox has no empty state; make the column NOT NULL, or map it to a select")

    def suggest(self) -> Suggestion:
        return Suggestion("boolean", "true is ticked; add NOT NULL, for a checkbox is never empty")
