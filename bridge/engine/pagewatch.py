"""The pages of one sync, observed beside the main thread: polls, full listings, looks, hints at the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Batch
from bridge.engine import unlisted
from bridge.engine.intake import Intake
from bridge.engine.needs import NotionSide
from bridge.engine.pacing import PAGE_SIZE, Pacing
from bridge.engine.tasks import Deliver, Starter
from bridge.journal import Journal
from bridge.model import Pair, Presence, Sync

_NEVER = float("inf")


class PageWatch:
    """Main thread only. `may_list` asks before a listing whether the table is still what the sync is bound to,
    `found_drifted` is told when the data source is not."""

    def __init__(
        self,
        journal: Journal,
        notion: NotionSide,
        pacing: Pacing,
        clock: Clock,
        *,
        start: Starter,
        running: Callable[[str], bool],
        may_list: Callable[[], bool],
        found_drifted: Callable[[], None],
    ) -> None:
        self.swept = False  # every page was listed since the start
        self.current = False  # what was edited until the last poll is known, and every page there was before it
        self._journal = journal
        self._notion = notion
        self._pacing = pacing
        self._clock = clock
        self._start = start
        self._running = running
        self._may_list = may_list
        self._found_drifted = found_drifted
        self._listed: set[str] = set()
        self._catches_up = False
        self._broke_off = False  # the first listing: polls that go well would hide that it never does
        self._wrote_much = False  # when the last poll began

    def adopt(self, sync: Sync, intake: Intake) -> None:
        """Goes on with this binding of the sync."""
        self._sync = sync
        self._intake = intake

    def resume(self) -> None:
        """After a start: a journal that knew every page once, and up to when, needs only what was edited since. What a
        poll cannot show is found by the listing that follows, as between any two listings; with many pages it takes
        minutes, and nobody's change is to wait for it."""
        state = self._journal.sync_state(self._sync.name)
        self._catches_up = state.swept_at is not None and state.watermark is not None and not state.resync

    def forget(self) -> None:
        """What is known of the pages is not to be relied on: everything is listed before anything is written."""
        self.swept = self.current = self._catches_up = False

    def soonest(self) -> float:
        """When something is due, monotonic."""
        return min(self._due().values())

    def observe(self) -> None:
        """Asks what is due."""
        now = self._clock.monotonic()
        due = [task for task, moment in self._due().items() if now >= moment and not self._running(task)]
        if "sweep" in due:
            self._sweep()
        elif "poll" in due:
            self._poll()
        if "hints" in due:
            self._hints()

    def _due(self) -> dict[str, float]:
        """When each task is due that may be begun now."""
        pacing = self._pacing
        if self._catches_up:
            return {"poll": pacing.next_poll}
        due = {"sweep": pacing.next_sweep}
        if self.current:
            due["hints"] = pacing.next_hints
        if self.current and not self._broke_off:
            due["poll"] = pacing.next_poll
        return due

    def _poll(self) -> None:
        self._pacing.next_poll = _NEVER
        if self._wrote_much and not self._pacing.busy:
            self._notion.look_back()  # somebody may edit what was just made
        self._wrote_much = self._pacing.busy

        def work(deliver: Deliver) -> None:
            with crash_point(CrashPoint.PAGES_LISTED):
                batch = self._notion.changes()
            deliver(lambda: self._polled(batch))

        def ended() -> None:
            if self._pacing.next_poll == _NEVER:  # it failed
                self._catches_up = False
                self._pacing.polled(self._clock.monotonic(), 0, active=False)

        self._start("poll", work, ended)

    def _polled(self, batch: Batch) -> None:
        before = self._journal.sync_state(self._sync.name).last_event_at
        self._take_pages(batch)
        self._notion.acknowledge(batch)
        with crash_point(CrashPoint.WATERMARK_MOVED), self._journal.transaction():
            self._journal.update_sync(self._sync.name, watermark=self._notion.watermark)
        active = self._journal.sync_state(self._sync.name).last_event_at != before
        self._pacing.polled(self._clock.monotonic(), len(batch.observations), active)
        self.current |= self._catches_up  # not, if everything was forgotten while it was under way
        self._catches_up = False
        self._look(unlisted.after_poll(self._journal, self._sync, batch))

    def _take_pages(self, batch: Batch) -> None:
        with crash_point(CrashPoint.PAGES_JOURNALED):
            doubtful = self._intake.take(batch)
        self._look(doubtful)

    def _look(self, pairs: list[Pair]) -> None:
        if not pairs:
            return

        def work(deliver: Deliver) -> None:
            seen = self._notion.look(pairs)
            deliver(lambda: self._looked(Batch(seen)))

        self._start("look", work)

    def _looked(self, batch: Batch) -> None:
        self._intake.take(batch)

    def _sweep(self) -> None:
        """Lists every page: what a poll cannot see (deletions, computed values, renamed options) shows here."""
        if not self._may_list():
            return
        self._pacing.next_sweep = _NEVER
        known = set(self._journal.live_pages(self._sync.name))
        self._listed = set()

        def work(deliver: Deliver) -> None:
            if self._notion.drifted():
                deliver(self._found_drifted)
                return
            with crash_point(CrashPoint.PAGES_LISTED):
                for batch in self._notion.scan():
                    deliver(lambda batch=batch: self._swept_batch(batch))  # type: ignore[misc]
            deliver(lambda: self._swept(known))

        def ended() -> None:
            if self._pacing.next_sweep == _NEVER:  # it failed: what it listed says nothing of what it did not
                self._broke_off = not self.swept
                self._pacing.swept(self._clock.monotonic(), None)

        self._start("sweep", work, ended)

    def _swept_batch(self, batch: Batch) -> None:
        self._listed.update(seen.page_id for seen in batch.observations if seen.page_id is not None)
        self._take_pages(batch)
        self._notion.acknowledge(batch)

    def _swept(self, known: set[str]) -> None:
        """What was known when the listing began and is not in it is looked at, each page; and some that are away."""
        self._look(unlisted.after_listing(self._journal, self._sync, self._listed, known))
        with self._journal.transaction():
            watermark = self._notion.watermark
            self._journal.update_sync(self._sync.name, swept_at=self._clock.now(), watermark=watermark)
            self._journal.soil_unwritable(self._sync.name)  # the listing has asked for options and people again
        self._pacing.swept(self._clock.monotonic(), len(self._listed))
        self.swept = self.current = True
        self._broke_off = False

    def _hints(self) -> None:
        """Asks the search index for trashed pages. A hint only: each is looked at."""
        self._pacing.hinted(self._clock.monotonic())
        if not self._journal.has_more_pages_than(PAGE_SIZE, self._sync.name):
            return  # polls list them all
        look_at_schema = self._pacing.schema_due(self._clock.monotonic())

        def work(deliver: Deliver) -> None:
            if look_at_schema and self._notion.drifted():
                deliver(self._found_drifted)
            hints = self._notion.trash_hints()
            deliver(lambda: self._look(self._still_there(hints)))

        self._start("hints", work)

    def _still_there(self, page_ids: Sequence[str]) -> list[Pair]:
        """Of these pages those that are ours, and not known to be gone or away."""
        pairs = [self._journal.pair_by_page(self._sync.name, page_id) for page_id in page_ids]
        return [pair for pair in pairs if pair is not None and pair.notion.presence in (Presence.LIVE, Presence.UNSEEN)]
