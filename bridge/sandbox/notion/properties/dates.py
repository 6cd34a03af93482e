"""date, created_time, last_edited_time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.clock import minute_text
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.properties.base import PropertyType, register
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Page, PageState, Property

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


def parse_iso(text: object) -> date | datetime | None:
    """A date, or a date-time that may lack its zone; None when the text is neither."""
    if not isinstance(text, str):
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _DATE_TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        return None
    return None


def is_day(text: str) -> bool:
    """Whether a stored value is a date without a time."""
    return _DATE.fullmatch(text) is not None


def instant(text: str) -> datetime:
    """The first moment that a stored date or date-time names; a date is a UTC day."""
    moment = parse_iso(text)
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment is None:
        raise ValueError(f"not a date: {text!r}")
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _parse_date(raw: Any, prop: Property, scope: Scope, path: str) -> Any:
    if raw is None:
        return None
    given = checks.mapping(raw, path)
    checks.known_keys(given, path, ("start", "end", "time_zone"))
    zone = _zone(given.get("time_zone"), f"{path}.time_zone")
    start = _moment(given.get("start", UNDEFINED), zone, f"{path}.start", scope)
    end = None
    if given.get("end") is not None:
        end = _moment(given["end"], zone, f"{path}.end", scope)
        if is_day(start) != is_day(end):
            raise should_be(f"{path}.end", "of the same kind as start", given["end"])
        if instant(end) < instant(start):
            raise invalid(f"Invalid date range: the end date of {prop.name} is before its start date.")
    # The zone is only used to read the times: an answer holds an offset, and its name is lost.
    return {"start": start, "end": end, "time_zone": None}


def _zone(raw: Any, path: str) -> ZoneInfo | None:
    if raw is None:
        return None
    name = checks.string(raw, path, 100)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise should_be(path, "a valid IANA time zone", raw) from error


def _moment(raw: Any, zone: ZoneInfo | None, path: str, scope: Scope) -> str:
    if raw is UNDEFINED:
        raise should_be(path, "defined", raw)
    moment = parse_iso(raw)
    if moment is None:
        raise should_be(path, "a valid ISO 8601 date string", raw)
    if not isinstance(moment, datetime):
        if zone is not None:
            raise should_be(path, "a date-time, as time_zone is given", raw)
        return moment.isoformat()
    if zone is not None and moment.tzinfo is not None:
        raise should_be(path, "a date-time without an offset, as time_zone is given", raw)
    return show(moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC), scope)


def show(moment: datetime, scope: Scope) -> str:
    """A date-time as it comes back: with its offset and milliseconds, and only as precise as the product keeps it."""
    if scope.options.date_precision == "minute":
        moment = moment.replace(second=0, microsecond=0)
    return moment.isoformat(timespec="milliseconds")


def _typed_date(value: Any, prop: Property, scope: Scope) -> Any:
    if value in (None, ""):
        return None
    given = value if isinstance(value, dict) else {"start": value}
    wire = {key: part.isoformat() if isinstance(part, date) else part for key, part in given.items()}
    return _parse_date(wire, prop, scope, prop.name)


def _simple_date(value: Any, prop: Property, scope: Scope) -> Any:
    if value is None or value["end"] is not None:
        return value
    return value["start"]


def _created(prop: Property, page: Page, state: PageState, scope: Scope) -> str:
    return minute_text(page.created)


def _edited(prop: Property, page: Page, state: PageState, scope: Scope) -> str:
    return minute_text(state.edited)


def span(value: Any) -> tuple[datetime, datetime] | None:
    """First moment of a date value or a stamp, and the moment after it when it is a whole day (else the same)."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value, value
    text = value if isinstance(value, str) else value["start"]
    first = instant(text)
    return first, first + timedelta(days=1) if is_day(text) else first


register(
    PropertyType("date", "date", parse=_parse_date, from_simple=_typed_date, simple=_simple_date),
    PropertyType("created_time", "date", compute=_created),
    PropertyType("last_edited_time", "date", compute=_edited),
)
