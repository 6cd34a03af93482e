"""The engine's slow work as strands of virtual time: really under way together, in the same order every time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager

from bridge.engine.tasks import Deliver, Lane
from tests.worlds.clock import WorldClock

_TOGETHER_MAX = 64


class VirtualTasks:
    """Implements `bridge.engine.tasks.Tasks`, as `ThreadTasks` does."""

    def __init__(self, clock: WorldClock, together: Callable[[], AbstractContextManager[None]]) -> None:
        self._clock = clock
        self._together = together
        self._inbox: deque[Callable[[], None]] = deque()
        self._names: list[str] = []

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
                work(self._put)
            except Exception as raised:  # noqa: BLE001 - handed to the main strand, as with threads
                error = raised
            self._put(lambda: end(error))

        self._clock.spawn(run)

    def _put(self, item: Callable[[], None]) -> None:
        self._inbox.append(item)
        self._clock.rouse()

    def running(self, name: str = "") -> bool:
        return any(known.startswith(name) for known in self._names)

    def wake(self) -> None:
        self._clock.rouse()

    def take(self, timeout: float) -> None:
        if not self._inbox and timeout > 0:
            self._clock.sleep(timeout)
        if not self._inbox:
            return
        with self._together():
            for _ in range(min(_TOGETHER_MAX, len(self._inbox))):
                self._inbox.popleft()()

    def close(self) -> None:
        while self._names:
            self._clock.travel(0.01)
            self.take(0)
