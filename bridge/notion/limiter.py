"""One rate limiter per Notion token: everything that is sent passes here.

Notion counts requests in a 60-second window whose start nobody knows, so the only safe promise is about
every window: never more than the budget in any 60 seconds, as the server sees it. The server sees a request
at some moment between sending and answer; a slot is therefore taken when the request is sent and given back
60 seconds after its answer came. Inside that promise a burst may spend the whole budget at once: 150 rows
are there in seconds. (A token bucket that paces to 3 per second would need a minute for them, and one that
counts from sending breaks its promise as soon as an answer is slow.)

Three classes share the budget. Each has a share that the others cannot touch, so none starves; the rest goes
to whoever asks, the more urgent class first, and within a class whoever asked first: no sync waits behind all the
others. A share is lent out while as many slots come free in a moment. A backfill that has spent its burst goes on
evenly (see `FillPace`): then there is a slot for a person's change at any time.

How large a burst Notion takes is not told, and found out without being refused more than once (see `Ramp`). A 429 or
529 stops everything for as long as Notion says, and teaches: for some minutes requests are sent evenly, not
in bursts, at first a little slower.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from types import TracebackType

from bridge.clock import Clock, backoff
from bridge.notion.errors import Paused, RateLimited, Stopping
from bridge.notion.fillpace import FillPace
from bridge.notion.ramp import Departure, Ramp

_WINDOW = 60.0
_MARGIN = 0.05  # seconds; this machine's minute and Notion's are not quite the same length
_YIELD = 0.05  # seconds until the next look when somebody else goes first
_NEXT_S = 0.2  # seconds until the next look while slots come free one after another
_LOOK = 0.5  # seconds until the next look while others hold slots that they may give back
_PATIENCE = 120.0  # seconds; a longer Retry-After is the caller's to wait for, and not in a thread
_LATE = 1.0  # seconds; when an earlier process sent a request is known, and not when it arrived
_CUT = 0.9  # of the budget remains after a 429
_FLOOR = 0.1  # of the configured budget is never cut
_RECOVERY = 1.5  # times the configured budget comes back per minute
_EVEN_S = 300.0  # seconds after a 429 in which there are no bursts
_SOON_S = 7.0  # a slot that comes free so soon is as good as one that is kept; in an even flow it is one for each kept
_CATCH_UP_S = 1.0  # what an even flow has missed, and may make good
_BACKOFF_FIRST = 1.0
_BACKOFF_MAX = 60.0
_LEAST = 2  # requests per minute


class Priority(IntEnum):
    """Who asks; the smaller goes first."""

    INTERACTIVE = 0  # a person's change is on its way
    POLL = 1  # looking for changes
    BACKFILL = 2  # a first fill or a full sweep: nobody is waiting for this very request


_SHARES = {Priority.INTERACTIVE: 0.08, Priority.POLL: 0.03, Priority.BACKFILL: 0.03}


class Limiter:
    """Thread-safe. `spent_ago`: how many seconds ago an earlier process sent each of its last requests.

    `sent` is told of each request just before it goes out, so that the next process can know. Once `stop` is set
    nothing gets a slot any more: a guard and its write that have theirs are finished, a listing of a thousand pages
    ends with the request that is under way.
    """

    def __init__(
        self,
        clock: Clock,
        requests_per_minute: int,
        *,
        rng: random.Random | None = None,
        spent_ago: Sequence[float] = (),
        sent: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
    ) -> None:
        if requests_per_minute < _LEAST:
            # Every guarded write is a read and a write close together: with one per minute none is possible.
            raise ValueError(f"requests_per_minute must be at least {_LEAST}")
        self._clock = clock
        self._configured = requests_per_minute
        self._rng = rng or random.SystemRandom()
        self._stop = stop or threading.Event()
        self._lock = threading.RLock()
        self._held = dict.fromkeys(Priority, 0)  # reserved or in flight
        self._waiting: dict[Priority, deque[object]] = {p: deque() for p in Priority}  # in the order they came
        now = clock.monotonic()
        self._spent: dict[Priority, list[float]] = {p: [] for p in Priority}  # heaps: when each slot is free again
        self._spent[Priority.BACKFILL] = sorted(now - ago + _WINDOW + _LATE for ago in spent_ago)
        self._sent = sent
        self.sent_in_all = 0  # requests since this limiter was made
        self._blocked_until = float("-inf")
        self._next_paced = float("-inf")
        self._cut_to = float(requests_per_minute)
        self._cut_at = float("-inf")
        self._strikes = 0
        self._ramp = Ramp(requests_per_minute / _WINDOW)
        self._fill = FillPace()

    @property
    def configured(self) -> int:
        """Requests per minute that the user allows."""
        return self._configured

    @property
    def budget(self) -> int:
        """Requests per minute that are used now: less than configured for a while after a 429."""
        with self._lock:
            since = self._clock.monotonic() - max(self._cut_at, self._blocked_until)
            recovered = max(0.0, since) / _WINDOW * _RECOVERY * self._configured
            return max(_LEAST, int(min(self._configured, self._cut_to + recovered)))

    @property
    def paced(self) -> bool:
        """Whether requests are sent evenly now, because Notion refused some lately."""
        with self._lock:
            return self._clock.monotonic() < max(self._cut_at, self._blocked_until) + _EVEN_S

    def used(self) -> int:
        """Slots that the current window counts, those in flight included."""
        with self._lock:
            return sum(self._used().values())

    def sent_lately(self, parts: int) -> tuple[int, ...]:
        """The requests of the last minute that were answered, counted in equal parts of it, oldest first."""
        counts = [0] * parts
        with self._lock:
            self._used()
            now = self._clock.monotonic()
            for free_at in (moment for heap in self._spent.values() for moment in heap):
                left = min(max(0.0, free_at - now - _MARGIN), _WINDOW - 1e-9)
                counts[int(left * parts / _WINDOW)] += 1
        return tuple(counts)

    def waiting(self) -> dict[Priority, int]:
        """Who waits for a slot now, or holds one and has not been answered."""
        with self._lock:
            return {priority: len(self._waiting[priority]) + self._held[priority] for priority in Priority}

    def blocked_for(self) -> float:
        """Seconds until Notion's Retry-After has passed."""
        with self._lock:
            return max(0.0, self._blocked_until - self._clock.monotonic())

    def free(self, priority: Priority) -> int:
        """Slots this class could take now without waiting; 0 while paced or paused."""
        with self._lock:
            if self.blocked_for() > 0 or self.paced:
                return 0
            return max(0, self._room(priority))

    def most(self, priority: Priority) -> int:
        """The largest reservation this class can ever get."""
        return self.budget - sum(self._share(p) for p in Priority if p is not priority)

    def go_evenly(self) -> None:
        """A backfill begins that is longer than a burst."""
        with self._lock:
            self._fill.begin(self._clock.monotonic())

    def reserve(self, priority: Priority, count: int = 1) -> Permit:
        """Slots for requests that must follow each other without a wait (a guard and its writes)."""
        return Permit(self, priority, count)

    def throttled(self, sent: float, retry_after: float | None) -> None:
        """A 429 or 529 answered the request of time `sent`: nothing is sent for `retry_after` seconds.

        Without a usable `retry_after` the pause doubles from one second, with jitter. The answers to one burst
        are one lesson: only a request sent after the last cut cuts again.
        """
        with self._lock:
            now = self._clock.monotonic()
            if sent >= self._cut_at:
                self._cut_to = max(self._configured * _FLOOR, self.budget * _CUT)
                self._cut_at = now
                self._strikes += 1
            own = backoff(self._strikes, _BACKOFF_FIRST, _BACKOFF_MAX) * (1 + self._rng.random())
            self._blocked_until = max(self._blocked_until, now + (own if retry_after is None else retry_after))

    def went_well(self, sent: float) -> None:
        """The request of time `sent` was answered normally."""
        with self._lock:
            if sent > self._cut_at:
                self._strikes = 0

    def acquire(self, priority: Priority, wanted: int) -> int:
        """Takes `wanted` slots, or as many as the class can get at all; says how many. Raises Paused, Stopping."""
        ticket = object()
        with self._lock:
            if not self._waiting[Priority.BACKFILL]:
                self._fill.idle(self._clock.monotonic())
            self._waiting[priority].append(ticket)
        try:
            while not self._stop.is_set():
                with self._lock:
                    count = min(wanted, max(1, self.most(priority)))  # a 429 may have cut the budget below it
                    place = self._waiting[priority].index(ticket)  # the farther back, the less often it looks
                    wait = self._wait(priority, count) if place == 0 else min(_YIELD * place, _LOOK)
                    if wait <= 0:
                        self._grant(priority, count)
                        return count
                self._sleep(wait)
            raise Stopping
        finally:
            with self._lock:
                self._waiting[priority].remove(ticket)

    def _wait(self, priority: Priority, count: int) -> float:
        """Seconds until it is worth looking again; 0 when the slots may be taken now."""
        now = self._clock.monotonic()
        if now < self._blocked_until:
            return self._patient(self._blocked_until - now)
        used = self._used()
        own = used[priority] + count <= self._share(priority)
        if not own and any(self._waiting[p] for p in Priority if p < priority):
            return _YIELD
        if now < self._next_paced:
            return self._next_paced - now
        if priority is Priority.BACKFILL and not own and (wait := self._fill.wait(now)) > 0:
            return min(wait, _LOOK)  # slots that others had taken may be given back
        if self._room(priority) >= count:
            return 0.0
        if priority is Priority.BACKFILL:
            self._fill.spent(now)
        return self._until_more(now)

    def _until_more(self, now: float) -> float:
        """Seconds until there may be more room: a slot comes free, or will so soon that a kept one is lent for it."""
        free_in = min((heap[0] - now for heap in self._spent.values() if heap), default=_LOOK)
        soon_in = free_in - _SOON_S if free_in > _SOON_S else min(free_in, _NEXT_S)
        return max(0.001, min(soon_in, _LOOK) if any(self._held.values()) else soon_in)

    def _grant(self, priority: Priority, count: int) -> None:
        now = self._clock.monotonic()
        if self.paced:
            self._next_paced = max(self._next_paced, now - _CATCH_UP_S) + count * _WINDOW / self.budget
        self._fill.took(now, count, self.budget, fills=priority is Priority.BACKFILL)
        self._held[priority] += count

    def _room(self, priority: Priority) -> int:
        used = self._used()
        kept = sum(max(0, self._share(p) - used[p]) for p in Priority if p is not priority)
        return self.budget - sum(used.values()) - max(0, kept - self._soon())

    def _soon(self) -> int:
        """Slots that come free in a moment."""
        until = self._clock.monotonic() + _SOON_S
        return sum(1 for heap in self._spent.values() for moment in heap if moment <= until)

    def _share(self, priority: Priority) -> int:
        return int(self.budget * _SHARES[priority])

    def _used(self) -> dict[Priority, int]:
        now = self._clock.monotonic()
        for heap in self._spent.values():
            while heap and heap[0] <= now:
                heapq.heappop(heap)
        return {p: self._held[p] + len(self._spent[p]) for p in Priority}

    def clear(self) -> None:
        """Waits until Notion's Retry-After has passed."""
        while (wait := self.blocked_for()) > 0:
            self._sleep(self._patient(wait))

    def _patient(self, wait: float) -> float:
        if wait > _PATIENCE:
            paused = Paused(f"Notion asked to be left alone for another {wait:.0f} s.")
            paused.retry_after = wait
            raise paused
        return wait

    def _sleep(self, seconds: float) -> None:
        before = self._clock.monotonic()
        self._clock.sleep(seconds)
        # A sleep that ends early means that the bridge stops; looking again would spin at full speed.
        if self._clock.monotonic() - before < seconds / 2:
            raise Stopping

    def give_back(self, priority: Priority, count: int) -> None:
        with self._lock:
            self._held[priority] -= count
            self._fill.gave_back(count, self.budget)

    def depart(self) -> Departure:
        """Waits until one more request is not too many at once."""
        while True:
            self.clear()
            with self._lock:
                now = self._clock.monotonic()
                if self._ramp.may_send(now, try_more=not self.paced):
                    return self._ramp.send(now)
            self._sleep(_YIELD)

    def call_off(self, departure: Departure) -> None:
        """It was not sent."""
        with self._lock:
            self._ramp.call_off(departure)

    def note_sent(self) -> None:
        """A request goes out now."""
        with self._lock:
            self.sent_in_all += 1
        self._sent()

    def arrived(self, departure: Departure, *, taken: bool | None) -> None:
        """Whether Notion took it, or said that it was too many; None when there was no answer."""
        with self._lock:
            self._ramp.arrived(departure, taken=taken)

    def spend(self, priority: Priority) -> None:
        with self._lock:
            self._held[priority] -= 1
            heapq.heappush(self._spent[priority], self._clock.monotonic() + _WINDOW + _MARGIN)


class Permit:
    """Reserved slots; used as a context manager that gives the unsent ones back. Threads may share it."""

    def __init__(self, limiter: Limiter, priority: Priority, count: int) -> None:
        self._limiter = limiter
        self._priority = priority
        self._count = count
        self._left = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Permit:
        self._left = self._limiter.acquire(self._priority, self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            unsent, self._left = self._left, 0
        self._limiter.give_back(self._priority, unsent)

    @contextmanager
    def flight(self, check: Callable[[], None] | None = None) -> Iterator[None]:
        """Around one request: waits until it may be sent; its slot is free a window after answer or failure.

        `check` runs when nothing but the sending is left to do; what it raises calls the request off. Retries
        that outnumber the reservation take further slots. Raises Paused.
        """
        self._claim()
        try:
            departure = self._limiter.depart()
            self._check(departure, check)
        except BaseException:
            with self._lock:
                self._left += 1
            raise
        taken: bool | None = None
        try:
            self._limiter.note_sent()
            yield
            taken = True
        except RateLimited:
            taken = False
            raise
        finally:
            self._limiter.arrived(departure, taken=taken)
            self._limiter.spend(self._priority)

    def _check(self, departure: Departure, check: Callable[[], None] | None) -> None:
        try:
            if check is not None:
                check()
        except BaseException:
            self._limiter.call_off(departure)
            raise

    def _claim(self) -> None:
        self._limiter.clear()
        with self._lock:
            if self._left > 0:
                self._left -= 1
                return
        self._limiter.acquire(self._priority, 1)
