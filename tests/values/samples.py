"""What the value tests draw: columns, properties, and the values that break bridges.

`WIRES` draws what `to_jsonb` may give for a column; `readback` is a model of what Notion answers for what it
was sent, written from its documentation and not from the bridge.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bridge.shapes import Column, Option, Property
from tests.values.more_samples import MORE_COLUMNS, MORE_WIRES, array_wires, with_arrays

LABELS = ("open", "In Progress", "a,b", "done ", "Ünïcode", "no")

ODD_TEXTS = [
    "",
    " ",
    " both ends ",
    "\t",
    "line\r\nline\nline\r",
    "e\u0301",  # decomposed
    "\u00e9",  # composed
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, joined
    "\u202eright to left",
    "\ufeffmark",
    "a\u2028b",
    "x" * 1999 + "\U0001f600",  # a pair across the end of a run
    "x" * 1999 + "\r\n" + "y" * 10,  # a line end across it
    "\U0001f600" * 2500,
    '{"number": "1"}',
    "[red]rich[/red]",
    "\x1b[31mansi\x1b[0m",
    "=cmd|'/c calc'!A1",
    "'; DROP TABLE x; --",
    "null",
    "NaN",
    "yes",
    "Foo",
    "foo",
    "a,b",
    "In progress",
]
ODD_NUMBERS = [
    "0",
    "1.5",
    "1.50",
    "-0.0",
    "0.1",
    "0.30000000000000004",
    "0.3000000000000000444089209850062616169452667236328125",
    str(2**31),
    str(2**53),
    str(2**53 + 1),
    str(-(2**63)),
    str(2**63 - 1),
    "12345678901234567890.123456789012345678",
    "1e308",
    "5e-324",
    "1e-45",
    "3.4028235e38",
    "16777217",
    "100",
    "12300",
]
WORDS = ["NaN", "Infinity", "-Infinity"]
ODD_DAYS = ["0001-01-01", "1582-10-10", "2024-02-29", "9999-12-31"]
FAR_DAYS = ["infinity", "-infinity", "0044-03-15 BC", "0001-12-31 BC", "10000-02-29", "294275-01-01"]
ODD_TIMES = [
    "0001-01-01T00:00:00",
    "2026-03-29T02:30:00",
    "2026-10-25T02:30:00.999999",
    "9999-12-31T23:59:59.999999",
    "2026-11-22T10:00:00.1",
]
FAR_TIMES = ["10000-02-29T00:00:00.12", "12000-01-01T23:59:59.123456"]

texts = st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
short = st.sampled_from(["open", "Open", "two words", "a,b", " x", "", "é", "\n"]) | texts.map(lambda t: t[:20])
days = st.sampled_from(ODD_DAYS) | st.dates().map(date.isoformat)
times = st.sampled_from(ODD_TIMES) | st.datetimes().map(datetime.isoformat)


def integers(bits: int) -> SearchStrategy[Decimal]:
    return st.integers(-(2**bits), 2**bits - 1).map(Decimal)


def floats_of_32_bits(bits: int) -> Decimal | str:
    """Any float4 as PostgreSQL shows it: nine digits always suffice."""
    value: float = struct.unpack("f", struct.pack("I", bits))[0]
    if math.isnan(value):
        return "NaN"
    return Decimal(f"{value:.9g}") if math.isfinite(value) else "Infinity"


decimals = st.sampled_from(ODD_NUMBERS).map(Decimal) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=Decimal(-(10**20)), max_value=Decimal(10**20), places=18
)
doubles = st.floats(allow_nan=False, allow_infinity=False).map(lambda f: Decimal(repr(f)))
words = st.sampled_from(WORDS)


def column(type_name: str, type_sql: str = "", **more: Any) -> Column:
    return Column("c", type_name, type_sql or type_name, 1, **more)


def prop(type_name: str, *names: str, **more: Any) -> Property:
    options = tuple(Option(f"id-{number}", name) for number, name in enumerate(names))
    return Property("p%3A", "P", type_name, options, **more)


_COLUMNS: dict[str, Column] = {
    "text": column("text"),
    "varchar": column("character varying", "character varying(20)", max_length=20),
    "char": column("character", "character(20)", max_length=20),
    "citext": column("citext"),
    "smallint": column("smallint"),
    "integer": column("integer"),
    "bigint": column("bigint"),
    "numeric": column("numeric"),
    "numeric(38,18)": column("numeric", "numeric(38,18)", precision=38, scale=18),
    "numeric(10,2)": column("numeric", "numeric(10,2)", precision=10, scale=2),
    "numeric(3,-2)": column("numeric", "numeric(3,-2)", precision=3, scale=-2),
    "real": column("real"),
    "double": column("double precision"),
    "boolean": column("boolean"),
    "date": column("date"),
    "timestamptz": column("timestamp with time zone"),
    "timestamptz(0)": column("timestamp with time zone", "timestamp(0) with time zone"),
    "timestamp": column("timestamp without time zone"),
    "uuid": column("uuid"),
    "enum": column("enum", "pg_temp.mood", labels=LABELS),
    "text[]": column("text[]"),
    "varchar[]": column("character varying[]", "character varying(20)[]", max_length=20),
    "enum[]": column("enum[]", "pg_temp.mood[]", labels=LABELS),
    **MORE_COLUMNS,
}
COLUMNS: Mapping[str, Column] = {**_COLUMNS, **with_arrays(_COLUMNS)}

PROPERTIES: Mapping[str, Property] = {
    "title": prop("title"),
    "rich_text": prop("rich_text"),
    "number": prop("number"),
    "checkbox": prop("checkbox"),
    "select": prop("select", "open", "Yes", "Foo", "12"),
    "status": prop("status", "open", "In Progress", "yes", "no", "0"),
    "multi_select": prop("multi_select", "open", "Foo"),
    "date": prop("date"),
    "url": prop("url"),
    "email": prop("email"),
    "phone_number": prop("phone_number"),
    "people": prop("people"),
    "files": prop("files"),
}

_WIRES: dict[str, SearchStrategy[Any]] = {
    "text": texts,
    "varchar": texts.map(lambda t: t[:20]),
    "char": texts.map(lambda t: t[:20].ljust(20)),
    "citext": texts,
    "smallint": integers(15),
    "integer": integers(31),
    "bigint": integers(63) | st.sampled_from([Decimal(2**53), Decimal(2**53 + 1), Decimal(-(2**63))]),
    "numeric": decimals | words,
    "numeric(38,18)": st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(f"{n}E-18")) | st.just("NaN"),
    "numeric(10,2)": st.integers(-(10**10) + 1, 10**10 - 1).map(lambda n: Decimal(f"{n}E-2")),
    "numeric(3,-2)": st.integers(-999, 999).map(lambda n: Decimal(n * 100)),
    "real": st.integers(0, 2**32 - 1).map(floats_of_32_bits),
    "double": doubles | words,
    "boolean": st.booleans(),
    "date": days | st.sampled_from(FAR_DAYS),
    "timestamptz": (times | st.sampled_from(FAR_TIMES)).map(lambda t: f"{t}+00:00")
    | st.sampled_from(["infinity", "0044-03-15T10:00:00+00:00 BC"]),
    "timestamptz(0)": times.map(lambda t: t[:19] + "+00:00"),
    "timestamp": times | st.sampled_from([*FAR_TIMES, "-infinity", "0044-03-15T10:00:00.5 BC"]),
    "uuid": st.uuids().map(str),
    "enum": st.sampled_from(LABELS),
    "text[]": st.lists(short, max_size=6),
    "varchar[]": st.lists(short, max_size=6),
    "enum[]": st.lists(st.sampled_from(LABELS), max_size=4),
    **MORE_WIRES,
}
WIRES: Mapping[str, SearchStrategy[Any]] = {**_WIRES, **array_wires(_WIRES)}


def as_notion_parses(payload: Any) -> Any:
    """Through JSON and a JavaScript number, as far as there and back."""
    return json.loads(json.dumps(payload), parse_float=lambda t: Decimal(repr(float(t))), parse_int=Decimal)


def readback(bound: Property, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The property value object that Notion answers after it was sent `sent`."""
    ((type_name, value),) = sent.items()
    assert type_name == bound.type
    return {"id": bound.id, "type": type_name, type_name: _stored(bound, as_notion_parses(value))}


def _stored(bound: Property, value: Any) -> Any:
    match bound.type:
        case "title" | "rich_text":
            return _merged(value)
        case "select" | "status":
            return None if value is None else _option(bound, value)
        case "multi_select":
            chosen = [_option(bound, item) for item in value]
            assert len(chosen) <= 100
            return chosen
        case "date":
            return None if value is None else _date(value)
        case "url":
            assert value is None or 0 < len(value.encode("utf-16-le")) <= 4000
        case "email" | "phone_number":
            assert value is None or 0 < len(value.encode("utf-16-le")) <= 400
        case "number":
            assert value is None or abs(value) <= Decimal("1.8e308")
    return value


def _merged(sent: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    assert len(sent) <= 100
    contents = [run["text"]["content"] for run in sent]
    for content in contents:
        assert 0 < len(content.encode("utf-16-le")) <= 4000  # raises when a surrogate pair was cut
    merged = "".join(contents)
    return [{"type": "text", "text": {"content": merged, "link": None}, "plain_text": merged}] if merged else []


def _option(bound: Property, sent: Mapping[str, str]) -> dict[str, str]:
    if "id" in sent:
        option = next(option for option in bound.options if option.id == sent["id"])
        return {"id": option.id, "name": option.name, "color": "default"}
    name = sent["name"]
    assert "," not in name
    assert name
    twin = next((option for option in bound.options if option.name.lower() == name.lower()), None)
    assert twin or bound.type != "status"
    return {"id": "new", "name": twin.name if twin else name.strip(), "color": "default"}


def _date(sent: Mapping[str, str]) -> dict[str, Any]:
    ends = [_date_text(sent[name]) if name in sent else None for name in ("start", "end")]
    assert len({len(end) for end in ends if end}) == 1  # of one kind, or Notion answers 400
    assert ends[1] is None or str(ends[0]) <= ends[1]
    return {"start": ends[0], "end": ends[1], "time_zone": None}


def _date_text(text: str) -> str:
    if len(text) == len("2026-11-22"):
        return text
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
