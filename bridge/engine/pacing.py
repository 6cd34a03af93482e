"""When to poll and when to list everything: often while something happens, seldom when nothing does. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_POLL_SHARE = 0.4  # of the budget, at most, for polling
_SWEEP_SHARE = 0.1  # of the budget, at most, for listing everything
_CALM_FACTOR = 1.5
_HINTS_S = 20.0
PAGE_SIZE = 100


@dataclass(slots=True)
class Pacing:
    """The intervals of one sync, in seconds."""

    poll_min: float
    poll_max: float
    sweep_min: float
    requests_per_minute: int
    interval: float = 0.0
    next_poll: float = 0.0
    next_sweep: float = 0.0
    next_hints: float = 0.0

    def polled(self, now: float, pages: int, active: bool) -> None:
        """After a poll that listed `pages`. Our own writes fill the overlap window, and make each poll dearer."""
        calm = min(self.poll_max, max(self.interval, self.poll_min) * _CALM_FACTOR)
        self.interval = self.poll_min if active or self.interval == 0 else calm
        self.next_poll = now + max(self.interval, self._cost(pages, _POLL_SHARE))

    def active(self, now: float) -> None:
        """Something changed: look sooner."""
        self.interval = self.poll_min
        self.next_poll = min(self.next_poll, now + self.poll_min)

    def swept(self, now: float, pages: int) -> None:
        """After a full listing: a small table is listed often, a large one within a tenth of the budget."""
        self.next_sweep = now + max(self.sweep_min, self._cost(pages, _SWEEP_SHARE))
        self.hinted(now)

    def hinted(self, now: float) -> None:
        """After a question for hints; a sweep makes one needless for a while."""
        self.next_hints = now + max(self.sweep_min, _HINTS_S)

    def _cost(self, pages: int, share: float) -> float:
        requests = 1 + pages // PAGE_SIZE
        return requests * 60.0 / (self.requests_per_minute * share)

    def soonest(self) -> float:
        return min(self.next_poll, self.next_sweep, self.next_hints)
