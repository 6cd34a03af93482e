"""The two halves of a codec: what a column's type knows, and what a property's type knows.

The column decides the canonical kind; the property says which kinds it carries. A property of text carries
any kind, in the column's canonical text. So n column types and m property types need n + m classes, not n *
m.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Stamp, Unfit, Value
from bridge.shapes import Column, Property
from bridge.values.canonical import plain
from bridge.values.context import NO_CONTEXT, Context


class Kind(StrEnum):
    """The canonical kinds, in words for people."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes/no"
    CHOICE = "choice"
    LIST = "list"
    DATE = "date"
    MOMENT = "moment"
    LOCAL = "local time"
    TIME = "time of day"
    DURATION = "interval"
    PERIOD = "range of dates"
    RANGE = "range of numbers"
    JSON = "JSON"
    BYTES = "bytes"
    ADDRESS = "network address"


EVERY_KIND = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The type that the other side should have, and why."""

    type: str
    why: str


@dataclass(frozen=True, slots=True)
class ColumnType(ABC):
    """One family of PostgreSQL types, bound to one column."""

    column: Column
    kind: ClassVar[Kind]
    keyable: ClassVar[bool] = True  # whether it can be part of a key
    listable: ClassVar[bool] = True  # whether arrays of it are carried

    @abstractmethod
    def read(self, wire: Any) -> FieldValue:
        """The canonical value of what `to_jsonb` gave for the column, after `wire_cast`."""

    @abstractmethod
    def parse(self, text: str) -> FieldValue:
        """The canonical value that a text means; Unfit when the column cannot hold it. Reverses `text`."""

    def fit(self, value: Value) -> FieldValue:
        """`value`, which is not text, in this column's kind; Unfit when the column cannot hold it exactly."""
        return Unfit(f"the column holds {self.kind}, and this is something else", plain(value))

    def text(self, value: Value) -> str:
        """The canonical text of a value of this kind that is not empty. Raises Refused when there is none."""
        return plain(value)

    def take(self, value: Value) -> FieldValue:
        """A value that came from anywhere, checked against the column."""
        if value is None:
            return None
        return self.parse(value) if isinstance(value, str) else self.fit(value)

    def write(self, value: Value) -> str | list[str] | None:
        """The text to CAST to the column's type. Raises Refused.

        A CAST cuts text to varchar(n) and rounds to numeric(p,s) without a word, so the check is made here.
        """
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        return None if taken is None else self.text(taken)

    def wire_cast(self) -> str:
        """The type to which the column is cast before `to_jsonb`; "" where that loses nothing as it is."""
        return ""

    def whole(self, wire: Any) -> FieldValue:
        """As `read`, but nothing is compared away: for keys, and for the elements of an array."""
        return self.read(wire)

    def parse_whole(self, text: str) -> FieldValue:
        """As `parse`, but nothing is compared away."""
        return self.parse(text)

    def key(self, wire: Any) -> str:
        """The canonical text of a key part. Raises Refused when there is none."""
        return self._key_text(self.whole(wire))

    def parse_key(self, text: str) -> str:
        """The canonical text of a key part that a person may have typed. Raises Refused."""
        return self._key_text(self.parse_whole(text))

    def _key_text(self, value: FieldValue) -> str:
        if isinstance(value, Unfit):
            raise Refused(f'no key for the column "{self.column.name}": {value.reason}')
        if value is None:
            raise Refused(f'no key: the column "{self.column.name}" is empty')
        return self.text(value)

    @abstractmethod
    def suggest(self) -> Suggestion:
        """The property type that carries the column best."""

    def strange(self, wire: Any) -> Unfit:
        """For a wire form that the type never gives: the column was retyped behind our back."""
        return Unfit(f"the column no longer gives {self.column.type_name}; was its type changed?", str(wire))


@dataclass(frozen=True, slots=True)
class ParsedColumn(ColumnType):
    """A type whose wire form is text that `parse` understands: what PostgreSQL writes is read as if typed."""

    def read(self, wire: Any) -> FieldValue:
        return None if wire is None else self.parse(wire) if isinstance(wire, str) else self.strange(wire)


@dataclass(frozen=True, slots=True)
class PropertyType(ABC):
    """One family of Notion's property types, bound to one property."""

    prop: Property
    context: Context = NO_CONTEXT
    carries: ClassVar[frozenset[Kind]]
    computed: ClassVar[bool] = False

    @abstractmethod
    def read(self, value: Any, column: ColumnType) -> FieldValue:
        """What the property holds: text, or a value of its own kind. The column judges it afterwards."""

    @abstractmethod
    def write(self, value: Value, column: ColumnType, over: Any = None) -> Any:
        """What to send as the property's value. Raises Refused when Notion would not give it back exactly.

        `over` is the property's value as Notion shows it now; None while only asking whether `value` can be written.
        """

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        """Whether `shown`, which is not equal to `held`, is all that the property shows of it."""
        return False

    def shrunk(self, shown: FieldValue, held: FieldValue) -> bool:
        """Whether `shown` is what is left of `held` when something that it names is removed in Notion."""
        return False

    def lapsed(self, shown: FieldValue, held: FieldValue, stamp: Stamp | None, column: ColumnType) -> bool:
        """Whether nobody edited `held` into `shown`: what it names was removed in Notion. `stamp` is the change's."""
        return False

    @abstractmethod
    def suggest(self) -> Suggestion:
        """The SQL type of the column that holds the property best."""


@dataclass(frozen=True, slots=True)
class ComputedProperty(PropertyType):
    """What is carried to PostgreSQL only: nothing can be written."""

    carries: ClassVar[frozenset[Kind]] = EVERY_KIND
    computed: ClassVar[bool] = True

    def write(self, value: Value, column: ColumnType, over: Any = None) -> Any:
        raise Refused(f'Notion computes "{self.prop.name}" ({self.prop.type}); it cannot be written')


def unreadable(type_name: str, value: object) -> Unfit:
    """For a value that does not look like its property type: Notion changed its wire form."""
    return Unfit(f"Notion sent something that is no {type_name}", str(value))
