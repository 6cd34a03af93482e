"""Virtual time, shared by everything in a world: waiting is what makes it pass, and nothing waits really.

Several strands (the bridge's main thread, its slow requests) take turns: one runs until it waits, then whoever is
due first goes on. They are threads, because the engine's code is written for threads, but only one of them runs at
any moment, so that a world is the same each time. What people do is an act on the agenda; acts never wait.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 10, 0, 10, tzinfo=UTC)
_STALL = 20_000  # things that may happen without any time passing


class Killed(BaseException):
    """The process ends here, as by kill -9. No `except Exception` of the bridge may see it."""


class Strand:
    """One line of execution; it goes on when its gate is opened. `turn` tells old entries of the agenda from new."""

    def __init__(self) -> None:
        self.gate = threading.Lock()  # not a Semaphore: that is one in Python, and many times as slow
        self.gate.acquire()
        self.turn = 0
        self.asleep = False  # in a wait that the request to stop cuts short


class WorldClock:
    """The agenda, the time, and the machine's own idea of it (`wall` seconds off, `stopped` for SIGTERM)."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.wall = 0.0
        self.dead = False
        self.failure: BaseException | None = None  # what an act raised: a mistake, or a promise that was broken
        self.stop = threading.Event()
        self._main = Strand()
        self._current = self._main
        self._strands: list[Strand] = []
        self._threads: list[threading.Thread] = []
        self._agenda: list[tuple[float, int, Strand | None, int, Callable[[], None] | None]] = []
        self._numbers = itertools.count()
        self._idle = 0

    # What the bridge asks of time

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds + self.wall)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def sleep(self, seconds: float) -> None:
        """The bridge's own waits: they end when it is asked to stop."""
        if self.stop.is_set():
            return
        self._current.asleep = True
        self.travel(seconds)
        self._current.asleep = False

    # What the world asks

    def true_time(self) -> datetime:
        """What no clock in the world may know."""
        return START + timedelta(seconds=self.seconds)

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Something happens at a time, in seconds since the beginning."""
        heapq.heappush(self._agenda, (max(when, self.seconds), next(self._numbers), None, 0, act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.seconds + seconds, act)

    def travel(self, seconds: float) -> None:
        """Time that passes whoever wants to stop: on the wire, in a server."""
        me = self._current
        self._due(me, max(0.0, seconds))
        self._others(me)

    def ask_to_stop(self) -> None:
        """SIGTERM: every wait of the bridge ends."""
        self.stop.set()
        for strand in (self._main, *self._strands):
            if strand.asleep:
                self._wake(strand)

    def rouse(self) -> None:
        """Ends the main strand's wait for results."""
        if self._main.asleep:
            self._wake(self._main)

    def spawn(self, work: Callable[[], None]) -> None:
        """Begins another strand; it runs when the present one waits."""
        strand = Strand()
        self._strands.append(strand)

        def run() -> None:
            strand.gate.acquire()
            try:
                if not self.dead:
                    work()
            except BaseException as error:  # noqa: BLE001 - a killed strand, or a mistake that must end the run
                self.dead = True
                self.failure = self.failure or (None if isinstance(error, Killed) else error)
            finally:
                self._strands.remove(strand)
                self._pass_on()

        thread = threading.Thread(target=run, daemon=True, name="world-strand")
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]
        thread.start()
        self._due(strand, 0.0)

    def kill(self) -> None:
        """The process dies at this instant, from inside or (as an act) from outside."""
        self.dead = True

    def die_if_killed(self) -> None:
        if self.dead:
            raise self.failure or Killed

    def bury(self) -> None:
        """After the main strand died: the others die too, wherever they wait, and time can go on."""
        self.dead = True
        for strand in list(self._strands):
            self._current = strand
            strand.gate.release()
            self._main.gate.acquire()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._current, self.dead = self._main, False
        self._main.turn += 1
        self._main.asleep = False
        self.stop = threading.Event()

    # Turns

    def _due(self, strand: Strand, seconds: float) -> None:
        strand.turn += 1
        heapq.heappush(self._agenda, (self.seconds + seconds, next(self._numbers), strand, strand.turn, None))

    def _wake(self, strand: Strand) -> None:
        heapq.heappush(self._agenda, (self.seconds, next(self._numbers), strand, strand.turn, None))

    def _next(self) -> Strand:
        """Lets happen what is due until it is a strand's turn."""
        while not self.dead:
            when, _, strand, turn, act = heapq.heappop(self._agenda)
            self._idle = self._idle + 1 if when <= self.seconds else 0
            self.seconds = max(self.seconds, when)
            if act is not None:
                self._happen(act)
            elif strand is not None and strand.turn == turn and (strand is self._main or strand in self._strands):
                strand.turn += 1
                return strand
        return self._main

    def _happen(self, act: Callable[[], None]) -> None:
        try:
            assert self._idle < _STALL, "the world stands still"
            act()
        except BaseException as error:  # noqa: BLE001 - raised again by the main strand, whichever runs now
            self.failure, self.dead = error, True

    def _others(self, me: Strand) -> None:
        """Everybody else, until it is this strand's turn again."""
        self.die_if_killed()
        following = self._next()
        if following is not me:
            self._current = following
            following.gate.release()
            me.gate.acquire()
        self.die_if_killed()

    def _pass_on(self) -> None:
        """A strand has ended: whoever is due goes on."""
        following = self._main if self.dead else self._next()
        self._current = following
        following.gate.release()


class VirtualLock:
    """A lock that may be held while time passes: who waits for a real one would wait with everybody's turn."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._held = False

    def __enter__(self) -> None:
        while self._held:
            self._clock.travel(0.01)
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False
