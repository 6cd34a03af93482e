"""Edits of people while the bridge runs, one after the other, and how long each takes to the other side."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bench.stage import Stage

_WITHIN_S = 120.0


@dataclass(slots=True)
class Watch:
    """Edits the field `note` of rows and pages that belong together, by their place in the table."""

    stage: Stage
    connection: psycopg.Connection
    random: random.Random

    def row_to_wire(self, key: int, page_id: str, table: str = "items1") -> float:
        """Edits a row; seconds from the COMMIT's return to the first request about its page."""
        committed = self.edit_row(key, table)
        return self.wire(page_id, committed) - committed

    def edit_row(self, key: int, table: str = "items1") -> float:
        """Edits a row; the moment at which its COMMIT returned."""
        statement = sql.SQL("UPDATE {} SET note = %s WHERE id = %s").format(sql.Identifier(table))
        self.connection.execute(statement, [self._value(), key])
        return time.monotonic()

    def wire(self, page_id: str, since: float) -> float:
        """Waits for the first request about a page after a moment; when it arrived. A look at many pages names none
        of them, so what counts then is the write."""
        found: list[float] = []

        def arrived() -> bool:
            found[:] = [e.monotonic for e in self.stage.requests(since=since) if page_id in e.path]
            return bool(found)

        self.stage.until(arrived, f"a request about the page {page_id}", _WITHIN_S)
        return found[0]

    def page_to_row(self, key: int, page_id: str, table: str = "items1") -> float:
        """Edits a page; seconds until its row shows it."""
        value = self._value()
        self.stage.sandbox.person("Ada").edit(page_id, {"Note": value})
        edited = time.monotonic()
        statement = sql.SQL("SELECT note = %s FROM {} WHERE id = %s").format(sql.Identifier(table))

        def changed() -> bool:
            return self.connection.execute(statement, [value, key]).fetchone() == (True,)

        return self.stage.until(changed, f"row {key} shows the edit", _WITHIN_S) - edited

    def trashed_to_gone(self, key: int, page_id: str, table: str = "items1") -> float:
        """Puts a page into the trash; seconds until its row is gone."""
        self.stage.sandbox.person("Ada").trash(page_id)
        trashed = time.monotonic()
        statement = sql.SQL("SELECT FROM {} WHERE id = %s").format(sql.Identifier(table))

        def gone() -> bool:
            return self.connection.execute(statement, [key]).fetchone() is None

        return self.stage.until(gone, f"row {key} is gone", _WITHIN_S) - trashed

    def pause(self, shortest_s: float, longest_s: float) -> None:
        """What a person does between two edits."""
        time.sleep(self.random.uniform(shortest_s, longest_s))

    def _value(self) -> str:
        return f"edit {self.random.getrandbits(60):x}"


@contextmanager
def watching(stage: Stage, seed: int = 1) -> Iterator[Watch]:
    """Edits of one person, the same ones for the same seed."""
    with psycopg.connect(stage.dsn, autocommit=True) as connection:
        yield Watch(stage, connection, random.Random(seed))


def each(watch: Watch, times: int, pause_s: tuple[float, float], edit: Callable[[int], float]) -> list[float]:
    """What each of so many edits took; `edit` gets its number, from 1 on."""
    took = []
    for number in range(1, times + 1):
        watch.pause(*pause_s)
        took.append(edit(number))
    return took


def per_minute(moments: Sequence[float], since: float, until: float) -> float:
    """How many of these moments there were in a minute, between two moments."""
    return sum(1 for moment in moments if since <= moment < until) * 60.0 / (until - since)
