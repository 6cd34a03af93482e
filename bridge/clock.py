"""Clocks. Time, waiting and the offset between machines are parameters everywhere, so that tests own them.

Three clocks meet here: this machine's, PostgreSQL's and Notion's. Stamps are kept on PostgreSQL's clock. The
offset of a server's clock is known only as an interval (a reading travels for an unknown part of the round
trip, and Notion's `Date` header counts whole seconds), so every mapping gives an interval too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bridge.model import Stamp

_SAMPLES_KEPT = 16
_DOUBLINGS_MAX = 10  # by then every wait is as long as it may be; and the number stays small


class Clock(Protocol):
    """What the bridge asks of time."""

    def now(self) -> datetime:
        """Wall time, aware, UTC. For people and logs only: it may jump."""

    def monotonic(self) -> float:
        """Seconds that never go back. For every wait and every deadline."""

    def sleep(self, seconds: float) -> None:
        """Waits; returns early when the bridge is asked to stop."""


class SystemClock:
    """The machine's clock. `stop` ends any sleep at once."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)


class Skew:
    """The offset between one server's clock and this machine's monotonic clock, as an interval.

    Each sample bounds it; the last few are intersected. Samples that contradict each other mean that the
    server's clock was set: the old ones are forgotten.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES_KEPT)
        self._lock = threading.Lock()

    def sample(self, sent: float, received: float, earliest: datetime, latest: datetime) -> None:
        """The server said a time in [earliest, latest] at some moment between `sent` and `received`."""
        low, high = earliest.timestamp() - received, latest.timestamp() - sent
        with self._lock:
            if self._samples and not (low <= self._bounds()[1] and high >= self._bounds()[0]):
                self._samples.clear()
            self._samples.append((low, high))

    def _bounds(self) -> tuple[float, float]:
        return max(low for low, _ in self._samples), min(high for _, high in self._samples)

    @property
    def known(self) -> bool:
        return bool(self._samples)

    def bounds(self) -> tuple[float, float]:
        """Seconds to add to a monotonic reading to get the server's time: (at least, at most)."""
        with self._lock:
            return self._bounds()

    def at(self, monotonic: float) -> Stamp:
        """The server's own time at a monotonic reading of this machine; only when it is known."""
        low, high = self.bounds()
        return Stamp(_moment(monotonic + low), _moment(monotonic + high))


class CommonClock:
    """Maps Notion's clock and this machine's to PostgreSQL's. Before the first samples it trusts the wall clock."""

    def __init__(self, clock: Clock) -> None:
        self.local = clock
        self.postgres = Skew()
        self.notion = Skew()

    def at(self, monotonic: float) -> Stamp:
        """PostgreSQL's time at a monotonic reading of this machine."""
        if not self.postgres.known:
            passed = self.local.monotonic() - monotonic
            moment = self.local.now() - timedelta(seconds=passed)
            return Stamp(moment, moment)
        return self.postgres.at(monotonic)

    def now(self) -> Stamp:
        return self.at(self.local.monotonic())

    def from_notion(self, earliest: datetime, latest: datetime) -> Stamp:
        """The interval on PostgreSQL's clock for one on Notion's."""
        if not (self.postgres.known and self.notion.known):
            return Stamp(earliest, latest)
        postgres_low, postgres_high = self.postgres.bounds()
        notion_low, notion_high = self.notion.bounds()
        return Stamp(
            earliest + timedelta(seconds=postgres_low - notion_high),
            latest + timedelta(seconds=postgres_high - notion_low),
        )


def backoff(failures: int, first_s: float, longest_s: float) -> float:
    """Seconds to wait after so many failures in a row: `first_s`, doubled with each, up to `longest_s`."""
    return min(longest_s, first_s * 2.0 ** min(failures - 1, _DOUBLINGS_MAX))


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
