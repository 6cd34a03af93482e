"""How many requests at once Notion takes, found out one by one.

Notion promises "an average of three requests per second" and some bursts, and says nothing of their size. Where it
counts by the minute a hundred at once are welcome; where it paces the eleventh is refused, and with it all that was
sent beside it. So what goes further than anything that was taken before goes alone: a refusal then costs one request.
What is as far ahead as no pacing would let it is enough, and nothing is held back any more.
"""

from __future__ import annotations

from typing import NamedTuple

_SURE = 9.0  # at once: less than any burst that was ever told of
_ENOUGH = 12.0  # a Notion that paces takes ten


class Departure(NamedTuple):
    """A request that went out `ahead` of an even flow; `tries`: further than any that was taken before."""

    ahead: float
    tries: bool


class Ramp:
    """How far requests may run ahead of an even flow of `per_second`. Not thread-safe; moments are monotonic."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._ahead, self._at = 0.0, float("-inf")
        self._taken = _SURE
        self._trying = 0  # requests under way that try

    def may_send(self, now: float, *, try_more: bool) -> bool:
        """Whether one more request may go out now. `try_more`: even if so many at once were never taken."""
        if self._taken >= _ENOUGH or self._after(now) <= self._taken:
            return True
        return try_more and self._trying == 0

    def send(self, now: float) -> Departure:
        """One goes out."""
        self._ahead, self._at = self._after(now), now
        departure = Departure(self._ahead, self._ahead > self._taken)
        self._trying += departure.tries
        return departure

    def call_off(self, departure: Departure) -> None:
        """It was not sent after all."""
        self._ahead = max(0.0, self._ahead - 1.0)
        self._trying -= departure.tries

    def arrived(self, departure: Departure, *, taken: bool | None) -> None:
        """Whether Notion took it, or refused it for coming too fast; None when there was no answer."""
        self._trying -= departure.tries
        if taken:
            self._taken = max(self._taken, departure.ahead)
        elif taken is not None:
            self._taken = max(1.0, min(self._taken, departure.ahead - 1.0))

    def _after(self, now: float) -> float:
        """How far ahead one more request would be."""
        return max(0.0, self._ahead - (now - self._at) * self._per_second) + 1.0
