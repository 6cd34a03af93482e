"""Draws what `to_jsonb` may give for the types that travel as text: times of day, intervals, money, ranges, documents,
bytes, addresses, and arrays of all types. The forms are PostgreSQL's, and not made by the bridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bridge.shapes import Column


def _column(type_name: str, type_sql: str = "", **more: Any) -> Column:
    return Column("c", type_name, type_sql or type_name, 1, **more)


MORE_COLUMNS: Mapping[str, Column] = {
    "name": _column("name"),
    "bit(5)": _column("bit", "bit(5)", max_length=5),
    "varbit(8)": _column("bit varying", "bit varying(8)", max_length=8),
    "money": _column("money"),
    "oid": _column("oid"),
    "time": _column("time without time zone"),
    "time(3)": _column("time without time zone", "time(3) without time zone"),
    "timetz": _column("time with time zone"),
    "interval": _column("interval"),
    "interval(3)": _column("interval", "interval(3)"),
    "interval year to month": _column("interval", "interval year to month"),
    "interval day to second(3)": _column("interval", "interval day to second(3)"),
    "daterange": _column("daterange"),
    "tstzrange": _column("tstzrange"),
    "tsrange": _column("tsrange"),
    "int4range": _column("int4range"),
    "int8range": _column("int8range"),
    "numrange": _column("numrange"),
    "json": _column("json"),
    "jsonb": _column("jsonb"),
    "hstore": _column("hstore", "public.hstore"),
    "bytea": _column("bytea"),
    "inet": _column("inet"),
    "cidr": _column("cidr"),
    "macaddr": _column("macaddr"),
    "macaddr8": _column("macaddr8"),
}

sound_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
numbers = st.integers(-(10**25), 10**25) | st.floats(-1e15, 1e15, allow_nan=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | sound_text | st.sampled_from(["null", "\u2028", "\U0001f600", '"\\']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(sound_text, inner, max_size=3),
    max_leaves=8,
)


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(cents: int) -> str:
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}${cents // 100:,}.{cents % 100:02}"


def _interval(years: int, months: int, days: int, hours: int, minutes: int, micros: int) -> str:
    """Fields of one sign each, as PostgreSQL divides them: the sign of a part is that of all its fields."""
    seconds = _trimmed(f"{micros // 10**6}.{micros % 10**6:06}")
    past = "-" if days % 2 else ""
    made = [f"{past}{years}Y" if years else "", f"{past}{months}M" if months else "", f"{days}D" if days else ""]
    clock = [f"{past}{hours}H" if hours else "", f"{past}{minutes}M" if minutes else ""]
    clock.append(f"{past}{seconds}S" if micros else "")
    text = "".join(made) + ("T" + "".join(clock) if any(clock) else "")
    return f"P{text}" if text else "PT0S"


def _ordered(values: SearchStrategy[Any], shown: Any, left: str, right: str) -> SearchStrategy[str]:
    """Ranges with two different bounds, or one, or none."""
    return st.lists(values, min_size=2, max_size=2, unique=True).map(sorted).flatmap(
        lambda ends: st.sampled_from(
            [f"{a}{shown(ends[0])},{shown(ends[1])}{b}" for a in left for b in right]
            + [f"{a}{shown(ends[0])},)" for a in left]
            + [f"(,{shown(ends[1])}{b}" for b in right]
        )
    ) | st.sampled_from(["empty", "(,)"])  # fmt: skip


def _zoned(moment: datetime) -> str:
    return f'"{_trimmed_time(moment)}+00"'


def _local(moment: datetime) -> str:
    return f'"{_trimmed_time(moment)}"'


def _trimmed_time(moment: datetime) -> str:
    text = moment.isoformat(" ")
    return text.rstrip("0") if "." in text else text


times = st.times().map(lambda t: _trimmed(time.isoformat(t)) if t.microsecond else time.isoformat(t))
offsets = st.sampled_from(["+00", "-08", "+05:30", "+14", "-15:59:59", "-00:00:01"])
moments = st.datetimes() | st.datetimes().map(lambda m: m.replace(microsecond=0))
fields = st.integers(0, 2**27)

MORE_WIRES: Mapping[str, SearchStrategy[Any]] = {
    "name": sound_text,
    "bit(5)": st.text("01", min_size=5, max_size=5),
    "varbit(8)": st.text("01", max_size=8),
    "money": (st.integers(-(2**63), 2**63 - 1) | st.integers(-9999, 9999)).map(_money),
    "oid": st.integers(0, 2**32 - 1).map(str),
    "time": times | st.just("24:00:00"),
    "time(3)": st.times().map(lambda t: time.isoformat(t, "milliseconds")).map(_trimmed),
    "timetz": st.tuples(times | st.just("24:00:00"), offsets).map("".join),
    "interval": st.builds(
        _interval, fields, st.integers(0, 11), fields, fields, st.integers(0, 59), st.integers(0, 59999999)
    ),
    "interval(3)": st.integers(0, 59999).map(lambda ms: _interval(0, 0, 0, 0, 0, ms * 1000)),
    "interval day to second(3)": st.integers(0, 59999).map(lambda ms: _interval(1, 2, 3, 4, 5, ms * 1000)),
    "interval year to month": st.builds(_interval, fields, st.integers(0, 11), *[st.just(0)] * 4),
    "daterange": _ordered(st.dates(), date.isoformat, "[", ")")
    | st.sampled_from(["[2026-01-01,infinity)", "[2026-01-01,infinity]", '["0044-03-15 BC",20000-01-01)'])
    | st.sampled_from(["[9999-12-31,10000-01-01)", "[-infinity,infinity]"]),
    "tstzrange": _ordered(moments, _zoned, "[(", "])")
    | st.sampled_from(['["2026-03-29 01:30:00+00","2026-03-29 01:30:00+00"]', "[-infinity,infinity)"])
    | st.just('["0044-03-15 10:00:00+00 BC","20000-01-01 00:00:00.5+00")'),
    "tsrange": _ordered(moments, _local, "[(", "])") | st.just('["0044-03-15 10:00:00 BC",infinity]'),
    "int4range": _ordered(st.integers(-(2**31), 2**31 - 1), str, "[", ")"),
    "int8range": _ordered(st.integers(-(2**63), 2**63 - 1), str, "[", ")"),
    "numrange": _ordered(st.decimals(-(10**12), 10**12, places=4).map(lambda n: n + 0), str, "[(", "])")
    | st.sampled_from(["[1.50,NaN]", "[1.5,Infinity)", "[1.0,1.00]"]),
    "json": st.tuples(documents, st.booleans()).map(lambda drawn: json.dumps(drawn[0], ensure_ascii=drawn[1]))
    | st.sampled_from(["  null", '{"b" : 1e2, "a":[1.50, -0]}', '"\\u00e9\\ud83d\\ude00"', "1e131071", "1e-400"]),
    "jsonb": documents.map(lambda document: json.dumps(document, ensure_ascii=False)),
    "hstore": st.dictionaries(sound_text | st.sampled_from(['a"b', "a\\", "=>,"]), st.none() | sound_text, max_size=4),
    "bytea": st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()),
    "inet": st.tuples(st.ip_addresses(v=4), st.integers(0, 31)).map(lambda drawn: f"{drawn[0]}/{drawn[1]}")
    | st.ip_addresses().map(str),
    "cidr": st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "192.168.0.1/32", "2001:db8::/32", "::/0", "::1/128"]),
    "macaddr": st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":")),
    "macaddr8": st.binary(min_size=8, max_size=8).map(lambda raw: raw.hex(":")),
}

# Arrays of these are drawn in every test; of the others, against a real database only.
ELEMENTS = ("integer", "bigint", "numeric", "double", "boolean", "uuid", "timestamptz", "interval", "bytea", "jsonb")


def array_of(element: Column) -> Column:
    return _column(f"{element.type_name}[]", f"{element.type_sql}[]", labels=element.labels, base_sql=element.type_sql)


def with_arrays(columns: Mapping[str, Column]) -> dict[str, Column]:
    return {f"{name}[]": array_of(columns[name]) for name in ELEMENTS}


def array_wires(wires: Mapping[str, SearchStrategy[Any]]) -> dict[str, SearchStrategy[Any]]:
    return {f"{name}[]": st.lists(wires[name], max_size=4) for name in ELEMENTS}
