"""Clocks that never make a test wait."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 10, 0, 10, tzinfo=UTC)


class SkippingClock:
    """Real time plus everything that was slept: `sleep` returns at once, and it is later. For real sockets.

    It is the machine's clock, Notion's and the database's at the same time; it starts ten seconds into a minute.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._skipped = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic() - self._began + self._skipped

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._skipped += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._skipped += seconds


class EventClock:
    """Virtual time with things that happen in it: `sleep` runs what is due meanwhile. For one thread."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._now)

    def monotonic(self) -> float:
        return self._now

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._count), action))

    def sleep(self, seconds: float) -> None:
        until = self._now + seconds
        while self._events and self._events[0][0] <= until:
            moment, _, action = heapq.heappop(self._events)
            self._now = max(self._now, moment)
            action()
        self._now = max(self._now, until)


class HandClock:
    """Virtual time that only the test moves. For several threads: a sleep ends when its time has come."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._moved = threading.Condition()
        self._ends: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self._now)

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._moved:
            until = self._now + seconds
            self._ends.append(until)
            self._moved.wait_for(lambda: self._now >= until)
            self._ends.remove(until)

    @property
    def sleepers(self) -> int:
        """How many sleep on."""
        with self._moved:
            return sum(1 for until in self._ends if until > self._now)

    def advance(self, seconds: float) -> None:
        with self._moved:
            self._now += seconds
            self._moved.notify_all()


class StoppedClock(EventClock):
    """The bridge is stopping: every sleep ends at once."""

    def sleep(self, seconds: float) -> None:
        return
