"""The demo ends cleanly however it is asked to: Ctrl-C, SIGTERM, or the terminal's window being closed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_signals(handle: Callable[[int], None], *numbers: signal.Signals) -> Iterator[None]:
    """Within the block these signals call `handle`. Main thread only."""

    def called(number: int, frame: FrameType | None) -> None:
        handle(number)

    before = {number: signal.signal(number, called) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(number: int) -> NoReturn:
    """Ends the program through every `with` block, with the exit code that a shell gives for the signal."""
    raise SystemExit(128 + number)
