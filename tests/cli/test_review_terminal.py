"""Proves: on a real terminal a conflict is decided with a key, and the row and the page get what was chosen; with and
without a running bridge, and out of the console of the running one.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import World
from tests.cli.test_run import running, until
from tests.cli.test_terminal import ALTERNATE_OFF, ALTERNATE_ON, Terminal


@pytest.fixture
def divided(world: World) -> World:
    """One open conflict about the title of record 1."""
    world.divide("call Ines", "call Ines on Monday", "call Wolf on Monday")
    return world


def test_a_key_decides_and_the_command_writes_it_when_no_bridge_runs(divided: World) -> None:
    terminal = Terminal(divided, "conflicts")
    terminal.until(lambda shown: "waits for you" in shown, "the list")
    terminal.type("\r")
    terminal.until(lambda shown: "until you decide" in shown, "the conflict")
    terminal.type("n")
    terminal.until(lambda shown: "u undoes" in shown, "the decision")
    terminal.type("q")
    assert terminal.end() == 0, terminal.shown
    assert divided.titles() == ("call Wolf on Monday", "call Wolf on Monday")
    last = terminal.shown[terminal.shown.rindex(ALTERNATE_OFF) :]
    assert "1 conflict decided, 0 left as they are" in last
    assert divided.json("conflicts", "list") == []


def test_a_decision_can_be_taken_back_and_another_value_typed(divided: World) -> None:
    terminal = Terminal(divided, "conflicts")
    terminal.until(lambda shown: "waits for you" in shown, "the list")
    terminal.type("p")
    terminal.until(lambda shown: "u undoes" in shown, "the decision")
    terminal.type("u")
    terminal.until(lambda shown: "taken back: it is as it was" in shown, "the undoing")
    terminal.type("e\x15ask both\r")
    terminal.until(lambda shown: "your value taken" in shown, "the value")
    terminal.type("q")
    assert terminal.end() == 0, terminal.shown
    assert divided.titles() == ("ask both", "ask both")


def test_a_long_text_goes_through_the_editor(divided: World) -> None:
    divided.sql("UPDATE tasks SET title = repeat('word ', 30)")
    assert divided.type("sync").exit_code == 3
    editor = divided.folder / "editor.sh"
    editor.write_text("#!/bin/sh\nprintf 'from the editor\\n' > \"$1\"\n")
    editor.chmod(0o700)
    terminal = Terminal(divided, "conflicts", VISUAL=str(editor))
    terminal.until(lambda shown: "waits for you" in shown, "the list")
    terminal.type("\x1b[F")
    terminal.until(lambda shown: "word" in shown, "the newest one")
    terminal.type("e")
    terminal.until(lambda shown: "your value taken" in shown, "the value")
    terminal.type("q")
    assert terminal.end() == 0, terminal.shown
    assert divided.titles() == ("from the editor", "from the editor")
    assert not list(Path("/tmp").glob("notion-bridge-*.txt"))


def test_ctrl_c_in_the_editor_ends_neither_the_review_nor_the_bridge(divided: World) -> None:
    """A terminal sends it to every process that was started there, and an editor may leave it to do its work."""
    divided.sql("UPDATE tasks SET title = repeat('word ', 30)")
    editor = divided.folder / "editor.sh"
    terminal = Terminal(divided, "run", VISUAL=str(editor))
    editor.write_text(f"#!/bin/sh\nkill -INT {terminal.process.pid} $PPID $$\n")
    editor.chmod(0o700)
    terminal.until(lambda shown: "waiting for you" in shown and "review conflicts" in shown, "the console")
    terminal.type("c")
    terminal.until(lambda shown: "2 to decide, 0 decided" in shown, "the review")
    terminal.type("\x1b[Fe")
    terminal.until(lambda shown: "nothing was changed in the editor" in shown, "the review is back")
    terminal.type("q")
    terminal.until(lambda shown: "waiting for you" in shown.partition("0 conflicts decided")[2], "the console is back")
    assert "stopping" not in terminal.shown
    terminal.type("q")
    assert terminal.end() == 0, terminal.shown


def test_the_running_bridge_writes_it_at_once_and_takes_it_back(divided: World) -> None:
    with running(divided):
        terminal = Terminal(divided, "conflicts")
        terminal.until(lambda shown: "waits for you" in shown, "the list")
        terminal.type("n")
        until(lambda: divided.titles() == ("call Wolf on Monday",) * 2, "both sides have it while the review is open")
        # In the list, that is; below it the decision is told at once, with the key that undoes it.
        terminal.until(lambda shown: bool(re.search("Notion's value taken[^;]", shown)), "the list says so")
        terminal.type("u")
        own = ("call Ines on Monday", "call Wolf on Monday")
        until(lambda: divided.titles() == own, "taken back, both sides have their own value again")
        terminal.until(lambda shown: "waits for you" in shown.partition("taken back")[2], "and it waits again")
        terminal.type("\x03")
        assert terminal.end() == 0, terminal.shown


def test_the_console_of_the_running_bridge_opens_the_review_and_goes_on(divided: World) -> None:
    terminal = Terminal(divided, "run")
    terminal.until(lambda shown: "waiting for you" in shown and "review conflicts" in shown, "the console")
    terminal.type("c")
    terminal.until(lambda shown: "1 to decide, 0 decided" in shown, "the review")
    terminal.type("p")
    until(lambda: divided.titles() == ("call Ines on Monday",) * 2, "the bridge goes on and writes it")
    terminal.type("q")
    terminal.until(lambda shown: "in step" in shown.rpartition("1 conflict decided")[2], "the console is back")
    divided.sql("UPDATE tasks SET status = 'open'")
    terminal.until(lambda shown: "status" in shown.rpartition("1 conflict decided")[2], "and shows what happens")
    terminal.type("p")
    terminal.until(lambda shown: "is paused; to go on" in shown, "it pauses")
    terminal.type("pq")
    assert terminal.end() == 0, terminal.shown
    assert terminal.shown.count(ALTERNATE_ON) == terminal.shown.count(ALTERNATE_OFF) == 3


def test_a_dumb_terminal_gets_the_list(divided: World) -> None:
    terminal = Terminal(divided, "conflicts", TERM="dumb")
    assert terminal.end() == 0
    assert "conflicts resolve N --take" in terminal.shown
    assert "\x1b" not in terminal.shown


def test_run_on_a_dumb_terminal_writes_its_log(divided: World) -> None:
    terminal = Terminal(divided, "run", TERM="dumb")
    terminal.until(lambda shown: "tasks started" in shown, "the log begins")
    terminal.process.terminate()
    assert terminal.end() == 0
    assert "\x1b" not in terminal.shown


def test_a_terminal_that_spells_characters_out_gets_lists_and_lines(divided: World) -> None:
    """A `\\u2192` takes six places where one was counted: no frame would keep its shape."""
    other: dict[str, Any] = {"PYTHONIOENCODING": "ascii:backslashreplace", "PYTHONUTF8": "0", "LC_ALL": "C"}
    terminal = Terminal(divided, "conflicts", **other)
    assert terminal.end() == 0
    assert "conflicts resolve N --take" in terminal.shown
    assert ALTERNATE_ON not in terminal.shown
    terminal = Terminal(divided, "run", **other)
    terminal.until(lambda shown: "tasks started" in shown, "the log begins")
    terminal.process.terminate()
    assert terminal.end() == 0
    assert ALTERNATE_ON not in terminal.shown


@pytest.mark.parametrize("size", [(20, 60), (50, 200)])
def test_it_follows_the_size_of_the_terminal(divided: World, size: tuple[int, int]) -> None:
    terminal = Terminal(divided, "conflicts", LINES=None, COLUMNS=None)
    for height, width in (size, (30, 90)):
        terminal.resize(height, width)
        terminal.until(partial(_is_as_wide_as, width), "a frame of that size")
    terminal.type("q")
    assert terminal.end() == 0


def _is_as_wide_as(width: int, shown: str) -> bool:
    """Whether the line across the last frame has that width."""
    return max(map(len, re.findall("─+", shown.rpartition("\x1b[H")[2])), default=0) == width
