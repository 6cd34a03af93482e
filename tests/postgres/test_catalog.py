"""The catalog. Types below domains, limits, labels and keys are read as they are; a table that cannot be synced is
refused with the reason and a way out."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bridge.errors import SetupError
from bridge.postgres import list_tables, open_connection, read_table
from bridge.postgres.connection import Connection

DDL = """
CREATE SCHEMA "My Schema";
CREATE TYPE "My Schema".mood AS ENUM ('sad', 'a, b', 'Happy');
CREATE DOMAIN "My Schema".code AS varchar(5) NOT NULL;
CREATE DOMAIN short_code AS "My Schema".code DEFAULT 'x';
CREATE TABLE "My Schema"."Tasks" (
    "Id" bigint GENERATED ALWAYS AS IDENTITY,
    v varchar(20) NOT NULL,
    c char(3),
    n numeric(10, 2) DEFAULT 0,
    wide numeric(38, -3),
    plain numeric,
    m "My Schema".mood,
    ms "My Schema".mood[],
    tags varchar(7)[],
    d short_code,
    at timestamptz,
    twice numeric GENERATED ALWAYS AS (plain * 2) STORED,
    gone int,
    part int,
    PRIMARY KEY (part, "Id"),
    UNIQUE (v)
);
ALTER TABLE "My Schema"."Tasks" DROP COLUMN gone;
COMMENT ON COLUMN "My Schema"."Tasks".v IS 'what it is';
CREATE TABLE keyless (a int);
CREATE VIEW seen AS SELECT 1 AS a;
CREATE TABLE customers (id int PRIMARY KEY);
"""


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with open_connection(database) as connection:
        connection.execute(DDL)
        yield connection


def test_columns(conn: Connection) -> None:
    table = read_table(conn, '"My Schema"."Tasks"')
    assert (table.schema, table.name, table.kind, table.key) == ("My Schema", "Tasks", "table", ("part", "Id"))
    assert [(column.name, column.type_name, column.type_sql) for column in table.columns] == [
        ("Id", "bigint", "bigint"),
        ("v", "character varying", "character varying(20)"),
        ("c", "character", "character(3)"),
        ("n", "numeric", "numeric(10,2)"),
        ("wide", "numeric", "numeric(38,-3)"),
        ("plain", "numeric", "numeric"),
        ("m", "enum", '"My Schema".mood'),
        ("ms", "enum[]", '"My Schema".mood[]'),
        ("tags", "character varying[]", "character varying(7)[]"),
        ("d", "character varying", "public.short_code"),
        ("at", "timestamp with time zone", "timestamp with time zone"),
        ("twice", "numeric", "numeric"),
        ("part", "integer", "integer"),
    ]


def test_limits_and_defaults(conn: Connection) -> None:
    table = read_table(conn, '"My Schema"."Tasks"')
    by_name = {column.name: column for column in table.columns}
    assert by_name["v"].max_length == 20
    assert by_name["v"].comment == "what it is"
    assert by_name["v"].not_null
    assert by_name["c"].max_length == 3
    assert by_name["tags"].max_length == 7
    assert (by_name["n"].precision, by_name["n"].scale, by_name["n"].has_default) == (10, 2, True)
    assert (by_name["wide"].precision, by_name["wide"].scale) == (38, -3)
    assert (by_name["plain"].precision, by_name["plain"].scale) == (None, None)
    assert by_name["m"].labels == by_name["ms"].labels == ("sad", "a, b", "Happy")
    domain = by_name["d"]
    assert (domain.max_length, domain.not_null, domain.has_default) == (5, True, True)
    assert (by_name["Id"].identity, by_name["Id"].has_default, by_name["Id"].writable) == ("always", True, False)
    twice = by_name["twice"]
    assert (twice.generated, twice.has_default, twice.writable) == (True, False, False)


def test_names_are_written_as_in_sql(conn: Connection) -> None:
    assert read_table(conn, "customers").qualified == "public.customers"
    assert read_table(conn, "PUBLIC.Customers").qualified == "public.customers"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("costumers", "no table", "public.customers"),
        ("tasks", "no table", '"My Schema"."Tasks"'),
        ("wrong.customers", "no table", "public.customers"),
        ("zzzzzzzz", "no table", "others"),
        ("a.b.c.d", "no name of a table", "as in SQL"),
        ("seen", "is a view", "triggers"),
        ("keyless", "no primary key", "`key`"),
    ],
)
def test_refusals(conn: Connection, name: str, message: str, hint: str) -> None:
    with pytest.raises(SetupError, match=message) as caught:
        read_table(conn, name)
    assert hint in caught.value.hint


def test_a_chosen_key(conn: Connection) -> None:
    assert read_table(conn, '"My Schema"."Tasks"', ["v"]).key == ("v",)
    for key, message in ((["vv"], "no column"), (["c"], "may be NULL"), (["part"], "no unique index")):
        with pytest.raises(SetupError, match=message):
            read_table(conn, '"My Schema"."Tasks"', key)


def test_a_partial_index_is_no_key(conn: Connection) -> None:
    conn.execute("CREATE TABLE p (a int NOT NULL); CREATE UNIQUE INDEX ON p (a) WHERE a > 0")
    with pytest.raises(SetupError, match="no unique index"):
        read_table(conn, "p", ["a"])


def test_an_index_that_could_not_be_built_is_no_key(conn: Connection) -> None:
    conn.execute("CREATE TABLE p (a int NOT NULL); INSERT INTO p VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("CREATE UNIQUE INDEX CONCURRENTLY ON p (a)")
    with pytest.raises(SetupError, match="no unique index"):
        read_table(conn, "p", ["a"])


def test_extension_types_have_their_bare_name(conn: Connection) -> None:
    """An enum stands in for citext, which this server may not have: what counts is the schema."""
    conn.execute("CREATE TYPE public.pair AS (a int, b int); CREATE TABLE x (id int PRIMARY KEY, p public.pair)")
    column = read_table(conn, "x").column("p")
    assert column is not None
    assert (column.type_name, column.type_sql) == ("pair", "public.pair")


def test_list_tables(conn: Connection) -> None:
    conn.execute(
        "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY LIST (id);"
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);"
        "INSERT INTO parts SELECT 1; ANALYZE parts_1; CREATE TEMPORARY TABLE passing (id int PRIMARY KEY)"
    )
    found = {table.qualified: table for table in list_tables(conn)}
    assert list(found) == ["My Schema.Tasks", "public.customers", "public.keyless", "public.parts"]
    assert found["public.parts"].kind == "partitioned table"
    assert found["public.parts"].estimated_rows == 1
    assert [column.name for column in found["public.keyless"].columns] == ["a"]
    assert [table.name for table in list_tables(conn, "My Schema")] == ["Tasks"]
    with pytest.raises(SetupError, match="temporary"):
        read_table(conn, "passing")
