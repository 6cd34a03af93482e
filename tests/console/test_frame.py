"""A frame stays in its place on terminals that count other widths than rich does, and lines wrap again after it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.live import Live

from bridge.console.draw import render
from bridge.console.frame import WRAP_OFF, WRAP_ON, Frame
from bridge.console.picture import example
from bridge.console.view import ChangeView, ConflictView, View
from bridge.model import Side
from tests.console.conftest import NOON, terminal

VALUES = (
    "Ada \U0001f469\U0001f3fd\u200d\U0001f4bb Lovelace",
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7" * 9,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 30,
    "Cafe\u0301 " * 20,
    "漢字かな交じり文" * 20,
    "2\ufe0f\u20e3 \u2764\ufe0f " * 20,
    "a\u202egnirts",
)
_CODE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([^\x1b])", re.DOTALL)


def every_code_point(character: str) -> int:
    """As terminals do that know nothing of joining: each emoji and each modifier by itself."""
    return 2 if unicodedata.east_asian_width(character) in "WF" or character == "\ufe0f" else 1


def as_little_as_can_be(character: str) -> int:
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf", "Sk") else 1


class Screen:
    """What a terminal with its own idea of widths shows."""

    def __init__(self, width: int, height: int, measure: Callable[[str], int]) -> None:
        self.rows = [[" "] * width for _ in range(height)]
        self.wraps, self._row, self._column = True, 0, 0
        self._width, self._height, self._measure = width, height, measure

    def feed(self, written: str) -> None:
        for number, letter, character in _CODE.findall(written):
            if character:
                self._put(character)
            elif letter == "H":
                self._row, self._column = 0, 0
            elif letter == "G":
                self._column = int(number) - 1
            elif letter == "K":
                self.rows[self._row] = [" "] * self._width
            elif number == "?7":
                self.wraps = letter == "h"

    def _put(self, character: str) -> None:
        if character == "\n":
            self._next_row()
            return
        cells = self._measure(character)
        if self._column + cells > self._width:
            if self.wraps:
                self._next_row()
            else:
                self._column = self._width - cells
        for place in range(cells):
            self.rows[self._row][self._column + place] = character if place == 0 else ""
        self._column += cells

    def _next_row(self) -> None:
        self._row, self._column = self._row + 1, 0
        if self._row == self._height:
            self.rows = [*self.rows[1:], [" "] * self._width]
            self._row -= 1

    @property
    def lines(self) -> list[str]:
        return ["".join(row) for row in self.rows]


def crowded(value: str) -> View:
    conflict = ConflictView(8, ("1099",), "stage", value, value + "!", "manual", None, "open", NOON)
    change = ChangeView(NOON, Side.NOTION, "update", (value,), {"title": ("x", value)}, 0.5)
    return replace(example(), conflicts=(conflict,) * 3, changes=(change,) * 5)


@pytest.mark.parametrize("measure", [every_code_point, as_little_as_can_be])
@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_nothing_scrolls_and_the_columns_stay(value: str, measure: Callable[[str], int]) -> None:
    width, height = 120, 30
    console, written = terminal(width, height, live=True)
    screen = Screen(width, height, measure)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for view in (example(), crowded(value), crowded("short")):
            before = len(written.getvalue())
            live.update(Frame(render(view, width, height)), refresh=True)
            screen.feed(written.getvalue()[before:])
            assert screen.lines[0].startswith(" notion-bridge ")
            assert "p pause   c review conflicts   q quit" in screen.lines[-1]
            if view.conflicts[0].postgres == value:
                waiting = [line for line in screen.lines if "waits for you" in line]
                assert len(waiting) == 3
                assert all(line[-14:].strip() == "waits for you" for line in waiting)
                assert not any("\u202e" in line for line in screen.lines)
            assert screen.wraps, "between two frames everything is as it was"
    last = "\n".join(screen.lines)
    assert value not in last
    assert "waits for you" in last


def test_wrapping_is_off_only_while_a_frame_is_drawn() -> None:
    console, written = terminal(80, 24, live=True)
    console.print(Frame(render(example(), 80, 24)), end="")
    frame = written.getvalue()
    assert frame.startswith(WRAP_OFF)
    assert frame.endswith(WRAP_ON)
    assert frame.count(WRAP_OFF) == frame.count(WRAP_ON) == 1
