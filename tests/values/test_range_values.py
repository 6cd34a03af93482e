"""A range means the same days and moments on both sides, whatever each counts as its end; what a date property cannot
show exactly is refused there and carried as text."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit
from bridge.values.registry import bind
from tests.values.samples import COLUMNS, PROPERTIES, readback

TEN, ELEVEN = "2026-11-22T10:00:00.000Z", "2026-11-22T11:00:00.000Z"


def shown(name: str, start: str, end: str | None = None, zone: str | None = None) -> FieldValue:
    held = {"start": start, "end": end, "time_zone": zone}
    return bind(COLUMNS[name], PROPERTIES["date"]).from_notion({"id": "x", "type": "date", "date": held})


def typed(name: str, text: str) -> FieldValue:
    wire = {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": text}]}
    return bind(COLUMNS[name], PROPERTIES["rich_text"]).from_notion(wire)


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("daterange", "[2026-01-01,2026-01-05)", {"start": "2026-01-01", "end": "2026-01-04"}),
        ("daterange", "[2026-01-01,2026-01-02)", {"start": "2026-01-01"}),
        ("daterange", "[9999-12-30,10000-01-01)", {"start": "9999-12-30", "end": "9999-12-31"}),
        ("tstzrange", "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)", {"start": TEN, "end": ELEVEN}),
        ("tstzrange", "[2026-11-22T10:00:00Z,2026-11-22T10:00:00Z]", {"start": TEN}),
        ("tsrange", "[2026-11-22T10:00:00,2026-11-22T11:00:00)", {"start": TEN, "end": ELEVEN}),
    ],
)
def test_what_a_date_with_an_end_means(name: str, value: str, sent: dict[str, str]) -> None:
    codec = bind(COLUMNS[name], PROPERTIES["date"])
    assert codec.to_notion(value) == {"date": sent}
    assert codec.from_notion(readback(PROPERTIES["date"], codec.to_notion(value))) == value
    # An end that is the beginning is no other range than none.
    assert shown(name, sent["start"], sent.get("end", sent["start"])) == value


@pytest.mark.parametrize(
    ("start", "end", "zone", "value"),
    [
        # 02:30 is not on the clocks in March and twice on them in October.
        ("2026-03-29T02:30:00", "2026-10-25T02:30:00", "Europe/Berlin", "[2026-03-29T01:30:00Z,2026-10-25T00:30:00Z)"),
        ("2026-11-22T10:00:00+02:00", "2026-11-22T10:00:00Z", None, "[2026-11-22T08:00:00Z,2026-11-22T10:00:00Z)"),
    ],
)
def test_ends_are_moments(start: str, end: str, zone: str | None, value: str) -> None:
    assert shown("tstzrange", start, end, zone) == value


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("daterange", "empty", "empty range"),
        ("daterange", "(,2026-01-05)", "no beginning"),
        ("daterange", "[2026-01-01,)", "no end"),
        ("daterange", "[2026-01-01,infinity)", "years 1 to 9999"),
        ("daterange", "[0044-03-15 BC,2026-01-01)", "years 1 to 9999"),
        ("tstzrange", "(2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)", "leaves out its beginning"),
        ("tstzrange", "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z]", "the end belongs to the range"),
        ("tstzrange", "[2026-11-22T10:00:00.000001Z,2026-11-22T11:00:00Z)", "milliseconds"),
        ("tsrange", "[2026-11-22T10:00:00,infinity)", "years 1 to 9999"),
    ],
)
def test_what_a_date_property_cannot_show_is_refused_and_carried_as_text(name: str, value: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        bind(COLUMNS[name], PROPERTIES["date"]).to_notion(value)
    assert typed(name, value) == value
    assert bind(COLUMNS[name], PROPERTIES["rich_text"]).to_postgres(value) == value


@pytest.mark.parametrize(
    ("name", "start", "end", "reason"),
    [
        ("daterange", TEN, ELEVEN, "remove the time"),
        ("tstzrange", "2026-11-22", "2026-11-23", "no time of day"),
        ("daterange", "2026-11-23", "2026-11-22", "before it begins"),
        ("daterange", "2026-11-22", TEN, "no date"),
        ("daterange", "tomorrow", None, "no date"),
        ("date", "2026-11-22", "2026-11-23", "has an end"),
    ],
)
def test_what_the_column_cannot_hold_is_parked(name: str, start: str, end: str | None, reason: str) -> None:
    value = shown(name, start, end)
    assert isinstance(value, Unfit)
    assert reason in value.reason


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("daterange", "[2026-01-01, 2026-01-05]", "[2026-01-01,2026-01-06)"),
        ("daterange", "(2026-01-01,2026-01-05)", "[2026-01-02,2026-01-05)"),
        ("daterange", "[2026-01-01,2026-01-01)", "empty"),
        ("daterange", "(2026-01-01,2026-01-02)", "empty"),
        ("daterange", "[2026-01-01,infinity]", "[2026-01-01,infinity]"),
        ("daterange", "[,]", "(,)"),
        ("daterange", "EMPTY", "empty"),
        ("int4range", "[1,5]", "[1,6)"),
        ("int4range", "(5,6)", "empty"),
        ("int4range", "[ 1 , ]", "[1,)"),
        ("numrange", "[1.50,2.0]", "[1.5,2]"),
        ("numrange", "(1,1]", "empty"),
        ("numrange", "[1,1]", "[1,1]"),
        (
            "tstzrange",
            '["2026-11-22 12:00:00+02","2026-11-22 13:00+02")',
            "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)",
        ),
        ("tsrange", "[2026-11-22 12:00,2026-11-22 12:00)", "empty"),
    ],
)
def test_one_range_has_one_form(name: str, text: str, value: str) -> None:
    assert typed(name, text) == value
    assert typed(name, value) == value


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("daterange", "2026-01-01", "no range"),
        ("daterange", "[2026-02-30,2026-03-01)", "no date"),
        ("daterange", "[2026-01-02,2026-01-01]", "before it begins"),
        ("daterange", "(0044-03-15 BC,2026-01-01)", "half-open"),
        ("int4range", "[1,2147483647]", "holds"),
        ("int4range", "[5,4]", "before it begins"),
        ("int4range", "[1.5,2]", "whole"),
        ("numrange", "[a,b]", "no number"),
        ("tstzrange", "[2026-01-01,2026-01-02)", "no time of day"),
    ],
)
def test_what_is_no_range_is_parked(name: str, text: str, reason: str) -> None:
    value = typed(name, text)
    assert isinstance(value, Unfit)
    assert reason in value.reason


@pytest.mark.parametrize(
    ("held", "floored", "stands"),
    [
        ("[2026-11-22T10:00:30.5Z,2026-11-22T11:00:59Z)", "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)", True),
        ("[2026-11-22T10:00:10Z,2026-11-22T10:00:20Z)", "[2026-11-22T10:00:00Z,2026-11-22T10:00:00Z]", True),
        ("[2026-11-22T10:00:10,2026-11-22T11:00:20)", "[2026-11-22T10:00:00,2026-11-22T11:00:00)", True),
        ("[2026-11-22T10:01:10Z,2026-11-22T11:00:20Z)", "[2026-11-22T10:00:00Z,2026-11-22T11:00:00Z)", False),
    ],
)
def test_seconds_that_notion_loses_are_no_edit(held: Any, floored: Any, stands: bool) -> None:
    assert bind(COLUMNS["tstzrange"], PROPERTIES["date"]).stands_for(floored, held) is stands
