"""Ranges of days and times: daterange, tstzrange and tsrange, and what a date property with an end means for them.

A date property shows a beginning and an end, both of them there. It carries the ranges that it can give back exactly:

- of days: every range with two bounds; the end that Notion shows is the last day, and a lone date is one day;
- of times: `[a,b)` as beginning and end, and `[a,a]`, one moment, as a time without an end.

All others (empty, without a bound, with a beginning that is left out or an end that is not, finer than a millisecond)
are refused there, and carried as text.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.dates import DateColumn, refuse_far
from bridge.values.halves import ColumnType, Kind, Suggestion
from bridge.values.moments import LocalColumn, MomentColumn
from bridge.values.ranges import EMPTY, Bounds, RangeColumn

_DAY_AFTER_MAX = "10000-01-01"  # Python knows no year 10000
_DAY = timedelta(days=1)
_BEFORE_TIME = re.compile("(?<=[0-9]) (?=[0-9])")
_SHORT_OFFSET = re.compile(r"(T.*[+-][0-9]{2})(?= BC$|$)")
_SECONDS = re.compile(r"(T[0-9]{2}:[0-9]{2}):[0-9]{2}(?:\.[0-9]+)?")
_MILLISECOND = 1000


@dataclass(frozen=True, slots=True)
class PeriodColumn(RangeColumn):
    """What ranges of days and of times share."""

    kind: ClassVar[Kind] = Kind.PERIOD

    def suggest(self) -> Suggestion:
        return Suggestion("date", "a date with an end; a range that lacks one of the two waits, parked")

    def span(self, start: date, end: date) -> FieldValue:
        """The range that a date property with these ends means. Reverses `ends`."""
        lower, upper = self._element.fit(start), self._element.fit(end)
        if isinstance(lower, Unfit):
            return lower
        return upper if isinstance(upper, Unfit) else self.join(Bounds(lower, upper, True, self.closed(start, end)))

    def ends(self, value: str) -> tuple[date, date]:
        """The beginning and the end that a date property shows for a canonical range. Raises Refused."""
        if value == EMPTY:
            raise Refused("a date property has no form for an empty range; use rich_text")
        bounds = self.split(value)
        if isinstance(bounds, Unfit):
            raise Refused(bounds.reason)
        if bounds.lower is None or bounds.upper is None:
            missing = "beginning" if bounds.lower is None else "end"
            raise Refused(f"the range has no {missing}, which a date property needs; give it one, or use rich_text")
        return self.shown(bounds)

    @abstractmethod
    def closed(self, start: date, end: date) -> bool:
        """Whether the end that Notion shows is in the range."""

    @abstractmethod
    def shown(self, bounds: Bounds) -> tuple[date, date]:
        """`ends` of a range with two bounds. Raises Refused."""


@dataclass(frozen=True, slots=True)
class DayRangeColumn(PeriodColumn):
    """daterange: half-open in PostgreSQL, while the last day that Notion shows belongs to the range."""

    element: ClassVar[type[ColumnType]] = DateColumn
    element_type: ClassVar[str] = "date"

    def example(self) -> str:
        return "[2026-11-22,2026-11-25)"

    def closed(self, start: date, end: date) -> bool:
        return True

    def shown(self, bounds: Bounds) -> tuple[date, date]:
        if not isinstance(bounds.lower, date):
            raise refuse_far(bounds.lower)
        if bounds.upper == _DAY_AFTER_MAX:
            return bounds.lower, date.max
        if not isinstance(bounds.upper, date):
            raise refuse_far(bounds.upper)
        return bounds.lower, bounds.upper - _DAY

    def canonical(self, bounds: Bounds) -> Bounds | Unfit:
        # An endless day has no next one, so PostgreSQL leaves such a bound as it is.
        closed = bounds.includes_lower or bounds.lower is None or _endless(bounds.lower)
        opened = not bounds.includes_upper or _endless(bounds.upper)
        lower = bounds.lower if closed else _next_day(bounds.lower)
        upper = bounds.upper if opened else _next_day(bounds.upper)
        if isinstance(lower, Unfit):
            return lower
        if isinstance(upper, Unfit):
            return upper
        return Bounds(lower, upper, bounds.includes_lower or not closed, bounds.includes_upper and opened)


@dataclass(frozen=True, slots=True)
class MomentRangeColumn(PeriodColumn):
    """tstzrange, in UTC."""

    element: ClassVar[type[ColumnType]] = MomentColumn
    element_type: ClassVar[str] = "timestamp with time zone"

    def example(self) -> str:
        return "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)"

    def bound(self, text: str) -> FieldValue:
        # In a range PostgreSQL writes times its own way, "2026-11-22 10:00:00+00", and not as ISO 8601.
        return self._element.parse_whole(_SHORT_OFFSET.sub(r"\1:00", _BEFORE_TIME.sub("T", text)))

    def closed(self, start: date, end: date) -> bool:
        return start == end

    def shown(self, bounds: Bounds) -> tuple[date, date]:
        lower, upper = bounds.lower, bounds.upper
        if not isinstance(lower, datetime) or not isinstance(upper, datetime):
            raise refuse_far(lower if isinstance(lower, str) else upper)
        if not bounds.includes_lower:
            raise Refused("the range leaves out its beginning, which a date property cannot; use rich_text")
        if bounds.includes_upper and lower != upper:
            raise Refused("the end belongs to the range, and in a date property it does not; use rich_text")
        if lower.microsecond % _MILLISECOND or upper.microsecond % _MILLISECOND:
            raise Refused("a date property keeps milliseconds, and the range is finer; round it, or use rich_text")
        return lower, upper


@dataclass(frozen=True, slots=True)
class LocalRangeColumn(MomentRangeColumn):
    """tsrange: taken as UTC in a date property, as timestamp is."""

    element: ClassVar[type[ColumnType]] = LocalColumn
    element_type: ClassVar[str] = "timestamp without time zone"

    def example(self) -> str:
        return "[2026-11-22T10:00:00,2026-11-22T11:00:00)"


def to_the_minute(text: str) -> str:
    """What is left of a canonical range of times where seconds are not kept."""
    floored = _SECONDS.sub(r"\1:00", text)
    lower, _, upper = floored[1:-1].partition(",")
    return f"[{lower},{lower}]" if lower == upper else floored


def _endless(day: Value) -> bool:
    return isinstance(day, str) and day.endswith("infinity")


def _next_day(day: Value) -> Value | Unfit:
    """The day after; of days that Python does not know, none."""
    if not isinstance(day, date):
        return Unfit("with such a day write the range half-open, like [0044-03-15 BC,0044-03-16 BC)", str(day))
    return _DAY_AFTER_MAX if day == date.max else day + _DAY
