"""title, rich_text, url, email, phone_number."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks, richtext
from bridge.sandbox.notion.properties.base import Parse, PropertyType, register
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Property


def _parse_runs(raw: Any, prop: Property, scope: Scope, path: str) -> Any:
    return richtext.parse(raw, path, scope)


def _plain(value: Any, prop: Property, scope: Scope) -> str:
    return richtext.plain(richtext.current(value, scope))


def _shown(value: Any, prop: Property, scope: Scope) -> Any:
    return richtext.current(value, scope)


def _typed_in(value: Any, prop: Property, scope: Scope) -> Any:
    # A list is rich text as the API shows it, so that a person may use formats and mentions no client can write.
    if isinstance(value, list):
        return richtext.merge(value)
    return richtext.from_text("" if value is None else str(value))


def _line(limit: int) -> Parse:
    def parse(raw: Any, prop: Property, scope: Scope, path: str) -> Any:
        # What "" does is not documented; an empty cell is null, so "" is taken as that and reads back differently.
        return checks.string_or_null(raw, path, limit) or None

    return parse


def _text_or_none(value: Any, prop: Property, scope: Scope) -> Any:
    return None if value in (None, "") else str(value)


def _runs(name: str) -> PropertyType:
    return PropertyType(
        name,
        "text",
        empty=list,
        render=_shown,
        simple=_plain,
        parse=_parse_runs,
        from_simple=_typed_in,
        shorten=richtext.shortened,
        paged=True,
    )


def _string(name: str, limit: int) -> PropertyType:
    return PropertyType(name, "text", parse=_line(limit), from_simple=_text_or_none)


register(_runs("title"), _runs("rich_text"), _string("url", 2000), _string("email", 200), _string("phone_number", 200))
