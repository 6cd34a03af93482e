"""How heavy a value is on its way to Notion, which limits a request to 500 KB."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from bridge.errors import Refused

# Bytes of one value, and of all values of one request. The rest of the 500 KB is for the key, the note of the status
# property, and the formatting of the page that is sent back with a changed text.
MAX_BYTES = 450_000


def heavy(wire: Any) -> bool:
    """Whether no request has room for this value."""
    return len(encoded(wire)) > MAX_BYTES


def refuse_heavy(wire: Any) -> None:
    """Raises Refused for a value that would fill a whole request: it waits alone, and not with all of its record."""
    size = len(encoded(wire))
    if size > MAX_BYTES:
        raise Refused(
            f"it takes {size:,} bytes; Notion takes 500 KB in one request, of which one value may have {MAX_BYTES:,}"
        )


def encoded(body: Any) -> bytes:
    """JSON in UTF-8: escaped, most letters would be two or three times as long, and Notion limits the bytes. Only half
    of a surrogate pair, which UTF-8 does not know, stays an escape."""
    text = json.dumps(body, default=_number, allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
