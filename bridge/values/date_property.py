"""The date property: a day or a moment, and with an end a range of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from bridge.model import FieldValue, Unfit, Value
from bridge.values.dates import read_date, read_one, refuse_far
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable
from bridge.values.periods import PeriodColumn, to_the_minute


@dataclass(frozen=True, slots=True)
class DateProperty(PropertyType):
    """date. A moment is sent in UTC with milliseconds, which is what Notion stores."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.DATE, Kind.MOMENT, Kind.LOCAL, Kind.PERIOD})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return _read_period(value, column) if isinstance(column, PeriodColumn) else read_date(value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> dict[str, str] | None:
        match value:
            case None:
                return None
            case date():
                return {"start": _sent(value)}
            case str() if isinstance(column, PeriodColumn):
                start, end = column.ends(value)
                return {"start": _sent(start)} if start == end else {"start": _sent(start), "end": _sent(end)}
        raise refuse_far(value)

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        """Notion may keep a time only to the minute. The seconds that are lost on the way there are no edit."""
        if isinstance(shown, datetime) and isinstance(held, datetime):
            return shown == held.replace(second=0, microsecond=0)
        if isinstance(shown, str) and isinstance(held, str):
            return shown == to_the_minute(held)
        return False

    def suggest(self) -> Suggestion:
        return Suggestion("date", "for days; take timestamptz if people enter times, daterange if they enter an end")


def _read_period(value: Any, column: PeriodColumn) -> FieldValue:
    if value is None:
        return None
    start, end = (value.get("start"), value.get("end")) if isinstance(value, dict) else (None, None)
    if not isinstance(start, str) or not (end is None or isinstance(end, str)):
        return unreadable("date", value)
    first = read_one(start, value.get("time_zone"))
    last = first if end is None else read_one(end, value.get("time_zone"))
    for one in (first, last):
        if isinstance(one, Unfit):
            return one
    if not isinstance(first, date) or not isinstance(last, date) or type(first) is not type(last):
        return unreadable("date", value)
    return column.span(first, last)


def _sent(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
