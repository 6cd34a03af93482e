"""Proves: a list of records can be read at every width, says the same at all of them, and breaks no short value."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.cells import cell_len
from rich.console import Console

from bridge.cli.listing import listing

HEADERS = ("id", "sync", "field", "before", "postgres", "state", "at")
_SHORT = 23  # cells; what has as many may be folded
_NARROWEST = 36  # a label, and as much of a value as can be read
TIME = "2026-11-29 06:28:14Z"
ROWS = (
    ("1", "tasks", "name", "Task 3", "call Ines on Monday about the offer for the harbour", "waits for you", TIME),
    ("22", "tasks", "status", "todo", "東京の港湾拡張プロジェクト、第二段階の見積もり", "notion won", TIME),
    ("333", "tasks", "note", "", "x" * 200, "waits for you", TIME),
)


def drawn(width: int, headers: tuple[str, ...] = HEADERS, rows: tuple[tuple[str, ...], ...] = ROWS) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False, emoji=False, highlight=False)
    console.print(listing(headers, rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200, 400])
def test_every_width_shows_everything_and_keeps_to_it(width: int) -> None:
    lines = drawn(width)
    assert all(cell_len(line.rstrip()) <= max(width, _NARROWEST) for line in lines)
    for value in {value for row in ROWS for value in row if 0 < cell_len(value) < _SHORT}:
        assert any(value in line for line in lines), f"{value} is broken"
    for value in (value for row in ROWS for value in row if cell_len(value) >= _SHORT):
        signs = Counter(value.replace(" ", ""))
        assert signs <= Counter("".join(lines)), f"{value} is not whole"


def test_a_list_that_fits_is_a_table() -> None:
    lines = drawn(200)
    assert lines[0].split() == list(HEADERS)
    assert len(lines) == 1 + len(ROWS) + 1, "the last value is folded once"


def test_one_that_does_not_is_a_block_for_each_record() -> None:
    assert drawn(80) == [
        "id 1 · sync tasks · field name · before Task 3 · state waits for you",
        f"  at {TIME}",
        "  postgres  call Ines on Monday about the offer for the harbour",
        "",
        "id 22 · sync tasks · field status · before todo · state notion won",
        f"  at {TIME}",
        "  postgres  東京の港湾拡張プロジェクト、第二段階の見積もり",
        "",
        f"id 333 · sync tasks · field note · state waits for you · at {TIME}",
        f"  postgres  {'x' * 68}",
        f"            {'x' * 68}",
        f"            {'x' * 64}",
    ]


def test_short_records_follow_each_other_without_a_blank() -> None:
    rows = ((TIME, TIME, "a"), (TIME, TIME, "b"))
    assert drawn(45, ("from", "to", "what"), rows) == [
        *(f"from {TIME}", f"  to {TIME} · what a"),
        *(f"from {TIME}", f"  to {TIME} · what b"),
    ]


def test_an_empty_list_has_its_headers() -> None:
    assert [line.split() for line in drawn(200, rows=())] == [list(HEADERS)]
