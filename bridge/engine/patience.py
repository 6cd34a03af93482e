"""Opening a bridge that is to run for ever: a side that is not there yet is waited for.

A container or a machine often starts its services in no order, and a network may come up last. What no waiting mends
(wrong credentials, a mapping that does not fit, another bridge at work) still ends the start at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bridge.clock import Clock, backoff
from bridge.errors import Unavailable

_WAIT_FIRST_S = 1.0
_WAIT_MAX_S = 10.0

_SILENT_S = 10.0

T = TypeVar("T")


def when_there(
    opening: Callable[[], T],
    told: Callable[[Unavailable], None],
    *,
    clock: Clock,
    stop: threading.Event,
    silent_s: float = _SILENT_S,
) -> T | None:
    """What `opening` gives once both sides answer; None when `stop` was set before that.

    `told` hears each answer of a side that is another than the last one, and, from another thread, of a side that gives
    none for `silent_s` seconds. Each try starts from nothing, so that no lock is held while there is nothing to do.
    """
    failures, last = 0, ""
    while not stop.is_set():
        try:
            with _told_of_silence(told, silent_s):
                return opening()
        except Unavailable as error:
            if stop.is_set():
                break
            if error.message != last:
                last = error.message
                told(error)
            failures += 1
            clock.sleep(max(backoff(failures, _WAIT_FIRST_S, _WAIT_MAX_S), error.retry_after or 0.0))
    return None


@contextmanager
def _told_of_silence(told: Callable[[Unavailable], None], seconds: float) -> Iterator[None]:
    """A side may accept the question and say nothing, which is given up only after minutes."""
    silence = Unavailable(f"A side has not answered for {seconds:.0f} s.")
    timer = threading.Timer(seconds, told, [silence])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
