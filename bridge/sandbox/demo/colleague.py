"""Somebody who works on both sides for a while, so that there is something to see at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from bridge.clock import Clock
from bridge.sandbox.demo.world import STAGES, TAGS, World

EDITS = 20
_FIRST_PAUSE_S = 3.0
_PAUSE_S = (2.0, 4.5)


class Colleague:
    """Makes an edit every few seconds, on alternating sides, within the `with` block; stops after `EDITS`.

    `clock.sleep` must end early when `stop` is set.
    """

    def __init__(self, world: World, clock: Clock, stop: threading.Event, rng: random.Random) -> None:
        self._world = world
        self._clock = clock
        self._stop = stop
        self._rng = rng
        self._thread = threading.Thread(target=self._work, name="demo-colleague", daemon=True)
        self.status = "will join in a moment"

    def __enter__(self) -> Colleague:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        sides: tuple[Callable[[], None], ...] = (self._edit_a_row, self._edit_a_page)
        pause = _FIRST_PAUSE_S
        for number in range(1, EDITS + 1):
            self._clock.sleep(pause)
            if self._stop.is_set():
                return
            try:
                sides[number % 2]()
            except (psycopg.Error, LookupError, ValueError) as error:
                # You may have dropped the table, or put every page into the trash: this is your demo.
                self.status = f"gave up: {error}"
                return
            self.status = f"makes an edit every few seconds, on alternating sides ({number} of {EDITS})"
            pause = self._rng.uniform(*_PAUSE_S)
        self.status = f"made {EDITS} edits and went home; now it is your turn"

    def _edit_a_row(self) -> None:
        with self._world.connect() as connection:
            keys = [row["id"] for row in connection.execute("SELECT id FROM deals ORDER BY id")]
            edits: list[tuple[str, Any]] = [
                ("stage", self._rng.choice(STAGES)),
                ("amount", self._rng.randrange(40, 900) * 50),
                ("chance", self._rng.randrange(0, 101, 5)),
            ]
            column, value = self._rng.choice(edits)
            statement = sql.SQL("UPDATE deals SET {} = %s WHERE id = %s").format(sql.Identifier(column))
            connection.execute(statement, [value, self._rng.choice(keys)])

    def _edit_a_page(self) -> None:
        ada = self._world.sandbox.person("Ada")
        page = self._rng.choice(list(ada.rows(self._world.data_source)))
        edits: list[dict[str, Any]] = [
            {"Stage": self._rng.choice(STAGES), "Signed": self._rng.choice([True, False])},
            {"Amount": self._rng.randrange(40, 900) * 50},
            {"Tags": self._rng.sample(TAGS, 2)},
            {"Notes": self._rng.choice(["Sent the offer.", "Nobody picked up.", "Wants to meet in June."])},
        ]
        ada.edit(page, self._rng.choice(edits))
