"""Proves S9 on the real things, with drawn values: rows of every column type go through PostgreSQL, the bridge and the
sandbox over HTTP into an empty data source, and back from there into an empty table; pages likewise into an empty table
and back into another data source. The ends themselves say whether each value is the same again; what is not was parked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from bridge.sandbox.notion import Options, Sandbox, SandboxServer
from bridge.values.registry import suggest
from tests.system.world import World
from tests.values.samples import COLUMNS, LABELS, WIRES, texts

ROWS = 20
EXTENSIONS = ("citext", "hstore")  # not on every server; tests/postgres/test_every_type.py has them where they are
OWN = {"text": ("title", "url"), "boolean": ("checkbox", "select"), "uuid": ("email",), "date": ("phone_number",)}
# What PostgreSQL calls the same, where its own `=` says more or less than the bridge promises.
_SAME = {
    "interval": "{0}::text IS NOT DISTINCT FROM {1}::text",  # its = takes a month for 30 days
    "interval[]": "nullif({0}::text, '{{}}') IS NOT DISTINCT FROM nullif({1}::text, '{{}}')",
    "json": "{0}::jsonb IS NOT DISTINCT FROM {1}::jsonb",
    "moment": "date_trunc('milliseconds', {0}) IS NOT DISTINCT FROM date_trunc('milliseconds', {1})",
    "text": "nullif({0}::text, '') IS NOT DISTINCT FROM nullif({1}::text, '')",
    "array": "nullif({0}, '{{}}') IS NOT DISTINCT FROM nullif({1}, '{{}}')",
    "": "{0} IS NOT DISTINCT FROM {1}",
}
_TEXTS = ("text", "character varying", "character", "name", "bit varying")


class Server(Protocol):
    @property
    def dsn(self) -> str: ...
    def dsn_for(self, database: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the table, and the type of the property that carries it."""

    name: str
    sample: str
    type_sql: str
    type_name: str
    property_type: str

    @property
    def same(self) -> str:
        """An SQL condition: whether {0} and {1} are one value to the bridge."""
        if self.type_name.endswith("[]"):
            return _SAME.get(self.type_name) or _SAME["array"]
        kind = "text" if self.type_name in _TEXTS else "moment" if self.type_name.startswith("timestamp") else ""
        return _SAME.get(self.type_name) or _SAME[kind]


def _cells() -> tuple[Cell, ...]:
    """Each type with the property that `init` proposes, and with a text."""
    found: list[Cell] = []
    for sample, column in COLUMNS.items():
        if column.type_name in EXTENSIONS:
            continue
        best = suggest(replace(column, not_null=True)).type
        type_sql = column.type_sql.replace("pg_temp.", "public.")
        for prop in dict.fromkeys((best, "rich_text", *OWN.get(sample, ()))):
            if prop != "title":
                found.append(Cell(f"c{len(found)}", sample, type_sql, column.type_name, prop))
    return tuple(found)


CELLS = _cells()


@pytest.fixture(scope="module")
def world(postgres_server: Server, database_names: Iterator[str], tmp_path_factory: Any) -> Iterator[World]:
    """One database and one workspace for all examples; each makes its own data source."""
    name = next(database_names)
    folder: Path = tmp_path_factory.mktemp("there_and_back")
    sandbox = Sandbox(options=Options(requests_per_minute=6000, date_precision="millisecond"))
    with psycopg.connect(postgres_server.dsn, autocommit=True) as admin, SandboxServer(sandbox) as server:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        made = World(folder, postgres_server.dsn_for(name), sandbox, server, "", sandbox.person("Ada"))
        labels = sql.SQL(", ").join(map(sql.Literal, LABELS))
        made.sql(sql.SQL("CREATE TYPE public.mood AS ENUM ({})").format(labels))
        yield made
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    violations = sandbox.log.violations()
    assert not violations, [str(entry) for entry in violations]


def typed(wire: Any) -> Any:
    """What `to_jsonb` would give, as a person writes it in SQL."""
    if isinstance(wire, list):
        return [typed(item) for item in wire]
    return str(wire).lower() if isinstance(wire, bool) else wire if wire is None else str(wire)


def insert(world: World, key: int, values: dict[str, Any]) -> None:
    given = sql.SQL(", ").join(
        sql.SQL("CAST({}::text{} AS {})").format(
            sql.Literal(typed(values[cell.name])),
            sql.SQL("[]" if isinstance(values[cell.name], list) else ""),
            raw(cell.type_sql),
        )
        for cell in CELLS
    )
    with psycopg.connect(world.dsn, autocommit=True) as user:
        user.execute("SET lc_monetary = 'C'")
        user.execute(sql.SQL("INSERT INTO every VALUES ({}, 'row', {})").format(sql.Literal(key), given))


def raw(text: str) -> sql.Composed:
    """SQL that this file wrote."""
    return sql.Composed([sql.SQL(text)])


def parked(world: World) -> dict[tuple[str, str], str]:
    journal = world.journal()
    found = {(row["key"].strip('["]'), row["field"]): row["reason"] for row in journal.parked()}
    journal.close()
    return found


def fresh(world: World) -> None:
    world.sql("DROP SCHEMA IF EXISTS notion_bridge CASCADE; DROP TABLE IF EXISTS every, before, people")
    if world.journal_path.exists():
        world.forget()


def drawn(values: st.SearchStrategy[Any], count: int = ROWS) -> list[Any]:
    """So many values that Hypothesis draws. One `@given` for all columns would be too large an example."""
    found: list[Any] = []

    @settings(max_examples=2 * count, phases=[Phase.generate])
    @given(value=values)
    def take(value: Any) -> None:
        found.append(value)

    take()
    found.reverse()  # the simplest come first
    return (found * count)[:count]


def test_rows_of_every_type_come_back_from_notion(world: World) -> None:
    kinds = {cell.name: cell.property_type for cell in CELLS}
    fresh(world)
    _, world.data_source = world.person.create_database("Every", {"Name": "title", "ID": "rich_text", **kinds})
    columns = raw(", ".join(f"{cell.name} {cell.type_sql}" for cell in CELLS))
    world.sql(sql.SQL("CREATE TABLE every (id int PRIMARY KEY, title text, {})").format(columns))
    samples = {cell.name: drawn(st.none() | WIRES[cell.sample]) for cell in CELLS}
    for key in range(1, ROWS + 1):
        insert(world, key, {name: values[key - 1] for name, values in samples.items()})
    world.table, world.fields = "public.every", {"title": "Name", **{cell.name: cell.name for cell in CELLS}}
    world.write_config()
    world.sync()
    waits = parked(world)
    pages = {page["ID"]: page for page in world.pages()}
    assert len(pages) == ROWS
    held = [(key, name, pages[key][name]) for key, name in waits if pages[key][name] not in (None, "", [], False)]
    assert held == [], "what is parked was written all the same"

    world.sql("DROP SCHEMA notion_bridge CASCADE; CREATE TABLE before AS TABLE every; DELETE FROM every")
    world.forget()
    world.sync()
    assert parked(world) == {}
    assert world.sql("SELECT count(*) FROM every") == [(ROWS,)]
    for cell in CELLS:
        same = cell.same.format(f"b.{cell.name}", f"e.{cell.name}")
        shown = "SELECT id::text, b.{0}::text, e.{0}::text FROM before b JOIN every e USING (id) WHERE NOT ({1})"
        found = world.sql(sql.SQL(shown).format(sql.Identifier(cell.name), raw(same)))
        lost = [row for row in found if (row[0], cell.name) not in waits]
        assert lost == [], f"{cell.sample} <-> {cell.property_type}: (key, before, after)"


# What people put into each property, and the column that `init --create-table` would make for it.
_moments = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("9999-01-01")).map(
    lambda t: t.replace(microsecond=0)
)
_zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
_names = st.sampled_from(["open", "Open", "two words", "é", "e\u0301", "\U0001f468\u200d\U0001f469", "[red]", "no"])
_spans = st.lists(st.dates(), min_size=2, max_size=2, unique=True).map(sorted)
PEOPLE_TYPE: dict[str, tuple[Any, str, st.SearchStrategy[Any]]] = {
    "Text": ("rich_text", "text", texts),
    "Number": ("number", "numeric", st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)),
    "Percent": ({"number": {"format": "percent"}}, "double precision", st.floats(-1, 1)),
    "Euro": ({"number": {"format": "euro"}}, "numeric(10, 2)", st.integers(-(10**9), 10**9).map(lambda n: n / 100)),
    "Choice": ("select", "text", _names),
    "Choices": ("multi_select", "text[]", st.lists(_names, max_size=5, unique_by=str.lower)),
    "State": ("status", "text", st.sampled_from(["Not started", "In progress", "Done"])),
    "Day": ("date", "date", st.dates().map(date.isoformat)),
    "Time": (
        "date",
        "timestamptz",
        st.tuples(_moments, _zones).map(lambda t: {"start": t[0].isoformat(), "time_zone": t[1]}),
    ),
    "Stay": ("date", "daterange", _spans.map(lambda s: {"start": s[0].isoformat(), "end": s[1].isoformat()})),
    "Open": (
        "date",
        "tstzrange",
        st.lists(_moments, min_size=2, max_size=2, unique=True)
        .map(sorted)
        .map(lambda s: {"start": f"{s[0].isoformat()}+05:45", "end": f"{s[1].isoformat()}+05:45"}),
    ),
    "Done": ("checkbox", "boolean", st.booleans()),
    "Site": ("url", "text", texts),
    "Mail": ("email", "text", texts),
    "Phone": ("phone_number", "text", texts),
    "Who": ("people", "text[]", st.lists(st.sampled_from(["Ada", "Bob"]), unique=True)),
    "Files": (
        "files",
        "text[]",
        st.lists(st.sampled_from(["https://a.example/1", "https://b.example/2"]), unique=True),
    ),
}


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says, with moments as such: the same one has many spellings."""

    def moment(value: Any) -> Any:
        if isinstance(value, dict):
            return tuple(moment(value[end]) for end in ("start", "end"))
        return datetime.fromisoformat(value).astimezone(UTC) if value and "T" in value else value

    return {name: moment(value) if name in ("Time", "Open") else value for name, value in values.items()}


def test_pages_of_every_type_come_back_from_postgres(world: World) -> None:
    properties = {"Name": "title", "ID": "number", **{name: kind for name, (kind, _, _) in PEOPLE_TYPE.items()}}
    columns = ", ".join(f'"{name}" {type_sql}' for name, (_, type_sql, _) in PEOPLE_TYPE.items())
    make = world.person.create_database
    world.sandbox.person("Bob")
    sources = [make(f"There {number}", properties)[1] for number in (1, 2)]
    fresh(world)
    identity = "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    world.sql(raw(f"CREATE TABLE people ({identity}, name text, {columns})"))
    drawn_values = {name: drawn(st.none() | values) for name, (_, _, values) in PEOPLE_TYPE.items()}
    for number in range(ROWS):
        values = {name: found[number] for name, found in drawn_values.items() if found[number] is not None}
        world.person.create_row(sources[0], {"Name": f"page {number}", **values})
    world.table, world.fields = "public.people", {"name": "Name", **{f'"{name}"': name for name in PEOPLE_TYPE}}
    waits: dict[tuple[str, str], str] = {}
    found: list[dict[str, dict[str, Any]]] = []
    for source in sources:
        world.data_source = source
        world.write_config()
        if world.journal_path.exists():
            world.forget()
        world.sync()
        waits |= parked(world)
        rows = world.person.rows(source)
        found.append({str(values["ID"]): shown(values) for values in rows.values()})
        assert len(found[-1]) == len(rows) == ROWS
    there, back = found
    changed = {
        (key, name): (value, back[key][name])
        for key, values in there.items()
        for name, value in values.items()
        if value != back[key][name] and (key, name) not in waits
    }
    assert changed == {}
