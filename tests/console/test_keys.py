"""Keys from a terminal: named, one at a time, however their bytes arrive; and the terminal is as it was afterwards."""

from __future__ import annotations

import os
import pty
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bridge.console.keys import CTRL_C, END, Keys, KeyThread

WAIT_S = 30.0


@dataclass(slots=True)
class Line:
    """Both ends of a terminal."""

    person: int
    program: int

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())


@pytest.fixture
def line() -> Iterator[Line]:
    person, program = pty.openpty()
    yield Line(person, program)
    os.close(program)
    os.close(person)


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("pq", ["p", "q"]),
        ("\x1b[A\x1b[B\x1bOC\x1b[D", ["up", "down", "right", "left"]),
        ("\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~", ["page up", "page down", "home", "end", "home", "end"]),
        ("\x1b[200~x", ["unknown", "x"]),
        ("\r\x7f\x03", ["enter", "backspace", CTRL_C]),
        ("ü漢\x1b", ["ü", "漢", "escape"]),
    ],
)
def test_keys_have_names(line: Line, typed: str, keys: list[str]) -> None:
    with Keys(line.program, signals=False) as reader:
        line.type(typed)
        assert [reader.get(WAIT_S) for _ in keys] == keys


def test_a_character_that_arrives_in_two_halves_is_one_key(line: Line) -> None:
    with Keys(line.program, signals=False) as reader:
        first, second = "ü".encode()[:1], "ü".encode()[1:]
        os.write(line.person, first)
        assert reader.get(WAIT_S) == ""
        os.write(line.person, second)
        assert reader.get(WAIT_S) == "ü"


def test_no_key_in_time_is_none(line: Line) -> None:
    with Keys(line.program, signals=False) as reader:
        assert reader.get(0.0) == ""


def test_a_wait_can_be_ended_from_elsewhere(line: Line) -> None:
    with Keys(line.program, signals=False) as reader:
        threading.Timer(0.01, reader.interrupt).start()
        assert reader.get(WAIT_S) == ""


def test_a_terminal_that_is_gone_has_no_more_keys() -> None:
    person, program = pty.openpty()
    reader = Keys(program, signals=False)
    reader.__enter__()
    os.close(person)
    assert reader.get(WAIT_S) == END
    os.close(program)


def test_the_terminal_is_as_it_was(line: Line) -> None:
    before = termios.tcgetattr(line.program)
    with Keys(line.program, signals=True):
        during = termios.tcgetattr(line.program)
        assert not during[3] & termios.ICANON
        assert not during[3] & termios.ECHO
        assert during[3] & termios.ISIG
    assert termios.tcgetattr(line.program) == before


def test_the_thread_hands_over_keys_and_leaves_the_terminal_to_others(line: Line) -> None:
    before = termios.tcgetattr(line.program)
    pressed: list[str] = []
    came = threading.Event()

    def press(key: str) -> None:
        pressed.append(key)
        came.set()

    thread = KeyThread(line.program, press)
    thread.open()
    line.type("p")
    assert came.wait(WAIT_S)
    thread.close()
    line.type("q")
    assert pressed == ["p"]
    assert termios.tcgetattr(line.program) == before
