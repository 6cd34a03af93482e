"""Tasks that run at once, for tests under a virtual clock."""

from __future__ import annotations

from collections.abc import Callable

from bridge.engine.tasks import Deliver, Lane


class InlineTasks:
    """Implements Tasks in the caller's thread: the same order every time."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
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
        error = None
        try:
            work(lambda deliver: deliver())
        except Exception as raised:  # noqa: BLE001 - the same hand-over as with threads
            error = raised
        self._names.remove(name)
        if error is not None:
            failed(error)
        ended()

    def running(self, name: str = "") -> bool:
        return any(known.startswith(name) for known in self._names)

    def wake(self) -> None:
        """Nothing waits."""

    def take(self, timeout: float) -> None:
        self._sleep(timeout)

    def close(self) -> None:
        """Nothing is under way."""
