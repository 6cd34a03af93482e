"""A day is no moment, a range is no day, and a moment is the same instant on both sides to the millisecond."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit
from bridge.values.registry import bind
from tests.values.samples import COLUMNS, PROPERTIES, column

DAY = "2026-11-22"


def read(name: str, start: str, **more: Any) -> FieldValue:
    held = {"start": start, "end": None, "time_zone": None, **more}
    return bind(COLUMNS[name], PROPERTIES["date"]).from_notion({"id": "x", "type": "date", "date": held})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "zone", "utc"),
    [
        ("2026-11-22T10:00:00.000+02:00", None, "2026-11-22T08:00:00+00:00"),
        ("2026-11-22T10:00:00Z", None, "2026-11-22T10:00:00+00:00"),
        ("2026-11-22T10:00:00", None, "2026-11-22T10:00:00+00:00"),
        ("2026-11-22T10:00:00", "America/Los_Angeles", "2026-11-22T18:00:00+00:00"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),  # comes twice: the first
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),  # never comes: an hour on
        ("2026-11-22T10:00:00.123456Z", None, "2026-11-22T10:00:00.123+00:00"),
    ],
)
def test_a_moment_is_read_in_utc(start: str, zone: str | None, utc: str) -> None:
    assert read("timestamptz", start, time_zone=zone) == moment(utc)
    assert read("timestamp", start, time_zone=zone) == moment(utc).replace(tzinfo=None)


def test_what_is_sent() -> None:
    prop = PROPERTIES["date"]
    utc = moment("2026-11-22T10:00:00.120+00:00")
    assert bind(COLUMNS["timestamptz"], prop).to_notion(utc) == {"date": {"start": f"{DAY}T10:00:00.120Z"}}
    assert bind(COLUMNS["timestamp"], prop).to_notion(utc.replace(tzinfo=None)) == {
        "date": {"start": f"{DAY}T10:00:00.120Z"}
    }
    assert bind(COLUMNS["date"], prop).to_notion(date(2026, 11, 22)) == {"date": {"start": DAY}}
    assert bind(COLUMNS["date"], prop).to_notion(None) == {"date": None}


@pytest.mark.parametrize(
    ("name", "start", "more", "reason"),
    [
        ("date", DAY, {"end": "2026-11-23"}, "end"),
        ("date", f"{DAY}T10:00:00Z", {}, "remove the time"),
        ("timestamptz", DAY, {}, "no time of day"),
        ("timestamp", DAY, {}, "no time of day"),
        ("timestamptz", f"{DAY}T10:00:00Z", {"end": f"{DAY}T11:00:00Z"}, "end"),
        ("timestamptz", f"{DAY}T10:00:00", {"time_zone": "Moon/Base"}, "time zone"),
        ("timestamptz", f"{DAY}T10:00:00", {"time_zone": "America"}, "time zone"),
        ("timestamptz", f"{DAY}T10:00:00", {"time_zone": "../etc"}, "time zone"),
        ("timestamptz", "0001-01-01T00:00:00+05:00", {}, "years 1 to 9999"),
        ("timestamptz(0)", f"{DAY}T10:00:00.900Z", {}, "decimals of a second"),
        ("date", "tomorrow", {}, "no date"),
        ("date", "2026-02-30", {}, "no date"),
    ],
)
def test_what_the_column_cannot_hold_is_parked(name: str, start: str, more: dict[str, str], reason: str) -> None:
    value = read(name, start, **more)
    assert isinstance(value, Unfit)
    assert reason in value.reason
    assert start[:10] in value.shown


def test_a_column_of_two_decimals_takes_no_third() -> None:
    """PostgreSQL would round it, and the rounded moment would pass for an edit of the row."""
    codec = bind(column("timestamp with time zone", "timestamp(2) with time zone"), PROPERTIES["date"])
    two, three = (
        codec.from_notion({"id": "x", "type": "date", "date": {"start": f"{DAY}T10:00:00.{fraction}Z"}})
        for fraction in ("120", "123")
    )
    assert two == moment(f"{DAY}T10:00:00.120+00:00")
    assert isinstance(three, Unfit)
    assert "2 decimals of a second" in three.reason


def test_microseconds_are_compared_away() -> None:
    codec = bind(COLUMNS["timestamptz"], PROPERTIES["date"])
    assert codec.from_postgres(f"{DAY}T10:00:00.123999+00:00") == moment(f"{DAY}T10:00:00.123+00:00")
    assert codec.from_postgres("1900-01-01T00:00:00.999999+00:00") == moment("1900-01-01T00:00:00.999+00:00")


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
        ("date", "10000-02-29"),
        ("timestamptz", "-infinity"),
        ("timestamptz", "10000-01-01T00:00:00.12+00:00"),
        ("timestamp", "0001-01-01T00:00:00 BC"),
    ],
)
def test_far_dates_travel_as_text_only(name: str, wire: str) -> None:
    as_text = bind(COLUMNS[name], PROPERTIES["rich_text"])
    value = as_text.from_postgres(wire)
    assert value == wire
    assert as_text.to_postgres(wire) == wire
    with pytest.raises(Refused, match="years 1 to 9999"):
        bind(COLUMNS[name], PROPERTIES["date"]).to_notion(wire)


@pytest.mark.parametrize(
    "text", ["10001-02-29", "0044-13-01 BC", "00044-01-01", "010000-01-01", "0000-01-01", "2026-1-1", "now"]
)
def test_what_is_no_date_is_parked(text: str) -> None:
    wire = {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": text}]}
    assert isinstance(bind(COLUMNS["date"], PROPERTIES["rich_text"]).from_notion(wire), Unfit)
