"""A whole bridge between two fake ends, in virtual time: waiting is what makes time pass."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from bridge.engine.binding import NOTHING, Remembered
from bridge.engine.loop import Loop
from bridge.engine.pacing import Pacing
from bridge.engine.requests import Mailbox
from bridge.engine.turns import AHEAD
from bridge.engine.worker import Worker
from bridge.model import Op, Side, Sync
from tests.inline import InlineTasks
from tests.unit.desk import BOT, Desk, at, minute, page, row
from tests.unit.fake_ends import FakeEnd

BEFORE = {"title": "before", "status": "Todo"}


class FakeRebinder:
    """Binds the sync to what it is told to; remembers each binding that was taken."""

    def __init__(self, sync: Sync) -> None:
        self.sync = sync
        self.error: Exception | None = None
        self.refuses: Exception | None = None  # what noting a binding raises
        self.noted: list[Sync] = []
        self.settles: FakeEnd | None = None  # the end that is as it was bound once the binding is noted
        self.memory = NOTHING
        self.read_with: list[Remembered] = []
        self.meanwhile: Callable[[], None] = lambda: None  # happens while the catalogs are read

    def remembered(self) -> Remembered:
        return self.memory

    def read(self, remembered: Remembered) -> Sync:
        self.read_with.append(remembered)
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return self.sync

    def note(self, sync: Sync) -> bool:
        if self.refuses is not None:
            raise self.refuses
        self.noted.append(sync)
        if self.settles is not None:
            self.settles.adrift = False
            self.settles.errors.clear()
        return False


class World:
    """One sync between two fake ends, in virtual time: waiting is what makes time pass."""

    def __init__(self, desk: Desk | None = None, *, ahead: int = AHEAD) -> None:
        self.ahead = ahead
        self.desk = desk or Desk()
        self.rows, self.pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)
        self.rebinder = FakeRebinder(self.desk.sync)
        self.stop = threading.Event()
        self.rounds = 0
        self.trims = 0
        self._numbers = itertools.count(1)
        self.each_round: Callable[[], None] = lambda: None
        self.restart()

    def restart(self) -> None:
        """Another process begins with the same journal and the same sides."""
        clock = self.desk.clock
        self.tasks = InlineTasks(clock.sleep)
        self.worker = Worker(
            self.desk.sync,
            self.desk.journal,
            self.rows,
            self.pages,
            clock=clock,
            tasks=self.tasks,
            pacing=Pacing(1.0, 15.0, 20.0, 6000),
            new_id=lambda: f"write-{next(self._numbers)}",
            rebinder=self.rebinder,
            bot=BOT,
            ahead=self.ahead,
        )
        self.loop = Loop(
            [self.worker],
            self.desk.journal,
            Mailbox(None),
            tasks=self.tasks,
            clock=clock,
            stop=self.stop,
            each_round=self._each_round,
            trim=self._trim,
        )

    def _each_round(self) -> None:
        self.rounds += 1
        assert self.rounds < 10_000, "it does not end"
        self.each_round()

    def _trim(self) -> None:
        self.trims += 1

    def add_row(self, key: str, **values: str) -> None:
        self.rows.records[key] = row(key, {**BEFORE, **values})

    def add_page(self, page_id: str, key: str | None, **values: str) -> None:
        self.pages.records[page_id] = page(page_id, key, {**BEFORE, **values}, edited=minute(0), seen=at(0))

    def applied(self, end: FakeEnd) -> list[Op]:
        return [intent.action.op for group in end.applied for intent in group]

    def rebinder_settles(self, end: FakeEnd) -> None:
        """The next binding fits what this end shows."""
        self.rebinder.settles = end

    def stop_after(self, seconds: float) -> None:
        end = self.desk.clock.seconds + seconds

        def stop() -> None:
            if self.desk.clock.seconds >= end:
                self.stop.set()

        self.each_round = stop
