"""Canonical values as JSON for the journal and as text for people; exact, and readable in a database browser.

    "text"   null   true   {"number": "1.5"}   {"date": "2026-01-01"}   {"moment": "2026-01-01T10:00:00Z"}
    {"local": "2026-01-01T10:00:00"}   {"list": ["a", "b"]}   {"unfit": {"reason": "...", "shown": "..."}}

What waits for a related record says in "unfit" also which: "waits_for".

A number is written as text, because every JSON reader on the way would make a double of it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridge.model import FieldValue, Unfit, Value

# Invisible, but part of what people write: without joiners emoji fall apart, and words of Persian.
JOINERS = {"\u200c", "\u200d"}
# Control, format (bidirectional overrides), surrogate, line and paragraph separator.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def number_text(number: Decimal) -> str:
    """All digits of a finite number in plain notation: no exponent, no trailing zeros, no -0."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def normal(number: Decimal) -> Decimal:
    """The same finite number in its one canonical spelling.

    Not Decimal.normalize(), which rounds to the 28 digits of the thread's context and leaves 1E+3.
    """
    return Decimal(number_text(number))


def time_text(moment: datetime) -> str:
    """ISO 8601 to the second, or finer if it has a fraction; a moment ends in Z, a local time in nothing."""
    microsecond = moment.microsecond
    spec = "seconds" if not microsecond else "microseconds" if microsecond % 1000 else "milliseconds"
    if moment.tzinfo is None:
        return moment.isoformat(timespec=spec)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def plain(value: Value) -> str:
    """The value in words, as a text column or a screen shows it; nothing for an empty one."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Decimal():
            return number_text(value)
        case datetime():
            return time_text(value)
        case date():
            return value.isoformat()
        case tuple():
            return ", ".join(value)


def encode(value: FieldValue) -> Any:
    """What `json.dumps` can write and `decode` turns back into the equal value."""
    match value:
        case None | bool() | str():
            return value
        case Decimal():
            return {"number": number_text(value)}
        case datetime():
            return {"moment" if value.tzinfo else "local": time_text(value)}
        case date():
            return {"date": value.isoformat()}
        case tuple():
            return {"list": list(value)}
        case Unfit():
            waits = {"waits_for": value.waits_for} if value.waits_for else {}
            return {"unfit": {"reason": value.reason, "shown": value.shown, **waits}}


def decode(encoded: Any) -> FieldValue:
    """The value that `encode` wrote. Raises ValueError for anything else."""
    if encoded is None or isinstance(encoded, str | bool):
        return encoded
    if isinstance(encoded, dict) and len(encoded) == 1:
        # Looked up, for this runs for each field of each record: patterns of mappings took five times as long.
        [(kind, text)] = encoded.items()
        read = _READERS.get(kind)
        if read is not None and isinstance(text, str):
            return read(text)
    match encoded:
        case {"list": list(items)} if all(isinstance(item, str) for item in items):
            return tuple(items)
        case {"unfit": {"reason": str(reason), "shown": str(shown), "waits_for": str(waits_for)}}:
            return Unfit(reason, shown, waits_for)
        case {"unfit": {"reason": str(reason), "shown": str(shown)}}:
            return Unfit(reason, shown)
    raise ValueError(f"not a value of the journal: {encoded!r}")


_READERS: Mapping[str, Callable[[str], Value]] = {
    "number": Decimal,
    "date": date.fromisoformat,
    "moment": datetime.fromisoformat,
    "local": datetime.fromisoformat,
}
_sorted = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode  # json.dumps would make an encoder for each text


def dumps(values: Mapping[str, FieldValue]) -> str:
    """Values by field name as one line of JSON; equal mappings give equal text."""
    if not values:
        return "{}"
    encoded = {name: encode(value) for name, value in values.items()}
    text = _sorted(encoded)
    # SQLite stores UTF-8, which has no lone surrogates; escaped they survive.
    return text if is_utf8(text) else json.dumps(encoded, sort_keys=True)


def loads(text: str) -> dict[str, FieldValue]:
    """What `dumps` wrote. Raises ValueError for anything else."""
    match json.loads(text):
        case dict() as encoded:
            return {name: decode(value) for name, value in encoded.items()}
    raise ValueError(f"not a mapping of values: {text[:100]}")


def show(value: FieldValue) -> str:
    """The value on one line. What a terminal would obey or hide is spelled out (`\\n`, `\\x1b`, `\\u202e`).

    The result is plain text: print it as such, `[red]` in it is what somebody wrote.
    """
    if value is None:
        return "(empty)"
    text = value.shown if isinstance(value, Unfit) else plain(value)
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN or character in JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def is_utf8(text: str) -> bool:
    """Whether the text has no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
