"""Proves: on a real terminal `run` shows the live console and leaves the screen as it was, `sync` shows its progress
there and its result alone on stdout.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

from bridge.sandbox.notion import Fault
from tests.cli.conftest import World
from tests.cli.test_run import until

DEADLINE_S = 120.0
ALTERNATE_ON, ALTERNATE_OFF, CURSOR_ON = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


class Terminal:
    """A program on a pseudo-terminal of 100 x 30 characters, unless `variables` say something else."""

    def __init__(self, world: World, *args: str, stdout: int | None = None, **variables: str | None) -> None:
        self._master, slave = pty.openpty()
        usual: dict[str, str | None] = {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
        told = {**os.environ, **world.environment, **usual, **variables}
        environment = {name: value for name, value in told.items() if value is not None}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge", *args],
            env=environment,
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
        )
        os.close(slave)
        self.shown = ""

    def until(self, condition: Callable[[str], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition(self.shown):
            assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
            if not self._read() and self.process.poll() is not None:
                assert condition(self.shown), f"it ended before: {what}\n{self.shown}"

    def type(self, keys: str) -> None:
        """Presses keys."""
        os.write(self._master, keys.encode())

    def resize(self, height: int, width: int) -> None:
        """The window has another size now."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def end(self) -> int:
        code = self.process.wait(DEADLINE_S)
        while self._read():
            continue
        os.close(self._master)
        return code

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if not ready:
            return False
        try:
            got = os.read(self._master, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            return False
        self.shown += got.decode(errors="replace")
        return bool(got)


def test_run_shows_the_live_console_and_restores_the_screen(world: World) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('on the screen')")
    terminal = Terminal(world, "run")
    terminal.until(lambda shown: ALTERNATE_ON in shown and "in step" in shown, "the console says in step")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0, terminal.shown
    assert terminal.shown.rindex(ALTERNATE_OFF) > terminal.shown.rindex(ALTERNATE_ON)
    assert CURSOR_ON in terminal.shown[terminal.shown.rindex(ALTERNATE_ON) :]
    assert "Traceback" not in terminal.shown
    assert world.type("verify").exit_code == 0


def test_a_second_ctrl_c_leaves_the_console_at_once_and_nothing_is_lost(world: World) -> None:
    """The first one lets what is under way end, and says so; the screen is as it was after both."""
    world.sandbox.faults.add(Fault(method="POST", path="^/v1/pages", delay_before_s=3600.0))
    world.sql("INSERT INTO tasks (title) VALUES ('on its way')")
    terminal = Terminal(world, "run")
    terminal.until(lambda _: bool(world.sandbox.log.find("POST", "^/v1/pages")), "the request is under way")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until(lambda shown: "Ctrl-C stops at once" in shown, "the console says that it stops")
    assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130, terminal.shown
    assert terminal.shown.count(ALTERNATE_ON) == terminal.shown.count(ALTERNATE_OFF) == 1
    assert CURSOR_ON in terminal.shown[terminal.shown.rindex(ALTERNATE_OFF) :]
    assert "Traceback" not in terminal.shown
    world.sandbox.faults.clear()
    until(lambda: world.type("sync").exit_code == 0, "the next start finds out")
    assert [row["Name"] for row in world.ada.rows(world.source).values()] == ["on its way"]


def test_a_sync_that_is_stopped_says_what_it_did_and_that_it_was_stopped(world: World) -> None:
    world.sandbox.faults.add(Fault(method="POST", path="^/v1/pages", delay_before_s=0.5, times=None))
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 100) AS n")
    terminal = Terminal(world, "sync")
    terminal.until(lambda _: bool(world.sandbox.log.find("POST", "^/v1/pages")), "the request is under way")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130, terminal.shown
    assert "stopped before everything was done" in terminal.shown


def test_run_writes_a_log_on_a_terminal_when_asked_to(world: World) -> None:
    terminal = Terminal(world, "run", "--no-live")
    terminal.until(lambda shown: "tasks started" in shown, "the log begins")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    assert ALTERNATE_ON not in terminal.shown


def test_sync_keeps_progress_out_of_its_result(world: World) -> None:
    world.sql("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 30) AS n")
    result = world.folder / "result"
    with result.open("wb") as stdout:
        terminal = Terminal(world, "sync", stdout=stdout.fileno())
        terminal.until(lambda shown: "requests" in shown, "the bar is shown")
        assert terminal.end() == 0
    assert "30 created" in result.read_text()
    assert "\x1b" not in result.read_text()
