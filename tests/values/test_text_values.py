"""Text is carried byte for byte up to Notion's limits; what would be cut or changed is refused by its limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.model import Unfit
from bridge.shapes import Column, Property
from bridge.values.registry import FieldCodec, bind
from bridge.values.text import MAX_RUNS, RUN_UNITS, runs, units
from tests.values.samples import COLUMNS, PROPERTIES, column, prop, readback


def text_codec(bound: Column = COLUMNS["text"], to: Property = PROPERTIES["rich_text"]) -> FieldCodec:
    return bind(bound, to)


def typed(text: str) -> dict[str, Any]:
    return {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": text}]}


@given(st.text(st.sampled_from("a\r\n\U0001f600"), max_size=40), st.integers(RUN_UNITS - 20, RUN_UNITS))
@example("\U0001f600", RUN_UNITS - 1)
@example("\r\n", RUN_UNITS - 1)
@example("\r", RUN_UNITS - 1)
def test_runs_cut_long_text_without_cutting_characters(ending: str, before: int) -> None:
    text = "x" * before + ending + "y" * RUN_UNITS
    pieces = [run["text"]["content"] for run in runs(text)]
    assert "".join(pieces) == text
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        assert 0 < units(piece) <= RUN_UNITS
        assert not (piece.endswith("\r") and following.startswith("\n"))


def test_the_longest_text_and_one_more() -> None:
    longest = "z" * RUN_UNITS * MAX_RUNS
    codec = text_codec()
    assert codec.from_notion(readback(codec.notion.prop, codec.to_notion(longest))) == longest
    with pytest.raises(Refused, match="200,001 UTF-16 units"):
        codec.to_notion(longest + "z")


@pytest.mark.parametrize(("type_name", "limit"), [("url", 2000), ("email", 200), ("phone_number", 200)])
def test_short_properties_refuse_by_utf_16_units(type_name: str, limit: int) -> None:
    codec = text_codec(to=prop(type_name))
    assert codec.to_notion("😀" * (limit // 2)) == {type_name: "😀" * (limit // 2)}
    with pytest.raises(Refused, match=f"takes {limit:,}"):
        codec.to_notion("😀" * (limit // 2) + "a")


def test_empty_text_and_null_are_one_value() -> None:
    codec = text_codec()
    required = text_codec(column("text", not_null=True))
    assert codec.from_postgres("") is None
    assert codec.from_postgres(None) is None
    assert codec.from_notion({"id": "x", "type": "rich_text", "rich_text": []}) is None
    assert codec.to_notion(None) == codec.to_notion("") == {"rich_text": []}
    assert codec.to_postgres(None) is None
    assert codec.to_postgres("") is None
    assert required.to_postgres(None) == required.to_postgres("") == ""
    assert text_codec(to=PROPERTIES["url"]).to_notion(None) == {"url": None}


def test_blanks_are_content_but_not_the_padding_of_char() -> None:
    assert text_codec().from_postgres(" a ") == " a "
    char = text_codec(COLUMNS["char"])
    assert char.from_postgres(" a" + " " * 18) == " a"
    assert char.from_notion(typed(" a  ")) == " a"
    assert char.from_postgres(" " * 20) is None


@pytest.mark.parametrize("name", ["varchar", "char"])
def test_text_longer_than_the_column_is_parked_not_cut(name: str) -> None:
    codec = text_codec(COLUMNS[name])
    assert codec.from_notion(typed("x" * 20)) == "x" * 20
    value = codec.from_notion(typed("x" * 21))
    assert isinstance(value, Unfit)
    assert "21" in value.reason
    assert "20" in value.reason
    assert value.shown == "x" * 21
    # By hand or from another column: the CAST would cut it without a word.
    with pytest.raises(Refused, match="20"):
        codec.to_postgres("x" * 21)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_what_postgres_cannot_store_is_parked_whole(text: str) -> None:
    value = text_codec().from_notion(typed(text))
    assert isinstance(value, Unfit)
    assert value.shown == text


def test_formatted_text_is_read_as_people_read_it() -> None:
    wire = {
        "id": "x",
        "type": "title",
        "title": [
            {"type": "text", "plain_text": "see ", "annotations": {"bold": True}},
            {"type": "mention", "mention": {}, "plain_text": "@Ada"},
            {"type": "equation", "equation": {"expression": "x^2"}, "plain_text": "x^2"},
        ],
    }
    assert text_codec(to=PROPERTIES["title"]).from_notion(wire) == "see @Adax^2"


@pytest.mark.parametrize("text", ["123E4567-E89B-12D3-A456-426614174000", " 123e4567e89b12d3a456426614174000 "])
def test_a_uuid_has_one_spelling(text: str) -> None:
    codec = text_codec(COLUMNS["uuid"])
    assert codec.from_notion(typed(text)) == "123e4567-e89b-12d3-a456-426614174000"
    assert isinstance(codec.from_notion(typed("123")), Unfit)


@pytest.mark.parametrize("name", ["text", "date", "integer", "boolean", "timestamptz", "uuid", "text[]"])
def test_a_column_that_was_retyped_shows(name: str) -> None:
    value = text_codec(COLUMNS[name]).from_postgres({"a": 1})
    assert isinstance(value, Unfit)
    assert "type changed" in value.reason
