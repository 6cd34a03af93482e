"""When to poll and when to list everything: often while something happens, seldom when nothing does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

# Of the budget, at most, for all syncs together.
_POLL_SHARE = 0.34  # one sync is polled every second with it, at 180 requests a minute
_LONG_POLL_SHARE = 0.05  # for polls that take several requests: our own writes fill them, and want the budget
_LONG_CALM_SHARE = 0.015  # for those, while nobody edits anything
_BUSY_CALM_SHARE = 0.02  # of one sync, while many writes wait and nobody edits anything
_NEW_SHARE = 0.005  # of one sync, while its data source, which was empty, is being filled, and nobody edits anything
_SWEEP_SHARE = 0.1
_BUSY_SWEEP_SHARE = 0.004  # while many writes wait
_BUSY_SWEEP_S = 900.0
_IDLE_SWEEP_SHARE = 0.003

_CALM_FACTOR = 1.5
_CALM_S = 60.0  # since the last change
_CALM_WEIGHT = 1 / 15  # a calm sync polls as seldom as that, beside one in which something happens
_IDLE_S = 600.0  # since the last change
_IDLE_FACTOR = 2.0  # times the longest interval between polls
_BREATH_S = 10.0  # between two writes of one backlog
_HINTS_S = 20.0
_RARE_HINTS_S = 58.0  # a page in the trash is to be found within a minute
_BUSY_HINTS_S = 120.0  # while many writes wait
_SCHEMA_S = 170.0  # between two looks at the properties where full listings are rarer
PAGE_SIZE = 100


@dataclass(slots=True, eq=False)
class Pacing:
    """The intervals of one sync, in seconds; moments are monotonic. The syncs of one `crowd` share the budget."""

    poll_min: float
    poll_max: float
    sweep_min: float
    requests_per_minute: int
    interval: float = 0.0
    next_poll: float = 0.0
    next_sweep: float = 0.0
    next_hints: float = 0.0
    next_schema: float = 0.0
    busy: bool = False  # many writes wait
    _backlog_at: float = float("-inf")
    _changed_at: float | None = None  # when something changed last, on either side
    crowd: list[Pacing] = field(default_factory=list)
    _polled_at: float = float("-inf")
    _listed: int | None = None  # pages, by the last poll
    _polled_pages: int = 0  # pages that the next poll is likely to list
    _swept_at: float = 0.0
    _swept_pages: int | None = None  # pages, by the last full listing

    def polled(self, now: float, pages: int, active: bool) -> None:
        """After a poll that listed `pages`. Our own writes fill the overlap window, and make each poll dearer."""
        if active or self._changed_at is None:
            self._changed_at = now if active else now - _CALM_S
        longest = self.poll_max * _IDLE_FACTOR if self._calm_for(now) > _IDLE_S else self.poll_max
        calm = min(longest, max(self.interval, self.poll_min) * _CALM_FACTOR)
        self.interval = self.poll_min if active or self.interval == 0 else calm
        # A long one among short ones, which looks back farther and is rare, must not keep these waiting.
        self._polled_pages = pages if self._listed is None else min(pages, self._listed)
        self._polled_at, self._listed = now, pages
        self.next_poll = max(now + self.interval, self._poll_not_before(now))

    def _poll_not_before(self, now: float) -> float:
        return self._polled_at + self._cost(_answers(self._polled_pages), self._poll_share(now))

    def _poll_share(self, now: float) -> float:
        """Of the budget, for this sync alone."""
        long, calm = _answers(self._polled_pages) > 1, self._calm_for(now) >= _CALM_S
        if (long or self.busy) and not calm:
            return _LONG_POLL_SHARE * self._part(now)
        if long:
            return _LONG_CALM_SHARE * self._part(now)
        fair = _POLL_SHARE * self._part(now)
        if not self.busy:
            return fair
        # So little that many syncs may have it, each for itself.
        return min(fair, _NEW_SHARE if self._swept_pages == 0 else _BUSY_CALM_SHARE)

    def _part(self, now: float) -> float:
        """How much of what polls may take is this sync's: a busy one has as much as many calm ones."""
        return self.weight(now) / sum(other.weight(now) for other in self.crowd or [self])

    def weight(self, now: float) -> float:
        """What it gets of the polls of the crowd, in parts."""
        calm = self._changed_at is None or self._calm_for(now) >= _CALM_S
        return _CALM_WEIGHT if calm else 1.0

    def active(self, now: float) -> None:
        """Something changed: look sooner."""
        idle = self._calm_for(now) > _IDLE_S
        self._changed_at = now
        self.interval = self.poll_min
        self.next_poll = min(self.next_poll, max(now + self.poll_min, self._poll_not_before(now)))
        if idle and self.next_sweep != float("inf"):
            self._plan_sweep(now)

    def swept(self, now: float, pages: int | None) -> None:
        """After a full listing, or one that broke off (None): a small table is listed often, a large one within a tenth
        of the budget."""
        self._swept_at, self._swept_pages = now, pages
        self.next_schema = now + _SCHEMA_S
        self.next_poll = max(self.next_poll, now + self.poll_min)
        self._plan_sweep(now)
        self.hinted(now)

    def _plan_sweep(self, now: float) -> None:
        idle = self._calm_for(now) > _IDLE_S
        share = _BUSY_SWEEP_SHARE if self.busy else _IDLE_SWEEP_SHARE if idle else _SWEEP_SHARE
        requests = 1 + _answers(self._swept_pages or 0)  # the first asks for the properties
        least = max(self.sweep_min, _BUSY_SWEEP_S if self.busy else 0.0)
        wanted = self._swept_at + max(least, self._cost(requests, share / max(1, len(self.crowd))))
        self.next_sweep = self._beside_others(max(now, wanted), self._cost(requests, share))

    def _beside_others(self, wanted: float, takes: float) -> float:
        """Not at the time of another sync's listing. Syncs that were started or woken together would list together, for
        ever, and take the budget of a minute from the changes of that minute."""
        for other in sorted(paced.next_sweep for paced in self.crowd if paced is not self):
            if abs(other - wanted) < takes:
                wanted = other + takes
        return wanted

    def writes(self, now: float, backlog: bool) -> bool:
        """Whether many writes wait: what they make need not be listed meanwhile. Answers whether that begins."""
        if backlog:
            self._backlog_at = now
        busy = now - self._backlog_at < _BREATH_S
        if busy is self.busy:
            return False
        self.busy = busy
        if not busy and self.next_poll != float("inf"):
            self.next_poll = min(self.next_poll, max(now, self._poll_not_before(now)))
        if self.next_sweep not in (0.0, float("inf")):
            self._plan_sweep(now)
        return busy

    def hinted(self, now: float) -> None:
        """After a question for hints; a sweep makes one needless for a while."""
        wanted = _BUSY_HINTS_S if self.busy else _RARE_HINTS_S if self._calm_for(now) > _IDLE_S else _HINTS_S
        fair = self._cost(1, _SWEEP_SHARE / max(1, len(self.crowd)))
        self.next_hints = now + max(self.sweep_min, fair, wanted)

    def schema_due(self, now: float) -> bool:
        """Whether it is time to ask for the properties, because no full listing has done so; then it is asked."""
        if now < self.next_schema:
            return False
        self.next_schema = now + _SCHEMA_S
        return True

    def _calm_for(self, now: float) -> float:
        return 0.0 if self._changed_at is None else now - self._changed_at

    def _cost(self, requests: int, share: float) -> float:
        return requests * 60.0 / (self.requests_per_minute * share)


def _answers(pages: int) -> int:
    """In how many answers Notion lists so many pages."""
    return max(1, -(-pages // PAGE_SIZE))
