"""When a long backfill may go on: evenly, once it has spent its burst.

More bursts would not end it sooner: they would leave gaps that come back every minute, as slots do, with no slot for a
person's change in between.
"""

from __future__ import annotations

_MINUTE = 60.0
# Of the budget, for an even backfill and all that goes beside it: a slot is taken for the minute and for the time until
# the answer.
_SHARE = 0.99
_CATCH_UP_S = 2.0  # what the flow has missed, and may make good: it also waits for the slowest of its answers
_WAITS_S = 15.0  # for others, at most: they may take more than an even flow brings, for hours
_DRY_S = 5.0  # a backfill that asked for nothing so long may burst again


class FillPace:
    """The flow of one limiter's backfill. Not thread-safe; moments are monotonic."""

    def __init__(self) -> None:
        self._next = float("-inf")  # when it goes on; -inf while it may burst
        self._filled_at = float("-inf")

    def begin(self, now: float) -> None:
        """A backfill comes that is longer than a burst: it goes evenly from its first request on."""
        self._filled_at = now
        self.spent(now)

    def spent(self, now: float) -> None:
        """The burst is over: there is no slot left."""
        self._next = max(self._next, now - _CATCH_UP_S)

    def idle(self, now: float) -> None:
        """No backfill waits for a slot."""
        if now - self._filled_at > _DRY_S:
            self._next = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until it may go on."""
        return max(0.0, self._next - now)

    def took(self, now: float, count: int, per_minute: int, *, fills: bool) -> None:
        """Somebody took slots, whoever it is: it is the sum that has to go evenly, for as it goes slots come back.
        `fills`: a backfill did."""
        if fills:
            self._filled_at = now
        if self._next > float("-inf"):
            even = max(self._next, now - _CATCH_UP_S) + _seconds(count, per_minute)
            self._next = min(even, now + _WAITS_S)

    def gave_back(self, count: int, per_minute: int) -> None:
        """Slots that were taken are free again, and nothing was sent."""
        self._next -= _seconds(count, per_minute)


def _seconds(count: int, per_minute: int) -> float:
    """What so many requests take in an even flow."""
    return count * (_MINUTE / (per_minute * _SHARE))
