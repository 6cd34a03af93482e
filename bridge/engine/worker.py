"""One sync at work: observe both sides, plan, write, settle. Runs in the main thread, slow requests beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial

from bridge.clock import Clock, backoff
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Batch
from bridge.engine.binding import means_the_same
from bridge.engine.dispatch import Dispatch
from bridge.engine.health import Health
from bridge.engine.intake import Intake
from bridge.engine.linking import link_made
from bridge.engine.listed import Listed
from bridge.engine.needs import NotionSide, PostgresSide, Rebinder
from bridge.engine.pacing import Pacing
from bridge.engine.pagewatch import PageWatch
from bridge.engine.planner import Planner
from bridge.engine.rebinding import require_same
from bridge.engine.settle import Settler
from bridge.engine.tasks import Deliver, Lane, Tasks
from bridge.engine.turns import AHEAD
from bridge.errors import AccessLost, BreakerTripped, SetupError, Unavailable
from bridge.journal import Journal
from bridge.model import Side, Sync

_ROWS_PER_ROUND = 5_000
_SOON_S = 0.05
_REBIND_FIRST_S = 1.0
_REBIND_MAX_S = 60.0
_MANY = 1000  # pages to be made: more than any minute's budget
_LANES = {"write0": Lane.EDITS, "find": Lane.EDITS, "write1": Lane.BULK, "sweep": Lane.BULK}  # up to a dash


class _Rows(Enum):
    """What is known of the table's rows."""

    FOLLOWED = auto()  # the outbox tells what changes
    MISSED = auto()  # a change was not captured: the table is to be read in full, if it is what the sync is bound to
    UNKNOWN = auto()  # it is to be read in full, once it is clear whether the database is the one that we know


class Worker:
    """Keeps one sync in step. `tick` is one round; it never waits for Notion."""

    def __init__(
        self,
        sync: Sync,
        journal: Journal,
        postgres: PostgresSide,
        notion: NotionSide,
        *,
        clock: Clock,
        tasks: Tasks,
        pacing: Pacing,
        new_id: Callable[[], str],
        rebinder: Rebinder,
        bot: str = "",
        ahead: int = AHEAD,
    ) -> None:
        self.journal = journal
        self.postgres = postgres
        self.notion = notion
        self.pacing = pacing
        self.draining = False  # asked to stop: no new work
        self._clock = clock
        self._tasks = tasks
        self.targets: Sequence[Worker] = ()  # the syncs that this one's relations link to
        self.parents: Sequence[Worker] = ()  # those of them that come before this one
        self._rows = _Rows.UNKNOWN
        self._began = -math.inf  # this round, monotonic
        self._others_wait = False  # rows to be read, beside those that were read in this round
        self._drained = False  # the outbox was read to its end in this round
        self._drifted = False  # the table or the data source is not what the sync was bound to
        self._misfit: SetupError | None = None  # the error for which it was bound anew last
        self._rebinder = rebinder
        self._rebinds = 0  # in a row, each soon after the one before
        self._rebind_at = -math.inf  # not before, monotonic: what binding does not mend takes time, and questions
        self._new_id, self._bot, self._ahead = new_id, bot, ahead
        self.health = Health(journal, sync.name, clock)
        self._pages = PageWatch(
            journal,
            notion,
            pacing,
            clock,
            start=self._start,
            running=self._running,
            may_list=self._may_list,
            found_drifted=self._found_drifted,
        )
        self._equip(sync)

    def _equip(self, sync: Sync) -> None:
        """Everything that works on one binding of the sync."""
        self.sync = sync
        settler = Settler(self.journal, sync, self._clock, self._bot)
        self._intake = Intake(self.journal, sync, settler, self._bot, ahead=self._ahead)
        self._pages.adopt(sync, self._intake)
        self._planner = Planner(self.journal, sync, self._clock, self._new_id)
        self.dispatch = Dispatch(
            self.journal,
            settler,
            self.postgres,
            self.notion,
            health=self.health,
            clock=self._clock,
            start=self._start,
            running=self._running,
        )

    def start(self) -> None:
        """Before the first round."""
        with self.journal.transaction():
            self.journal.add_sync(self.sync.name, self.sync.table.qualified, self.sync.data_source.id)
            self.journal.begin(self.sync.name, self.notion.now())
            require_same(self.journal, self.sync)
            self.journal.soil_all(self.sync.name)
        self.dispatch.resume(self.sync.name)
        self._pages.resume()

    @property
    def swept(self) -> bool:
        """Whether both sides were listed in full since the start."""
        return self._pages.swept

    @property
    def _follows_rows(self) -> bool:
        return self._rows is _Rows.FOLLOWED

    @property
    def knows_pages(self) -> bool:
        """Whether enough is known of the pages to write."""
        return self._pages.current

    def _recognise_database(self) -> bool:
        """A database that was restored or replaced may have missed changes: nothing that was agreed counts. What
        differs is decided as in a first run, nothing is deleted. Answers whether it is done: not while it is unknown
        what became of a page's write, for that would be agreed on afterwards."""
        identity = self.postgres.identity()
        if self.journal.is_another(self.sync.name, identity):
            self._pages.forget()
            self.dispatch.withdraw("the database is another one")
            if self._running("write") or not self.dispatch.ask_unknown(Side.NOTION):
                return False
        with self.journal.transaction():
            self.journal.recognise(self.sync.name, identity)
        return True

    def tick(self) -> None:
        """One round. Raises JournalError; what a side raises makes that side wait."""
        self._began, self._others_wait = self._clock.monotonic(), False
        self.health.waited(Side.NOTION, self.notion.silence())
        if self.health.replaced() and self._rows is not _Rows.UNKNOWN:
            self._read_again()
        misfit = self.health.misfit(Side.POSTGRES) or self.health.misfit(Side.NOTION)
        if misfit is not None and misfit is not self._misfit:
            self._drifted, self._misfit = True, misfit
        if self._drifted or self._accepted():
            self._drifted = True
            self._rebind()
            return
        if self.journal.sync_state(self.sync.name).resync and not self._forget():
            return
        self.health.guarded(Side.POSTGRES, self._read_rows)
        if not self._may_ask_notion():
            return
        self.dispatch.ask_unknown(Side.NOTION)
        if self.pacing.writes(self._clock.monotonic(), self.dispatch.backlog):
            self.notion.expect(self.journal.to_fill(self.sync.name, _MANY))
        self._pages.observe()
        if self._may_plan():
            self._plan()
        self.dispatch.send()

    def _may_ask_notion(self) -> bool:
        return not self._drifted and self.health.up(Side.NOTION)

    def due_in(self) -> float:
        """Seconds until the next round is worth while, as far as this worker knows; infinite when it knows of none."""
        if self._others_wait:
            return _SOON_S
        now = self._clock.monotonic()
        moments = [*self.dispatch.ask_times(), *self.health.retry_times(), self._rebind_at]
        attempt = self.journal.next_attempt(self.sync.name)
        if attempt is not None:
            moments.append(now + (attempt - self._clock.now()).total_seconds())
        # What was due when the round began had its turn. If it was not taken, as in a pause, then not in the next one.
        moments = [moment for moment in moments if moment > self._began]
        if self._may_ask_notion():
            moments.append(self._pages.soonest())
        return max(_SOON_S, min(moments, default=math.inf) - now)

    def settled(self) -> bool:
        """Whether nothing is left to do: both sides listed, nothing under way, nothing pending."""
        looking = self._running("look") or self._running("sweep")
        if not (self.swept and self._follows_rows) or self._drifted or self.dispatch.busy or looking:
            return False
        if self.health.failing() or self.journal.sync_state(self.sync.name).resync:
            return False  # what it did not answer, or is to be asked anew, may be news
        return not self.journal.unsettled(self.sync.name)

    def _may_plan(self) -> bool:
        # A link to a page that is not listed yet would look like one to nothing.
        if any(not target.knows_pages and not target.health.failing() for target in self.targets):
            return False
        state = self.journal.sync_state(self.sync.name)
        known = self.knows_pages and self._follows_rows
        return known and not (state.paused or state.breaker or self.draining)

    @property
    def makes_pages(self) -> bool:
        """Whether pages that are still to be made are on their way."""
        return self._may_plan() and not (self._drifted or self.health.failing())

    def _plan(self) -> None:
        making = [parent.sync.name for parent in self.parents if parent.makes_pages]
        while (room := self.dispatch.room()) > 0:
            try:
                with crash_point(CrashPoint.INTENTS_COMMITTED):
                    intents = self._planner.plan(room, deletes=self._drained, making=making)
            except BreakerTripped as tripped:
                with self.journal.transaction():
                    self.journal.stop(self.sync.name, tripped)
                return
            if not intents:
                return
            self.dispatch.take(intents)

    def _forget(self) -> bool:
        """A person asked for a resync. Answers whether it is done: not while a write is under way or its outcome is not
        known, for that would be agreed on afterwards, and a page that is being made would be made twice."""
        if self._tasks.running(f"{self.sync.name}:"):
            return False
        self.dispatch.withdraw("everything is compared anew")
        if not all(self.dispatch.ask_unknown(side) for side in Side):
            return False
        with self.journal.transaction():
            self.journal.resync(self.sync.name)
        self._read_again()
        self.pacing.next_sweep = 0.0
        return True

    def _read_again(self) -> None:
        """What both sides hold is read in full before anything is written."""
        self._rows = _Rows.UNKNOWN
        self._pages.forget()

    def _accepted(self) -> bool:
        """Whether a person took a suspended field as it is now, or one was seen with another type: the journal has a
        word about it that the binding does not know."""
        return bool(set(self.journal.sync_state(self.sync.name).suspended) - set(self.sync.suspended))

    def _rebind(self) -> None:
        """Binds the sync anew, once nothing of it is under way: what is known so far was read with the old binding."""
        now = self._clock.monotonic()
        if self._tasks.running(f"{self.sync.name}:") or not self.health.up(Side.NOTION) or now < self._rebind_at:
            return
        self._rebinds = self._rebinds + 1 if now < self._rebind_at + _REBIND_MAX_S else 1
        self._rebind_at = now + backoff(self._rebinds, _REBIND_FIRST_S, _REBIND_MAX_S)
        remembered = self._rebinder.remembered()

        def work(deliver: Deliver) -> None:
            sync = self._rebinder.read(remembered)
            deliver(lambda: adopt(sync))

        def adopt(sync: Sync) -> None:
            if self._rebinder.remembered() != remembered:
                return  # a person has accepted a field meanwhile: it is bound once more, with that
            try:
                self._rebound(sync)
            except (Unavailable, AccessLost, SetupError) as error:
                self._read_again()  # half of it may be done, and the next attempt finds nothing that is bound anew
                self.health.failed(Side.POSTGRES, error)

        self.health.try_again(Side.POSTGRES)
        self._start("rebind", work)

    def _rebound(self, sync: Sync) -> None:
        """Goes on with the new binding. If fields came, went or changed, everything is read again."""
        same = means_the_same(self.sync, sync) and not self._accepted()  # what is forgotten of a field is read again
        missed = self._rebinder.note(sync) or self.health.misfit(Side.POSTGRES) is not None
        self.dispatch.withdraw("the mapping has changed")
        self.postgres.adopt(sync)
        self.notion.adopt(sync)
        self._equip(sync)
        self.dispatch.resume(sync.name)
        with self.journal.transaction():
            recognised = self._recognise_database()
            self.journal.soil_all(sync.name)
        self._drifted = False
        if missed or not same or not self._follows_rows or not recognised:
            self._read_again()
        self.pacing.next_sweep = 0.0

    # PostgreSQL, in this thread: local and quick

    def _read_rows(self) -> None:
        if self.dispatch.row_unknown:
            self._rows, self.dispatch.row_unknown = _Rows.MISSED, False
        if not self.dispatch.ask_unknown(Side.POSTGRES):
            return  # only the outcome tells which record a row belongs to that a trigger gave another key
        self._scan_if_needed()
        self._drained, taken = False, 0
        while taken < _ROWS_PER_ROUND and self._follows_rows and not self._drifted:
            with crash_point(CrashPoint.OUTBOX_READ):
                batch = self.postgres.changes()
            if batch.token is None and not batch.observations and not batch.reread:
                self._drained = True
                break
            taken += len(batch.observations)
            # Noted first: once acknowledged, nothing in the database tells of it any more.
            if batch.reread:
                self._rows = _Rows.MISSED
            self._take_rows(batch)
            self.pacing.active(self._clock.monotonic())
            self._scan_if_needed()
        if self._drained:  # else a change from before might be told after what the row holds now
            self._others_wait = self._intake.call_in(self.postgres.look)

    def _take_rows(self, batch: Batch, listed: Listed | None = None) -> None:
        with crash_point(CrashPoint.ROWS_JOURNALED):
            self._intake.take(batch, listed)
        if batch.token is not None:
            # If it fails the server may have crashed, and lost what it had told, where a program commits without
            # waiting for the disk (synchronous_commit = off). Once it is acknowledged, that is on disk, too.
            before, self._rows = self._rows, _Rows.UNKNOWN
            with crash_point(CrashPoint.OUTBOX_DELETED):
                self.postgres.acknowledge(batch)
            self._rows = before

    def _scan_if_needed(self) -> None:
        match self._rows:
            case _Rows.FOLLOWED:
                return
            case _Rows.UNKNOWN if not self._recognise_database():
                return
            case _Rows.MISSED if self.postgres.drifted():
                self._drifted = True
                return
        with crash_point(CrashPoint.TABLE_READ):
            self._scan_rows()
        self._rows = _Rows.FOLLOWED

    def _scan_rows(self) -> None:
        """Reads the whole table as of one instant, the outbox of that instant before it."""
        with self.journal.transaction():
            shown = link_made(self.journal, self.sync.name, self.postgres.made())
        self.dispatch.need_no_proof(shown)
        listed = Listed()
        for batch in self.postgres.scan():
            self._take_rows(batch, listed if batch.token is None else None)
        self._intake.take_missing_rows(listed, self.postgres.look)
        with self.journal.transaction():
            self.journal.end_echoes(self.sync.name)

    # Notion, beside this thread

    def _may_list(self) -> bool:
        """Whether the table is still what the sync is bound to, as far as it can be asked."""
        self.health.guarded(Side.POSTGRES, self._ask_drifted)
        return not self._drifted

    def _ask_drifted(self) -> None:
        self._drifted |= self.postgres.drifted()

    def _found_drifted(self) -> None:
        self._drifted = True

    def _start(self, task: str, work: Callable[[Deliver], None], ended: Callable[[], None] | None = None) -> None:
        if self.draining:
            return  # what this would find is found again by the next start

        def answered(deliver: Deliver) -> None:
            work(deliver)
            deliver(lambda: self.health.came_up(Side.NOTION))

        name, lane = f"{self.sync.name}:{task}", _LANES.get(task.partition("-")[0], Lane.LOOKS)
        self._tasks.start(name, answered, partial(self.health.failed, Side.NOTION), ended or (lambda: None), lane)

    def _running(self, task: str) -> bool:
        return self._tasks.running(f"{self.sync.name}:{task}")
