"""Which side answers: one that fails is left alone for a while, and the other goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.clock import Clock, backoff
from bridge.errors import (
    AccessLost,
    BridgeError,
    ConfigError,
    JournalError,
    LockHeld,
    Replaced,
    SetupError,
    Stopped,
    Unavailable,
)
from bridge.journal import Journal
from bridge.model import Side

_WAIT_FIRST_S = 1.0
# A database is near and answers or not at once; Notion is asked to bear us, too.
_WAIT_MAX_S = {Side.POSTGRES: 5.0, Side.NOTION: 60.0}
_SILENT_S = 10.0  # without an answer, until that is worth a word

_NAMES = {Side.POSTGRES: "PostgreSQL", Side.NOTION: "Notion"}


@dataclass(slots=True)
class _Condition:
    """How one side is."""

    failures: int = 0  # in a row
    error: BridgeError | None = None  # the last of these
    retry_at: float = float("-inf")  # monotonic; in the past while it answers
    silent: bool = False  # it owes an answer for so long that it was told
    proven: bool = False  # it has answered this process

    @property
    def well(self) -> bool:
        return self.proven and not self.failures and not self.silent


class Health:
    """The two sides of one sync, as seen by its worker. Main thread only."""

    def __init__(self, journal: Journal, sync_name: str, clock: Clock) -> None:
        self._journal = journal
        self._sync_name = sync_name
        self._clock = clock
        self._sides = {side: _Condition() for side in Side}

    def up(self, side: Side) -> bool:
        """Whether the side may be asked now."""
        return self._clock.monotonic() >= self.retry_at(side)

    def guarded(self, side: Side, work: Callable[[], None]) -> None:
        """Runs work of one side, unless it is being left alone. What ends the run is raised: see `failed`."""
        if not self.up(side):
            return
        try:
            work()
        except BridgeError as error:
            self.failed(side, error)
        else:
            self.came_up(side)

    def came_up(self, side: Side) -> None:
        """The side answered. What an earlier process noted as the last error ends when both sides have.

        Records whose writes this side could not take are written at once: what they waited for is over.
        """
        if not self.up(side) or self._sides[side].well:
            return
        self._sides[side] = _Condition(proven=True)
        with self._journal.transaction():
            self._journal.release(self._sync_name, side)
            if all(one.well for one in self._sides.values()):
                self._journal.update_sync(self._sync_name, last_error="", last_error_at=None)

    def failed(self, side: Side, error: Exception) -> None:
        """Leaves the side alone, longer each time. What is no known failure is a bug, and ends the run; so
        does a lock that another bridge has taken, and what the configuration says wrong."""
        if isinstance(error, JournalError | LockHeld | ConfigError) or not isinstance(error, BridgeError):
            raise error
        if isinstance(error, Stopped):
            return
        condition = self._sides[side]
        condition.silent = False
        condition.failures += 1
        condition.error = error
        wait = backoff(condition.failures, _WAIT_FIRST_S, _WAIT_MAX_S[side])
        if isinstance(error, Unavailable) and error.retry_after is not None:
            wait = max(wait, error.retry_after)
        condition.retry_at = self._clock.monotonic() + wait
        with self._journal.transaction():
            now = self._clock.now()
            self._journal.update_sync(self._sync_name, last_error=str(error), last_error_at=now)

    def waited(self, side: Side, seconds: float) -> None:
        """The side has owed an answer for so long. That is told before the request is given up, a minute later."""
        condition = self._sides[side]
        if seconds < _SILENT_S or condition.silent or condition.failures:
            return
        condition.silent = True
        with self._journal.transaction():
            told = f"{_NAMES[side]} has not answered for {seconds:.0f} s; it is still waited for."
            self._journal.update_sync(self._sync_name, last_error=told, last_error_at=self._clock.now())

    def try_again(self, side: Side) -> None:
        """What made the side fail was mended: it is asked at once. It has come up when it answers."""
        self._sides[side].retry_at = float("-inf")

    def lasting_failure(self, times: int) -> BridgeError | None:
        """The error of a side that failed so many times in a row, or that no waiting mends; None when there is none.

        What does not fit is bound anew once, before it counts.
        """
        for one in self._sides.values():
            lasting = isinstance(one.error, AccessLost) or (isinstance(one.error, SetupError) and one.failures > 1)
            if one.failures >= times or (one.failures and lasting):
                return one.error
        return None

    def failing(self) -> dict[Side, BridgeError]:
        """The sides that do not answer now, and what they last said."""
        return {side: one.error for side, one in self._sides.items() if one.failures and one.error is not None}

    def misfit(self, side: Side) -> SetupError | None:
        """The side's last word, when it was that it is not what the mapping says."""
        error = self.failing().get(side)
        return error if isinstance(error, SetupError) else None

    def replaced(self) -> bool:
        """Whether the last word of the database was that it is another one."""
        return isinstance(self.failing().get(Side.POSTGRES), Replaced)

    def retry_at(self, side: Side) -> float:
        """When the side may be asked again, monotonic; in the past while it answers."""
        return self._sides[side].retry_at

    def retry_times(self) -> list[float]:
        """When the sides that are left alone are asked again, monotonic."""
        return [one.retry_at for one in self._sides.values() if one.retry_at > float("-inf")]
