"""The journal's form of a value is exact and reversible, and what a screen shows cannot drive a terminal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import FieldValue, Unfit
from bridge.values.canonical import decode, dumps, encode, loads, normal, number_text, show, time_text

VALUES: list[tuple[FieldValue, object]] = [
    (None, None),
    (True, True),
    ("", ""),
    ("a\r\n\x00", "a\r\n\x00"),
    (Decimal("1.50"), {"number": "1.5"}),
    (Decimal("1E+3"), {"number": "1000"}),
    ("NaN", "NaN"),
    (date(2026, 1, 1), {"date": "2026-01-01"}),
    (datetime(2026, 1, 1, 10, tzinfo=UTC), {"moment": "2026-01-01T10:00:00Z"}),
    (datetime(2026, 1, 1, 10, 0, 0, 120000, tzinfo=UTC), {"moment": "2026-01-01T10:00:00.120Z"}),
    (datetime(2026, 1, 1, 10, 0, 0, 1), {"local": "2026-01-01T10:00:00.000001"}),  # noqa: DTZ001
    (("a", ""), {"list": ["a", ""]}),
    (Unfit("why", "what"), {"unfit": {"reason": "why", "shown": "what"}}),
]


@pytest.mark.parametrize(("value", "encoded"), VALUES)
def test_the_form_in_the_journal(value: FieldValue, encoded: object) -> None:
    assert encode(value) == encoded
    assert decode(encoded) == value
    assert type(decode(encoded)) is type(value)


@pytest.mark.parametrize(
    "foreign",
    [
        1,
        1.5,
        [],
        {},
        {"number": 1},
        {"list": [1]},
        {"unfit": {"reason": "why"}},
        {"unfit": {"reason": 1, "shown": "what"}},
        {"color": "red"},
    ],
)
def test_what_the_journal_never_wrote_is_an_error(foreign: object) -> None:
    with pytest.raises(ValueError, match="not a value"):
        decode(foreign)


def test_a_line_of_the_journal_is_readable_and_survives_lone_surrogates() -> None:
    assert dumps({"b": "ü", "a": None}) == '{"a": null, "b": "ü"}'
    broken = {"a": Unfit("half a pair", "x\ud800")}
    dumps(broken).encode()
    assert loads(dumps(broken)) == broken
    with pytest.raises(ValueError, match="not a mapping"):
        loads("[]")


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_has_one_spelling_whatever_the_context(number: Decimal) -> None:
    with localcontext(prec=3):
        text = number_text(number)
        assert normal(number) == number
    assert Decimal(text) == number
    assert "e" not in text.lower()
    assert text == number_text(normal(number))
    assert not text.startswith("-0") or text.startswith("-0.")
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.50", "1.5"), ("-0.0", "0"), ("1E+20", "1" + "0" * 20), ("0.10", "0.1"), ("100", "100"), ("0E-9", "0")],
)
def test_a_number_in_plain_notation(number: str, text: str) -> None:
    assert number_text(Decimal(number)) == text


def test_a_moment_is_told_in_utc() -> None:
    assert time_text(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00Z"
    assert time_text(datetime(2026, 1, 1, 0, 0, 0, 100, tzinfo=UTC)) == "2026-01-01T00:00:00.000100Z"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(empty)"),
        (False, "no"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("\u202eabc\u2028", "\\u202eabc\\u2028"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        (("a", "b"), "a, b"),
        (Unfit("why", "x\ud800"), "x\\ud800"),
    ],
)
def test_a_value_on_a_screen(value: FieldValue, shown: str) -> None:
    assert show(value) == shown
