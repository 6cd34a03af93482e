"""One write to one page, and what every possible answer to it means for the intent.

The line that matters is drawn here: RETRY is only for what Notion certainly did not do, UNKNOWN for what it
may have done. A create is never sent twice unless a look-up by key, repeated until the index must have caught
up, has found nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from bridge.clock import CommonClock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Blame, Evidence, Intent, Observation, Outcome, Receipt, made_by
from bridge.errors import AccessLost, BridgeError, SetupError, Unavailable
from bridge.model import Op, Sync
from bridge.notion import guard
from bridge.notion.catalog import read_data_source
from bridge.notion.client import NotionClient, Reply
from bridge.notion.errors import Ambiguous, Conflict, Invalid, NotFound
from bridge.notion.limiter import Permit, Priority
from bridge.notion.pages import Pages

_FIRST_LATENCY = 0.4  # seconds per write, until one was measured
_FIRST_WAIT = 1.0  # seconds until a missing page is looked up again; doubled each time

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Made:
    """One intent's receipt, and why the others need not be tried now, if there is a reason."""

    receipt: Receipt
    lost: BridgeError | None = None


class _Late(Exception):
    """Too much time passed since the first half of a write; the second was not sent."""


class _HalfMade(Exception):
    """The first half of a write was made, and what it led to is known; the second was certainly not."""

    def __init__(self, receipt: Receipt, lost: BridgeError | None = None) -> None:
        super().__init__(receipt.reason)
        self.made = Made(receipt, lost)


class Sender:
    """Sends writes and reads answers. `create_settle`: seconds after which a page that was made can be found;
    `guard_window`: how old the last look at a page may be.

    `bot` is who the token writes as. `may_write` is asked before each request that writes, and raises when we must not.
    """

    def __init__(
        self,
        client: NotionClient,
        pages: Pages,
        sync: Sync,
        clock: CommonClock,
        *,
        create_settle: float,
        guard_window: float,
        bot: str,
        may_write: Check,
    ) -> None:
        self._bot = bot
        self._may_write = may_write
        self._window = guard_window
        self._client = client
        self._pages = pages
        self._sync = sync
        self._clock = clock.local
        self._settle = create_settle
        self._lock = threading.Lock()
        self._latency = _FIRST_LATENCY
        # Since when this process knows that an outcome is unknown. Not derived from the intent's own time: the
        # limiter and a timeout may have used up any number of seconds before the request even reached Notion.
        self._unknown_since: dict[str, float] = {}

    @property
    def latency(self) -> float:
        """Seconds that a write takes, smoothed."""
        return self._latency

    def send(self, intent: Intent, body: dict[str, Any], permit: Permit, check: Check) -> Made:
        """Makes the write. `check` may call it off at the last moment by raising, which is passed on."""
        try:
            return Made(self._dispatch(intent, body, permit, check))
        except _HalfMade as half:
            return half.made
        except Ambiguous as error:
            return self._ambiguous(intent, error)
        except Conflict as error:
            return Made(retry(intent, error))
        except NotFound as error:
            return self._not_found(intent, error)
        except Invalid as error:
            return self._invalid(intent, error)
        except BridgeError as error:  # nothing was sent, or nobody is let in: the same for every intent
            return Made(retry(intent, error), error)

    def find_out(self, intent: Intent) -> Receipt:
        """What became of a write whose answer was lost. Raises Unavailable, AccessLost."""
        if intent.action.op is not Op.CREATE:
            assert intent.pair.page_id is not None, "only a create has no page"
            return guard.found_out(self._sync, intent, self._pages.get_for(intent).seen, self._bot)
        assert intent.action.key is not None, "a create without a key is refused before it is sent"
        since = self._unknown_at(intent)
        asked = self._clock.monotonic()
        if found := self._made_before(intent):
            self._known(intent)
            return found
        passed = asked - since
        if passed >= self._settle:
            self._known(intent)
            reason = "no page carries the key: it was not created"
            return Receipt(intent.id, Outcome.RETRY, None, reason, blame=Blame.UNCLEAR)
        wait = min(self._settle - passed, _FIRST_WAIT + passed)
        return Receipt(intent.id, Outcome.UNKNOWN, None, "no page carries the key so far", retry_after=wait)

    def _dispatch(self, intent: Intent, body: dict[str, Any], permit: Permit, check: Check) -> Receipt:
        check = self._allowed(check)
        match intent.action.op:
            case Op.CREATE:
                return self._create(intent, body, permit, check)
            case Op.UPDATE:
                with crash_point(CrashPoint.PAGE_UPDATED):
                    reply = self._patch(intent, {"properties": body}, permit, check)
                return self._answer(intent, reply)
            case Op.DELETE:
                with crash_point(CrashPoint.PAGE_TRASHED):
                    reply = self._patch(intent, {"in_trash": True}, permit, check)
                return self._answer(intent, reply)
            case Op.RESTORE:
                return self._restore(intent, body, permit, check)

    def _create(self, intent: Intent, body: dict[str, Any], permit: Permit, check: Check) -> Receipt:
        # A second attempt: the first should have left nothing, but a look costs less than a duplicate.
        if intent.attempts > 0 and (found := self._made_before(intent)):
            return found
        parent = {"type": "data_source_id", "data_source_id": self._sync.data_source.id}
        with crash_point(CrashPoint.PAGE_CREATED):
            reply = self._client.create_page({"parent": parent, "properties": body}, priority_of(intent), permit, check)
        return self._answer(intent, reply)

    def _restore(self, intent: Intent, body: dict[str, Any], permit: Permit, check: Check) -> Receipt:
        """In two requests: Notion does not say whether a restore may carry properties; apart they always work. The
        first answer shows the page as the second request finds it, so it serves as its guard, and grows as old.
        Raises _HalfMade."""
        with crash_point(CrashPoint.PAGE_RESTORED):
            reply = self._patch(intent, {"in_trash": False}, permit, check)
        if not body:
            return self._answer(intent, reply)
        shown = self._shown(intent, reply)
        if moved := guard.moved(intent, shown):
            return Receipt(intent.id, Outcome.STALE, shown, f"{moved} was changed in Notion meanwhile")
        half = Receipt(intent.id, Outcome.STALE, shown, "it was restored; its values could not follow at once")
        in_time = self._allowed(self._not_long_after(reply.received))
        try:
            reply = self._patch(intent, {"properties": body}, permit, in_time)
        except _Late:
            return half
        except (Ambiguous, NotFound, Invalid):
            raise
        except BridgeError as error:  # not made; but the page is not in the trash any more, which must be known
            raise _HalfMade(half, None if isinstance(error, Conflict) else error) from error
        return self._answer(intent, reply)

    def _patch(self, intent: Intent, body: dict[str, Any], permit: Permit, check: Check) -> Reply:
        return self._client.update_page(str(intent.pair.page_id), body, priority_of(intent), permit, check)

    def _allowed(self, check: Check) -> Check:
        """The last thing before a request leaves: whether we may write at all, and then whether this may be written."""

        def both() -> None:
            self._may_write()
            check()

        return both

    def _not_long_after(self, moment: float) -> Check:
        def check() -> None:
            if self._clock.monotonic() - moment > self._window:
                raise _Late

        return check

    def _answer(self, intent: Intent, reply: Reply) -> Receipt:
        with self._lock:
            self._latency = 0.8 * self._latency + 0.2 * (reply.received - reply.sent)
        seen = self._shown(intent, reply, intent.action.changes)
        if intent.action.op is Op.DELETE:
            return guard.trashed(intent, seen)
        return guard.written(self._sync, intent, seen)

    def _shown(self, intent: Intent, reply: Reply, written: Collection[str] = ()) -> Observation:
        """The page in the answer to a write. A long value takes further reads, and whatever is answered to those is
        none to the write, which was made: "not sent" would ask for a second page, "refused" would park it."""
        try:
            return self._pages.observe(reply.body, reply, Evidence.RECEIPT, priority_of(intent), written)
        except BridgeError as error:
            raise Ambiguous(f"Notion made the write, but what it stored could not be read: {error.message}") from error

    def _ambiguous(self, intent: Intent, error: Ambiguous) -> Made:
        self._unknown_at(intent)
        created = error.committed_resource_id
        if created is not None and intent.action.op is Op.CREATE:
            try:
                seen = self._pages.get(created, priority_of(intent)).seen
            except (Unavailable, AccessLost):
                pass  # find_out will look it up by its key
            else:
                # Read later than it was made: what it shows otherwise is somebody's edit, and nothing was refused.
                self._known(intent)
                return Made(Receipt(intent.id, Outcome.DONE, seen, "Notion named the page that it made"))
        return Made(Receipt(intent.id, Outcome.UNKNOWN, None, error.message, retry_after=error.retry_after))

    def _not_found(self, intent: Intent, error: NotFound) -> Made:
        try:
            unseen = self._pages.related.unseen(intent)
        except (Unavailable, AccessLost) as away:
            return Made(retry(intent, away), away)
        if unseen is not None:
            field, page_id = unseen
            reason = (
                f"the related page {page_id} is in the trash, or its database is not shared with the integration; "
                "bring it back or share it, then retry"
            )
            return Made(Receipt(intent.id, Outcome.REFUSED, None, reason, field))
        if intent.action.op is Op.CREATE:
            lost = AccessLost(f"The data source cannot be found any more: {error.said}", hint=error.hint)
            return Made(retry(intent, lost), lost)
        return self._look_again(intent, error.said)

    def _invalid(self, intent: Intent, error: Invalid) -> Made:
        if intent.action.op is not Op.CREATE and guard.says_trashed(error.said):
            return self._look_again(intent, error.said)
        if guard.says_no_property(error.said) and (lost := self._misfit()) is not None:
            return Made(untried(intent, lost), lost)
        field = guard.blamed(self._sync, intent.action.changes, error.said)
        return Made(Receipt(intent.id, Outcome.REFUSED, None, f"Notion refuses it: {error.said}", field))

    def _misfit(self) -> BridgeError | None:
        """What has become of the data source, where a property that is written is none of its any more: that concerns
        every record, and is mended by binding the sync anew. None when all are there."""
        written = [item.property for item in self._sync.fields] + [self._sync.key_property]
        if self._sync.status_property is not None:
            written.append(self._sync.status_property)
        try:
            there = {prop.id for prop in read_data_source(self._client, self._sync.data_source.id).properties}
        except (Unavailable, AccessLost, SetupError) as error:
            return error
        gone = [prop.name for prop in written if prop.id not in there]
        if not gone:
            return None
        return SetupError(
            f"{self._sync.data_source.title!r} has no property {gone[0]!r} any more",
            hint="Take it out of the trash in Notion, or let `notion-bridge init --update` mend the file.",
        )

    def _look_again(self, intent: Intent, reason: str) -> Made:
        try:
            seen = self._pages.get_for(intent, priority_of(intent)).seen
        except (Unavailable, AccessLost) as error:
            return Made(retry(intent, error), error)
        return Made(Receipt(intent.id, Outcome.STALE, seen, reason))

    def _made_before(self, intent: Intent) -> Receipt | None:
        """The receipt for a create whose page exists already: the oldest page that carries the key."""
        assert intent.action.key is not None
        # A person may have made a page with the same key meanwhile: that one is not ours.
        candidates = self._pages.by_key(intent.action.key, priority_of(intent))
        found = [page for page in candidates if made_by(page, self._bot)]
        if not found:
            return None
        seen = self._pages.get(str(found[0].page_id), priority_of(intent)).seen  # the index may be behind
        return Receipt(intent.id, Outcome.DONE, seen, "the page was there already")

    def _unknown_at(self, intent: Intent) -> float:
        with self._lock:
            return self._unknown_since.setdefault(intent.id, self._clock.monotonic())

    def _known(self, intent: Intent) -> None:
        with self._lock:
            self._unknown_since.pop(intent.id, None)


def priority_of(intent: Intent) -> Priority:
    return Priority.BACKFILL if intent.backfill else Priority.INTERACTIVE


def retry(intent: Intent, error: BridgeError) -> Receipt:
    """Certainly not written; try later."""
    wait = error.retry_after if isinstance(error, Unavailable) else None
    return Receipt(intent.id, Outcome.RETRY, None, error.message, retry_after=wait, blame=_blame(error))


def untried(intent: Intent, lost: BridgeError) -> Receipt:
    """Not even tried, because another write showed that the side cannot be used."""
    return replace(retry(intent, lost), blame=Blame.SIDE)


def _blame(error: BridgeError) -> Blame:
    if isinstance(error, Ambiguous):
        return Blame.UNCLEAR
    side = isinstance(error, Unavailable | AccessLost) and not isinstance(error, Conflict)
    return Blame.SIDE if side else Blame.RECORD
