"""Ctrl-C and SIGTERM: the first asks the bridge to finish what is under way, the second ends it at once.

Both are safe: what was decided is journaled before it is written, and the next start finds out the rest. A terminal
sends Ctrl-C to every process that was started there; while a review has it, it is meant for that, or for its editor.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from bridge.cli.environment import Environment
from bridge.cli.program import INTERRUPTED

_STDERR = 2
_SHOW_CURSOR = b"\x1b[?25h"
_STOPPING = b"stopping: what is under way is finished first; once more to stop at once\n"


@dataclass(slots=True)
class Ending:
    """What the signals do to the terminal; a live console, which holds all of it, has its own way.

    `begin`: the first signal was heard. `at_once`: the process ends now, at the second one. `lent`: whether another
    program has the terminal.
    """

    begin: Callable[[], None]
    at_once: Callable[[], None]
    lent: Callable[[], bool] = bool


@contextmanager
def stopping(environment: Environment, stop: threading.Event) -> Iterator[Ending]:
    """Within the block the first signal sets `stop`."""

    def say_so() -> None:
        # Straight to the file: the signal may have come in the middle of a line that a stream is writing.
        os.write(_STDERR, _STOPPING)

    def show_cursor() -> None:
        if environment.err.is_terminal:
            os.write(_STDERR, _SHOW_CURSOR)

    ending = Ending(say_so, show_cursor)

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and ending.lent():
            return
        if stop.is_set():
            # Not an exception: threads that wait for Notion would keep the process for another minute.
            ending.at_once()
            os._exit(INTERRUPTED)
        stop.set()
        ending.begin()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
