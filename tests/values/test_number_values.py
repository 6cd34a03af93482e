"""No number is ever rounded: what the other side would not give back digit by digit is refused or parked."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit
from bridge.shapes import Column
from bridge.values.number import double, single
from bridge.values.registry import bind
from tests.values.samples import COLUMNS, PROPERTIES, as_notion_parses


def read(column: Column, number: Any) -> FieldValue:
    return bind(column, PROPERTIES["number"]).from_notion({"id": "x", "type": "number", "number": number})


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        ("1.50", 1.5),
        ("-0.0", 0),
        ("0.1", 0.1),
        ("0.30000000000000004", 0.1 + 0.2),
        ("9007199254740992", 2**53),
        ("-9007199254740992", -(2**53)),
        ("5e-324", 5e-324),
    ],
)
def test_a_number_that_a_double_holds_is_sent(number: str, sent: float) -> None:
    codec = bind(COLUMNS["numeric"], PROPERTIES["number"])
    value = codec.from_postgres(Decimal(number))
    payload = codec.to_notion(value)  # type: ignore[arg-type]  # none of them is unfit
    assert payload == {"number": sent}
    assert codec.from_notion({"id": "x", "type": "number", **as_notion_parses(payload)}) == value


@pytest.mark.parametrize("written", ["0.1", "0.10000000000000001", "1.0000000000000000555e-1", "0.1000"])
def test_a_double_is_one_value_however_it_is_written(written: str) -> None:
    """Another program that writes JSON may give back a double with 17 digits: nobody has edited it."""
    assert read(COLUMNS["numeric"], Decimal(written)) == Decimal("0.1")
    assert read(COLUMNS["double"], Decimal(written)) == Decimal("0.1")


@pytest.mark.parametrize(
    "number",
    ["9007199254740993", "1e308", "12345678901234567890.123456789012345678", "0.1234567890123456789", "1e-400"],
)
def test_a_number_that_a_double_would_change_is_refused(number: str) -> None:
    codec = bind(COLUMNS["numeric"], PROPERTIES["number"])
    with pytest.raises(Refused, match="rich_text"):
        codec.to_notion(codec.from_postgres(Decimal(number)))  # type: ignore[arg-type]  # not unfit


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_travel_as_text_only(word: str) -> None:
    column = COLUMNS["double"]
    as_text = bind(column, PROPERTIES["rich_text"])
    assert as_text.from_postgres(word) == word
    assert as_text.to_notion(word)["rich_text"][0]["text"]["content"] == word
    assert as_text.to_postgres(word) == word
    with pytest.raises(Refused, match="cannot hold"):
        bind(column, PROPERTIES["number"]).to_notion(word)


@pytest.mark.parametrize("number", [5, 5.0, Decimal(5), Decimal("5.0"), Decimal("5E+0")])
def test_every_json_reader_gives_the_same_number(number: Any) -> None:
    assert read(COLUMNS["integer"], number) == Decimal(5)


@pytest.mark.parametrize("number", ["5", True, float("nan"), Decimal("Infinity"), []])
def test_what_is_no_number_is_unfit(number: Any) -> None:
    assert isinstance(read(COLUMNS["numeric"], number), Unfit)


@pytest.mark.parametrize(
    ("name", "number", "reason"),
    [
        ("integer", Decimal("1.5"), "whole"),
        ("integer", Decimal(2**31), "2147483647"),
        ("smallint", Decimal(-(2**15) - 1), "-32768"),
        ("bigint", Decimal(2**63), "9223372036854775807"),
        ("numeric(10,2)", Decimal("1.005"), "3 decimals"),
        ("numeric(10,2)", Decimal(100000000), "too large"),
        ("numeric(38,18)", Decimal(10**20), "too large"),
        ("numeric(3,-2)", Decimal(12345), "multiples of 100"),
        ("real", Decimal("0.123456789"), "digits"),
        ("real", Decimal(16777217), "digits"),
        ("real", Decimal("1e39"), "too large"),
    ],
)
def test_a_number_that_the_column_would_round_is_parked(name: str, number: Decimal, reason: str) -> None:
    value = read(COLUMNS[name], number)
    assert isinstance(value, Unfit)
    assert reason in value.reason
    with pytest.raises(Refused, match=reason):
        bind(COLUMNS[name], PROPERTIES["number"]).to_postgres(number)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("integer", Decimal(-(2**31))),
        ("bigint", Decimal(2**53)),
        ("numeric(10,2)", Decimal("99999999.99")),
        ("numeric(3,-2)", Decimal(99900)),
        ("real", Decimal("0.1")),
        ("real", Decimal("3.4028235e38")),
        ("double", Decimal("1e308")),
        ("numeric", Decimal("1e-16383")),
    ],
)
def test_a_number_at_the_edge_of_the_column_is_taken(name: str, number: Decimal) -> None:
    assert read(COLUMNS[name], number) == number


@pytest.mark.parametrize("text", ["12a", "", " ", "1,5", "١٢", "0x10", "1e", "1e999999", "1e-16384", "--1"])
def test_text_that_is_no_number_for_the_column_is_parked(text: str) -> None:
    wire = {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": text}]}
    value = bind(COLUMNS["numeric"], PROPERTIES["rich_text"]).from_notion(wire)
    assert isinstance(value, Unfit) or (value is None and not text)


def test_only_numeric_without_precision_holds_infinity() -> None:
    wire = {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": "inf"}]}
    assert bind(COLUMNS["numeric"], PROPERTIES["rich_text"]).from_notion(wire) == "Infinity"
    assert isinstance(bind(COLUMNS["numeric(10,2)"], PROPERTIES["rich_text"]).from_notion(wire), Unfit)


def test_a_float_is_written_as_people_write_floats() -> None:
    codec = bind(COLUMNS["double"], PROPERTIES["rich_text"])
    assert codec.to_postgres(Decimal("1e308")) == "1e+308"
    assert codec.to_postgres(Decimal(1200)) == "1200"
    assert codec.to_postgres(Decimal(0)) == "0"
    assert codec.to_postgres(Decimal("5e-324")) == "5e-324"


@given(st.integers(0, 2**32 - 1))
def test_the_shortest_text_of_a_32_bit_float_means_that_float(bits: int) -> None:
    packed = struct.pack("I", bits)
    value: float = struct.unpack("f", packed)[0]
    if value == 0 or abs(value) > 3.5e38 or value != value:  # noqa: PLR0124  (NaN)
        return
    shortest = single(Decimal(value))
    assert shortest is not None
    assert struct.pack("f", float(shortest)) == packed
    assert single(shortest) == shortest
    assert len(shortest.normalize().as_tuple().digits) <= 9


def test_a_32_bit_float_may_take_nine_digits() -> None:
    """Few of those that are drawn need them all; one that does must not be parked as too large."""
    assert single(Decimal(128713966000)) == Decimal(128713966000)


def test_floats_out_of_range() -> None:
    assert single(Decimal("1e39")) is None
    assert double(Decimal("1e309")) is None
