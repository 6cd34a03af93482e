"""How far a backlog is: done, to do, how fast, how much longer; and how often to look. Pure; time is given in monotonic
seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_WINDOW_S = 20.0  # the rate is that of the last seconds: Notion's budget comes in waves
_KEPT_S = 60.0
_RATE_AFTER_S = 2.0  # a rate of less is a guess
_EVERY_S = 0.25
_SHARE = 30.0  # a look that took long is taken as much less often ...
_AT_LEAST_EVERY_S = 10.0  # ... up to this


@dataclass(frozen=True, slots=True)
class Progress:
    """One backlog. `per_second` and `seconds_left` are None until they can be told."""

    done: int
    total: int
    per_second: float | None = None
    seconds_left: float | None = None


class Glances:
    """When to count the records again: soon, but seldom where they are so many that it takes long."""

    def __init__(self) -> None:
        self._due = float("-inf")

    def due(self, now: float) -> bool:
        return now >= self._due

    def at_once(self) -> None:
        self._due = float("-inf")

    def took(self, began: float, ended: float) -> None:
        """One look lasted so long."""
        self._due = ended + max(_EVERY_S, min(_AT_LEAST_EVERY_S, (ended - began) * _SHARE))


class Backlog:
    """Follows the number of records that wait. New ones that come in meanwhile make the total grow."""

    def __init__(self) -> None:
        self._pending = 0
        self._done = 0
        self._samples: deque[tuple[float, int]] = deque()

    def follow(self, pending: int, now: float) -> Progress | None:
        """Takes a count; answers None while nothing waits."""
        if pending == 0:
            self._pending = self._done = 0
            self._samples.clear()
            return None
        self._done += max(0, self._pending - pending)
        self._pending = pending
        self._samples.append((now, self._done))
        while self._samples[0][0] < now - _KEPT_S:
            self._samples.popleft()
        rate = self._rate(now)
        return Progress(self._done, self._done + pending, rate, pending / rate if rate else None)

    def _rate(self, now: float) -> float | None:
        """Records per second lately; of the whole time kept when nothing moved lately (a spent budget)."""
        for window in (_WINDOW_S, _KEPT_S):
            since, done = next(sample for sample in self._samples if sample[0] >= now - window)
            if now - since >= _RATE_AFTER_S and self._done > done:
                return (self._done - done) / (now - since)
        return None
