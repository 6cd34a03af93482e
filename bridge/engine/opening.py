"""Puts the parts together: configuration -> catalogs -> ends -> workers -> loop."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType

from bridge.clock import Clock, CommonClock, SystemClock
from bridge.config import Config, SyncConfig
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Evidence
from bridge.engine.binding import Remembered, bind
from bridge.engine.joins import join_tables
from bridge.engine.links import LinkTable
from bridge.engine.loop import Loop, let_wait, referenced_first
from bridge.engine.namefile import NameFile
from bridge.engine.pacing import Pacing
from bridge.engine.ratelog import RateLog
from bridge.engine.rebinding import Binding, remembered_in
from bridge.engine.relations import Around, find_targets
from bridge.engine.requests import Mailbox
from bridge.engine.sharing import refuse_shared
from bridge.engine.tasks import ThreadTasks, WakeUps
from bridge.engine.worker import Worker
from bridge.journal import Journal
from bridge.model import FieldValue, Key, Sync
from bridge.notion.catalog import find_data_source
from bridge.notion.client import NotionClient
from bridge.notion.directory import Directory
from bridge.notion.end import NotionEnd
from bridge.notion.limiter import Limiter
from bridge.notion.names import Names, has_people
from bridge.notion.optionbook import OptionBook
from bridge.notion.workers import Workers
from bridge.postgres.bundles import Known
from bridge.postgres.capture import CaptureSettings
from bridge.postgres.catalog import read_table
from bridge.postgres.connection import Connection, Session
from bridge.postgres.end import PostgresEnd
from bridge.postgres.findings import installed
from bridge.postgres.install import install, refuse_taken
from bridge.postgres.rowfilter import check_filter
from bridge.postgres.scan import scan
from bridge.postgres.sessions import Sessions
from bridge.shapes import DataSource, Table
from bridge.values.context import Context


def new_id() -> str:
    """An intent's name: random, so that it is never used twice, whatever is restored from a backup."""
    return str(uuid.uuid4())


def capture_settings(config: Config) -> CaptureSettings:
    """How the triggers are to be installed."""
    return CaptureSettings(config.postgres.notify, config.postgres.outbox_limit)


@dataclass(slots=True)
class Sides:
    """Both sides of some syncs of a configuration, reachable. Close it."""

    config: Config
    clock: CommonClock
    stop: threading.Event
    limiter: Limiter
    client: NotionClient
    sessions: Sessions
    rate_log: RateLog
    workers: Workers
    name_file: NameFile
    people: Directory
    links: LinkTable = field(default_factory=LinkTable)
    _options: dict[str, OptionBook] = field(default_factory=dict)  # by data source
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Sides:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()
        self.workers.close()
        self.client.close()
        self.rate_log.close()

    def bind(self, config: SyncConfig, remembered: Remembered | None = None) -> Sync:
        """Reads both catalogs and fits them together. Raises SetupError, Unavailable, AccessLost.

        What the journal file remembers of the last binding is read from it unless given.
        """
        if remembered is None:
            remembered = remembered_in(self.config.journal.path, config.name, self.clock.local)
        with closing(Session(self.config.postgres.dsn)) as session, session.use() as connection:
            table = read_table(connection, config.table, config.key or None)
            check_filter(connection, table, config.where)
            asked = self.clock.local.monotonic()
            source = find_data_source(self.client, config.data_source, known=remembered.data_source)
            self.refuse_taken(connection, config.name, source, table)
            around = self.around(config, source, remembered, connection)
        options = self._option_book(source.id)
        options.take(source, asked)
        context = Context(self.people, options, self.links)
        sync = bind(config, table, source, self.config.path, remembered, context, around)
        if has_people(sync):
            self.people.refresh()
        return sync

    def refuse_taken(self, connection: Connection, name: str, source: DataSource, table: Table | None) -> None:
        """Whether another sync, of this configuration or of any other, has the data source. `table` None: it is still
        to be made. Raises ConfigError, SetupError, Unavailable, AccessLost."""
        refuse_shared(self.config, name, source, self._data_source_id)
        refuse_taken(connection, name, source.id, table)

    def _data_source_id(self, config: SyncConfig) -> str:
        known = remembered_in(self.config.journal.path, config.name, self.clock.local).data_source
        return find_data_source(self.client, config.data_source, known=known).id

    def _option_book(self, data_source_id: str) -> OptionBook:
        if data_source_id not in self._options:
            section = f"options of {data_source_id}"
            self._options[data_source_id] = OptionBook(
                self.client,
                data_source_id,
                self.clock,
                self.name_file.section(section),
                self.name_file.keeper(section),
            )
        return self._options[data_source_id]

    def around(self, config: SyncConfig, source: DataSource, remembered: Remembered, connection: Connection) -> Around:
        """What the mapping refers to beyond its own table and data source. Raises Unavailable, AccessLost."""

        def read(name: str, key: Sequence[str] = ()) -> Table:
            return read_table(connection, name, key or None)

        targets = find_targets(config, source, self.config.syncs, remembered.properties, read)
        return Around(targets, join_tables(config, read))

    def follow(self, sync: Sync) -> None:
        """The sync is bound so from now on. Main thread only."""
        self.links.follow(sync)

    def ensure_installed(self, sync: Sync) -> bool:
        """Installs the trigger where it is missing or out of date; answers whether it had to."""
        settings = capture_settings(self.config)
        with closing(Session(self.config.postgres.dsn)) as session, session.use() as connection:
            refuse_taken(connection, sync.name, sync.data_source.id, sync.table)
            if not installed(connection, sync, settings):
                return False
            with crash_point(CrashPoint.TRIGGER_INSTALLED):
                install(connection, sync, settings)
            return True

    def rows(self, sync: Sync) -> Iterator[tuple[Key, Mapping[str, FieldValue]]]:
        """Every row of the table as it is now. Raises Unavailable, AccessLost, SetupError."""
        for batch in scan(self.config.postgres.dsn, sync):
            for seen in batch.observations:
                if seen.evidence is Evidence.SCAN and seen.key is not None and seen.values:
                    yield seen.key, seen.values

    def postgres_end(self, sync: Sync, known: Known | None = None) -> PostgresEnd:
        limit = self.config.postgres.outbox_limit
        end = PostgresEnd(self.sessions, sync, self.stop, outbox_max=limit, known=known)
        self._opened.callback(end.close)
        return end

    def notion_end(
        self,
        sync: Sync,
        journal: Journal,
        bot: str = "",
        may_write: Callable[[], None] = lambda: None,
        read_at: float = float("-inf"),
    ) -> NotionEnd:
        settings = self.config.notion
        row = journal.sync_row(sync.name)
        return NotionEnd(
            self.client,
            sync,
            self.clock,
            self.workers,
            watermark=journal.sync_state(sync.name).watermark if row else None,
            overlap_s=settings.overlap,
            query_lag_s=settings.query_lag,
            guard_window_s=settings.guard_window,
            create_settle_s=settings.create_settle,
            bot=bot,
            may_write=may_write,
            read_at=read_at,
            names=Names(self.client, sync, self.clock, self.people, self._option_book(sync.data_source.id)),
            links=self.links,
        )


def open_sides(
    config: Config, *, clock: Clock | None = None, stop: threading.Event | None = None, remembers: bool = False
) -> Sides:
    """Gets ready to talk to both sides; sends nothing yet. Only who `remembers` writes down the names it learns."""
    stop = stop or threading.Event()
    local = clock or SystemClock(stop)
    common = CommonClock(local)
    names = NameFile(config.journal.path, writes=remembers)
    with ExitStack() as opened:
        rate_log = RateLog(config.journal.path, local)
        opened.callback(rate_log.close)
        limiter = Limiter(
            local, config.notion.requests_per_minute, spent_ago=rate_log.spent_ago(), sent=rate_log.note, stop=stop
        )
        client = NotionClient(config.notion.token, limiter=limiter, clock=common, base_url=config.notion.base_url)
        sessions = Sessions(config.postgres.dsn, common, stop)
        opened.pop_all()  # a token that no header takes is refused here; what is opened now, `Sides` closes
    workers = Workers(config.notion.connections)
    people = Directory(client, names.section("people"), names.keeper("people"))
    return Sides(config, common, stop, limiter, client, sessions, rate_log, workers, names, people)


@dataclass(slots=True)
class Bridge:
    """Everything that `sync` and `run` need, holding the locks. Close it."""

    sides: Sides
    journal: Journal
    loop: Loop
    syncs: tuple[Sync, ...]
    _closing: ExitStack

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Bridge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_bridge(
    config: Config,
    names: Sequence[str] = (),
    *,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
    each_round: Callable[[], None] = lambda: None,
    listen: bool = True,
) -> Bridge:
    """Takes the locks, reads the catalogs, installs the triggers and makes the workers.

    Raises LockHeld, SetupError, Unavailable, AccessLost, JournalError.
    """
    stop = stop or threading.Event()
    with ExitStack() as closing:
        sides = open_sides(config, clock=clock, stop=stop, remembers=True)
        closing.callback(sides.close)
        journal = Journal.open(config.journal.path, sides.clock.local)
        closing.callback(journal.close)
        tasks = ThreadTasks(journal.transaction)  # one commit to disk for all answers that came meanwhile
        closing.callback(tasks.close)
        me = sides.client.me().body
        sides.people.meet([me])
        bot = me["id"]
        chosen = [config.sync(name) for name in names] or list(config.syncs)
        crowd: list[Pacing] = []
        workers = [_worker(sides, journal, tasks, sync, bot, crowd) for sync in chosen]
        sides.links.attach(journal)
        let_wait(workers)
        if listen:
            listener = WakeUps(sides.sessions.listener.wait, tasks.wake, stop)
            listener.start()
            closing.callback(listener.join)
        closing.callback(stop.set)  # runs first: the listener ends before it is waited for

        def trim() -> None:
            with crash_point(CrashPoint.HISTORY_TRIMMED):
                journal.trim(sides.clock.local.now() - timedelta(days=config.journal.keep_days))

        loop = Loop(
            referenced_first(workers),
            journal,
            Mailbox(config.journal.path),
            tasks=tasks,
            clock=sides.clock.local,
            stop=stop,
            each_round=each_round,
            trim=trim,
        )
        syncs = tuple(worker.sync for worker in workers)
        return Bridge(sides, journal, loop, syncs, closing.pop_all())
    raise AssertionError("unreachable")


def _worker(
    sides: Sides, journal: Journal, tasks: ThreadTasks, config: SyncConfig, bot: str, crowd: list[Pacing]
) -> Worker:
    binding = Binding(sides, journal, config)
    read_at = sides.clock.local.monotonic()
    sync = binding.read(binding.remembered())
    binding.note(sync)
    postgres = sides.postgres_end(sync, partial(journal.known_keys, sync.name))
    postgres.take_lock()
    settings = sides.config.notion
    pacing = Pacing(settings.poll_min, settings.poll_max, settings.sweep_min, settings.requests_per_minute, crowd=crowd)
    crowd.append(pacing)
    return Worker(
        sync,
        journal,
        postgres,
        # Notion knows no locks: each write is made under the one in the database.
        sides.notion_end(sync, journal, bot, postgres.take_lock, read_at),
        clock=sides.clock.local,
        tasks=tasks,
        pacing=pacing,
        new_id=new_id,
        rebinder=binding,
        bot=bot,
    )
