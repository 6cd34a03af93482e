"""The key of a record as text, and in its Notion property.

A key part is the canonical text of its column. In Notion a key of one column is that text; a key of several
is the parts joined with "|", where "\\|" and "\\\\" stand for the characters themselves. So it stays
readable, and equal keys are equal text, which is what Notion's filters compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.errors import Refused, SetupError
from bridge.model import Key
from bridge.shapes import Column, Property
from bridge.values.number import number_payload, read_number
from bridge.values.registry import column_type
from bridge.values.text import RUN_UNITS, read_runs, read_string, runs, units

_RUNS = {"title", "rich_text"}
# Longest key per property type, in UTF-16 units. One run is also what a filter compares.
_LIMITS = {"title": RUN_UNITS, "rich_text": RUN_UNITS, "url": RUN_UNITS, "email": 200, "phone_number": 200}
_INTEGERS = {"smallint", "integer", "bigint"}


def check_key(columns: Sequence[Column], prop: Property) -> None:
    """Raises SetupError when the property cannot hold the key of these columns."""
    for column in columns:
        if not column_type(column).keyable:
            raise SetupError(
                f'The column "{column.name}" ({column.type_name}) cannot be part of the key.',
                hint="Name other columns as the key; they must be unique together.",
            )
    if prop.type == "number":
        if len(columns) == 1 and columns[0].type_name in _INTEGERS:
            return
        names = ", ".join(f"{column.name} {column.type_name}" for column in columns)
        raise SetupError(
            f'The key property "{prop.name}" is a number, and the key ({names}) is not one integer.',
            hint="Use a property of type text (rich_text) for the key.",
        )
    if prop.type not in _LIMITS:
        raise SetupError(
            f'The property "{prop.name}" is of type {prop.type}, which cannot hold the key.',
            hint="Add a property of type text (rich_text) for the key: the bridge has to write it.",
        )


def key_text(column: Column, wire: Any) -> str:
    """The canonical text of a key part as `to_jsonb` gave it. Raises Refused for NULL."""
    return column_type(column).key(wire)


def parse_key(column: Column, text: str) -> str:
    """The canonical text of a key part that a person wrote. Raises Refused when the column cannot hold it."""
    return column_type(column).parse_key(text)


def join_key(parts: Sequence[str]) -> str:
    """The key as one text; of a single part the part itself."""
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def split_key(text: str, n: int) -> Key:
    """The `n` parts that `join_key` joined. Raises Refused when there are more or fewer."""
    if n == 1:
        return (text,)
    parts = [""]
    characters = iter(text)
    for character in characters:
        if character == "|":
            parts.append("")
        elif character == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in "\\|":
                raise Refused(f'"{text}" is no key: a backslash stands only before "|" or another backslash')
            parts[-1] += escaped
        else:
            parts[-1] += character
    if len(parts) != n:
        raise Refused(f'"{text}" is no key: it has {len(parts)} parts, the key has {n} (written a|b)')
    return tuple(parts)


def key_to_notion(prop: Property, key: Key) -> dict[str, Any]:
    """The property value that holds the key. Raises Refused when the property cannot."""
    operand = _operand(prop, key)
    return {prop.type: runs(str(operand)) if prop.type in _RUNS else operand}


def key_filter(prop: Property, key: Key) -> dict[str, Any]:
    """The query condition for the pages that hold the key. Raises Refused when the property cannot."""
    return {"property": prop.id, prop.type: {"equals": _operand(prop, key)}}


def no_key_filter(prop: Property) -> dict[str, Any]:
    """The query condition for the pages that have no key yet: most of those that people make."""
    return {"property": prop.id, prop.type: {"is_empty": True}}


def key_from_notion(prop: Property, wire: Mapping[str, Any], columns: Sequence[Column]) -> Key | None:
    """The key that the page names; None when it is empty or can be no key of these columns."""
    text = _read(prop, wire)
    if not text:
        return None
    try:
        parts = split_key(text, len(columns))
        return tuple(parse_key(column, part) for column, part in zip(columns, parts, strict=True))
    except Refused:
        return None


def _operand(prop: Property, key: Key) -> str | int | float | None:
    text = join_key(key)
    if not text:
        raise Refused("the key is an empty text, which Notion cannot hold")
    if prop.type == "number":
        return number_payload(Decimal(text))
    limit = _LIMITS[prop.type]
    if units(text) > limit:
        raise Refused(f"the key has {units(text):,} UTF-16 units; a property of type {prop.type} takes {limit:,}")
    return text


def _read(prop: Property, wire: Mapping[str, Any]) -> str:
    """The key property's text; nothing when it is empty, or of another type by now."""
    held = wire.get(prop.type)
    if prop.type == "number":
        number = read_number(held)
        return str(number) if isinstance(number, Decimal) else ""
    text = read_runs(held) if prop.type in _RUNS else read_string(held)
    return text if isinstance(text, str) else ""
