"""One world, from its seed: both sides, the people, the bridge between them, what goes wrong, and its end."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bridge.crashpoints import CrashPoint, When
from bridge.errors import BridgeError, SetupError
from bridge.sandbox.notion import Answer, Options, Request, Sandbox
from bridge.shapes import Column, Table
from tests.worlds.boss import Boss
from tests.worlds.clock import START, Killed, WorldClock
from tests.worlds.dials import Dials
from tests.worlds.events import Events
from tests.worlds.kept import Kept
from tests.worlds.ledger import Ledger
from tests.worlds.moments import MOMENTS
from tests.worlds.page_people import PROPERTIES, PagePeople
from tests.worlds.process import Parts, Process
from tests.worlds.row_people import RowPeople
from tests.worlds.schema_people import SchemaPeople
from tests.worlds.situations import Situations
from tests.worlds.table import Server
from tests.worlds.trouble import Luck, NotionTrouble, PostgresTrouble
from tests.worlds.watch import Watch
from tests.worlds.wire import Wire

COLUMNS = (
    Column("id", "bigint", "bigint", 1, not_null=True, has_default=True, identity="by default"),
    Column("title", "text", "text", 2, not_null=True),
    Column("mail", "text", "text", 3),
    Column("note", "character varying", "character varying(30)", 4, max_length=30),
    Column("amount", "numeric", "numeric(12,2)", 5, precision=12, scale=2),
    Column("stage", "enum", "stage", 6, not_null=True, has_default=True, labels=("Todo", "Doing", "Done")),
    Column("tags", "text[]", "text[]", 7),
)
QUIET_S = 25.0  # so long nothing must be left to do: every poll comes round meanwhile
SILENCE_S = 60.0  # and then so long nothing may be written
_SWEEPS = 3  # full listings that must have ended: the last of them began after people did
_PATIENCE_S = 1200.0  # for coming to rest once nothing goes wrong any more


class NotionClock:
    """Notion's own clock."""

    def __init__(self, clock: WorldClock, ahead: float) -> None:
        self._clock, self._ahead = clock, ahead

    def now(self) -> datetime:
        return START + timedelta(seconds=self._clock.seconds + self._ahead)


class World:
    """Runs once. Afterwards the oracle looks at it."""

    def __init__(self, dials: Dials, steps: int) -> None:
        self.dials, self.steps = dials, steps
        self.clock = WorldClock()
        self.situations = Situations()
        self.ledger = Ledger()
        self.kept = Kept()
        self.rng = random.Random(f"people {dials.seed}")
        self.luck = Luck(dials.rates, random.Random(f"luck {dials.seed}"))
        self._set_up_sides()
        self.whims = Luck(dials.whims, random.Random(f"whims of {dials.seed}"))
        self.boss = Boss(
            self.ledger,
            random.Random(f"boss {dials.seed}"),
            self.situations,
            0.005,
            whims=self.whims,
            compared_anew=lambda: self.events.forgive_deletions(),  # noqa: PLW0108 - there are no events yet
            takes=lambda field: self.schema.takes(field),  # noqa: PLW0108 - the same
        )
        row_trouble = PostgresTrouble(self.clock, self.luck, self.situations)
        page_trouble = NotionTrouble(dials, self.sandbox, self.luck, self.situations, self._slip_in)
        self.watch = Watch(self.sandbox, self.server, self.clock, self.ledger, self.situations)
        self.watch.born_unheard = self._hide
        self.pages.trashed_unheard = self.watch.trashed_unheard.__contains__
        wire = Wire(self.sandbox, self.clock, page_trouble, self._around)
        self.watch.heard = wire.heard
        self.process = Process(
            dials,
            self.clock,
            self.server,
            wire,
            self.data_source,
            row_trouble,
            self._reached,
            self.boss,
            situations=self.situations,
        )
        self.events = Events(self)
        self.schema = SchemaPeople(self, Luck(dials.schema, random.Random(f"schema of {dials.seed}")))
        self.watch.unseen = self.schema.unseen
        self.parts: Parts | None = None
        self.alive = False  # whether there is a process that could be killed
        self.steps_left = steps
        self.calm_at: float | None = None  # when faults and people ended
        self._quiet_since: float | None = None
        self._crash_point = ""
        self._rounds = 0  # of the present process
        self._sweeps: set[datetime | None] = set()  # when full listings ended, since people did

    def _set_up_sides(self) -> None:
        dials = self.dials
        options = Options(
            requests_per_minute=dials.per_minute,
            query_lag_s=dials.query_lag,
            short_pages=dials.short_pages,
        )
        notion_clock = NotionClock(self.clock, dials.notion_ahead)
        self.sandbox = Sandbox(
            options=options, clock=notion_clock, seed=dials.seed, monotonic=lambda: self.clock.seconds
        )
        self.database, self.data_source = self.sandbox.person("Ada").create_database("Tasks", PROPERTIES)
        table = Table("public", "tasks", 1, COLUMNS, ("id",))
        rng = random.Random(f"server {dials.seed}")
        self.server = Server(table, self.clock, rng, ahead=dials.postgres_ahead)
        self.server.defaults["stage"] = "Todo"
        self.server.checks["amount"] = lambda value: value < 1_000_000
        self.server.captured = tuple(column.name for column in COLUMNS[1:])
        self.server.outbox_max = dials.outbox_max
        many = dials.several is not None
        if dials.several is not None:
            self.server.several, self.server.bundle = dials.several, dials.bundle
        self.rows = RowPeople(self.server, self.ledger, self.rng, self.situations, rubbish=dials.rubbish, many=many)
        self.pages = PagePeople(
            self.sandbox, self.data_source, self.clock, self.ledger, self.rng, self.situations, rubbish=dials.rubbish
        )

    # The run

    def run(self) -> None:
        """Until everything is at rest. Raises what the bridge raises, AssertionError when it does not come to rest."""
        self._before_the_bridge()
        self.clock.after(1.0, self._step)
        while not self._finished:
            self._live_once()

    @property
    def _finished(self) -> bool:
        return self.parts is not None and self._silent_for() >= SILENCE_S

    def _silent_for(self) -> float:
        return 0.0 if self._quiet_since is None else self.clock.seconds - self._quiet_since - QUIET_S

    def _before_the_bridge(self) -> None:
        """Both sides may hold something already, some of it about the same records."""
        for _ in range(self.rng.choice([0, 0, 2, 5])):
            self.rows.insert()
        for _ in range(self.rng.choice([0, 0, 2, 4])):
            self.rng.choice([self.pages.create, self.pages.create_with_key])()
        self.server.state.outbox.clear()  # there was no trigger yet
        self.server.state.noted = None

    def _live_once(self) -> None:
        """One life of the bridge's process."""
        waited = 0.0 if self.calm_at is None else self.clock.seconds - self.calm_at
        assert waited < _PATIENCE_S, "it does not start any more"
        try:
            self.parts, self.alive, self._rounds = None, True, 0
            self.parts = self.process.start(self._each_round)
            self.process.run(self.parts)
        except Killed:
            self.watch.deaths.append(self.clock.seconds)
            self._note("killed")
        except BridgeError as error:
            if self._rounds:
                raise  # once it runs, the bridge lives with what a side says
            self._note(f"did not start: {type(error).__name__}")
            if isinstance(error, SetupError):  # what was renamed before its id was known is not found by its name
                self.process.mend(self.pages.names)
        self.alive = False
        if self._finished:
            self.clock.bury()
            return
        if self.parts is not None:
            self._count_unknown()
        self.process.end()
        self.events.while_down()
        self.events.wait_switched_off()
        self.clock.travel(self.rng.choice([0.1, 2.0, 20.0]))

    def _count_unknown(self) -> None:
        assert self.parts is not None
        row = self.parts.journal.store.row("pairs_count", sync="tasks")
        if row and row["pending"]:
            self.situations["restart with writes of unknown outcome"] += 1

    # People

    def _step(self) -> None:
        self.steps_left -= 1
        if self.steps_left <= 0:
            self._calm_down()
            return
        self.act()
        self.events.perhaps()
        self.schema.perhaps()
        gap = self.rng.expovariate(1.0 / self.dials.pace) if self.rng.random() < 0.95 else self.rng.uniform(5, 20)
        self.clock.after(gap, self._step)

    def act(self) -> None:
        if self.rng.random() < 0.05:
            self._note(self.events.both_sides())
            return
        acts = self.rng.choice([self.rows.acts, self.pages.acts])
        act = self.rng.choices(list(acts), list(acts.values()))[0]
        self._note(act())

    def _slip_in(self, page_id: str) -> str:
        said = self.pages.edit_page(page_id)
        self._note(f"slipped in: {said}")
        return said

    def _calm_down(self) -> None:
        """Nobody edits any more, and nothing goes wrong any more."""
        self._note("calm")
        self.luck.over = self.whims.over = True
        self.sandbox.options.query_lag_s = 0.0
        self.sandbox.world.stale.clear()
        self.events.heal()
        self.schema.heal()
        self.boss.eagerness = 0.2
        self.clock.after(30.0, self.boss.go_home)
        self._crash_point, self.process.disk.crash_in = "", 0
        self.calm_at = self.clock.seconds

    # What happens around the bridge

    def _around(self, request: Request, answer: Callable[[], Answer], *, late: bool) -> Answer:
        """The instant at which Notion carries a request out."""
        answered = self.watch.request(request, answer, late=late)
        if late and (request.method == "PATCH" or request.path.endswith("/pages")):
            self._quiet_since, self.watch.silent = None, False  # it is news to the bridge, and rest comes after it
        if request.method == "PATCH" and self.luck.strikes("automation"):
            page_id = request.path.rsplit("/", 1)[1]
            self.clock.after(self.luck.rng.uniform(0.0, 2.0), lambda: self._note(self.pages.automate(page_id)))
        return answered

    def _hide(self, page_id: str) -> None:
        """For longer than anybody would wait for it to show."""
        if self.dials.orphans or self.luck.strikes("unindexed"):
            self.situations["index hid a page"] += 1
            self.sandbox.stale(page_id, 1000.0)
            self.clock.after(self.luck.rng.choice([5.0, 40.0, 40.0, 90.0]), lambda: self.sandbox.stale(page_id, None))

    def _reached(self, step: CrashPoint, when: When) -> None:
        point = MOMENTS.get((step, when))
        if point is None:
            return
        self.situations[f"came to {point}"] += 1
        if self.luck.strikes("crash") or point == self._crash_point:
            self._crash_point = ""
            self.situations[f"crash at {point}"] += 1
            self._note(f"crash at {point}")
            self.clock.kill()
            self.clock.die_if_killed()

    def crash_next(self, point: str) -> None:
        self._crash_point = point

    def _each_round(self, parts: Parts) -> None:
        self._rounds += 1
        if self.calm_at is None or self.clock.stop.is_set():
            return
        now = self.clock.seconds
        assert now - self.calm_at < _PATIENCE_S, f"it does not come to rest: {self._what_is_left(parts)}"
        if not self._at_rest(parts):
            assert self._silent_for() <= 0, f"not at rest any more: {self._what_is_left(parts)}"
            self._quiet_since = None
            return
        if self._quiet_since is None:
            self._quiet_since = now
        if self._silent_for() <= 0:
            self.watch.writes_when_silent.clear()
            self.watch.silent = False
        else:
            self.watch.silent = True
        if self._silent_for() >= SILENCE_S:
            self.clock.ask_to_stop()

    def _at_rest(self, parts: Parts) -> bool:
        state = parts.journal.sync_state("tasks")
        self._sweeps.add(state.swept_at)
        if state.breaker or state.last_error or self.server.state.outbox or len(self._sweeps) <= _SWEEPS:
            return False
        return not parts.journal.counts("tasks")["pending"]

    def _what_is_left(self, parts: Parts) -> str:
        state, journal = parts.journal.sync_state("tasks"), parts.journal
        names = ("id", "key", "page_id", "page_key", "base_state", "postgres_state", "notion_state", "not_before")
        dirty = [{n: row[n] for n in names} for row in journal.store.rows("pairs_all", sync="tasks") if row["dirty"]]
        query = "SELECT pair, side, op, state, changes, reason FROM intents WHERE state IN ('open', 'unknown', 'echo')"
        outbox = [(note.op, note.key, note.old_key, note.values) for note in self.server.state.outbox.values()]
        return str([state.breaker, state.last_error, outbox, dirty, list(journal.store.db.query(query))])

    def _note(self, line: str) -> None:
        if line:
            self.ledger.note(f"{self.clock.seconds:9.3f} {line}")

    # Afterwards

    def digest(self) -> str:
        """Equal for equal runs."""
        return hashlib.sha256("\n".join(self.ledger.trace).encode()).hexdigest()[:16]

    def described(self) -> dict[str, Any]:
        return {"seed": self.dials.seed, "steps": self.steps, "seconds": round(self.clock.seconds, 3)}
