"""Writes pages, each after a look at what it would overwrite.

    guard    read the page (or up to 16 pages by one query over their keys), compare with what merge saw
    write    one PATCH with only what changes, within `guard_window` of the guard, whatever made it wait
    answer   the page that Notion sends back is the new snapshot

The slots for a guard and its writes are reserved together, so that the rate limit cannot come between them.
What comes between them all the same (a Retry-After, a slow answer) is noticed at the last moment, and the
guard is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from bridge.clock import CommonClock
from bridge.ends import Evidence, Intent, Outcome, Receipt
from bridge.errors import AccessLost, BridgeError, Unavailable
from bridge.model import Op, Sync
from bridge.notion import guard
from bridge.notion.client import NotionClient
from bridge.notion.errors import Invalid, NotFound
from bridge.notion.limiter import Permit, Priority
from bridge.notion.listing import results
from bridge.notion.pages import Json, Pages, Sight
from bridge.notion.sender import Made, Sender, priority_of, retry, untried
from bridge.notion.workers import Workers
from bridge.values.keys import key_filter

_SINGLE = 4  # up to so many pages are read one by one: a read by id is never stale, a query may be
_LARGEST_CHUNK = 16  # as many as the engine hands over; a chunk waits for all of its slots
_PACED_CHUNK = 8  # while Notion wants us slow
_GUARDS = 3  # attempts to get guard and write close enough together


class _GuardExpired(Exception):
    """Too much time passed between the guard and the moment of sending; nothing was sent."""


class NotionWriter:
    """Writes the pages of one sync. `guard_window` and `create_settle` are in seconds; `may_write` as in `Sender`."""

    def __init__(
        self,
        client: NotionClient,
        pages: Pages,
        sync: Sync,
        clock: CommonClock,
        workers: Workers,
        *,
        guard_window: float,
        create_settle: float,
        bot: str = "",
        may_write: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._pages = pages
        self._sync = sync
        self._clock = clock.local
        self._workers = workers
        self._window = guard_window
        self._sender = Sender(
            client,
            pages,
            sync,
            clock,
            create_settle=create_settle,
            guard_window=guard_window,
            bot=bot,
            may_write=may_write,
        )

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        """Makes the writes; every intent gets its receipt, those of one page in order.

        When Notion cannot be reached, or refuses us altogether, the rest is answered RETRY without trying and
        Unavailable or AccessLost is raised at the end.
        """
        lost: BridgeError | None = None
        for wave in _waves(intents):
            rest = wave
            while rest and lost is None:
                size = self._chunk_size(rest) if any(map(_is_guarded, rest)) else len(rest)
                chunk, rest = rest[:size], rest[size:]
                for made in self._chunk(chunk):
                    lost = lost or made.lost
                    yield made.receipt
            if lost is not None:
                for intent in rest:
                    yield untried(intent, lost)
        if lost is not None:
            raise lost

    def find_out(self, intent: Intent) -> Receipt:
        """What became of an intent whose outcome is unknown. Raises Unavailable, AccessLost.

        UNKNOWN again, with the seconds to wait, while a page that was created may not be in Notion's index yet.
        """
        return self._sender.find_out(intent)

    def _chunk_size(self, intents: Sequence[Intent]) -> int:
        """As many as can be written in half the guard window, judged by the last calls and by the limiter."""
        limiter, priority = self._client.limiter, _most_urgent(intents)
        in_time = int(self._workers.share * self._window / 2 / max(self._sender.latency, 0.001))
        largest = _PACED_CHUNK if limiter.paced else _LARGEST_CHUNK
        return max(_SINGLE, min(in_time, largest, limiter.most(priority) - 1))

    def _chunk(self, chunk: Sequence[Intent]) -> Iterator[Made]:
        """A few intents are guarded one by one, more of them by one query."""
        if sum(_is_guarded(intent) for intent in chunk) <= _SINGLE:
            yield from self._workers.run(self._alone, chunk)
            return
        priority = _most_urgent(chunk)
        with ExitStack() as stack:
            try:
                permit = stack.enter_context(self._client.limiter.reserve(priority, len(chunk) + 1))
                sights = self._sights(chunk, priority, permit)
            except (Unavailable, AccessLost) as error:
                yield from (Made(untried(intent, error), error) for intent in chunk)
                return
            yield from self._workers.run(
                lambda intent: self._make(intent, permit, sights.get(intent.pair.page_id)), chunk
            )

    def _alone(self, intent: Intent) -> Made:
        """One intent, with a guard of its own."""
        try:
            with self._client.limiter.reserve(priority_of(intent), _requests(intent)) as permit:
                return self._make(intent, permit, None)
        except Unavailable as error:  # no slot: nothing was sent
            return Made(retry(intent, error), error)

    def _sights(self, chunk: Sequence[Intent], priority: Priority, permit: Permit) -> dict[str | None, Sight]:
        """The pages of these intents, by one query over their keys; what it does not show is read by id later."""
        keys = [i.pair.page_key for i in chunk if _is_guarded(i) and i.pair.page_key is not None]
        if not keys:
            return {}
        where = {"or": [key_filter(self._sync.key_property, key) for key in keys]}
        try:
            reply = self._pages.selection.of_query(
                lambda params: self._client.query(
                    self._sync.data_source.id, {"filter": where}, priority, permit, params
                )
            )
        except (Invalid, NotFound):
            return {}  # the key property was retyped, or access is going: the reads by id tell which
        return {
            page["id"]: self._pages.sight(page, reply, Evidence.SCAN, reply.sent, priority) for page in results(reply)
        }

    def _make(self, intent: Intent, permit: Permit, sight: Sight | None) -> Made:
        """Guard and write. What fails before the write was sent is RETRY: certainly not written."""
        action = intent.action
        try:
            probe = guard.properties(self._sync, intent, {} if action.op is Op.CREATE else None)
            if self._pages.names.before_creating(probe):
                probe = guard.properties(self._sync, intent, {} if action.op is Op.CREATE else None)
            if action.op is Op.CREATE:
                return self._sender.send(intent, probe, permit, _unchecked)
            keep = True
            for _ in range(_GUARDS):
                sight = sight or self._pages.get_for(intent, priority_of(intent), permit)
                answered = guard.verdict(intent, sight.seen)
                if answered is not None and sight.seen.evidence is Evidence.SCAN:
                    sight = None  # a query may show what the page was a while ago: that would pass for an edit
                    continue
                if answered is not None:
                    return Made(answered)
                body = guard.properties(self._sync, intent, sight.raw, formatting=keep)
                bare = guard.properties(self._sync, intent, sight.raw, formatting=False)
                try:
                    made = self._sender.send(intent, body, permit, self._deadline(sight))
                except _GuardExpired:
                    sight = None
                    continue
                if not self._blames_formatting(intent, made.receipt, body, bare):
                    return made
                if made.receipt.seen is not None and made.receipt.outcome is Outcome.REFUSED:
                    return self._sender.send(intent, bare, permit, _unchecked)  # it was stored; the answer is the guard
                sight, keep = None, False
        except guard.Unwritable as refused:
            outcome = Outcome.RETRY if refused.waits else Outcome.REFUSED
            return Made(Receipt(intent.id, outcome, None, refused.reason, refused.field))
        except BridgeError as error:
            return Made(retry(intent, error), error)
        return Made(Receipt(intent.id, Outcome.RETRY, None, "no write could follow its guard closely enough"))

    def _blames_formatting(self, intent: Intent, receipt: Receipt, body: Json, bare: Json) -> bool:
        """Whether the same values without the page's formatting may be taken.

        A mention may be shown otherwise by now, and what a person could link to or mention may not be ours to
        send. The text is sacred, formatting is not.
        """
        if receipt.outcome is Outcome.STALE:
            return body != bare and receipt.seen is not None and guard.verdict(intent, receipt.seen) is None
        if receipt.outcome is not Outcome.REFUSED:
            return False
        named = self._sync.field(receipt.field)
        return body != bare if named is None else body.get(named.property.id) != bare.get(named.property.id)

    def _deadline(self, sight: Sight) -> Callable[[], None]:
        """Raises _GuardExpired when called later than the guard allows."""

        def check() -> None:
            if self._clock.monotonic() - sight.read_at > self._window:
                raise _GuardExpired

        return check


def _unchecked() -> None:
    """For a write that no look at the page goes stale before."""


def _waves(intents: Sequence[Intent]) -> list[list[Intent]]:
    """The intents so that each page occurs once per wave, in its own order, and people come before backfills."""
    waves: list[list[Intent]] = []
    turns: dict[str, int] = {}
    for intent in sorted(intents, key=lambda intent: intent.backfill):
        page = intent.pair.page_id or intent.id
        turn = turns[page] = turns.get(page, -1) + 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(intent)
    return waves


def _is_guarded(intent: Intent) -> bool:
    """Whether a query can show the page: a new one does not exist, a trashed one is never listed."""
    return intent.action.op in (Op.UPDATE, Op.DELETE)


def _requests(intent: Intent) -> int:
    """Requests that must follow each other closely: a guard and its write, or two for a restore with values."""
    match intent.action.op:
        case Op.CREATE:
            return 1
        case Op.RESTORE:
            return 3
        case _:
            return 2


def _most_urgent(intents: Sequence[Intent]) -> Priority:
    return min(priority_of(intent) for intent in intents)
