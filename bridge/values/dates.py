"""Days: date columns, and how one date of a date property is read. `date_property` has the property itself.

A date property holds a day or a moment, with or without an end. What the column cannot hold is shown and
parked: a day is no moment, and a range is not its start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import plain
from bridge.values.halves import ColumnType, Kind, Suggestion, unreadable

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")
# What PostgreSQL's calendar holds and Python's does not; kept as PostgreSQL spells it, for text properties.
_FAR = re.compile(
    r"(?P<year>[0-9]{4,7})(?P<day>-[0-9]{2}-[0-9]{2})"
    r"(?P<time>T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,5}[1-9])?)?(?P<zone>\+00:00)?(?P<bc> BC)?"
)
_ENDLESS = {"infinity", "-infinity"}
_PADDED_YEAR = 4


def far(text: str, *, time: bool = False, zone: bool = False) -> bool:
    """Whether `text` is how PostgreSQL writes an endless date, or one before year 1 or after 9999."""
    if text in _ENDLESS:
        return True
    match = _FAR.fullmatch(text)
    if not match or bool(match["time"]) != time or bool(match["zone"]) != zone:
        return False
    year = 1 - int(match["year"]) if match["bc"] else int(match["year"])
    if year in range(1, 10000) or match["year"] == "0000":
        return False
    if len(match["year"]) > _PADDED_YEAR and match["year"].startswith("0"):
        return False
    # The calendar repeats every 400 years, so a year that Python knows can tell whether the day exists.
    return parse_day(f"{year % 400 + 2000}{match['day']}") is not None


def parse_day(text: str) -> date | None:
    """`2026-11-22` as a date; None for anything else."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 date-time, aware if it names an offset; None for anything else."""
    if not _TIMED.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def read_date(value: Any) -> FieldValue:
    """A date property: a date, or an aware moment in UTC."""
    if value is None:
        return None
    start = value.get("start") if isinstance(value, dict) else None
    if not isinstance(start, str):
        return unreadable("date", value)
    if value.get("end") is not None:
        return Unfit("it has an end, and the column holds one date; remove it", f"{start} → {value['end']}")
    return read_one(start, value.get("time_zone"))


def read_one(text: str, zone: object) -> FieldValue:
    """The beginning or the end of a date property: a date, or an aware moment in UTC."""
    day = parse_day(text)
    if day is not None:
        return day
    moment = parse_time(text)
    return unreadable("date", text) if moment is None else _in_utc(moment, zone, text)


def _in_utc(moment: datetime, zone: object, shown: str) -> FieldValue:
    if moment.tzinfo is None:
        try:
            moment = moment.replace(tzinfo=ZoneInfo(str(zone)) if zone else UTC)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a folder
            return Unfit(f"the time zone {zone} is not known here; install tzdata", shown)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return Unfit("in UTC it lies outside of the years 1 to 9999", shown)


def refuse_far(value: Value) -> Refused:
    """Why a date property cannot hold one of the far dates."""
    return Refused(f"a date property holds the years 1 to 9999, not {plain(value)}; use rich_text")


@dataclass(frozen=True, slots=True)
class DateColumn(ColumnType):
    """date."""

    kind: ClassVar[Kind] = Kind.DATE

    def read(self, wire: Any) -> FieldValue:
        if not isinstance(wire, str):
            return None if wire is None else self.strange(wire)
        value = self.parse(wire)
        return self.strange(wire) if isinstance(value, Unfit) else value

    def parse(self, text: str) -> FieldValue:
        typed = text.strip()
        day = parse_day(typed)
        if day is not None:
            return day
        return typed if far(typed) else Unfit("it is no date; write it like 2026-11-22", text)

    def fit(self, value: Value) -> FieldValue:
        if isinstance(value, datetime):
            return Unfit("it has a time, and the column holds only the day; remove the time", plain(value))
        return value if isinstance(value, date) else Unfit("the column holds dates", plain(value))

    def suggest(self) -> Suggestion:
        return Suggestion("date", "a day without a time")
