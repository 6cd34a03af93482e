"""A relation carries keys: every key that has a page comes back as it was; what has none waits, by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused, SetupError
from bridge.model import Key, Unfit
from bridge.shapes import Column
from bridge.values import canonical
from bridge.values.context import Context
from bridge.values.links import for_page, for_row
from bridge.values.registry import FieldCodec, bind
from bridge.values.relation import MAX_RELATED, as_seen
from tests.values.samples import COLUMNS, column, prop


class Book:
    """Every row has a page but those in `alone`; the page's id is made of the key."""

    def __init__(self, *alone: str) -> None:
        self.alone = alone

    def key_of(self, target: str, page_id: str) -> Key | None:
        key = page_id.removeprefix(f"{target}/")
        return None if key in self.alone else (key,)

    def page_of(self, target: str, key: Key) -> str | None:
        return None if key[0] in self.alone else f"{target}/{key[0]}"

    def linked(self, sync: str, page_id: str, field: str) -> tuple[str, ...]:
        return ()


def one(bound: Column, *alone: str) -> FieldCodec:
    return bind(bound, prop("relation"), Context(links=Book(*alone), target="shops"))


def many(element: str = "bigint", *alone: str) -> FieldCodec:
    joined = Column("public.shop_tags", "join table", "", 0)
    return bind(joined, prop("relation"), Context(links=Book(*alone), target="shops", linked=COLUMNS[element]))


def shows(*keys: str) -> dict[str, Any]:
    return {"type": "relation", "relation": [{"id": f"shops/{key}"} for key in keys], "has_more": False}


KEYS = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    "uuid": st.uuids().map(str),
}


@pytest.mark.parametrize("type_name", KEYS)
@given(data=st.data())
def test_a_reference_comes_back_as_it_was(type_name: str, data: st.DataObject) -> None:
    codec = one(column(type_name))
    value = codec.from_postgres(data.draw(KEYS[type_name]))
    assert not isinstance(value, Unfit)
    assert codec.from_notion({"type": "relation", **codec.to_notion(value)}) == value


@pytest.mark.parametrize("type_name", KEYS)
@given(data=st.data())
def test_links_through_a_table_come_back_whatever_their_order(type_name: str, data: st.DataObject) -> None:
    joined = Column("public.shop_tags", "join table", "", 0)
    codec = bind(joined, prop("relation"), Context(links=Book(), target="shops", linked=column(type_name)))
    keys = data.draw(st.lists(KEYS[type_name], unique=True, max_size=10))
    value = codec.from_postgres(keys)
    assert value == codec.from_postgres(keys[::-1])
    assert not isinstance(value, Unfit)
    sent = codec.to_notion(value)["relation"]
    assert codec.from_notion({"type": "relation", "relation": sent[::-1]}) == value
    assert codec.to_postgres(value) == list(value or ())  # type: ignore[arg-type]


def test_no_link_is_empty_on_both_sides() -> None:
    codec = one(COLUMNS["bigint"])
    assert codec.from_notion(shows()) is None
    assert codec.to_notion(None) == {"relation": []}
    assert many().from_postgres(None) is None
    assert many().from_postgres([]) is None
    assert many().to_postgres(None) == []


def test_a_row_without_a_page_is_waited_for_by_name() -> None:
    for codec, value in ((one(COLUMNS["text"], "7"), "7"), (many("text", "7"), ("1", "7"))):
        with pytest.raises(Refused, match="waits for the page of shops 7") as raised:
            codec.to_notion(value)
        assert raised.value.waits_for == for_page("shops", ("7",))


def test_a_page_without_a_row_is_waited_for_and_can_be_read_again() -> None:
    kinds = (
        (one(COLUMNS["text"], "7"), one(COLUMNS["text"]), "7"),
        (many("text", "7"), many("text"), ("7",)),
    )
    for before, later, expected in kinds:
        waiting = before.from_notion(shows("7"))
        assert isinstance(waiting, Unfit)
        assert waiting.waits_for == for_row("shops", "shops/7")
        assert "shops/7" in waiting.reason
        kept = canonical.decode(canonical.encode(waiting))
        assert kept == waiting
        assert later.from_notion(as_seen(waiting)) == expected


def test_a_column_holds_one_page() -> None:
    several = one(COLUMNS["bigint"]).from_notion(shows("1", "2", "3"))
    assert isinstance(several, Unfit)
    assert "3 pages" in several.reason
    assert not several.waits_for
    assert one(COLUMNS["text"]).from_notion(shows("1", "1")) == "1"


def test_more_links_than_one_write_takes() -> None:
    keys = tuple(sorted(str(n) for n in range(MAX_RELATED + 1)))
    with pytest.raises(Refused, match="101"):
        many("text").to_notion(keys)
    assert len(many("text").to_notion(keys[1:])["relation"]) == MAX_RELATED
    assert many("text").from_notion(shows(*keys)) == keys


def test_a_key_that_the_column_cannot_hold_is_refused_in_words() -> None:
    assert isinstance(one(COLUMNS["bigint"]).from_notion(shows("north")), Unfit)
    assert isinstance(many().from_notion(shows("1", "north")), Unfit)


@pytest.mark.parametrize("wire", [None, "x", [1], [{}], [{"id": None}]])
def test_what_is_no_relation_is_not_read_as_empty(wire: Any) -> None:
    assert isinstance(one(COLUMNS["bigint"]).from_notion({"type": "relation", "relation": wire}), Unfit)


def test_an_array_has_an_order_and_a_relation_has_none() -> None:
    with pytest.raises(SetupError, match=r"text\[\]"):
        bind(COLUMNS["text[]"], prop("relation"))
