"""What the catalog says of types that hide others, and of CHECKs: below domains and arrays the type that counts, with
its modifiers; of a CHECK only what is certain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.ends import Outcome
from bridge.model import Value
from bridge.postgres import open_connection, read_table
from bridge.postgres.allowed import allowed_texts
from bridge.postgres.connection import Connection
from bridge.shapes import Column
from tests.postgres.support import User, create, end_for, set_up, waiting

DDL = """
CREATE SCHEMA "Odd Schema";
CREATE TYPE "Odd Schema"."Mood" AS ENUM ('good', 'bad');
CREATE DOMAIN "Odd Schema"."Feeling" AS "Odd Schema"."Mood" NOT NULL;
CREATE DOMAIN "Odd Schema".code AS varchar(3) CHECK (VALUE IN ('abc', 'xyz', 'no'));
CREATE DOMAIN "Odd Schema".narrow AS "Odd Schema".code DEFAULT 'abc' CHECK (VALUE = ANY ('{abc}'::text[]))
    CHECK (VALUE IN ('abc', 'xyz'));
CREATE DOMAIN "Odd Schema".many AS numeric(5,2)[];
CREATE DOMAIN "Odd Schema"."soon(2)" AS timestamptz(3);
CREATE TABLE "Odd Schema"."All" (
    "Id" int PRIMARY KEY,
    feeling "Odd Schema"."Feeling",
    feelings "Odd Schema"."Feeling"[],
    codes "Odd Schema".code[],
    narrow "Odd Schema".narrow,
    many "Odd Schema".many,
    soon "Odd Schema"."soon(2)",
    span interval day to second(3),
    years interval year,
    clock time(0),
    bits bit varying(4),
    price money,
    nested "Odd Schema".many[],
    vector int2vector,
    state text CHECK (state IN ('it''s', 'a\\b', 'done', '')),
    "The State" varchar(9) CHECK ("The State" IN ('open', 'done')) CHECK ("The State" IN ('done', 'late', 'open')),
    "char" char(5) CHECK ("char" IN ('a', 'bb')),
    one text CHECK (one = 'only'),
    listed text CHECK (listed = ANY (ARRAY['p', 'q'])),
    fenced text CHECK (fenced IN ('a', 'b') AND state <> 'x'),
    either text CHECK (either IS NULL OR either IN ('a')),
    folded text CHECK (upper(folded) IN ('A')),
    negated text CHECK (negated NOT IN ('a', 'b')),
    computed text CHECK (computed IN ('a', lower('B'))),
    several text CHECK (several IN ('a') OR several IN ('b')),
    whole int CHECK (whole IN (1, 2)),
    CHECK (one IN ('x', 'only') OR listed IS NULL)
)
"""
TABLE = '"Odd Schema"."All"'


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with open_connection(database) as connection:
        connection.execute(DDL)
        yield connection


@pytest.fixture
def columns(conn: Connection) -> dict[str, Column]:
    return {column.name: column for column in read_table(conn, TABLE).columns}


def test_types_below_domains_and_arrays(columns: dict[str, Column]) -> None:
    found = {name: (column.type_name, column.base_sql) for name, column in columns.items()}
    expected = {
        "feeling": ("enum", '"Odd Schema"."Mood"'),
        "feelings": ("enum[]", '"Odd Schema"."Mood"'),
        "codes": ("character varying[]", "character varying(3)"),
        "narrow": ("character varying", "character varying(3)"),
        "many": ("numeric[]", "numeric(5,2)"),
        "soon": ("timestamp with time zone", "timestamp(3) with time zone"),
        "span": ("interval", "interval day to second(3)"),
        "years": ("interval", "interval year"),
        "clock": ("time without time zone", "time(0) without time zone"),
        "bits": ("bit varying", "bit varying(4)"),
        "price": ("money", "money"),
        "nested": ("numeric[][]", "numeric(5,2)"),
        "vector": ("int2vector", "int2vector"),
    }
    assert {name: found[name] for name in expected} == expected
    assert columns["many"].type_sql == '"Odd Schema".many'
    assert (columns["many"].precision, columns["many"].scale) == (5, 2)
    assert columns["codes"].max_length == 3
    assert columns["bits"].max_length == 4
    assert columns["price"].scale == 2
    assert columns["feeling"].labels == columns["feelings"].labels == ("good", "bad")
    # What a domain says of its values, it says of the elements, not of the array.
    assert (columns["feeling"].not_null, columns["feelings"].not_null) == (True, False)
    assert (columns["narrow"].has_default, columns["codes"].has_default) == (True, False)


def test_what_checks_allow(columns: dict[str, Column]) -> None:
    assert {name: column.allowed for name, column in columns.items() if column.allowed} == {
        "state": ("it's", "a\\b", "done"),
        "The State": ("open", "done"),
        "char": ("a", "bb"),
        "one": ("only",),
        "listed": ("p", "q"),
        "narrow": ("abc", "xyz"),
    }


def test_checks_are_read_the_same_whatever_the_session_has_set(conn: Connection, columns: dict[str, Column]) -> None:
    conn.execute("SET quote_all_identifiers = on")
    assert read_table(conn, TABLE).columns == tuple(columns.values())


@pytest.mark.parametrize("check", ["(a <> 'b'::text)", "(a = ANY (b))", "(length(a) = 1)", "true"])
def test_what_is_no_plain_list_says_nothing(check: str) -> None:
    assert allowed_texts("text", [check]) == ()


def test_a_check_that_is_not_enforced_allows_everything(conn: Connection) -> None:
    if conn.info.server_version < 180000:
        pytest.skip("PostgreSQL before 18 enforces every CHECK")
    conn.execute("CREATE TABLE lax (id int PRIMARY KEY, s text CHECK (s IN ('a')) NOT ENFORCED)")
    [_, column] = read_table(conn, "lax").columns
    assert column.allowed == ()


def test_a_check_says_nothing_of_a_type_that_ignores_case() -> None:
    assert allowed_texts("citext", ["(a = ANY (ARRAY['b'::text]))"]) == ()


def test_a_row_of_odd_types_both_ways(database: str, user: User) -> None:
    fields = ("feeling", "feelings", "codes", "many", "soon", "span", "years", "bits", "price", "state")
    sync = set_up(database, DDL, fields, table=TABLE)
    end = end_for(database, sync)
    values: dict[str, Value] = {
        "feeling": "good",
        "feelings": ("bad", "good"),
        "codes": ("abc",),
        "many": ("1.5", "-2"),
        "span": "P1DT0.125S",
        "years": "P3Y",
        "bits": "101",
        "state": "it's",
    }
    [made] = end.apply([create(values, ("1",))])
    assert made.outcome is Outcome.DONE
    assert made.seen is not None
    assert {name: made.seen.values[name] for name in values} == values
    [over] = end.apply([create({"feeling": "good", "state": "else"}, ("2",))])
    assert (over.outcome, over.field) == (Outcome.REFUSED, "state")
    assert "a CHECK of the table allows only" in over.reason
    [long] = end.apply([create({"feeling": "good", "span": "PT0.0001S"}, ("3",))])
    assert (long.outcome, long.field) == (Outcome.REFUSED, "span")
    end.close()


@pytest.mark.parametrize(
    ("type_sql", "literal", "text"),
    [
        ("date", "2026-11-22", "2026-11-22"),
        ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("numeric", "1.50", "1.5"),
        ("bytea", "\\x00FF", "\\x00ff"),
        ("inet", "10.0.0.1/8", "10.0.0.1/8"),
        ("interval", "1 day 02:00", "P1DT2H"),
        ("time", "10:00", "10:00:00"),
        ("daterange", "[2026-01-01,2026-01-05]", "[2026-01-01,2026-01-06)"),
        ("timestamptz", "2026-11-22 10:00:00.000001+00", "2026-11-22T10:00:00.000001Z"),
        ("bit(3)", "101", "101"),
    ],
)
def test_keys_of_odd_types(database: str, user: User, type_sql: str, literal: str, text: str) -> None:
    """Read by the trigger, found by a look, written by the bridge; half of a composite key."""
    sync = set_up(database, f"CREATE TABLE t (a int, k {type_sql}, s text, PRIMARY KEY (a, k))", ("s",), table="t")
    user.execute("INSERT INTO t VALUES (1, %s, 'here')", [literal])
    [event] = waiting(database, sync)
    assert event.key == ("1", text)
    end = end_for(database, sync)
    [made] = end.apply([create({"s": "made"}, ("2", text))])
    assert made.outcome is Outcome.DONE
    assert {seen.key for batch in end.scan() for seen in batch.observations} == {("1", text), ("2", text)}
    [taken] = end.apply([create({"s": "again"}, ("1", text))])
    assert taken.outcome is Outcome.STALE
    assert taken.seen is not None
    assert taken.seen.values == {"s": "here"}
    end.close()
