"""Proves: which tables are records, which are only links and what refers to what is read from the keys alone; relations
that are there are found by name or because there is no other, and none is used twice.
"""

from __future__ import annotations

import itertools

import pytest

from bridge.cli.init.linked import find_lines, join_name, relation_name
from bridge.cli.init.newtable import blueprint, column_name
from bridge.cli.init.schema import read_schema
from bridge.notion.catalog import Survey
from bridge.shapes import Column, DataSource, ForeignKey, Option, Property, Table

OIDS = itertools.count(1)


def table(name: str, *columns: str, key: tuple[str, ...] = ("id",), **references: str) -> Table:
    """`references` are target tables by column; each has the key `id`."""
    names = [*key, *columns, *(column for column in references if column not in key)]
    found = [Column(column, "bigint", "bigint", number) for number, column in enumerate(names, 1)]
    foreign = tuple(
        ForeignKey(f"{name}_{column}", (column,), "public", target, ("id",)) for column, target in references.items()
    )
    return Table("public", name, next(OIDS), tuple(found), key, foreign_keys=foreign)


def source(name: str, *properties: Property) -> DataSource:
    return DataSource(name, f"database of {name}", name.title(), (Property("t", "Name", "title"), *properties))


def relation(name: str, target: str, mirror: str = "") -> Property:
    kind = {"dual_property": {"synced_property_id": mirror}} if mirror else {"single_property": {}}
    return Property(name, name, "relation", config={"data_source_id": target, **kind})


def names(tables: tuple[Table, ...]) -> list[str]:
    return [found.name for found in tables]


def test_what_is_referred_to_comes_first() -> None:
    schema = read_schema([table("a", b_id="b"), table("b", c_id="c"), table("c")])
    assert names(schema.tables) == ["c", "b", "a"]


def test_circles_and_tables_that_refer_to_themselves_end() -> None:
    schema = read_schema([table("a", b_id="b"), table("b", a_id="a", b_id="b")])
    assert sorted(names(schema.tables)) == ["a", "b"]
    assert len(schema.references) == 3


PAIR = ("a_id", "b_id")


@pytest.mark.parametrize(
    ("link", "joins"),
    [
        (table("ab", key=PAIR, a_id="a", b_id="b"), True),
        (table("ab", "since", key=PAIR, a_id="a", b_id="b"), False),
        (table("ab", key=PAIR, a_id="a"), False),
        (table("ab", a_id="a", b_id="b"), False),
        (table("ab", key=PAIR, a_id="a", b_id="elsewhere"), False),
    ],
)
def test_only_a_table_of_nothing_but_two_references_is_a_join_table(link: Table, joins: bool) -> None:
    schema = read_schema([table("a"), table("b"), link])
    assert ("ab" not in names(schema.tables)) == joins
    assert len(schema.joins) == joins


def test_a_table_without_a_key_is_left_out_with_its_reason() -> None:
    schema = read_schema([table("a"), table("log", "text", key=())])
    assert schema.left_out == {"public.log": "it has no primary key"}


def test_a_reference_by_something_else_than_the_key_is_a_column_like_any_other() -> None:
    by_code = ForeignKey("f", ("a_code",), "public", "a", ("code",))
    other = Table("public", "b", next(OIDS), (Column("a_code", "text", "text", 1),), ("id",), foreign_keys=(by_code,))
    assert read_schema([table("a"), other]).references == ()


def found(tables: list[Table], sources: dict[str, DataSource], *known: str) -> dict[str, dict[str, str]]:
    """Property names by table and column."""
    schema = read_schema(tables)
    places = {item.oid: sources[item.name] for item in schema.tables if item.name in sources}
    there = {item.oid: places.pop(item.oid) for item in schema.tables if item.name in known}
    lines = find_lines(schema, places, there)
    return {
        item.name: {line.column.name: line.property.name for line in lines[item.oid]}
        for item in schema.tables
        if lines.get(item.oid)
    }


def test_a_relation_is_found_by_its_name_or_because_it_is_the_only_one() -> None:
    tables = [table("people"), table("tasks", owner_id="people", checker_id="people")]
    both = {
        "people": source("people"),
        "tasks": source("tasks", relation("Checker", "people"), relation("Owner", "people")),
    }
    assert found(tables, both) == {"tasks": {"owner_id": "Owner", "checker_id": "Checker"}}
    odd = both | {"tasks": source("tasks", relation("X", "people"), relation("Y", "people"))}
    assert found(tables, odd) == {}, "nothing tells which is which"
    one = [table("people"), table("tasks", owner_id="people")]
    assert found(one, both | {"tasks": source("tasks", relation("Who?", "people"))}) == {"tasks": {"owner_id": "Who?"}}


def test_the_other_side_of_a_relation_is_not_used_again() -> None:
    tables = [table("nodes", parent_id="nodes", twin_id="nodes")]
    dual = [relation("Parent", "nodes", "Children"), relation("Children", "nodes", "Parent")]
    assert found(tables, {"nodes": source("nodes", *dual)}) == {"nodes": {"parent_id": "Parent"}}


def test_links_are_found_from_either_side_and_new_tables_link_to_known_ones() -> None:
    tables = [table("a"), table("b"), table("ab", key=PAIR, a_id="a", b_id="b")]
    assert found(tables, {"a": source("a"), "b": source("b", relation("As", "a"))}) == {"b": {"public.ab": "As"}}
    mirrored = {"a": source("a", relation("Bs", "b", "As")), "b": source("b", relation("As", "a", "Bs"))}
    assert found(tables, mirrored) == {"a": {"public.ab": "Bs"}}
    assert found(tables, mirrored, "a") == {"b": {"public.ab": "As"}}, "the table that has a sync gets no line"


def test_relations_get_names_that_are_free() -> None:
    assert relation_name("customer_id", ["name"]) == "customer"
    assert relation_name("customer_id", ["Customer"]) == "customer_id"
    assert relation_name("boss", []) == "boss"
    [join] = read_schema([table("a"), table("b"), table("ab", key=PAIR, a_id="a", b_id="b")]).joins
    assert [join_name(join, taken) for taken in ([], ["B"], ["B", "AB"])] == ["b", "ab", "b (ab)"]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Due Date", "due_date"),
        ("  ", "column"),
        ("ctid", "ctid_"),
        ("Prüfung №2", "prüfung_no2"),
        ("x" * 70, "x" * 63),
        ("ü" * 40, "ü" * 31),
        ('a"; DROP', "a_drop"),
        ("taken", "taken_3"),
    ],
)
def test_column_names_are_what_sql_likes(name: str, column: str) -> None:
    assert column_name(name, ["taken", "taken_2"]) == column
    assert len(column.encode()) <= 63


def test_columns_fit_what_pages_hold() -> None:
    options = (Option("1", "a"), Option("2", "x" * 64))
    properties = [
        *(Property(name, name, "date") for name in ("day", "time", "days", "times")),
        Property("c", "choice", "select", options[:1]),
        Property("l", "long", "select", options),
        Property("k", "tick", "checkbox"),
        Property("r", "link", "relation"),
        Property("b", "button", "button"),
    ]
    pages = Survey({}, {"time", "times"}, {"days", "times"})
    made = blueprint(source("s", *properties), "public", "s", pages, enums=True)
    kinds = {column.name: column.type_sql for column in made.table.columns}
    assert kinds == {
        "id": "bigint",
        "name": "text",
        "day": "date",
        "time": "timestamptz",
        "days": "daterange",
        "times": "tstzrange",
        "choice": "",
        "long": "text",
        "tick": "boolean",
    }
    assert list(made.left_out) == ["button"]
