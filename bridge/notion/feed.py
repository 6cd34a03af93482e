"""What changed in Notion, by polling.

`last_edited_time` is rounded down to the minute, so it is no version number: two edits in one minute leave
the same time, and a query may be some seconds behind. Every poll therefore looks back behind the watermark
by an overlap of minutes and reports everything there again; what is equal to the last snapshot is no change,
and that is for the journal to see. The watermark is the newest time that Notion itself has shown, never this
machine's clock, and it moves only when the caller says that the journal has what came before it.

Three ways keep that cheap. A data source whose pages fit into one answer is listed whole each time, which shows
deletions, too. Once a poll has come back, the next looks back from the time of that poll, by Notion's own clock, for
the watermark stands still while nobody edits. And while the overlap is full of pages, which are mostly our own
writes, most polls look back only a few seconds before the one before, and pass over pages as young as that, unless
they wait for a key: else the new pages of a first fill would make each of them long, and keep people's edits waiting.
Those that look back by the whole overlap, for what a late index has kept back and what happens to young pages, come
every five to fifteen minutes, and reach back to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.clock import CommonClock
from bridge.ends import Batch, Evidence, Observation
from bridge.model import Pair, Presence, Side
from bridge.notion.client import PAGE_SIZE, NotionClient, Reply
from bridge.notion.errors import Invalid
from bridge.notion.limiter import Priority
from bridge.notion.listing import CREATED, EDITED, Filter, Listing, before, floor_minute, results
from bridge.notion.pages import Pages, away_with_home, same_id
from bridge.notion.workers import Workers
from bridge.shapes import Property
from bridge.values.keys import no_key_filter

_DEEP_EVERY_S = 300.0
_DEEP_SHARE = 0.01  # of the budget, for long ones: so much it takes to list once what a fill makes
_DEEP_AT_LEAST_S = 900.0
_FEW = 2  # requests of a poll that lists young pages, too, up to which the next does so again
_SHORT = timedelta(seconds=15)
_CLOCK_ERROR_S = 5.0


@dataclass(frozen=True, slots=True)
class _Poll:
    """What a poll covered: everything edited until `until` (Notion's clock; None when that is not known)."""

    until: datetime | None
    began: float
    requests: int
    deep: bool
    young: bool  # pages that had just been made were listed, too


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a batch allows once it is journaled."""

    watermark: datetime | None
    poll: _Poll | None = None


@dataclass(slots=True)
class _Sights:
    """Each page as a poll was shown it last; and what it was shown before that and differs, in order."""

    began: float = 0.0
    requests: int = 0
    last: dict[str, Observation] = field(default_factory=dict)
    earlier: list[Observation] = field(default_factory=list)

    def add(self, page_id: str, observed: Observation) -> None:
        known = self.last.get(page_id)
        if not _newer(observed, known):
            return
        if known is not None and (known.key, known.values) != (observed.key, observed.values):
            self.earlier.append(known)
        self.last[page_id] = observed


class NotionFeed:
    """Observes the pages of one sync. `watermark` is to be stored with the journal; overlap and lag in seconds."""

    def __init__(
        self,
        client: NotionClient,
        pages: Pages,
        data_source_id: str,
        key_property: Property,
        clock: CommonClock,
        workers: Workers,
        *,
        watermark: datetime | None,
        overlap: float,
        query_lag: float,
    ) -> None:
        self.watermark = watermark
        self._client = client
        self._pages = pages
        self._data_source_id = data_source_id
        self._key_property = key_property
        self._listing = Listing(client, data_source_id, pages.selection)
        self._clock = clock
        self._workers = workers
        self._overlap = timedelta(seconds=overlap)
        self._lag = timedelta(seconds=query_lag)
        self._can_search_trash = True
        self._size: int | None = None  # pages, when they were last counted
        self._scanned = False
        self._last: _Poll | None = None
        self._deep: _Poll | None = None  # the last one that looked back by the whole overlap
        self._crowded = False  # what was written lately would fill the answers of a short poll

    def changes(self) -> Batch:
        """Every page edited since the last poll less the overlap, as last seen; before that, what another answer of the
        same listing has shown otherwise: a write of ours may have run over it since, and nothing else tells of it.

        Without a watermark that is every page. Raises Unavailable, AccessLost; nothing is then known.
        """
        whole = self._size is not None and self._size <= PAGE_SIZE
        deep = whole or self._deep_is_due()
        since = None if whole else self._since(deep)
        grown = since if self._crowded and not deep else None  # pages as old as that are listed
        try:
            sights = self._sights(self._listing.pages(EDITED, since, self._older_or_new(grown) if grown else None))
        except Invalid:
            if grown is None:
                raise
            grown = None  # the key property was retyped or removed, which a full listing notices
            sights = self._sights(self._listing.pages(EDITED, since))
        began, last = sights.began, sights.last.values()
        self._pages.names.introduce(observed.author for observed in last)
        newest = max((o.edited for o in last if o.edited is not None), default=None)
        return Batch(
            [*sights.earlier, *last],
            _Mark(None if grown else newest, _Poll(self._notion_time(began), began, sights.requests, deep, not grown)),
            confirmed=self._clock.at(began).earliest - self._lag,
            confirmed_before=grown,
            complete=whole and sights.requests == 1,
        )

    def _sights(self, replies: Iterable[Reply]) -> _Sights:
        """What the pages of a listing, which is never without a reply, were seen to be."""
        sights = _Sights()
        for reply in replies:  # not kept: a page as Notion sends it takes ten times what it says
            if sights.requests == 0:
                sights.began = reply.sent
            sights.requests += 1
            for page in results(reply):
                sights.add(page["id"], self._pages.observe(page, reply, Evidence.SCAN))
        return sights

    def _since(self, deep: bool) -> datetime | None:
        """The minute from which a poll lists."""
        known = self._deep if deep else self._last
        if known is not None and known.until is not None:
            return floor_minute(known.until - (self._overlap if deep else _SHORT))
        return floor_minute(self.watermark - self._overlap) if self.watermark is not None else None

    def _deep_is_due(self) -> bool:
        if self._last is None or self._deep is None or self._deep.until is None or self._deep.requests == 1:
            return True
        cost = self._deep.requests * 60.0 / (self._client.limiter.configured * _DEEP_SHARE)
        wait = min(max(_DEEP_EVERY_S, cost), _DEEP_AT_LEAST_S)
        return self._clock.local.monotonic() - self._deep.began >= wait

    def _older_or_new(self, moment: datetime) -> Filter:
        """Pages from before that time, and those of people, who leave the key to the database."""
        return {"or": [before(CREATED, moment), no_key_filter(self._key_property)]}

    def _notion_time(self, began: float) -> datetime | None:
        """What Notion's clock showed then, or a little less, less what a query may be behind. None when it has not
        told, or tells something that does not follow from what it told before."""
        if not self._clock.notion.known:
            return None
        told = self._clock.notion.at(began).earliest - self._lag
        if self._last is not None and self._last.until is not None:
            passed = (told - self._last.until).total_seconds()
            if abs(passed - (began - self._last.began)) > _CLOCK_ERROR_S:
                return None
        return told

    def look_back(self) -> None:
        """The next poll looks back by the whole overlap, and passes over no page."""
        self._deep = None

    def acknowledge(self, batch: Batch) -> None:
        """The journal has the batch: the next poll may begin at the newest time it showed."""
        if not isinstance(batch.token, _Mark):
            return
        if batch.token.watermark is not None:
            self.watermark = max(filter(None, (self.watermark, batch.token.watermark)))
        poll = batch.token.poll
        if poll is None:
            return
        if self._size is not None and self._size <= PAGE_SIZE:  # it was to be whole
            self._size = len(batch.observations) if batch.complete else None
        # Where the clock is in doubt the next one looks back from the watermark.
        self._last = poll if poll.until is not None else None
        if poll.young:
            self._crowded = poll.requests > _FEW
        if poll.deep or poll.until is None:
            self._deep = self._last

    def scan(self) -> Iterator[Batch]:
        """Every page that is not in the trash. Complete only if the iterator ends without raising.

        The watermark that the last, empty batch carries is the newest time from *before* the listing: a page
        listed early may be edited while the rest is read, which a later time would pass over.
        """
        self._pages.names.refresh()
        before = None
        known: set[str | None] = set()
        authors: set[str | None] = set()
        if not self._scanned:  # afterwards the polls move it
            newest = self._shown(self._listing.newest(Priority.BACKFILL))
            before = next((seen.edited for seen in newest), None)
            yield Batch(newest, more=True)  # it may show an edit that a write of ours is running over
        for reply in self._listing.pages(CREATED, priority=Priority.BACKFILL):
            # One that comes again is told again, though it bears the same minute: what it shows may be another edit.
            shown = self._shown(reply)
            known.update(seen.page_id for seen in shown)
            authors.update(seen.author for seen in shown)
            yield Batch(shown, more=True)
        self._pages.names.introduce(authors)
        self._size, self._scanned = len(known), True
        yield Batch((), _Mark(before))

    def _shown(self, reply: Reply) -> list[Observation]:
        return [self._pages.observe(page, reply, Evidence.SCAN, Priority.BACKFILL) for page in results(reply)]

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        """The pages themselves, by id, in order. A pair that has no page is UNSEEN."""
        seen = list(self._workers.map(self._look, pairs))
        gone = [place for place, found in enumerate(seen) if found.presence is Presence.GONE]
        away = bool(gone) and self._pages.home_is_away()
        again = [] if away else self._workers.map(self._look, [pairs[place] for place in gone])
        for place, found in zip(gone, (away_with_home(seen[place]) for place in gone) if away else again, strict=True):
            seen[place] = found
        self._pages.names.introduce(found.author for found in seen)  # no listing shows who trashed a page
        self._pages.names.compare((pair.notion, found) for pair, found in zip(pairs, seen, strict=True))
        return seen

    def _look(self, pair: Pair) -> Observation:
        if pair.page_id is None:
            return Observation(Side.NOTION, Presence.UNSEEN, key=pair.key)
        return self._pages.read(pair.page_id).seen

    def trash_hints(self) -> list[str]:
        """Ids of pages of this data source that a search calls trashed, the latest first.

        A hint only: the search index lags and is not complete, so `look` must confirm each. Where Notion does
        not know the filter the answer is always empty; the sweep finds deletions then.
        """
        if not self._can_search_trash:
            return []
        body = {
            "filter": {"property": "object", "value": "page", "in_trash": True},
            "sort": {"timestamp": EDITED, "direction": "descending"},
            "page_size": PAGE_SIZE,
        }
        try:
            reply = self._client.search(body)
        except Invalid:
            self._can_search_trash = False
            return []
        return [
            page["id"]
            for page in results(reply)
            if page.get("in_trash") and same_id(page["parent"].get("data_source_id"), self._data_source_id)
        ]


def _newer(observed: Observation, known: Observation | None) -> bool:
    """Whether `observed`, which was read later, is to replace `known`: an older time is a stale answer."""
    if known is None or observed.edited is None or known.edited is None:
        return True
    return observed.edited >= known.edited
