"""Slow work beside the main loop: requests run in threads, their results are taken by one thread.

Only the main thread touches the journal. A task hands over what it finds through the inbox; the loop takes
it when it comes round.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import Enum
from typing import Protocol

_TOGETHER_MAX = 64
_LANE_THREADS = 4
Deliver = Callable[[Callable[[], None]], None]


class Lane(Enum):
    """A task waits for a thread behind others of its lane only. One that waits for the rate limit keeps its thread, and
    many syncs share one limit: a person's change must not wait for a thread until forty listings are done."""

    EDITS = "edits"
    LOOKS = "looks"
    BULK = "bulk"


class Starter(Protocol):
    """Runs slow work beside the main thread; a task of one sync, see `Tasks.start`."""

    def __call__(self, task: str, work: Callable[[Deliver], None], ended: Callable[[], None] | None = None) -> None: ...


class Tasks(Protocol):
    """Runs work and delivers results to the main thread."""

    def start(
        self,
        name: str,
        work: Callable[[Deliver], None],
        failed: Callable[[Exception], None],
        ended: Callable[[], None],
        lane: Lane = Lane.LOOKS,
    ) -> None:
        """Runs `work`, which may deliver results as it goes. Then `failed` (if it raised) and `ended` are called."""

    def running(self, name: str = "") -> bool:
        """Whether a task whose name begins so is under way, its results not yet taken."""

    def wake(self) -> None:
        """Ends a `take` that waits. From any thread."""

    def take(self, timeout: float) -> None:
        """Calls what was delivered; waits for something up to `timeout` seconds. Main thread only."""

    def close(self) -> None:
        """Waits for what is under way, and takes it."""


class ThreadTasks:
    """Tasks in a few threads. Results that are there at the same time are taken inside one `together`."""

    def __init__(self, together: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._together = together
        self._pools = {
            lane: ThreadPoolExecutor(_LANE_THREADS, thread_name_prefix=f"notion-bridge-{lane.value}") for lane in Lane
        }
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._names: list[str] = []  # main thread only

    def start(
        self,
        name: str,
        work: Callable[[Deliver], None],
        failed: Callable[[Exception], None],
        ended: Callable[[], None],
        lane: Lane = Lane.LOOKS,
    ) -> None:
        self._names.append(name)

        def end(error: Exception | None) -> None:
            self._names.remove(name)
            if error is not None:
                failed(error)
            ended()

        def run() -> None:
            error = None
            try:
                work(self._inbox.put)
            except Exception as raised:  # noqa: BLE001 - handed to the main thread, which knows what it means
                error = raised
            self._inbox.put(lambda: end(error))

        self._pools[lane].submit(run)

    def running(self, name: str = "") -> bool:
        return any(known.startswith(name) for known in self._names)

    def wake(self) -> None:
        self._inbox.put(None)

    def take(self, timeout: float) -> None:
        try:
            items = [self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()]
        except queue.Empty:
            return
        with suppress(queue.Empty):
            while len(items) < _TOGETHER_MAX:
                items.append(self._inbox.get_nowait())
        with self._together():
            for item in items:
                if item is not None:
                    item()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True)
        while not self._inbox.empty():
            self.take(0)


class WakeUps:
    """Waits for NOTIFY on a connection of its own, and wakes the main loop. A wake-up is only a hint."""

    def __init__(self, wait: Callable[[float], bool], woken: Callable[[], None], stop: threading.Event) -> None:
        self._wait = wait
        self._woken = woken
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="notion-bridge-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._wait(30.0):
                self._woken()
