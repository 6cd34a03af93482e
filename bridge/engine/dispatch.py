"""The writes of one sync: handed over, answered, settled; and found out when the answer was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import takewhile

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import End, Intent, Outcome, Receipt
from bridge.engine.health import Health
from bridge.engine.making import makes_page
from bridge.engine.needs import RowEnd
from bridge.engine.settle import Settler
from bridge.engine.tasks import Deliver, Starter
from bridge.journal import Journal
from bridge.model import Side

_CHUNK = 16  # Notion writes handed over at once: few enough that guard and write stay close together
_QUEUE_MAX = 4 * _CHUNK  # with those that are under way
_FEW = 8  # so many may be planned at the least: each time costs a commit to disk
_PROOFS_MAX = 200
_STALE_MAX = 3


class Dispatch:
    """Writes into PostgreSQL in this thread (local and quick), into Notion beside it. Main thread only."""

    def __init__(
        self,
        journal: Journal,
        settler: Settler,
        postgres: RowEnd,
        notion: End,
        *,
        health: Health,
        clock: Clock,
        start: Starter,
        running: Callable[[str], bool],
    ) -> None:
        self._journal = journal
        self._settler = settler
        self._postgres = postgres
        self._notion = notion
        self._health = health
        self._clock = clock
        self._start = start
        self._running = running
        self._queues: dict[bool, deque[Intent]] = {False: deque(), True: deque()}  # by backfill
        self._unknown: dict[str, float] = {}  # intent id -> when to ask again, monotonic
        self._under_way = 0  # page writes that were handed over and are not answered
        self._asked: set[str] = set()  # intents whose look-up is under way: it may have to wait for the rate limit
        self._proofs: list[str] = []  # settled writes whose proof the database may forget
        self._unshown: dict[int, str] = {}  # by pair: proofs of rows whose keys their pages do not carry yet
        self.row_unknown = False  # a row differs from what the outbox told: read the table

    def resume(self, sync_name: str) -> None:
        """After a start: what was under way when the last process ended is found out before anything else."""
        self._unknown = {intent.id: 0.0 for intent in self._journal.intents_in_flight(sync_name)}
        self._proofs = self._journal.settled_rows(sync_name)

    def withdraw(self, reason: str) -> None:
        """Gives up what waits to be sent: it was planned from what counts no more."""
        waiting = [intent for queue in self._queues.values() for intent in queue]
        for queue in self._queues.values():
            queue.clear()
        self._settle(waiting, [Receipt(i.id, Outcome.STALE, reason=reason) for i in waiting])

    def room(self) -> int:
        """How many more Notion writes may be planned. The rest stays unplanned, so that it may still change."""
        room = _QUEUE_MAX - self._under_way - sum(len(queue) for queue in self._queues.values())
        return room if room >= _FEW else 0

    @property
    def busy(self) -> bool:
        """Whether writes wait, are under way, or are of unknown outcome."""
        return any(self._queues.values()) or bool(self._unknown) or self._running("write")

    @property
    def backlog(self) -> bool:
        """Whether many writes wait, or wait for their answers."""
        return self._under_way + sum(len(queue) for queue in self._queues.values()) > _CHUNK

    def ask_times(self) -> list[float]:
        """When writes of unknown outcome are asked for again, monotonic."""
        return [due for intent_id, due in self._unknown.items() if intent_id not in self._asked]

    def take(self, intents: list[Intent]) -> None:
        """Makes the row writes at once and queues the page writes."""
        self._write_rows([intent for intent in intents if intent.action.side is Side.POSTGRES])
        for intent in intents:
            if intent.action.side is Side.NOTION:
                self._queues[intent.backfill].append(intent)

    def send(self) -> None:
        """Hands the next writes to the Notion end: people's changes and the first fill each at their own pace."""
        if not self._health.up(Side.POSTGRES):
            return  # nobody knows whether the lock is still ours
        for backfill, queue in self._queues.items():
            for turn in ("first", "beside"):
                task = f"write{int(backfill)}-{turn}"
                # New pages need no look and are in nobody's way: they go on while the slowest answer is awaited.
                if queue and not self._running(task) and (turn == "first" or makes_page(queue[0])):
                    self._write_pages(task, _next_of(queue))

    def ask_unknown(self, side: Side) -> bool:
        """Finds out what became of the side's writes whose answer was lost, before anything else is done with their
        pairs. Answers whether all of them are known now."""
        now, all_known = self._clock.monotonic(), True
        for intent_id, due in list(self._unknown.items()):
            owing = self._journal.owed_by(intent_id)
            if owing is None:
                del self._unknown[intent_id]
            elif owing is side:
                may_ask = now >= due and intent_id not in self._asked and self._health.up(side)
                found = self._journal.intent(intent_id) if may_ask else None
                if found is not None:
                    self._ask(found[0])
                all_known &= intent_id not in self._unknown
        return all_known

    def need_no_proof(self, intent_ids: Iterable[str]) -> None:
        """The proofs of these writes may go with the next ones."""
        self._proofs += intent_ids

    def forget_proofs(self, *, at_least: int = 1) -> None:
        """The journal knows what became of these writes; the database need not prove it any more."""
        if len(self._proofs) < at_least:
            return
        kept = self._journal.to_prove(self._proofs)
        self._unshown |= {pair: proof for proof, pair in kept.items()}
        settled = [proof for proof in self._proofs if proof not in kept]
        if settled:
            with crash_point(CrashPoint.PROOFS_TRIMMED):
                self._health.guarded(Side.POSTGRES, lambda: self._postgres.trim(settled))
        self._proofs = []

    def _write_rows(self, intents: list[Intent]) -> None:
        if not intents:
            return
        receipts: list[Receipt] = []
        self._health.guarded(Side.POSTGRES, lambda: receipts.extend(self._postgres.apply(intents)))
        with crash_point(CrashPoint.ROWS_SETTLED):
            self._settle(intents, receipts)
        stale = [receipt.intent_id for receipt in receipts if receipt.outcome is Outcome.STALE]
        # Usually the outbox has the news already. When it has none, the change was not captured.
        self.row_unknown |= any(i.id in stale and self._journal.attempts(i.pair) >= _STALE_MAX for i in intents)
        self._proofs += [receipt.intent_id for receipt in receipts if receipt.outcome is Outcome.DONE]
        self.forget_proofs(at_least=_PROOFS_MAX)

    def _write_pages(self, task: str, intents: list[Intent]) -> None:
        by_id = {intent.id: intent for intent in intents}
        answered: set[str] = set()
        self._under_way += len(intents)

        def settle(receipt: Receipt) -> None:
            self._under_way -= 1
            with crash_point(CrashPoint.PAGE_SETTLED):
                self._settle([by_id[receipt.intent_id]], [receipt])

        def work(deliver: Deliver) -> None:
            with crash_point(CrashPoint.PAGES_WRITTEN):
                for receipt in self._notion.apply(intents):
                    answered.add(receipt.intent_id)
                    with crash_point(CrashPoint.ANSWER_DELIVERED):
                        deliver(lambda receipt=receipt: settle(receipt))  # type: ignore[misc]

        def ended() -> None:
            unanswered = [intent for intent in intents if intent.id not in answered]
            self._under_way -= len(unanswered)
            self._settle(unanswered, [])

        self._start(task, work, ended)

    def _settle(self, intents: list[Intent], receipts: Iterable[Receipt]) -> None:
        """Settles what was answered. A write without an answer may have been made: it is found out first."""
        by_id = {receipt.intent_id: receipt for receipt in receipts}
        with self._journal.transaction():
            for intent in intents:
                receipt = by_id.get(intent.id) or Receipt(intent.id, Outcome.UNKNOWN, reason="no answer")
                self._settler.settle(intent, receipt)
                if receipt.outcome is Outcome.DONE and intent.action.key and intent.pair.id in self._unshown:
                    self._proofs.append(self._unshown.pop(intent.pair.id))
                if receipt.outcome is Outcome.UNKNOWN:
                    again = self._clock.monotonic() + (receipt.retry_after or 0.0)
                    self._unknown[intent.id] = again if receipt.retry_after else self._unknown.get(intent.id, again)
                else:
                    self._unknown.pop(intent.id, None)

    def _ask(self, intent: Intent) -> None:
        age = (self._clock.now() - intent.at) / timedelta(seconds=1)
        self._unknown[intent.id] = self._clock.monotonic() + min(30.0, max(0.5, age))
        if intent.action.side is Side.POSTGRES:
            receipts: list[Receipt] = []
            self._health.guarded(Side.POSTGRES, lambda: receipts.append(self._postgres.find_out(intent)))
            self._settle([intent] if receipts else [], receipts)
            if not receipts:
                self._unanswered(intent)
            return

        answered: list[Receipt] = []

        def work(deliver: Deliver) -> None:
            answered.append(self._notion.find_out(intent))
            deliver(lambda: self._settle([intent], answered))

        def ended() -> None:
            self._asked.discard(intent.id)
            if not answered:
                self._unanswered(intent)

        self._asked.add(intent.id)
        self._start("find", work, ended)

    def _unanswered(self, intent: Intent) -> None:
        """The side could not be asked: the question is due when the side is."""
        self._unknown[intent.id] = self._health.retry_at(intent.action.side)


def _next_of(queue: deque[Intent]) -> list[Intent]:
    """The next writes to hand over: a few, or any number of new pages."""
    new = sum(1 for _ in takewhile(makes_page, queue))
    return [queue.popleft() for _ in range(max(new, min(_CHUNK, len(queue))))]
