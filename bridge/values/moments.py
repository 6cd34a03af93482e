"""Times: timestamp with and without time zone. The date property of `dates` carries both.

Notion stores milliseconds, so that is the precision of the canonical value, read from either side.
PostgreSQL keeps its microseconds: they are compared away, and overwritten only when a person sets another
time in Notion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from bridge.model import FieldValue, Unfit, Value
from bridge.shapes import Column
from bridge.values.canonical import plain
from bridge.values.dates import far, parse_day, parse_time
from bridge.values.halves import ColumnType, Kind, Suggestion

_PRECISION = re.compile(r"\(([0-6])\)")


@dataclass(frozen=True, slots=True)
class MomentColumn(ColumnType):
    """timestamp with time zone: a moment, canonical in UTC."""

    kind: ClassVar[Kind] = Kind.MOMENT
    zoned: ClassVar[bool] = True

    def read(self, wire: Any) -> FieldValue:
        if not isinstance(wire, str):
            return None if wire is None else self.strange(wire)
        value = self._exact(wire)
        if isinstance(value, datetime):
            return _to_millisecond(value)
        return self.strange(wire) if isinstance(value, Unfit) else value

    def parse(self, text: str) -> FieldValue:
        value = self._exact(text)
        return self.fit(value) if isinstance(value, datetime) else value

    def fit(self, value: Value) -> FieldValue:
        if not isinstance(value, datetime):
            reason = "it has no time of day; add one" if isinstance(value, date) else "the column holds times"
            return Unfit(reason, plain(value))
        moment = self._zone(value)
        if isinstance(moment, Unfit):
            return moment
        moment = _to_millisecond(moment)
        digits = decimals_kept(self.column)
        if moment.microsecond % 10 ** (6 - digits):
            return Unfit(f"the column keeps {digits} decimals of a second; round it", plain(moment))
        return moment

    def whole(self, wire: Any) -> FieldValue:
        # A key identifies the row, so it keeps the microseconds that are cut from a value. An array is written
        # as a whole: elements that nobody touched must not lose theirs.
        return self._exact(wire) if isinstance(wire, str) else self.strange(wire)

    def parse_whole(self, text: str) -> FieldValue:
        value = self._exact(text)
        digits = decimals_kept(self.column)
        if isinstance(value, datetime) and value.microsecond % 10 ** (6 - digits):
            return Unfit(f"the column keeps {digits} decimals of a second; round it", text)
        return value

    def suggest(self) -> Suggestion:
        return Suggestion("date", "a date with a time, to the millisecond")

    def _exact(self, text: str) -> FieldValue:
        typed = text.strip()
        moment = parse_time(typed)
        if moment is not None:
            return self._zone(moment)
        if far(typed, time=True, zone=self.zoned):
            return typed
        if parse_day(typed):
            return Unfit("it has no time of day; add one", text)
        return Unfit("it is no time; write it like 2026-11-22T10:00:00Z", text)

    def _zone(self, moment: datetime) -> datetime | Unfit:
        """In UTC, which is also what a time without an offset means; naive again where the column is."""
        try:
            utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            return Unfit("in UTC it lies outside of the years 1 to 9999", moment.isoformat())
        return utc if self.zoned else utc.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class LocalColumn(MomentColumn):
    """timestamp without time zone: taken as UTC both ways, because Notion has no time without a zone."""

    kind: ClassVar[Kind] = Kind.LOCAL
    zoned: ClassVar[bool] = False

    def suggest(self) -> Suggestion:
        return Suggestion("date", "a date with a time, to the millisecond, taken as UTC")


def decimals_kept(column: Column) -> int:
    """How many decimals of a second the column keeps: timestamp(3), time(0), interval(2); 6 when it says nothing."""
    digits = _PRECISION.search(column.base_sql or column.type_sql)
    return int(digits[1]) if digits else 6


def _to_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
