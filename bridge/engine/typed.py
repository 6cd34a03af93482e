"""A value that a person typed for a conflict, read as the kind of value that the field holds.

The journal knows the values of both sides and no column types, so what is typed must be canonical as it stands: a
value that neither side would ever show again would be written for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from bridge.errors import ConfigError
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import normal, show
from bridge.values.dates import parse_day, parse_time

_DIGITS_MAX = 1000  # before or after the point; nobody types more, and 1E999999999 would not fit into memory
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def parse_like(samples: Sequence[FieldValue], text: str) -> Value:
    """The typed text as a value like one of `samples`; nothing typed is the empty value. Raises ConfigError."""
    known = [s for s in samples if s is not None and not isinstance(s, Unfit)]
    # A number's column may show a word, such as NaN, on one side.
    sample = next((s for s in known if not isinstance(s, str)), known[0] if known else None)
    if text == "":
        return None
    match sample:
        case bool():
            if text.lower() not in _WORDS:
                raise _refused(text, "write true or false")
            return _WORDS[text.lower()]
        case Decimal():
            return _number(text)
        case datetime():
            return _moment(text, sample)
        case date():
            day = parse_day(text.strip())
            if day is None:
                raise _refused(text, f"write a date as {show(sample)}")
            return day
        case tuple():
            return tuple(part for part in map(str.strip, text.split(",")) if part)
    return text


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _refused(text, "write a number as -1234.5") from None
    if not number.is_finite():
        raise _refused(text, "it is no finite number")
    if number and abs(number.adjusted()) > _DIGITS_MAX:
        raise _refused(text, "it has too many digits")
    return normal(number)


def _moment(text: str, sample: datetime) -> datetime:
    moment = parse_time(text.strip())
    if moment is None:
        raise _refused(text, f"write date and time as {show(sample)}")
    if (moment.tzinfo is None) != (sample.tzinfo is None):
        zone = "add a zone, such as Z or +02:00" if moment.tzinfo is None else "leave the zone out"
        raise _refused(text, f"{zone}: the field holds times such as {show(sample)}")
    if moment.microsecond % 1000:
        raise _refused(text, "leave out what is finer than a millisecond, which Notion does not store")
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _refused(text: str, hint: str) -> ConfigError:
    return ConfigError(f"{text!r} is no value for this field", hint=f"{hint[0].upper()}{hint[1:]}.")
