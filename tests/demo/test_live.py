"""The live demo on a real terminal: comes to be in step, shows where to edit, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

_DEADLINE_S = 120.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_EDITS = re.compile(r"\((?:[2-9]|1\d) of 20\)|made 20 edits")  # which of them is drawn depends on the machine
_LEAVE_SCREEN = "\x1b[?1049l"


class Screen:
    """What a program writes to the terminal that is this one's other end."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._bytes = b""

    @property
    def text(self) -> str:
        """Without colours, which come between the words."""
        return _COLOUR.sub("", self._bytes.decode(errors="replace"))

    def wait_for(self, what: str, there: Callable[[str], object]) -> None:
        """Reads until something is there."""
        deadline = time.monotonic() + _DEADLINE_S
        while not there(self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"not on the screen: {what}\n{self.text[-3000:]}"
            if select.select([self._terminal], [], [], left)[0]:
                self._bytes += self._read()

    def _read(self) -> bytes:
        try:
            return os.read(self._terminal, 65536)
        except OSError:  # how Linux says that the other end was closed
            return b""


def test_live_until_ctrl_c() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "bridge", "demo"]
    demo = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    screen = Screen(ours)
    try:
        screen.wait_for("in step", lambda text: "● in step" in text)
        screen.wait_for("the colleague's first edits", _EDITS.search)
        psql = re.search(r"psql +(/\S+/psql)", screen.text)
        assert psql is not None
        assert Path(psql[1]).exists()
        assert re.search(r"Notion +http://127\.0\.0\.1:\d+/d/[0-9a-f-]{36}", screen.text)
        assert "33 rows" in screen.text
        assert "33 pages" in screen.text
        demo.send_signal(signal.SIGINT)
        screen.wait_for("the ordinary screen", lambda text: _LEAVE_SCREEN in text)
        screen.wait_for("the last word", lambda text: "33 rows, 33 pages" in text.split(_LEAVE_SCREEN)[-1])
        assert demo.wait(_DEADLINE_S) == 0
        assert "Traceback" not in screen.text
        assert not Path(psql[1]).parent.exists()
    finally:
        demo.kill()
        demo.wait()
        os.close(ours)
