"""What Notion computes reaches the column in the column's kind, or is parked; it is never written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import Refused, SetupError
from bridge.model import FieldValue, Unfit
from bridge.values.registry import PROPERTY_TYPES, bind
from tests.values.samples import COLUMNS, column, prop

NOON = "2026-11-22T12:00:00.000Z"
PERSON = {"object": "user", "id": "123e4567-e89b-12d3-a456-426614174000", "name": "Ada"}


def read(name: str, type_name: str, held: Any) -> FieldValue:
    return bind(COLUMNS[name], prop(type_name)).from_notion({"id": "x", "type": type_name, type_name: held})


@pytest.mark.parametrize(
    ("name", "result", "value"),
    [
        ("text", {"type": "string", "string": "a"}, "a"),
        ("text", {"type": "string", "string": None}, None),
        ("text", {"type": "number", "number": 1.5}, "1.5"),
        ("text", {"type": "boolean", "boolean": True}, "yes"),
        ("text", {"type": "date", "date": {"start": "2026-11-22"}}, "2026-11-22"),
        ("integer", {"type": "number", "number": 3}, Decimal(3)),
        ("integer", {"type": "string", "string": "3"}, Decimal(3)),
        ("boolean", {"type": "boolean", "boolean": False}, False),
        ("date", {"type": "date", "date": {"start": "2026-11-22"}}, date(2026, 11, 22)),
        ("date", {"type": "date", "date": None}, None),
        ("timestamptz", {"type": "date", "date": {"start": NOON}}, datetime(2026, 11, 22, 12, tzinfo=UTC)),
    ],
)
def test_a_formula_by_its_result(name: str, result: Any, value: FieldValue) -> None:
    assert read(name, "formula", result) == value


@pytest.mark.parametrize(
    ("name", "type_name", "held"),
    [
        ("text", "formula", {"type": "unsupported", "unsupported": {}}),
        ("text", "formula", {"type": "number"} | {"number": "1"}),
        ("integer", "formula", {"type": "number", "number": 1.5}),
        ("integer", "formula", {"type": "boolean", "boolean": True}),
        ("date", "formula", {"type": "date", "date": {"start": NOON}}),
        ("numeric", "rollup", {"type": "incomplete", "incomplete": {}}),
        ("text", "rollup", {"type": "array", "array": [{"type": "button", "button": {}}]}),
        ("text", "rollup", {"type": "array", "array": ["x"]}),
        ("uuid", "created_by", {"object": "user", "id": "no uuid"}),
    ],
)
def test_what_cannot_be_carried_is_unfit(name: str, type_name: str, held: Any) -> None:
    assert isinstance(read(name, type_name, held), Unfit)


def test_a_rollup_by_its_result() -> None:
    items = [
        {"type": "title", "title": [{"plain_text": "a"}]},
        {"type": "number", "number": None},
        {"type": "select", "select": {"id": "1", "name": "b"}},
        {"type": "formula", "formula": {"type": "number", "number": 2}},
    ]
    array = {"type": "array", "function": "show_original", "array": items}
    assert read("text", "rollup", array) == "a, b, 2"
    assert read("text[]", "rollup", array) == ("a", "b", "2")
    assert read("text", "rollup", {"type": "array", "array": []}) is None
    assert read("numeric", "rollup", {"type": "number", "function": "sum", "number": 0.5}) == Decimal("0.5")
    assert read("date", "rollup", {"type": "date", "date": {"start": "2026-11-22"}}) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"type": "people", "people": [PERSON, {"id": "7"}]}, (PERSON["id"], "7")),
        ({"type": "created_by", "created_by": PERSON}, ("Ada",)),
        ({"type": "relation", "relation": [{"id": "p1"}, {"id": "p2"}]}, ("p1", "p2")),
        ({"type": "unique_id", "unique_id": {"prefix": "PRE", "number": 12}}, ("PRE-12",)),
        ({"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]}, ("a", "b")),
        ({"type": "verification", "verification": {"state": "expired"}}, ("expired",)),
        ({"type": "place", "place": {"lat": 1.5, "lon": -2}}, ('{"lat": 1.5, "lon": -2}',)),
        ({"type": "files", "files": [{"name": "a", "file": {"url": "https://x/a?sig=1"}}]}, ("notion-file:a",)),
    ],
)
def test_what_a_rollup_gives_reads_as_it_does_by_itself(item: dict[str, Any], text: tuple[str, ...]) -> None:
    array = {"type": "array", "function": "show_original", "array": [item, item]}
    assert read("text[]", "rollup", array) == text * 2
    assert read("text", "rollup", array) == ", ".join(text * 2)
    assert read("text", "formula", item) == ", ".join(text)


def test_verification_is_a_state_or_since_when() -> None:
    held = {"state": "verified", "date": {"start": NOON, "end": "2027-01-01T00:00:00.000Z"}, "verified_by": PERSON}
    assert read("text", "verification", held) == "verified"
    assert read("timestamptz", "verification", held) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert read("timestamptz", "verification", {"state": "unverified", "date": None, "verified_by": None}) is None
    assert read("text", "verification", None) is None
    assert isinstance(read("text", "verification", "verified"), Unfit)


def test_a_place_is_one_json_text_whatever_the_order() -> None:
    place = {"google_place_id": None, "lon": 13.4, "lat": 52.5, "address": 'A "B"', "name": "C"}
    assert read("text", "place", place) == '{"name": "C", "address": "A \\"B\\"", "lat": 52.5, "lon": 13.4}'
    assert read("text", "place", None) is None


def test_who_when_and_which() -> None:
    assert read("timestamptz", "created_time", NOON) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert read("text", "last_edited_time", NOON) == "2026-11-22T12:00:00Z"
    assert read("text", "created_by", PERSON) == "Ada"
    assert read("text", "last_edited_by", {"object": "user", "id": "7"}) == "7"
    assert read("uuid", "created_by", PERSON) == PERSON["id"]
    assert read("text", "unique_id", {"prefix": "PRE", "number": 12}) == "PRE-12"
    assert read("text", "unique_id", {"prefix": None, "number": 12}) == "12"
    assert read("bigint", "unique_id", {"prefix": "PRE", "number": 12}) == Decimal(12)


COMPUTED = [name for name, half in PROPERTY_TYPES.items() if half.computed]


@pytest.mark.parametrize("type_name", COMPUTED)
def test_nothing_computed_is_written(type_name: str) -> None:
    codec = bind(column("text"), prop(type_name))
    assert codec.computed
    with pytest.raises(Refused, match=r"computes|only people can|choose it there"):
        codec.to_notion("x")


def test_a_creation_time_is_no_day() -> None:
    with pytest.raises(SetupError, match="created_time"):
        bind(COLUMNS["date"], prop("created_time"))
