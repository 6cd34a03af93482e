"""A calm world under a virtual clock: the whole bridge between both modelled sides, and nothing goes wrong.

Minutes pass in no time and the same way each time, so that requests can be counted over them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bridge.crashpoints import CrashPoint, When
from bridge.engine.requests import Mailbox
from bridge.model import Deletes, Policy, Side
from bridge.sandbox.notion import Answer, Options, Request, Sandbox
from bridge.sandbox.notion.log import Entry
from bridge.shapes import Table
from tests.worlds.clock import START, WorldClock
from tests.worlds.dials import Dials
from tests.worlds.page_people import PROPERTIES
from tests.worlds.process import Parts, Process
from tests.worlds.rows import RowTrouble
from tests.worlds.situations import Situations
from tests.worlds.table import Server
from tests.worlds.wire import Wire
from tests.worlds.world import COLUMNS

_LATENCY_S = 0.05  # one way; the model's bridge has one connection, and is to be able to use up its budget


class _Line:
    """Implements `tests.worlds.wire.WireTrouble`: there is none."""

    def latency(self) -> float:
        return _LATENCY_S

    def refused(self) -> bool:
        return False

    def meet(self, request: Request) -> None:
        """Nothing happens to it."""


class _NobodyWrites(Mailbox):
    """No command line."""

    def __init__(self) -> None:
        """No folder either."""

    def serve(self, journal: object) -> None:  # type: ignore[override]
        """Nothing was asked for."""


class _NotionClock:
    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return START + timedelta(seconds=self._clock.seconds)


class Calm:
    """Both sides and one bridge. Times are in virtual seconds since the beginning."""

    def __init__(self, *, per_minute: int = 180) -> None:
        self.clock = WorldClock()
        self.sandbox = Sandbox(
            options=Options(requests_per_minute=per_minute),
            clock=_NotionClock(self.clock),
            monotonic=lambda: self.clock.seconds,
        )
        self.ada = self.sandbox.person("Ada")
        self.data_source = self.ada.create_database("Tasks", PROPERTIES)[1]
        self.server = Server(Table("public", "tasks", 1, COLUMNS, ("id",)), self.clock, random.Random(1))
        self.server.defaults["stage"] = "Todo"
        self.server.captured = tuple(column.name for column in COLUMNS[1:])
        dials = Dials(
            seed=1,
            rates={},
            whims={},
            query_lag=0.0,
            latency=_LATENCY_S,
            pace=1.0,
            batch=1000,
            per_minute=per_minute,
            short_pages=False,
            page_size=100,
            postgres_ahead=0.0,
            notion_ahead=0.0,
            policy=Policy.LAST_WRITER_WINS,
            tie=Side.POSTGRES,
            first_sync=Side.POSTGRES,
            max_deletes=20,
            rubbish=0.0,
            deletes=Deletes("mirror", "mirror"),
        )
        wire = Wire(self.sandbox, self.clock, _Line(), _around)
        self._process = Process(
            dials,
            self.clock,
            self.server,
            wire,
            self.data_source,
            RowTrouble(),
            _reached,
            _NobodyWrites(),
            situations=Situations(),
        )
        self.parts: Parts | None = None

    def insert(self, count: int) -> list[int]:
        """So many rows more; their keys."""
        transaction = self.server.begin("ada")
        keys = [transaction.insert({"title": f"row {number}"}) for number in range(count)]
        transaction.commit()
        return keys

    def update(self, keys: list[int], **changes: Any) -> None:
        transaction = self.server.begin("ada")
        for key in keys:
            transaction.update(key, changes)
        transaction.commit()

    def add_pages(self, keys: list[int]) -> list[str]:
        """A page for each of these rows, equal to it; their ids."""
        rows = self.server.state.rows
        values = [{"Name": rows[key]["title"], "ID": str(key), "Stage": "Todo"} for key in keys]
        return [self.ada.create_row(self.data_source, each) for each in values]

    def run(self, seconds: float) -> list[Entry]:
        """The bridge from its start until so many seconds have passed; the requests it made."""
        since = len(self.sandbox.log.entries)
        self.clock.after(seconds, self.clock.ask_to_stop)
        self.parts = self._process.start(lambda _: None)
        self._process.run(self.parts)
        self.clock.bury()
        return self.sandbox.log.entries[since:]

    def between(self, start: float, end: float) -> list[Entry]:
        """The requests that arrived in this time."""
        return [entry for entry in self.sandbox.log.entries if start <= entry.monotonic < end]

    def pending(self) -> int:
        """Records that the bridge has not brought in step."""
        assert self.parts is not None
        return int(self.parts.journal.counts("tasks")["pending"])


def _around(request: Request, answer: Callable[[], Answer], *, late: bool) -> Answer:
    return answer()


def _reached(step: CrashPoint, when: When) -> None:
    """Nobody waits for it."""
