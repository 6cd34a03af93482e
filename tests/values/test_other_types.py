"""What people type for times of day, intervals, money, documents, bytes and addresses becomes PostgreSQL's one form, or
a reason; two spellings of one value are one value, and two values are never one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import Refused, SetupError
from bridge.model import Unfit
from bridge.shapes import Column
from bridge.values.keys import check_key, key_text, parse_key
from bridge.values.registry import bind, column_type
from tests.values.samples import COLUMNS, PROPERTIES, column


def typed(name: str, text: str) -> Any:
    """What the column makes of a text in Notion."""
    wire = {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": text}]}
    return bind(COLUMNS[name], PROPERTIES["rich_text"]).from_notion(wire)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("time", "10:00", "10:00:00"),
        ("time", " 10:00:00.500000 ", "10:00:00.5"),
        ("time", "24:00", "24:00:00"),
        ("timetz", "10:00Z", "10:00:00+00"),
        ("timetz", "10:00-00:00", "10:00:00+00"),
        ("timetz", "10:00+0530", "10:00:00+05:30"),
        ("interval", "1 day 02:00", "P1DT2H"),
        ("interval", "P1W", "P7D"),
        ("interval", "PT90M", "PT1H30M"),
        ("interval", "3 weeks -1 day", "P20D"),
        ("interval", "1 year 14 months", "P2Y2M"),
        ("interval", "-00:00:00.5", "PT-0.5S"),
        ("interval", "0 days", "PT0S"),
        ("interval", "P1M", "P1M"),
        ("interval", "P30D", "P30D"),
        ("interval", "2562047788:00:54.775807", "PT2562047788H54.775807S"),
        ("interval year to month", "14 mons", "P1Y2M"),
        ("money", "-1234.50", Decimal("-1234.5")),
        ("jsonb", '{"b": 1.50, "a": [1e2, null]}', '{"a":[100,null],"b":1.5}'),
        ("jsonb", "null", "null"),
        ("jsonb", '"\\u00e9"', '"é"'),
        ("jsonb", "0.1234567890123456789012345678901234567890", "0.123456789012345678901234567890123456789"),
        ("hstore", '{"b": null, "a": "1"}', '{"a":"1","b":null}'),
        ("bytea", "\\X00fF", "\\x00ff"),
        ("bytea", "\\x", "\\x"),
        ("inet", "10.0.0.1/32", "10.0.0.1"),
        ("inet", "FE80:0:0:0:0:0:0:1/64", "fe80::1/64"),
        ("inet", "2001:db8::1/32", "2001:db8::1/32"),
        ("inet", "2001:db8::1/128", "2001:db8::1"),
        ("inet", "::ffff:102:304", "::ffff:1.2.3.4"),
        ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
        ("cidr", "10.0.0.1", "10.0.0.1/32"),
        ("macaddr", "0800.2B01.0203", "08:00:2b:01:02:03"),
        ("macaddr8", "08002b0102030405", "08:00:2b:01:02:03:04:05"),
        ("bit(5)", "10101", "10101"),
        ("oid", "007", Decimal(7)),
        ("integer[]", "007\n-1", ("7", "-1")),
        ("uuid[]", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",)),
        ("timestamptz[]", "2026-11-22T12:00:00.000001+02:00", ("2026-11-22T10:00:00.000001Z",)),
    ],
)
def test_one_value_has_one_form(name: str, text: str, value: object) -> None:
    assert typed(name, text) == value
    if isinstance(value, str):
        assert typed(name, value) == value


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("time", "25:00", "no such time"),
        ("time", "10:00:60", "no such time"),
        ("time", "24:00:00.1", "no such time"),
        ("time", "10:00+02", "remove it"),
        ("time(3)", "10:00:00.0001", "3 decimals"),
        ("timetz", "10:00", "add one"),
        ("timetz", "10:00+16", "no such offset"),
        ("interval", "1.5 days", "read exactly"),
        ("interval", "a while", "read exactly"),
        ("interval", "1 day ago", "read exactly"),
        ("interval", "PT", "read exactly"),
        ("interval", "00:00:00.0000001", "read exactly"),
        ("interval", "200000000 years", "longer"),
        ("interval(3)", "0.0001 seconds", "round it"),
        ("interval year to month", "1 mon 1 day", "keeps less"),
        ("money", "0.001", "2 decimals"),
        ("money", "1e17", "more than"),
        ("money", "9" * 40, "more than"),
        ("money", "NaN", "always a number"),
        ("money", "$5", "no number"),
        ("jsonb", "{a: 1}", "no JSON"),
        ("jsonb", '{"a": 1, "a": 2}', '"a" is there twice'),
        ("jsonb", "NaN", "no JSON"),
        ("jsonb", "1e999999999", "more digits"),
        ("jsonb", "1e99999999999999999999", "more digits"),
        ("jsonb", '"\\u0000"', "NUL"),
        ("jsonb", '"\\ud800"', "surrogate"),
        ("jsonb", "[" * 100_000 + "]" * 100_000, "nested"),
        ("hstore", '{"a": 1}', "object of texts"),
        ("hstore", "[]", "object of texts"),
        ("bytea", "00ff", "no bytes"),
        ("bytea", "\\x0", "no bytes"),
        ("inet", "fe80::1%eth0", "no IP address"),
        ("inet", "10.0.0.1/255.0.0.0", "no IP address"),
        ("inet", "10.0.0.1/33", "no IP address"),
        ("cidr", "10.0.0.1/8", "the network is 10.0.0.0/8"),
        ("cidr", "2001:db8::1/32", "the network is 2001:db8::/32"),
        ("macaddr", "08:00:2b:01:02", "no macaddr"),
        ("macaddr", "0:8:0:2b:01:02", "no macaddr"),
        ("macaddr8", "08:00:2b:01:02:03", "no macaddr8"),
        ("bit(5)", "1010", "exactly 5"),
        ("varbit(8)", "111111111", "holds 8"),
        ("varbit(8)", "12", "no bits"),
        ("name", "é" * 32, "64 bytes"),
        ("oid", "-1", "0 to 4294967295"),
        ("integer[]", "1\nx", 'in "x"'),
        ("uuid[]", "x", "no uuid"),
    ],
)
def test_what_cannot_be_held_exactly_is_parked_with_a_reason(name: str, text: str, reason: str) -> None:
    value = typed(name, text)
    assert isinstance(value, Unfit)
    assert reason in value.reason


def test_a_month_is_not_thirty_days() -> None:
    assert len({typed("interval", text) for text in ("1 mon", "30 days", "720 hours")}) == 3


def test_the_json_null_is_not_the_null_of_sql() -> None:
    codec = bind(COLUMNS["jsonb"], PROPERTIES["rich_text"])
    assert codec.from_postgres(None) is None
    assert codec.from_postgres("null") == "null"
    assert codec.to_postgres("null") == "null"
    assert codec.to_postgres(None) is None


def test_a_json_column_that_spells_the_same_document_otherwise_is_no_change() -> None:
    column = column_type(COLUMNS["json"])
    assert column.read(' { "b" : 2.0, "a":1 }') == column.read('{"a":1,"b":2}') == '{"a":1,"b":2}'


@pytest.mark.parametrize(
    ("decimals", "wire", "value", "sent"),
    [
        (2, "-$1,234.50", Decimal("-1234.5"), "-1234.5"),
        (0, "$12.34", Decimal(1234), "12.34"),  # 1234 yen, as two pinned decimals show them
        (3, "$1,234.56", Decimal("123.456"), "1234.56"),
    ],
)
def test_money_has_the_decimals_of_the_databases_currency(decimals: int, wire: str, value: Decimal, sent: str) -> None:
    money = column_type(column("money", scale=decimals))
    assert money.read(wire) == value
    assert money.write(value) == sent
    with pytest.raises(Refused, match=f"{decimals} decimals"):
        money.write(Decimal("0.0001"))


def test_money_in_another_form_than_the_pinned_one_is_not_guessed() -> None:
    assert isinstance(column_type(COLUMNS["money"]).read("1.234,50 €"), Unfit)


@pytest.mark.parametrize(
    ("name", "wire", "text"),
    [
        ("date", "2026-11-22", "2026-11-22"),
        ("numeric", Decimal("1.50"), "1.5"),
        ("bytea", "\\x00ff", "\\x00ff"),
        ("inet", "10.0.0.1", "10.0.0.1"),
        ("time", "10:00:00.5", "10:00:00.5"),
        ("interval", "P1DT2H", "P1DT2H"),
        ("daterange", "[2026-01-01,2026-01-05)", "[2026-01-01,2026-01-05)"),
    ],
)
def test_odd_types_as_keys(name: str, wire: Any, text: str) -> None:
    check_key((COLUMNS[name], COLUMNS["uuid"]), PROPERTIES["rich_text"])
    assert key_text(COLUMNS[name], wire) == text
    assert parse_key(COLUMNS[name], f" {text} ") == text


@pytest.mark.parametrize("name", ["jsonb", "hstore", "money", "integer[]"])
def test_types_that_are_no_keys(name: str) -> None:
    bound: Column = COLUMNS[name]
    with pytest.raises(SetupError, match="part of the key"):
        check_key((bound,), PROPERTIES["rich_text"])


def test_a_check_of_the_table_is_asked_first() -> None:
    allowed = bind(column("text", allowed=("open", "done")), PROPERTIES["rich_text"])
    assert allowed.to_postgres("open") == "open"
    assert allowed.from_postgres("older") == "older"  # what the database has is never judged
    with pytest.raises(Refused, match="open, done"):
        allowed.to_postgres("closed")


@pytest.mark.parametrize(
    ("type_name", "wire", "shown"),
    [
        ("integer[]", [Decimal(1), None], "{1,NULL}"),
        ("numeric[]", [[Decimal("1.50")], [Decimal(100)]], "{{1.5},{100}}"),
        ("boolean[]", [True, None, False], "{t,NULL,f}"),
        ("text[]", ["a", "b, c", "", "null", 'say "hi" \\', None], '{a,"b, c","","null","say \\"hi\\" \\\\",NULL}'),
    ],
)
def test_an_array_without_a_form_in_notion_is_shown_as_sql_writes_it(type_name: str, wire: Any, shown: str) -> None:
    read = column_type(Column("a", type_name, type_name, 1)).read(wire)
    assert isinstance(read, Unfit)
    assert read.shown == shown
