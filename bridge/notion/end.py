"""The Notion side of one sync, whole: what the engine holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bridge.clock import CommonClock
from bridge.ends import Batch, Intent, Observation, Receipt
from bridge.model import Pair, Side, Sync
from bridge.notion.catalog import read_data_source
from bridge.notion.client import NotionClient
from bridge.notion.feed import NotionFeed
from bridge.notion.limiter import Priority
from bridge.notion.names import Names
from bridge.notion.pages import Pages
from bridge.notion.workers import Workers
from bridge.notion.writer import NotionWriter
from bridge.shapes import DataSource
from bridge.values.links import NO_LINKS, Links

_JUST_READ_S = 5.0


class NotionEnd:
    """Implements `bridge.ends.End`. The client, with it the limiter, and `workers` may be shared with other syncs.

    `watermark` is what the journal kept (None at first: scan before anything else). `overlap_s` is how far each
    poll looks back, `query_lag_s` how far a query may be behind, `guard_window_s` how old the last look at a
    page may be when it is written, `create_settle_s` how long a new page may stay out of Notion's index.
    `bot` is who the token writes as, `names` are the books that the codecs of the sync ask. `may_write` is called
    before each request that writes a page, from any thread, and raises LockHeld or Unavailable when this bridge must
    not write now. `read_at`: when the data source was read that the sync is bound to, monotonic.
    """

    def __init__(
        self,
        client: NotionClient,
        sync: Sync,
        clock: CommonClock,
        workers: Workers,
        *,
        watermark: datetime | None,
        overlap_s: float = 180.0,
        query_lag_s: float = 2.0,
        guard_window_s: float = 3.0,
        create_settle_s: float = 15.0,
        links: Links = NO_LINKS,
        bot: str = "",
        names: Names | None = None,
        may_write: Callable[[], None] = lambda: None,
        read_at: float = float("-inf"),
    ) -> None:
        self.client = client
        self._may_write = may_write
        self._clock = clock
        self._workers = workers
        self._overlap, self._lag = overlap_s, query_lag_s
        self._guard_window, self._create_settle = guard_window_s, create_settle_s
        self._bot, self._links = bot, links
        self._read_at = read_at
        self._equip(sync, watermark, names or Names(client, sync, clock))

    def _equip(self, sync: Sync, watermark: datetime | None, names: Names) -> None:
        self._sync, self._names = sync, names
        pages = self._pages = Pages(self.client, sync, self._clock, self._lag, names, self._links)
        self._feed = NotionFeed(
            self.client,
            pages,
            sync.data_source.id,
            sync.key_property,
            self._clock,
            self._workers,
            watermark=watermark,
            overlap=self._overlap,
            query_lag=self._lag,
        )
        self._writer = NotionWriter(
            self.client,
            pages,
            sync,
            self._clock,
            self._workers,
            guard_window=self._guard_window,
            create_settle=self._create_settle,
            bot=self._bot,
            may_write=self._may_write,
        )

    def adopt(self, sync: Sync) -> None:
        """Goes on with the same sync, bound anew: its data source or its mapping has changed."""
        self._equip(sync, self.watermark, self._names.adopted(sync))

    def drifted(self) -> bool:
        """Whether the data source has properties of other types by now than those the sync was bound to; another name
        is none. Raises SetupError, Unavailable, AccessLost."""
        known, asked = self._sync.data_source, self._clock.local.monotonic()
        if asked - self._read_at < _JUST_READ_S:
            return False  # a start lists everything at once
        now = read_data_source(self.client, known.id)
        self._names.take(now, asked)
        return _shape(now) != _shape(known)

    @property
    def side(self) -> Side:
        return Side.NOTION

    @property
    def watermark(self) -> datetime | None:
        """To be stored in the journal after each acknowledge."""
        return self._feed.watermark

    def changes(self) -> Batch:
        return self._feed.changes()

    def acknowledge(self, batch: Batch) -> None:
        self._feed.acknowledge(batch)

    def scan(self) -> Iterator[Batch]:
        return self._feed.scan()

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        return self._feed.look(pairs)

    def trash_hints(self) -> list[str]:
        """Ids of pages that a search calls trashed: a hint for `look`, never evidence."""
        return self._feed.trash_hints()

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        known = {intent.id: intent.pair.notion for intent in intents}
        for receipt in self._writer.apply(intents):
            yield self._names.compared(known[receipt.intent_id], receipt)

    def find_out(self, intent: Intent) -> Receipt:
        return self._names.compared(intent.pair.notion, self._writer.find_out(intent))

    def look_back(self) -> None:
        """The next poll passes over no page: those that were too young while many were made are not any more."""
        self._feed.look_back()

    def expect(self, pages: int) -> None:
        """So many pages are going to be made: more than one burst holds are made evenly, from the first one on."""
        if pages > self.client.limiter.free(Priority.BACKFILL):
            self.client.limiter.go_evenly()

    def now(self) -> datetime | None:
        """What Notion's clock shows at most; None when it has not told."""
        notion = self._clock.notion
        return notion.at(self._clock.local.monotonic()).latest if notion.known else None

    def silence(self) -> float:
        """For how many seconds Notion has owed an answer and given none."""
        return self.client.silence()


def _shape(source: DataSource) -> dict[str, str]:
    # Options are no part of it: the book of options follows them by itself.
    return {prop.id: prop.type for prop in source.properties}
