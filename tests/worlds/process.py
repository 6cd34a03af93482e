"""The bridge as one process: the real engine, journal, client and limiter between the two modelled worlds.

What it keeps when it dies is what a process keeps: the journal's last commit, and the times of its requests.
"""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from bridge import crashpoints
from bridge.clock import CommonClock
from bridge.config import FieldConfig, SyncConfig
from bridge.crashpoints import CrashPoint, When
from bridge.engine.binding import Remembered, bind
from bridge.engine.loop import Loop
from bridge.engine.pacing import Pacing
from bridge.engine.rebinding import Binding
from bridge.engine.requests import Mailbox
from bridge.engine.worker import Worker
from bridge.errors import Unavailable
from bridge.journal import Journal
from bridge.journal.store import Store
from bridge.model import FieldValue, Key, Sync
from bridge.notion import listing
from bridge.notion.catalog import read_data_source
from bridge.notion.client import NotionClient
from bridge.notion.end import NotionEnd
from bridge.notion.limiter import Limiter
from bridge.notion.names import Names
from bridge.notion.optionbook import OptionBook
from bridge.notion.workers import Workers
from bridge.sandbox.notion import DEFAULT_TOKEN
from bridge.values.context import Context
from tests.worlds.clock import VirtualLock, WorldClock
from tests.worlds.dials import Dials
from tests.worlds.rows import BRIDGE, ModelEnd, RowTrouble
from tests.worlds.situations import Situations
from tests.worlds.table import Server
from tests.worlds.tasks import VirtualTasks
from tests.worlds.wire import Wire

NAME = "tasks"
_INSTALL_TIMEOUT_S = 10.0
_MAPPING = {"title": "Name", "mail": "Mail", "note": "Note", "amount": "Amount", "stage": "Stage", "tags": "Tags"}


class Disk:
    """The journal's file. A process works on it through a connection of its own, which dies with it."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self.sent: list[float] = []  # the rate log
        self.options: Mapping[str, Any] = {}  # the file of names
        self.crash_in = 0  # journal statements until the process is killed between two of them; 0 = never

    def open(self) -> Journal:
        if self._connection is None:
            made = Journal.in_memory(self._clock)
            self._connection = made.store._connection
            return self._watched(made)
        return self._watched(Journal(Store(self._connection, None), self._clock))

    def _watched(self, journal: Journal) -> Journal:
        store, run = journal.store, journal.store._run

        def counted(sql: str, parameters: dict[str, Any] | None = None) -> sqlite3.Cursor:
            if self.crash_in and store._connection.in_transaction:
                self.crash_in -= 1
                if self.crash_in == 0:
                    self._clock.kill()
                    self._clock.die_if_killed()
            return run(sql, parameters)

        store._run = counted  # type: ignore[method-assign]
        return journal

    def suspended(self) -> str:
        """What the journal says of suspended fields, looked at without disturbing anything."""
        if self._connection is None:
            return ""
        return " ".join(row[0] for row in self._connection.execute("SELECT suspended FROM syncs"))

    def power_off(self) -> None:
        """What was not committed is gone; what was, is read back from the bytes of the file."""
        if self._connection is not None:
            self._connection.rollback()
            self.put_back(self._connection.serialize())

    def copy(self) -> bytes | None:
        if self._connection is None or self._connection.in_transaction:
            return None
        return self._connection.serialize()

    def put_back(self, copy: bytes | None) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        if copy is not None:
            self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._connection.deserialize(copy)

    def keep_options(self, known: Mapping[str, Any]) -> None:
        self.options = known

    def spent_ago(self) -> list[float]:
        now = self._clock.seconds
        self.sent = [moment for moment in self.sent if now - moment < 70.0]
        return [now - moment for moment in self.sent]


class Catalogs:
    """Both catalogs, for the binding; and the trigger, which captures what is mapped."""

    def __init__(self, server: Server, client: NotionClient, clock: CommonClock, source: str, disk: Disk) -> None:
        self._server, self._client, self._clock, self._data_source = server, client, clock, source
        self.options = OptionBook(client, source, clock, disk.options, disk.keep_options)

    def bind(self, config: SyncConfig, remembered: Remembered) -> Sync:
        asked = self._clock.local.monotonic()
        source = read_data_source(self._client, self._data_source)
        self.options.take(source, asked)
        return bind(config, self._server.table, source, remembered=remembered, context=Context(options=self.options))

    def follow(self, sync: Sync) -> None:
        """No field links to other records."""

    def rows(self, sync: Sync) -> list[tuple[Key, Mapping[str, FieldValue]]]:
        """No field has another format than before."""
        return []

    def ensure_installed(self, sync: Sync) -> bool:
        """A trigger is made under a lock that nobody gets who waits for writers longer than ten seconds."""
        columns = tuple(field.column.name for field in sync.fields)
        if self._server.captured == columns:
            return False
        clock = self._server.clock
        began = clock.monotonic()
        while self._server.locks:
            if clock.monotonic() > began + _INSTALL_TIMEOUT_S:
                raise Unavailable("canceling statement due to lock timeout")
            clock.travel(0.1)
        self._server.captured = columns
        return True


class Counted(Binding):
    """The binding of a sync, which counts what comes and goes with it."""

    def __init__(self, catalogs: Catalogs, journal: Journal, config: SyncConfig, situations: Situations) -> None:
        super().__init__(catalogs, journal, config)
        self._situations = situations

    def take(self, sync: Sync) -> None:
        row = self._journal.sync_row(NAME)
        before = {item.field for item in self._journal.sync_state(NAME).suspended} if row else set()
        super().take(sync)
        now = {item.field for item in sync.suspended}
        self._situations["field suspended"] += len(now - before)
        self._situations["suspended field goes on"] += len(before - now)


class Rebound(Counted):
    """The binding of a process that runs; the one with which it started is not counted."""

    def note(self, sync: Sync) -> bool:
        self._situations["bound anew"] += 1
        return super().note(sync)


@dataclass(slots=True)
class Parts:
    """What a process is made of, as far as the world looks at it."""

    worker: Worker
    loop: Loop
    journal: Journal
    tasks: VirtualTasks


class Process:
    """Starts the bridge, as often as it dies. `reached` is told of each named moment it comes to."""

    def __init__(
        self,
        dials: Dials,
        clock: WorldClock,
        server: Server,
        wire: Wire,
        data_source: str,
        trouble: RowTrouble,
        reached: Callable[[CrashPoint, When], None],
        mailbox: Mailbox,
        *,
        situations: Situations,
    ) -> None:
        self._situations = situations
        self._dials, self._clock, self._server, self._wire = dials, clock, server, wire
        self._data_source, self._trouble = data_source, trouble
        self._reached, self._mailbox = reached, mailbox
        self._rng = random.Random(f"process {dials.seed}")
        self.disk = Disk(clock)
        self.config = SyncConfig(
            NAME,
            "public.tasks",
            data_source,
            "ID",
            tuple(FieldConfig(column, name) for column, name in _MAPPING.items()),
            policy=dials.policy,
            tie=dials.tie,
            first_sync=dials.first_sync,
            deletes=dials.deletes,
            max_deletes=dials.max_deletes,
        )

    def mend(self, names: Mapping[str, str]) -> None:
        """Somebody reads why it does not start, and writes into the file what the properties are called now."""
        fields = tuple(FieldConfig(column, names[column]) for column in _MAPPING)
        self.config = replace(self.config, key_property=names["key"], fields=fields)

    def start(self, each_round: Callable[[Parts], None]) -> Parts:
        """Everything up to the loop, which is the caller's to run. Raises what a start of the bridge raises."""
        common = CommonClock(self._clock)
        limiter = Limiter(
            self._clock,
            self._dials.per_minute,
            rng=self._rng,
            spent_ago=self.disk.spent_ago(),
            sent=self._note_sent,
            stop=self._clock.stop,
        )
        client = NotionClient(
            DEFAULT_TOKEN,
            limiter=limiter,
            clock=common,
            base_url="https://notion.example",
            rng=self._rng,
            session=self._wire.session,
        )
        journal = self.disk.open()
        tasks = VirtualTasks(self._clock, journal.transaction)
        bot = client.me().body["id"]
        catalogs = Catalogs(self._server, client, common, self._data_source, self.disk)
        catalogs.options._reading = VirtualLock(self._clock)  # type: ignore[assignment]
        binding = Counted(catalogs, journal, self.config, self._situations)
        sync = binding.read(binding.remembered())
        binding.note(sync)
        row = journal.sync_row(NAME)
        watermark = journal.sync_state(NAME).watermark if row else None
        rows = ModelEnd(
            self._server,
            sync,
            common,
            self._trouble,
            batch=self._dials.batch,
            looked_through=self._dials.looked_through,
            known=partial(journal.known_keys, NAME),
        )
        rows.take_lock()
        names = Names(client, sync, common, options=catalogs.options)
        notion = NotionEnd(client, sync, common, Workers(1), watermark=watermark, bot=bot, names=names)
        made = Worker(
            sync,
            journal,
            rows,
            notion,
            clock=self._clock,
            tasks=tasks,
            pacing=Pacing(1.0, 15.0, 20.0, self._dials.per_minute),
            new_id=lambda: str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            rebinder=Rebound(catalogs, journal, self.config, self._situations),
            bot=bot,
            ahead=self._dials.ahead,
        )

        def trim() -> None:
            journal.trim(self._clock.now() - timedelta(days=90))

        loop = Loop(
            [made],
            journal,
            self._mailbox,
            tasks=tasks,
            clock=self._clock,
            stop=self._clock.stop,
            each_round=lambda: each_round(parts),
            trim=trim,
        )
        parts = Parts(made, loop, journal, tasks)
        return parts

    def run(self, parts: Parts) -> None:
        """Until it is stopped or dies."""
        small_pages = patch.object(listing, "PAGE_SIZE", self._dials.page_size)
        with patch.object(crashpoints, "reached", self._reached), small_pages:
            parts.loop.run()

    def end(self) -> None:
        """Whatever it held is gone: its strands, its connections, what its journal had not committed."""
        self._clock.bury()
        self._server.disconnect(BRIDGE)
        self.disk.power_off()

    def _note_sent(self) -> None:
        self.disk.sent.append(self._clock.seconds)
