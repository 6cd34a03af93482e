"""Every listed type can be bound and proposed; a pair that cannot be kept the same says what can."""

from __future__ import annotations

import re

import pytest

from bridge.errors import Refused, SetupError
from bridge.model import Codec, Unfit
from bridge.shapes import Column
from bridge.values.halves import Kind
from bridge.values.registry import (
    COLUMN_TYPES,
    PROPERTY_TYPES,
    bind,
    column_kinds,
    property_kinds,
    suggest,
    suggest_column,
)
from tests.values.samples import COLUMNS, PROPERTIES, column, prop

# What PostgreSQL calls the types that are proposed, as a catalog would read them back.
READ_BACK = {"timestamptz": "timestamp with time zone"}


@pytest.mark.parametrize("bound", COLUMNS.values(), ids=COLUMNS)
def test_what_is_proposed_for_a_column_carries_it(bound: Column) -> None:
    proposal = suggest(bound)
    codec: Codec = bind(bound, prop(proposal.type))
    assert codec.kind in set(Kind)
    assert not codec.computed
    assert proposal.why


@pytest.mark.parametrize("type_name", PROPERTY_TYPES)
def test_what_is_proposed_for_a_property_holds_it(type_name: str) -> None:
    proposal = suggest_column(prop(type_name))
    bind(column(READ_BACK.get(proposal.type, proposal.type)), prop(type_name))
    assert proposal.why


@pytest.mark.parametrize(
    ("bound", "proposed"),
    [
        (COLUMNS["integer"], "number"),
        (COLUMNS["bigint"], "rich_text"),
        (column("bigint", has_default=True), "number"),
        (column("bigint", identity="always"), "number"),
        (COLUMNS["numeric"], "rich_text"),
        (COLUMNS["numeric(10,2)"], "number"),
        (column("numeric", precision=15, scale=2), "number"),
        (column("numeric", precision=16, scale=2), "rich_text"),
        (column("numeric", precision=10, scale=-10), "rich_text"),
        (COLUMNS["numeric(38,18)"], "rich_text"),
        (COLUMNS["money"], "rich_text"),
        (column("boolean"), "select"),
        (column("boolean", not_null=True), "checkbox"),
        (column("enum", labels=("a", "b")), "select"),
        (column("enum", labels=("a", "b,c")), "rich_text"),
        (column("enum", labels=("a", "A")), "rich_text"),
        (column("text", allowed=("open", "done")), "select"),
        (column("text", allowed=("a", "b,c")), "rich_text"),
        (column("character", "character(4)", max_length=4, allowed=("open",)), "select"),
        (column("enum[]", labels=("a", "b,c")), "rich_text"),
        (column("integer[]"), "multi_select"),
        (column("interval[]"), "rich_text"),
        (COLUMNS["daterange"], "date"),
        (COLUMNS["numrange"], "rich_text"),
    ],
)
def test_a_proposal_depends_on_what_can_be_held(bound: Column, proposed: str) -> None:
    assert suggest(bound).type == proposed


def test_computed_properties_are_proposed_by_their_configuration() -> None:
    assert suggest_column(prop("rollup", config={"function": "sum"})).type == "numeric"
    assert suggest_column(prop("rollup", config={"function": "show_original"})).type == "text"
    assert suggest_column(prop("unique_id", config={"prefix": "PRE"})).type == "text"
    assert suggest_column(prop("unique_id", config={"prefix": None})).type == "bigint"


@pytest.mark.parametrize(
    ("bound", "type_name"),
    [
        ("integer", "checkbox"),
        ("text", "number"),
        ("text", "date"),
        ("date", "multi_select"),
        ("text[]", "select"),
        ("numrange", "date"),
    ],
)
def test_a_pair_that_cannot_be_kept_the_same(bound: str, type_name: str) -> None:
    with pytest.raises(SetupError, match=f"{re.escape(COLUMNS[bound].type_name)}.*{type_name}") as raised:
        bind(COLUMNS[bound], prop(type_name))
    assert suggest(COLUMNS[bound]).type in raised.value.hint


def test_unknown_types_are_named() -> None:
    with pytest.raises(SetupError, match="hologram"):
        bind(column("hologram"), PROPERTIES["rich_text"])
    with pytest.raises(SetupError, match=r"tsvector.*text of the table"):
        bind(column("tsvector"), PROPERTIES["rich_text"])
    with pytest.raises(SetupError, match="button"):
        bind(COLUMNS["text"], prop("button"))


def test_a_button_is_refused_with_what_it_is() -> None:
    with pytest.raises(SetupError, match="holds no value"):
        bind(COLUMNS["text"], prop("button"))
    with pytest.raises(SetupError, match="of type hologram"):
        bind(COLUMNS["text"], prop("hologram"))


def test_a_property_that_was_retyped_is_not_read_as_empty() -> None:
    codec = bind(COLUMNS["text"], PROPERTIES["rich_text"])
    retyped = codec.from_notion({"id": "x", "type": "select", "select": None})
    assert isinstance(retyped, Unfit)
    assert "select" in retyped.reason
    assert isinstance(codec.from_notion({"id": "x", "type": "rich_text"}), Unfit)


def test_the_tables_for_the_documentation() -> None:
    assert column_kinds().keys() == COLUMN_TYPES.keys()
    assert property_kinds().keys() == PROPERTY_TYPES.keys()
    assert column_kinds()["timestamp without time zone"] == "local time"
    assert property_kinds()["date"] == ("date", "local time", "moment", "range of dates")


def test_a_value_over_which_the_code_stumbles_is_one_field_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would end the bridge otherwise, all syncs of it, at each start again."""

    def stumble(*_: object) -> None:
        raise OverflowError("date value out of range")

    codec = bind(COLUMNS["text"], PROPERTIES["rich_text"])
    for half in (type(codec.column), type(codec.notion)):
        for name in ("read", "write"):
            monkeypatch.setattr(half, name, stumble)
    wire = {"id": "x", "type": "rich_text", "rich_text": []}
    for read in (codec.from_postgres("x"), codec.from_notion(wire)):
        assert isinstance(read, Unfit)
        assert "OverflowError" in read.reason
        assert "report" in read.reason
    for write in (codec.to_postgres, codec.to_notion):
        with pytest.raises(Refused, match="OverflowError"):
            write("x")
