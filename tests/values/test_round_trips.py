"""Every pair of types carries a value there and back unchanged, or refuses it: nothing in between.

The Notion of this file is the model in `samples`; the PostgreSQL is a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol

import psycopg
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from bridge.errors import Refused, SetupError
from bridge.model import Unfit
from bridge.shapes import Column, Property
from bridge.values.canonical import dumps, loads
from bridge.values.keys import key_text, parse_key
from bridge.values.registry import FieldCodec, bind, column_type, wire_cast
from tests.values.samples import COLUMNS, LABELS, PROPERTIES, WIRES, readback

# Extensions, which not every server has.
STORED = [name for name in COLUMNS if name not in ("citext", "hstore")]
# Properties that carry a text as another one does; the types that travel only as text need not meet them all.
TWINS = ("title", "email", "phone_number")
PAIRED_WITH_ALL = ("text", "numeric", "boolean", "date", "timestamptz", "enum", "text[]", "daterange", "jsonb")
PINNED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
}


class Server(Protocol):
    @property
    def dsn(self) -> str: ...


def pairs() -> Iterator[Any]:
    for column_id, column in COLUMNS.items():
        for property_id, prop in PROPERTIES.items():
            if column_id not in PAIRED_WITH_ALL and property_id in TWINS:
                continue
            try:
                codec = bind(column, prop)
            except SetupError:
                continue
            yield pytest.param(codec, WIRES[column_id], id=f"{column_id} <-> {property_id}")


@pytest.fixture(scope="module")
def session(postgres_server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A session with the bridge's settings and an enum type of its own."""
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        for name, value in PINNED.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        labels = ", ".join(f"'{label}'" for label in LABELS)
        connection.execute(f"CREATE TYPE pg_temp.mood AS ENUM ({labels})")
        yield connection


def stored(session: psycopg.Connection[Any], column: Column, sent: str | list[str] | None) -> Any:
    """What `to_jsonb` gives for a value after it was CAST to the column's type."""
    parameter = "%s::text[]" if isinstance(sent, list) else "%s::text"
    cast = wire_cast(column) or column.type_sql
    query = f"SELECT to_jsonb(CAST({parameter} AS {column.type_sql})::{cast})::text"
    row = session.execute(query, (sent,)).fetchone()
    assert row is not None
    return row[0] and json.loads(row[0], parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(("codec", "wires"), list(pairs()))
@given(data=st.data())
def test_a_value_comes_back_from_notion_as_it_was_or_is_refused(
    codec: FieldCodec, wires: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    value = codec.from_postgres(data.draw(st.none() | wires))
    assume(not isinstance(value, Unfit))
    try:
        sent = codec.to_notion(value)  # type: ignore[arg-type]  # assume() narrows
    except Refused:
        event("refused")
        return
    event("carried")
    assert codec.from_notion(readback(codec.notion.prop, sent)) == value


@pytest.mark.parametrize("name", STORED)
@given(data=st.data())
def test_a_value_comes_back_from_postgres_as_it_was(
    session: psycopg.Connection[Any], name: str, data: st.DataObject
) -> None:
    column = column_type(COLUMNS[name])
    value = column.read(data.draw(st.none() | WIRES[name]))
    assume(not isinstance(value, Unfit))
    sent = column.write(value)  # type: ignore[arg-type]  # assume() narrows
    assert column.read(stored(session, column.column, sent)) == value


@pytest.mark.parametrize("name", STORED)
@given(typed=st.text(max_size=25) | st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,9})?(e-?[0-9]{1,3})?", fullmatch=True))
def test_what_people_type_is_stored_exactly_or_parked(session: psycopg.Connection[Any], name: str, typed: str) -> None:
    codec = bind(COLUMNS[name], PROPERTIES["rich_text"])
    value = codec.from_notion({"id": "x", "type": "rich_text", "rich_text": [{"plain_text": typed}] if typed else []})
    if isinstance(value, Unfit):
        assert value.shown
        return
    assert codec.from_postgres(stored(session, codec.column.column, codec.to_postgres(value))) == value


@pytest.mark.parametrize("name", [name for name in STORED if column_type(COLUMNS[name]).keyable])
@given(data=st.data())
def test_a_key_finds_its_row(session: psycopg.Connection[Any], name: str, data: st.DataObject) -> None:
    column = COLUMNS[name]
    wire = data.draw(WIRES[name])
    text = key_text(column, wire)
    assert parse_key(column, text) == text
    assert key_text(column, stored(session, column, text)) == text


@pytest.mark.parametrize("name", COLUMNS)
@given(data=st.data())
def test_the_journal_gives_back_what_it_was_given(name: str, data: st.DataObject) -> None:
    values = {"f": column_type(COLUMNS[name]).read(data.draw(st.none() | WIRES[name]))}
    assert loads(dumps(values)) == values
    assert dumps(loads(dumps(values))) == dumps(values)


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
@given(
    held=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["name", "start", "time_zone", "plain_text"]), inner)
        ),
    )
)
def test_whatever_notion_sends_is_a_value_or_unfit(prop: Property, held: Any) -> None:
    for column in COLUMNS.values():
        try:
            codec = bind(column, prop)
        except SetupError:
            continue
        value = codec.from_notion({"id": prop.id, "type": prop.type, prop.type: held})
        if isinstance(value, Unfit):
            assert value.reason
        elif value is not None:
            codec.to_postgres(value)
