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

from bridge.clock import CommonClock
from bridge.ends import End
from bridge.engine.opening import open_sides
from bridge.postgres import statement as statements
from bridge.postgres.bounds import FULL
from tests.system.world import World
from tests.worlds.clock import WorldClock
from tests.worlds.row_people import AUTHOR
from tests.worlds.rows import ModelEnd, RowTrouble
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
def both(world: World, postgres: str = "") -> Iterator[tuple[End, Server, list[Twin]]]:
    """`postgres`: more lines of that section of the file."""
    world.fields = {"title": "Name", "stage": "Stage", "mail": "Mail"}
    world.write_config()
    text = world.config_path.read_text(encoding="utf-8")
    world.config_path.write_text(text.replace("[postgres]", f"[postgres]\n{postgres}", 1), encoding="utf-8")
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


# Statements that change many rows, and an outbox that is full

SEVERAL = BUNDLE = 2
OUTBOX_MAX = 8


def act_on_many(rng: random.Random, twin: Twin, server: Server, number: int) -> None:
    """One statement of one session over several rows."""
    keys = rng.sample(range(1, 10), rng.randint(1, 6))
    value, far = f"value {number}", 100 * number

    def on_rows(change: Callable[[Transaction, list[int]], object]) -> Callable[[Transaction], object]:
        """Locked first: half a statement is none."""

        def work(transaction: Transaction) -> None:
            change(transaction, [key for key in keys if transaction.lock(key) is not None])

        return work

    match rng.choice(["insert", "insert", "by hand", "update", "update", "unmapped", "rekey", "delete", "truncate"]):
        case "insert":
            rows = [{"title": f"{value}/{place}"} for place in range(len(keys))]
            titles = [row["title"] for row in rows]
            twin.do(lambda t: t.insert_all(rows), "INSERT INTO tasks (title) SELECT unnest(%s::text[])", titles)
        case "by hand":
            new = [{"id": key, "title": value} for key in keys]
            statement = "INSERT INTO tasks (id, title) SELECT unnest(%s::int[]), %s"
            twin.do(lambda t: t.insert_all(new), statement, keys, value)
        case "update":
            twin.do(
                on_rows(lambda t, found: t.update_all({key: {"mail": value if key % 2 else None} for key in found})),
                "UPDATE tasks SET mail = CASE WHEN id %% 2 = 1 THEN %s END WHERE id = ANY (%s)",
                value,
                keys,
            )
        case "unmapped":
            change = {"secret": value}
            statement = "UPDATE tasks SET secret = %s WHERE id = ANY (%s)"
            twin.do(on_rows(lambda t, found: t.update_all(dict.fromkeys(found, change))), statement, value, keys)
        case "rekey":
            moves = {key: {"id": key + far, "mail": value} if key % 2 else {"mail": value} for key in keys}
            new_key = "CASE WHEN id %% 2 = 1 THEN id + %s ELSE id END"
            statement = f"UPDATE tasks SET mail = %s, id = {new_key} WHERE id = ANY (%s)"  # noqa: S608 - of constants
            twin.do(on_rows(lambda t, found: t.update_all({k: moves[k] for k in found})), statement, value, far, keys)
        case "delete":
            statement = "DELETE FROM tasks WHERE id = ANY (%s)"
            twin.do(on_rows(lambda t, found: t.delete_all(found)), statement, keys)
        case _ if not server.locks:  # it locks the whole table, which the model does not know
            twin.do(lambda t: t.truncate(), "TRUNCATE tasks")
            twin.end(commit=True)


def told_by_key(end: End) -> tuple[dict[str, Told], list[str]]:
    """All that the outbox tells, and forgets then; and what, if anything, tells to read the table."""
    found: dict[str, Told] = {}
    reasons = []
    while (batch := end.changes()).token is not None:
        end.acknowledge(batch)
        reasons += [batch.reread] * bool(batch.reread)
        for seen in batch.observations:
            about = (seen.presence.value, seen.old_key, dict(seen.values))
            found.setdefault(str(seen.key), []).append(about)
    return found, reasons


def read_whole(end: End) -> list[tuple[Any, ...]]:
    batches = [batch for batch in end.scan() if batch.token is None]
    return [(seen.key, dict(seen.values)) for batch in batches for seen in batch.observations]


@pytest.mark.parametrize("seed", range(4))
def test_the_model_tells_of_many_rows_what_the_trigger_tells(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few rows that count as many, and in half of the runs an outbox that is full soon."""
    monkeypatch.setattr(statements, "_SEVERAL", SEVERAL)
    monkeypatch.setattr(statements, "_BUNDLE", BUNDLE)
    rng = random.Random(f"many {seed}")
    limit = OUTBOX_MAX if seed % 2 else None
    told_why: set[str] = set()
    with both(world, "" if limit is None else f"outbox_max = {limit}") as (end, server, twins):
        server.several, server.bundle, server.outbox_max = SEVERAL, BUNDLE, limit
        sync = end._sync  # type: ignore[attr-defined]
        model = ModelEnd(server, sync, CommonClock(server.clock), RowTrouble())
        for number in range(150):
            twin = rng.choice(twins)
            if rng.random() < 0.6:
                act_on_many(rng, twin, server, number)
            else:
                act(rng, twin, number)
            if rng.random() < 0.4:
                twin.end(commit=rng.random() < 0.8)
            if rng.random() < 0.3:
                told_of = told_by_key(end)
                assert told_of == told_by_key(model), f"seed {seed}, after {number} statements"
                told_why.update(told_of[1])
            if rng.random() < 0.1:
                assert read_whole(end) == read_whole(model)
    assert (FULL in told_why) == (limit is not None)


# A column that is dropped, and made anew


def test_the_model_tells_what_the_trigger_tells_of_a_table_that_lacks_a_column(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "_SEVERAL", SEVERAL)
    monkeypatch.setattr(statements, "_BUNDLE", BUNDLE)
    rng = random.Random("dropped")
    with both(world) as (end, server, twins):
        server.several, server.bundle = SEVERAL, BUNDLE
        twin = twins[0]
        twin.do(
            lambda t: t.insert_all([{"title": "one"}] * 9),
            "INSERT INTO tasks (title) SELECT 'one' FROM generate_series(1, 9)",
        )
        twin.end(commit=True)
        world.sql("ALTER TABLE tasks DROP COLUMN mail")
        column = server.drop_column("mail")
        for number in range(40):
            keys = rng.sample(range(1, 10), rng.randint(1, 5))
            match rng.choice(["insert", "update", "nothing", "delete"]):
                case "insert":
                    rows = [{"title": f"{number}"}] * len(keys)
                    statement = "INSERT INTO tasks (title) SELECT unnest(%s::text[])"
                    twin.do(lambda t, rows=rows: t.insert_all(rows), statement, [f"{number}"] * len(keys))  # type: ignore[misc]
                case "delete":
                    there = [key for key in keys[:2] if key in server.state.rows]
                    statement = "DELETE FROM tasks WHERE id = ANY (%s)"
                    twin.do(lambda t, there=there: t.delete_all(there), statement, there)  # type: ignore[misc]
                case what:
                    there = [key for key in keys if key in server.state.rows]
                    change = {"title": f"{number}"} if what == "update" else {}
                    statement = "UPDATE tasks SET title = coalesce(%s, title) WHERE id = ANY (%s)"
                    if there:
                        twin.do(
                            lambda t, there=there, change=change: t.update_all(dict.fromkeys(there, change)),  # type: ignore[misc]
                            statement,
                            change.get("title"),
                            there,
                        )
            twin.end(commit=True)
        noted = world.sql("SELECT op, key, keys FROM notion_bridge.outbox ORDER BY id")
        assert noted == [(note.op, note.key, note.keys) for _, note in sorted(server.state.outbox.items())]
        assert {op for op, _, _ in noted} == {"insert", "delete", "unknown"}
        model = ModelEnd(server, end._sync, CommonClock(server.clock), RowTrouble())  # type: ignore[attr-defined]
        assert [one.changes().reread != "" for one in (end, model)] == [True, True]
        world.sql("ALTER TABLE tasks ADD COLUMN mail text")
        server.add_anew(column)
        assert [one.changes().reread != "" for one in (end, model)] == [True, True]
        assert [one.drifted() for one in (end, model)] == [True, True]  # type: ignore[attr-defined]
