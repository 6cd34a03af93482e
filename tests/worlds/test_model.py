"""The modelled table notes what the real trigger notes: the same statements, in transactions that overlap, on both.

(That both ends keep the engine's contract is tested in tests/contract.)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bridge.ends import End
from bridge.engine.opening import open_sides
from tests.system.world import World
from tests.worlds.clock import WorldClock
from tests.worlds.row_people import AUTHOR
from tests.worlds.table import Locked, Server, Transaction, Violation

MAPPED = ("title", "stage", "mail")
Told = list[tuple[Any, ...]]


class Twin:
    """One session in the database and its like in the model; what the model refuses is not asked of the database."""

    def __init__(self, dsn: str, server: Server) -> None:
        self._connection = psycopg.connect(dsn)
        self._server = server
        self._transaction: Transaction | None = None

    def do(self, in_model: Callable[[Transaction], object], statement: str, *values: Any) -> None:
        if self._transaction is None:
            self._transaction = self._server.begin(AUTHOR)
        sequence = self._server.state.sequence
        try:
            in_model(self._transaction)
        except (Locked, KeyError):
            self._server.state.sequence = sequence
            return
        except Violation:
            with pytest.raises(psycopg.errors.IntegrityError):
                self._connection.execute(sql.SQL(statement), values)
            self.end(commit=False)
            return
        self._connection.execute(sql.SQL(statement), values)

    def end(self, *, commit: bool) -> None:
        if self._transaction is None:
            return
        if commit:
            self._transaction.commit()
            self._connection.commit()
        else:
            self._transaction.rollback()
            self._connection.rollback()
        self._transaction = None

    def close(self) -> None:
        self.end(commit=False)
        self._connection.close()


@contextmanager
def both(world: World) -> Iterator[tuple[End, Server, list[Twin]]]:
    world.fields = {"title": "Name", "stage": "Stage", "mail": "Mail"}
    world.write_config()
    with open_sides(world.config()) as sides:
        sync = sides.bind(world.config().syncs[0])
        sides.ensure_installed(sync)
        server = Server(sync.table, WorldClock(), random.Random(1))
        server.captured = MAPPED
        server.defaults |= {"stage": "Todo", "done": False}
        twins = [Twin(world.dsn, server) for _ in range(2)]
        try:
            yield sides.postgres_end(sync), server, twins
        finally:
            for twin in twins:
                twin.close()


def told(end: End) -> Told:
    """What the database's outbox tells, and forgets then."""
    batch = end.changes()
    end.acknowledge(batch)
    return [(seen.presence.value, seen.key, seen.old_key, dict(seen.values)) for seen in batch.observations]


def modelled(server: Server) -> Told:
    notes = [note for _, note in sorted(server.state.outbox.items())]
    server.state.outbox.clear()
    return [
        (
            "gone" if note.op == "delete" else "live",
            tuple(map(str, note.key or ())),
            tuple(map(str, note.old_key)) if note.old_key else None,
            dict(note.values or {}),
        )
        for note in notes
    ]


def act(rng: random.Random, twin: Twin, number: int) -> None:
    """One statement of one session."""
    key, other, value = rng.randint(1, 6), rng.randint(1, 9), f"value {number}"
    match rng.choice(["insert", "insert", "by hand", "update", "update", "nothing", "unmapped", "delete", "rekey"]):
        case "insert":
            twin.do(lambda t: t.insert({"title": value}), "INSERT INTO tasks (title) VALUES (%s)", value)
        case "by hand":
            statement = "INSERT INTO tasks (id, title) VALUES (%s, %s)"
            twin.do(lambda t: t.insert({"id": key, "title": value}), statement, key, value)
        case "update":
            twin.do(lambda t: t.update(key, {"mail": value}), "UPDATE tasks SET mail = %s WHERE id = %s", value, key)
        case "nothing":
            twin.do(lambda t: t.update(key, {}), "UPDATE tasks SET title = title WHERE id = %s", key)
        case "unmapped":
            statement = "UPDATE tasks SET secret = %s WHERE id = %s"
            twin.do(lambda t: t.update(key, {"secret": value}), statement, value, key)
        case "delete":
            twin.do(lambda t: t.delete(key), "DELETE FROM tasks WHERE id = %s", key)
        case "rekey":
            twin.do(lambda t: t.update(key, {"id": other}), "UPDATE tasks SET id = %s WHERE id = %s", other, key)


@pytest.mark.parametrize("seed", range(3))
def test_the_model_tells_what_the_trigger_tells(world: World, seed: int) -> None:
    rng = random.Random(seed)
    with both(world) as (end, server, twins):
        for number in range(120):
            twin = rng.choice(twins)
            act(rng, twin, number)
            if rng.random() < 0.4:
                twin.end(commit=rng.random() < 0.8)
                assert told(end) == modelled(server), f"seed {seed}, after {number} statements"
        keys = {str(row["id"]) for row in world.rows().values()}
        assert keys == {str(key) for key in server.state.rows}
