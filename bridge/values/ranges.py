"""Ranges, as one text each; and those of numbers. `periods` has those of days and times.

The canonical value is one text for each range, `[2026-01-01,2026-01-05)`: as PostgreSQL writes it, but for times, which
are ISO 8601 without quotes. Ranges of whole numbers and of days are half-open, as PostgreSQL makes them; of numbers
and times `[1,2]` and `[1,2)` are two values. Bounds keep their
microseconds.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import plain
from bridge.values.halves import ColumnType, Kind, ParsedColumn, Suggestion
from bridge.values.number import IntegerColumn, NumericColumn

EMPTY = "empty"
_RANGE = re.compile(r'([\[(])\s*"?([^",\[\]()]*?)"?\s*,\s*"?([^",\[\]()]*?)"?\s*([\])])')


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range that is not empty. None is no bound. What Python has no value for (infinity, year 10000) is text."""

    lower: Value
    upper: Value
    includes_lower: bool
    includes_upper: bool


@dataclass(frozen=True, slots=True)
class RangeColumn(ParsedColumn):
    """What all ranges share. A subclass names the type of the bounds and the step between two of them, if any."""

    kind: ClassVar[Kind] = Kind.RANGE
    element: ClassVar[type[ColumnType]]
    element_type: ClassVar[str]

    def parse(self, text: str) -> FieldValue:
        typed = text.strip()
        if typed.lower() == EMPTY:
            return EMPTY
        bounds = self.split(typed)
        return self.join(bounds) if isinstance(bounds, Bounds) else Unfit(bounds.reason, text)

    def split(self, text: str) -> Bounds | Unfit:
        """The bounds that a text names, before they are made canonical."""
        match = _RANGE.fullmatch(text)
        if not match:
            return Unfit(f"it is no range; write it like {self.example()}", text)
        values: list[Value] = []
        for bound in match.group(2, 3):
            value = self.bound(bound) if bound else None
            if isinstance(value, Unfit):
                return Unfit(f'in "{bound}": {value.reason}', text)
            values.append(value)
        return Bounds(values[0], values[1], match[1] == "[", match[4] == "]")

    def join(self, bounds: Bounds) -> FieldValue:
        """The canonical text of a range; Unfit when there is none."""
        made = self.canonical(
            replace(
                bounds,
                includes_lower=bounds.includes_lower and bounds.lower is not None,
                includes_upper=bounds.includes_upper and bounds.upper is not None,
            )
        )
        if isinstance(made, Unfit):
            return made
        lower, upper = ("" if bound is None else self._element.text(bound) for bound in (made.lower, made.upper))
        text = f"{'[' if made.includes_lower else '('}{lower},{upper}{']' if made.includes_upper else ')'}"
        # Judged as given: made half-open, the reversed [5,4] would be the empty [5,5).
        if _reversed(bounds.lower, bounds.upper):
            return Unfit("it ends before it begins", f"{plain(bounds.lower)}, {plain(bounds.upper)}")
        if lower and lower == upper:
            return text if made.includes_lower and made.includes_upper else EMPTY
        return EMPTY if _reversed(made.lower, made.upper) else text

    def canonical(self, bounds: Bounds) -> Bounds | Unfit:
        """The same range as PostgreSQL writes it, where its values have a next one."""
        return bounds

    def bound(self, text: str) -> FieldValue:
        """One bound as PostgreSQL or a person wrote it."""
        return self._element.parse_whole(text)

    @abstractmethod
    def example(self) -> str:
        """How such a range is written."""

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", f"Notion has no ranges of numbers; it reads like {self.example()}")

    @property
    def _element(self) -> ColumnType:
        return self.element(replace(self.column, type_name=self.element_type, type_sql=self.element_type, base_sql=""))


@dataclass(frozen=True, slots=True)
class IntegerRangeColumn(RangeColumn):
    """int4range: made half-open, `[1,6)` for `[1,5]`."""

    element: ClassVar[type[ColumnType]] = IntegerColumn
    element_type: ClassVar[str] = "integer"

    def example(self) -> str:
        return "[1,6)"

    def canonical(self, bounds: Bounds) -> Bounds | Unfit:
        lower, upper = bounds.lower, bounds.upper
        if isinstance(lower, Decimal) and not bounds.includes_lower:
            lower = lower + 1
        if isinstance(upper, Decimal) and bounds.includes_upper:
            upper = upper + 1
        for bound in (lower, upper):
            judged = bound if bound is None else self._element.fit(bound)
            if isinstance(judged, Unfit):
                return judged
        return Bounds(lower, upper, lower is not None, False)


@dataclass(frozen=True, slots=True)
class BigRangeColumn(IntegerRangeColumn):
    """int8range."""

    element_type: ClassVar[str] = "bigint"


@dataclass(frozen=True, slots=True)
class NumericRangeColumn(RangeColumn):
    """numrange."""

    element: ClassVar[type[ColumnType]] = NumericColumn
    element_type: ClassVar[str] = "numeric"

    def example(self) -> str:
        return "[1.5,2)"


def _reversed(lower: Any, upper: Any) -> bool:
    """Whether it is certain that the bounds are the wrong way round. PostgreSQL knows it of all."""
    numbers = isinstance(lower, Decimal) and isinstance(upper, Decimal)
    times = isinstance(lower, datetime) and isinstance(upper, datetime)
    days = type(lower) is date and type(upper) is date
    return (numbers or times or days) and bool(lower > upper)
