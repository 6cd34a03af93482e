"""Intervals, as ISO 8601 text the way PostgreSQL writes it: `P1Y2M3DT4H5M6.5S`.

An interval has three parts that do not turn into each other: months, days, microseconds. A month has no fixed number
of days, and a day may have 23 hours. PostgreSQL's `=` takes a month for 30 days; here two intervals are equal only
when all three parts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from bridge.model import FieldValue, Unfit
from bridge.values.canonical import number_text
from bridge.values.halves import Kind, ParsedColumn, Suggestion
from bridge.values.moments import decimals_kept

_MONTHS, _DAYS, _MICROSECONDS = range(3)
_SECOND = 1_000_000
_MINUTE, _HOUR = 60 * _SECOND, 3600 * _SECOND
_YEAR, _WEEK = 12, 7
# Each unit: the part that it counts in, and how much of it. Text gives the order in which ISO 8601 wants them.
_DATE_UNITS = {"Y": (_MONTHS, _YEAR), "M": (_MONTHS, 1), "W": (_DAYS, _WEEK), "D": (_DAYS, 1)}
_TIME_UNITS = {"H": (_MICROSECONDS, _HOUR), "M": (_MICROSECONDS, _MINUTE), "S": (_MICROSECONDS, _SECOND)}
_WORDS = {
    "year": _DATE_UNITS["Y"],
    "mon": _DATE_UNITS["M"],
    "month": _DATE_UNITS["M"],
    "week": _DATE_UNITS["W"],
    "day": _DATE_UNITS["D"],
    "hour": _TIME_UNITS["H"],
    "min": _TIME_UNITS["M"],
    "minute": _TIME_UNITS["M"],
    "sec": _TIME_UNITS["S"],
    "second": _TIME_UNITS["S"],
}
_WHOLE, _FRACTION = r"[+-]?[0-9]{1,19}", r"[+-]?[0-9]{1,19}(?:\.[0-9]{1,6})?"
_ISO = re.compile(
    "P" + "".join(f"(?:({_WHOLE}){unit})?" for unit in _DATE_UNITS)
    + f"(T(?=.)(?:({_WHOLE})H)?(?:({_WHOLE})M)?(?:({_FRACTION})S)?)?"
)  # fmt: skip
_SPOKEN = re.compile(
    rf"(?P<number>{_FRACTION}) *(?P<unit>[a-z]+?)s?(?![a-z])"
    r"|(?P<sign>[+-]?)(?P<hour>[0-9]{1,10}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]{1,6})?))?"
)
_LAST_FIELD = re.compile(r"interval (?:[a-z]+ to )?(year|month|day|hour|minute)(?! to)\b")
# What `interval year`, `interval day to hour` and so on keep: the smallest step of each of the three parts.
_STEPS = {
    "year": (_YEAR, 0, 0),
    "month": (1, 0, 0),
    "day": (1, 1, 0),
    "hour": (1, 1, _HOUR),
    "minute": (1, 1, _MINUTE),
}
_BITS = (31, 31, 63)
_ENDLESS = {"infinity", "-infinity"}

Parts = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class IntervalColumn(ParsedColumn):
    """interval; a person may also type `1 day 02:00` or `3 weeks`."""

    kind: ClassVar[Kind] = Kind.DURATION

    def parse(self, text: str) -> FieldValue:
        typed = text.strip()
        if typed in _ENDLESS:
            return typed
        parts = _iso(typed) or _spoken(typed.lower())
        if parts is None:
            return Unfit("it is no interval that can be read exactly; write it like P1DT2H30M or 1 day 02:30", text)
        if any(not -(2**bits) <= part < 2**bits for part, bits in zip(parts, _BITS, strict=True)):
            return Unfit("it is longer than PostgreSQL can hold", text)
        if any(part % step if step else part for part, step in zip(parts, self._steps(), strict=True)):
            return Unfit(f"the column ({self._sql}) keeps less of it; round it", text)
        return _text(parts)

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "Notion has no intervals; it reads like P1DT2H30M")

    def _steps(self) -> Parts:
        last = _LAST_FIELD.match(self._sql)
        return _STEPS[last[1]] if last else (1, 1, 10 ** (6 - decimals_kept(self.column)))

    @property
    def _sql(self) -> str:
        return self.column.base_sql or self.column.type_sql


def _iso(text: str) -> Parts | None:
    match = _ISO.fullmatch(text)
    if not match or text == "P":
        return None
    *date, time, hour, minute, second = match.groups()
    if time is not None and not (hour or minute or second):
        return None
    return _sum(zip([*date, hour, minute, second], [*_DATE_UNITS.values(), *_TIME_UNITS.values()], strict=True))


def _spoken(text: str) -> Parts | None:
    """`1 year 2 mons -3 days 04:05:06`: whole numbers with words, and a clock. Anything left over is not understood."""
    found: list[tuple[str | None, tuple[int, int]]] = []
    place = 0
    while place < len(text):
        match = _SPOKEN.match(text, place)
        if not match:
            return None
        if match["unit"]:
            unit = _WORDS.get(match["unit"])
            if unit is None or ("." in match["number"] and unit != _TIME_UNITS["S"]):
                return None
            found.append((match["number"], unit))
        else:
            if int(match["minute"]) > 59 or Decimal(match["second"] or 0) >= 60:  # noqa: PLR2004 - of a clock
                return None
            clock = zip(match.group("hour", "minute", "second"), _TIME_UNITS.values(), strict=True)
            found += [(number and match["sign"] + number, unit) for number, unit in clock]
        place = match.end()
        while text[place : place + 1] == " ":
            place += 1
    return _sum(iter(found)) if found else None


def _sum(found: Iterator[tuple[str | None, tuple[int, int]]]) -> Parts:
    total = [0, 0, 0]
    for number, (part, factor) in found:
        whole, _, fraction = (number or "0").partition(".")
        # Integers, not Decimals, which would be rounded to the digits of the thread's context.
        total[part] += int(whole + fraction.ljust(6, "0")) if fraction else int(whole) * factor
    return total[0], total[1], total[2]


def _text(parts: Parts) -> str:
    """As PostgreSQL writes it with IntervalStyle iso_8601: each field with its own sign, zero fields left out."""
    months, days, microseconds = parts
    years, months = _split(months, _YEAR)
    hours, rest = _split(microseconds, _HOUR)
    minutes, rest = _split(rest, _MINUTE)
    seconds = number_text(Decimal(rest).scaleb(-6))
    date = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (days, "D")) if number)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number)
    time += f"{seconds}S" if rest else ""
    return f"P{date}{'T' if time else ''}{time}" if date or time else "PT0S"


def _split(number: int, by: int) -> tuple[int, int]:
    """Division towards zero, so that both parts have the sign of the whole."""
    whole = abs(number) // by if number >= 0 else -(abs(number) // by)
    return whole, number - whole * by
