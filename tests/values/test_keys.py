"""One key, one text: whatever the key's columns hold, its text finds the same row and the same page again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused, SetupError
from bridge.shapes import Column
from bridge.values.keys import (
    check_key,
    join_key,
    key_filter,
    key_from_notion,
    key_text,
    key_to_notion,
    parse_key,
    split_key,
)
from tests.values.samples import COLUMNS, PROPERTIES, prop, readback

parts = st.lists(st.text("ab|\\ /\n", max_size=6), min_size=2, max_size=4)


@given(parts)
def test_a_joined_key_splits_into_its_parts(key: list[str]) -> None:
    assert split_key(join_key(key), len(key)) == tuple(key)


@given(parts, parts)
def test_different_keys_are_different_text(one: list[str], other: list[str]) -> None:
    if len(one) == len(other):
        assert (join_key(one) == join_key(other)) == (one == other)


def test_a_joined_key_is_readable() -> None:
    assert join_key(("42",)) == "42"
    assert join_key(("a|b",)) == "a|b"
    assert join_key(("EU", "42")) == "EU|42"
    assert join_key(("a|b", "c\\")) == "a\\|b|c\\\\"


@pytest.mark.parametrize("text", ["a", "a|b|c", "a\\b|c", "a|b\\"])
def test_what_is_no_key_of_two_parts(text: str) -> None:
    with pytest.raises(Refused, match="is no key"):
        split_key(text, 2)


@pytest.mark.parametrize(
    ("name", "wire", "text"),
    [
        ("integer", Decimal(42), "42"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("numeric", Decimal("1.50"), "1.5"),
        ("text", "", ""),
        ("char", "ab" + " " * 18, "ab"),
        ("boolean", True, "yes"),
        # Two rows may differ by a microsecond.
        ("timestamptz", "2026-11-22T10:00:00.123456+00:00", "2026-11-22T10:00:00.123456Z"),
        ("timestamp", "2026-11-22T10:00:00", "2026-11-22T10:00:00"),
    ],
)
def test_the_text_of_a_key_part(name: str, wire: Any, text: str) -> None:
    assert key_text(COLUMNS[name], wire) == text
    assert parse_key(COLUMNS[name], text) == text


@pytest.mark.parametrize(
    ("name", "typed", "text"),
    [("integer", " 007", "7"), ("uuid", "123E4567E89B12D3A456426614174000", "123e4567-e89b-12d3-a456-426614174000")],
)
def test_a_typed_key_part_becomes_canonical(name: str, typed: str, text: str) -> None:
    assert parse_key(COLUMNS[name], typed) == text


@pytest.mark.parametrize(("name", "typed"), [("integer", "1.5"), ("integer", "x"), ("enum", ""), ("varchar", "x" * 21)])
def test_a_key_part_that_the_column_cannot_hold(name: str, typed: str) -> None:
    with pytest.raises(Refused, match="no key"):
        parse_key(COLUMNS[name], typed)


def test_null_is_no_key() -> None:
    with pytest.raises(Refused, match="empty"):
        key_text(COLUMNS["text"], None)


@pytest.mark.parametrize("type_name", ["title", "rich_text", "url", "email", "phone_number"])
def test_a_composite_key_there_and_back(type_name: str) -> None:
    columns = (COLUMNS["text"], COLUMNS["integer"])
    key = ("a|b/c", "42")
    bound = PROPERTIES[type_name]
    check_key(columns, bound)
    assert key_from_notion(bound, readback(bound, key_to_notion(bound, key)), columns) == key
    assert key_filter(bound, key) == {"property": "p%3A", type_name: {"equals": "a\\|b/c|42"}}


def test_an_integer_key_in_a_number() -> None:
    bound = PROPERTIES["number"]
    columns = (COLUMNS["bigint"],)
    check_key(columns, bound)
    assert key_to_notion(bound, ("42",)) == {"number": 42}
    assert key_filter(bound, ("42",)) == {"property": "p%3A", "number": {"equals": 42}}
    assert key_from_notion(bound, {"type": "number", "number": 42.0}, columns) == ("42",)
    assert key_from_notion(bound, {"type": "number", "number": 42.5}, columns) is None
    with pytest.raises(Refused, match="2\\^53"):
        key_to_notion(bound, (str(2**53 + 1),))


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "rich_text", "rich_text": []},
        {"type": "rich_text", "rich_text": [{"plain_text": "x"}]},
        {"type": "rich_text", "rich_text": [{"plain_text": "1|2"}]},
        {"type": "select", "select": {"name": "1"}},
        {"type": "rich_text"},
    ],
)
def test_a_page_without_a_legal_key(wire: dict[str, Any]) -> None:
    assert key_from_notion(PROPERTIES["rich_text"], wire, (COLUMNS["integer"],)) is None


def test_keys_that_notion_cannot_hold() -> None:
    with pytest.raises(Refused, match="empty"):
        key_to_notion(PROPERTIES["rich_text"], ("",))
    with pytest.raises(Refused, match="takes 2,000"):
        key_filter(PROPERTIES["rich_text"], ("x" * 2001,))
    with pytest.raises(Refused, match="takes 200"):
        key_to_notion(PROPERTIES["email"], ("x" * 201,))


@pytest.mark.parametrize(
    ("columns", "type_name"),
    [
        ((COLUMNS["integer"],), "unique_id"),
        ((COLUMNS["integer"],), "formula"),
        ((COLUMNS["integer"],), "select"),
        ((COLUMNS["text"],), "number"),
        ((COLUMNS["integer"], COLUMNS["integer"]), "number"),
        ((COLUMNS["text[]"],), "rich_text"),
    ],
)
def test_properties_that_cannot_hold_the_key(columns: tuple[Column, ...], type_name: str) -> None:
    with pytest.raises(SetupError) as raised:
        check_key(columns, prop(type_name))
    assert raised.value.hint
