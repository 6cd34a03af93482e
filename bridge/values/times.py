"""Times of day: time with and without time zone, as text. Notion has no property for a time without its day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bridge.model import FieldValue, Unfit
from bridge.values.halves import Kind, ParsedColumn, Suggestion
from bridge.values.moments import decimals_kept

_TIME = re.compile(
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]{1,6}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?)?"
)
_MIDNIGHT = 24  # PostgreSQL knows 24:00:00, the end of a day
_ZONE_HOURS = 15


@dataclass(frozen=True, slots=True)
class TimeColumn(ParsedColumn):
    """time without time zone: `10:00:00`, to the microsecond."""

    kind: ClassVar[Kind] = Kind.TIME
    zoned: ClassVar[bool] = False

    def parse(self, text: str) -> FieldValue:
        match = _TIME.fullmatch(text.strip())
        if not match:
            return Unfit(f"it is no time of day; write it like {'10:00:00+02' if self.zoned else '10:00:00'}", text)
        if bool(match["zone"]) != self.zoned:
            reason = "it names no offset; add one, like +02" if self.zoned else "the column holds no offset; remove it"
            return Unfit(reason, text)
        clock = _clock(match)
        zone = _zone(match["zone"]) if self.zoned else ""
        if not clock or zone is None:
            return Unfit("there is no such time of day, or no such offset", text)
        fraction = (match["fraction"] or "").rstrip("0")
        digits = decimals_kept(self.column)
        if len(fraction) > digits:
            return Unfit(f"the column keeps {digits} decimals of a second; round it", text)
        return f"{clock}.{fraction}{zone}" if fraction else f"{clock}{zone}"

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "Notion has no time of day without a date")


@dataclass(frozen=True, slots=True)
class ZonedTimeColumn(TimeColumn):
    """time with time zone: `10:00:00+02`. The offset is part of the value, so it is kept and not taken to UTC."""

    zoned: ClassVar[bool] = True


def _clock(match: re.Match[str]) -> str:
    """`HH:MM:SS`; "" when no clock shows that. Second 60 is refused: PostgreSQL makes the next minute of it."""
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if minute > 59 or second > 59 or hour > _MIDNIGHT:  # noqa: PLR2004 - of a clock
        return ""
    if hour == _MIDNIGHT and (minute or second or int(match["fraction"] or 0)):
        return ""
    return f"{hour:02}:{minute:02}:{second:02}"


def _zone(text: str) -> str | None:
    """As PostgreSQL writes an offset: `+02`, `+05:30`, `-00:00:30`. None for one that it does not take."""
    if text == "Z":
        return "+00"
    digits = text[1:].replace(":", "")
    hour, minute, second = int(digits[:2]), int(digits[2:4] or 0), int(digits[4:] or 0)
    if hour > _ZONE_HOURS or minute > 59 or second > 59:  # noqa: PLR2004 - of a clock
        return None
    if not (hour or minute or second):
        return "+00"
    parts = [hour, minute, second] if second else [hour, minute] if minute else [hour]
    return text[0] + ":".join(f"{part:02}" for part in parts)
