"""Checks of a request's JSON, each with Notion's text for what is wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bridge.sandbox.notion.errors import UNDEFINED, should_be, too_many
from bridge.sandbox.notion.ids import parse_uuid

_MAX_PAGE = 100
# Characters beyond this one take two UTF-16 units.
_LAST_SINGLE_UNIT = "\uffff"


def mapping(value: Any, path: str) -> dict[str, Any]:
    """An object."""
    if value is UNDEFINED:
        raise should_be(path, "defined", value)
    if not isinstance(value, dict):
        raise should_be(path, "an object", value)
    return value


def array(value: Any, path: str, limit: int = 100) -> list[Any]:
    """An array of at most `limit` elements."""
    if not isinstance(value, list):
        raise should_be(path, "an array", value)
    if len(value) > limit:
        raise too_many(path, limit, len(value))
    return value


def string(value: Any, path: str, limit: int) -> str:
    """A string of at most `limit` UTF-16 units; an emoji counts two."""
    if value is UNDEFINED:
        raise should_be(path, "defined", value)
    if not isinstance(value, str):
        raise should_be(path, "a string", value)
    if (length := utf16_length(value)) > limit:
        raise too_many(path, limit, length)
    return value


def string_or_null(value: Any, path: str, limit: int) -> str | None:
    """A string as above, or null."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise should_be(path, "a string or `null`", value)
    return string(value, path, limit)


def boolean(value: Any, path: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise should_be(path, "a boolean", value)
    return value


def one_of(value: Any, path: str, allowed: Collection[str]) -> str:
    """One of a few words."""
    if value not in allowed:
        words = [f'`"{word}"`' for word in allowed]
        raise should_be(path, words[0] if len(words) == 1 else ", ".join(words[:-1]) + f", or {words[-1]}", value)
    return str(value)


def object_id(value: Any, path: str) -> str:
    """A UUID, with or without dashes; returned with them."""
    if value is UNDEFINED:
        raise should_be(path, "defined", value)
    parsed = parse_uuid(value)
    if parsed is None:
        raise should_be(path, "a valid uuid", value)
    return parsed


def known_keys(body: dict[str, Any], path: str, allowed: Collection[str]) -> None:
    """Refuse what the endpoint does not take."""
    for key, value in body.items():
        if key not in allowed:
            raise should_be(f"{path}.{key}", "not present", value)


def page_size(value: Any, path: str) -> int:
    """A page size of 1 to 100; absent, null and 0 mean 100."""
    if value in (None, UNDEFINED, 0):
        return _MAX_PAGE
    if isinstance(value, str) and value.isdigit():
        value = int(value) or _MAX_PAGE
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise should_be(path, "a number or `undefined`", value)
    if value > _MAX_PAGE:
        raise should_be(path, "≤ `100` or `undefined`", value)
    return value


def utf16_length(text: str) -> int:
    """The length as Notion counts it."""
    return len(text) + sum(1 for char in text if char > _LAST_SINGLE_UNIT)
