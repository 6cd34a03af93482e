"""A PostgreSQL table with its trigger and its outbox, as far as the bridge can tell the difference.

What it models: transactions that overlap, row locks, outbox numbers that are drawn when a statement runs and become
visible when its transaction commits (so in any order), defaults, sequences, constraints, TRUNCATE, dumps; statements
that change many rows, of which the keys alone are noted; an outbox that takes no more.
"""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.postgres import notes, statement
from bridge.shapes import Column, Table
from tests.worlds.clock import WorldClock

Wire = Mapping[str, Any]  # a row as to_jsonb gives it, by column
INTEGERS = ("smallint", "integer", "bigint")


class Locked(Exception):
    """Another transaction holds the row."""


class Violation(Exception):
    """The database says no. `column` is the one that is named as the cause, "" when none is."""

    def __init__(self, reason: str, column: str = "", *, unique: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.column, self.unique = reason, column, unique


@dataclass(frozen=True, slots=True)
class Note:
    """One outbox row."""

    number: int
    event: str
    op: str
    key: list[Any] | None
    old_key: list[Any] | None
    values: Wire | None
    origin: str | None
    at: datetime
    author: str
    keys: list[list[Any]] | None = None

    def as_read(self) -> notes.Note:
        """As the bridge reads it."""
        return notes.Note(
            self.number, self.op, self.key, self.old_key, self.values, self.keys, self.origin, self.at, self.author
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """What a statement did to the row at that place: it had the key `old` and has `new`, with these values."""

    place: int
    old: int | None
    new: int | None
    values: Wire | None


@dataclass(slots=True)
class State:
    """What a dump holds."""

    rows: dict[int, Wire] = field(default_factory=dict)
    outbox: dict[int, Note] = field(default_factory=dict)
    applied: dict[str, list[Any] | None] = field(default_factory=dict)
    sequence: int = 0
    number: int = 0
    noted: int | None = None  # changes, since the bridge last found none waiting; None: none was counted


class Server:
    """One database with one table whose key is one integer column. `defaults` and `checks` are by column.

    `several` rows of one statement are noted with what they hold; of more only the keys, `bundle` to an outbox row.
    """

    def __init__(self, table: Table, clock: WorldClock, rng: random.Random, *, ahead: float = 0.0) -> None:
        self.table = table
        self.state = State()
        self.installation = 1
        self.captured: tuple[str, ...] = ()
        self.several, self.bundle = statement._SEVERAL, statement._BUNDLE
        self.outbox_max: int | None = None
        self.defaults: dict[str, Any] = {}
        self.checks: dict[str, Callable[[Any], bool]] = {}
        self.locks: dict[int, Transaction] = {}
        self.committing: dict[str, Transaction] = {}  # the bridge's, whose COMMIT is on its way, by intent
        self.open: list[Transaction] = []
        self.committed: Callable[[Transaction], None] = lambda _: None
        self.clock = clock
        self._columns = len(table.columns)  # that there ever were
        self._rng = rng
        self._ahead = timedelta(seconds=ahead)

    @property
    def key(self) -> str:
        return self.table.key[0]

    def now(self) -> datetime:
        """clock_timestamp(): the server's own clock."""
        return (self.clock.true_time() + self._ahead).astimezone(UTC)

    def event(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def begin(self, author: str, origin: str | None = None) -> Transaction:
        made = Transaction(self, author, origin)
        self.open.append(made)
        return made

    def disconnect(self, author: str) -> None:
        """A client is gone: what it had not committed is undone, unless its COMMIT is on its way."""
        for transaction in [t for t in self.open if t.author == author]:
            if transaction not in self.committing.values():
                transaction.rollback()

    def add_column(self) -> str:
        """ALTER TABLE ... ADD COLUMN, by somebody who does not know the bridge."""
        number = self._next_column()
        added = Column(f"extra{number}", "text", "text", number)
        self.table = replace(self.table, columns=(*self.table.columns, added))
        return f"the table has a column {added.name} now"

    def _next_column(self) -> int:
        self._columns += 1
        return self._columns

    def drop_column(self, name: str) -> Column:
        """With all that it held. Nobody may be at work; see `open`."""
        column = self.table.column(name)
        assert column is not None
        self.table = replace(self.table, columns=tuple(other for other in self.table.columns if other is not column))
        self._fit_rows()
        return column

    def add_anew(self, column: Column) -> None:
        """A column of the same name and type, which is another one, and empty."""
        added = replace(column, attnum=self._next_column())
        self.table = replace(self.table, columns=(*self.table.columns, added))
        self._fit_rows()

    def _fit_rows(self) -> None:
        """No row holds anything else than the table has columns for."""
        names = [column.name for column in self.table.columns]
        rows = self.state.rows
        self.state.rows = {key: {name: row.get(name) for name in names} for key, row in rows.items()}

    def broken(self) -> bool:
        """Whether the trigger names a column that is not there."""
        return any(self.table.column(name) is None for name in self.captured)

    def count_anew(self, *, few: int, forget: bool = False) -> int:
        """How many changes were counted; and the count begins anew, as in `bridge.postgres.bounds`: not while somebody
        who left a change out is at work, and after an overflow only to `forget` it."""
        changes = self.state.noted
        if changes is None or any(transaction.left_out for transaction in self.open):
            return 0
        full = self.outbox_max is not None and changes > self.outbox_max
        if forget or not full:
            self.state.noted = 1 if not full and changes > few else None
        return changes

    def dump(self) -> State:
        return copy.deepcopy(self.state)

    def restore(self, dump: State, *, rewind: bool) -> None:
        """Everything is as it was then. `rewind`: the same cluster, rolled back; else loaded into a new table."""
        for transaction in list(self.open):
            transaction.rollback()
        self.state = copy.deepcopy(dump)
        self._fit_rows()
        self.installation += 1
        if not rewind:
            self.table = replace(self.table, oid=self.table.oid + 1)


class Transaction:
    """Statements of one session. Each notes what it changed, at once, and nobody sees it before the commit."""

    def __init__(self, server: Server, author: str, origin: str | None) -> None:
        self.author, self.origin = author, origin
        self.notes: list[Note] = []
        self.left_out: list[str] = []  # what was not noted, because the outbox was full
        self.deleted: list[Wire] = []
        self.over = False
        self.proof: tuple[str, list[Any] | None] | None = None
        self._server = server
        self._rows: dict[int, Wire | None] = {}
        self._emptied = False

    def row(self, key: int) -> Wire | None:
        if key in self._rows or self._emptied:
            return self._rows.get(key)
        return self._server.state.rows.get(key)

    def lock(self, key: int) -> Wire | None:
        """The row, which nobody else changes until the end. Raises Locked."""
        if self._server.locks.setdefault(key, self) is not self:
            raise Locked(str(key))
        return self.row(key)

    def insert(self, given: Wire) -> int:
        """Answers the key. Raises Violation, Locked."""
        return self.insert_all([given])[0]

    def insert_all(self, given: Sequence[Wire]) -> list[int]:
        """One statement for several rows."""
        with self._whole():
            made = [self._insert(place, values) for place, values in enumerate(given)]
        self._tell("insert", len(given), made)
        return [int(str(row.new)) for row in made]

    def update(self, key: int, changes: Wire) -> None:
        """Raises Violation, Locked; KeyError when there is no such row."""
        self.update_all({key: changes})

    def update_all(self, changes: Mapping[int, Wire]) -> None:
        """One statement for several rows."""
        with self._whole():
            changed = [self._update(place, *change) for place, change in enumerate(changes.items())]
        self._tell("update", len(changes), [row for row in changed if row is not None])

    def delete(self, key: int) -> None:
        """Raises Locked; KeyError when there is no such row."""
        self.delete_all([key])

    def delete_all(self, keys: Sequence[int]) -> None:
        """One statement for several rows."""
        with self._whole():
            for key in keys:
                row = self.lock(key)
                if row is None:
                    raise KeyError(key)
                self._put(key, None)
                self.deleted.append(row)
        self._tell("delete", len(keys), [Changed(place, key, None, None) for place, key in enumerate(keys)])

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A statement that fails has changed no row."""
        before = dict(self._rows)
        try:
            yield
        except (Violation, Locked, KeyError):
            self._rows = before
            raise

    def _insert(self, place: int, given: Wire) -> Changed:
        server = self._server
        values: dict[str, Any] = {column.name: given.get(column.name) for column in server.table.columns}
        values |= {name: value for name, value in server.defaults.items() if name not in given}
        if given.get(server.key) is None:
            server.state.sequence += 1
            values[server.key] = server.state.sequence
        key = int(values[server.key])
        self._check(values)
        if self.lock(key) is not None:
            raise Violation(f"duplicate key value violates unique constraint ({key})", unique=True)
        self._put(key, values)
        return Changed(place, None, key, values)

    def _update(self, place: int, key: int, changes: Wire) -> Changed | None:
        """None when no column that is captured holds another value."""
        before = self.lock(key)
        if before is None:
            raise KeyError(key)
        values = {**before, **changes}
        self._check(values)
        moved = int(values[self._server.key])
        if moved != key:
            if self.lock(moved) is not None:
                raise Violation(f"duplicate key value violates unique constraint ({moved})", unique=True)
            self._put(key, None)
        self._put(moved, values)
        if moved == key and all(values.get(name) == before.get(name) for name in self._server.captured):
            return None
        return Changed(place, key, moved, values)

    def truncate(self) -> None:
        """Raises Locked while anybody else is at work."""
        if any(holder is not self for holder in self._server.locks.values()):
            raise Locked("the table")
        self._rows, self._emptied = {}, True
        if self._has_room("truncate", 1):
            self._note("truncate")

    def commit(self) -> None:
        if self.over:
            return
        state = self._server.state
        if self._emptied:
            state.rows.clear()
        for key, values in self._rows.items():
            if values is None:
                state.rows.pop(key, None)
            else:
                state.rows[key] = values
        state.outbox.update((note.number, note) for note in self.notes)
        if self.proof is not None:
            state.applied[self.proof[0]] = self.proof[1]
        self._end()
        self._server.committed(self)

    def rollback(self) -> None:
        if not self.over:
            self._end()

    def _end(self) -> None:
        self.over = True
        server = self._server
        server.open.remove(self)
        server.locks = {key: holder for key, holder in server.locks.items() if holder is not self}
        server.committing = {intent: t for intent, t in server.committing.items() if t is not self}

    def _put(self, key: int, values: Wire | None) -> None:
        self._rows[key] = values

    def _tell(self, op: str, rows: int, changed: Sequence[Changed]) -> None:
        """What the trigger does after a statement that met so many rows, as in `bridge/postgres/statement.sql`."""
        bundled = rows > self._server.several and self.origin is None
        # Keys alone are read whatever has become of the other columns.
        if self._server.broken() and (op == "update" or (op == "insert" and not bundled)):
            if self._has_room(op, 1):
                self._note("unknown")
            return
        moved = [row for row in changed if row.old is not None and row.new is not None and row.old != row.new]
        if not changed or not self._has_room("key change" if moved else op, len(changed)):
            return
        told = changed
        if bundled:
            told = moved
            bundles: dict[int, list[list[Any]]] = {}
            for row in changed:
                if row not in moved:
                    key = row.old if row.new is None else row.new
                    bundles.setdefault(row.place // self._server.bundle, []).append([key])
            for keys in bundles.values():
                self._note(op, keys=keys)
        for row in told:
            old = row.old if row in moved else None
            self._note(op, row.old if row.new is None else row.new, old, row.values)

    def _has_room(self, what: str, changes: int) -> bool:
        """Counts them; False when more would wait than may. The bridge's own always find room."""
        state, limit = self._server.state, self._server.outbox_max
        if self.origin is not None:
            return True
        before = state.noted or 0
        state.noted = before + changes
        if limit is None or state.noted <= limit:
            return True
        state.noted = max(limit + changes, state.noted)
        self.left_out.append(what)
        return False

    def _note(
        self,
        op: str,
        key: int | None = None,
        old: int | None = None,
        values: Wire | None = None,
        keys: list[list[Any]] | None = None,
    ) -> None:
        server = self._server
        server.state.number += 1
        captured = None if values is None else {name: values.get(name) for name in server.captured}
        self.notes.append(
            Note(
                server.state.number,
                server.event(),
                op,
                None if key is None else [key],
                None if old is None else [old],
                captured,
                self.origin,
                server.now(),
                self.author,
                keys,
            )
        )

    def _check(self, values: Wire) -> None:
        for column in self._server.table.columns:
            value = values.get(column.name)
            if value is None and column.not_null:
                raise Violation(f'null value in column "{column.name}" violates not-null constraint', column.name)
            if isinstance(value, str) and column.max_length is not None and len(value) > column.max_length:
                raise Violation(f"value too long for type {column.type_sql}")
        for name, allowed in self._server.checks.items():
            if values.get(name) is not None and not allowed(values[name]):
                raise Violation(f'new row violates check constraint "{name}_check"', name)


def stored(column: Column, literal: str | list[str] | None) -> Any:
    """What to_jsonb gives for a literal that was assigned to the column."""
    if literal is None or isinstance(literal, list):
        return literal
    match column.type_name:
        case "smallint" | "integer" | "bigint":
            return int(literal)
        case "numeric":
            scale = Decimal(1).scaleb(-(column.scale or 0))
            return Decimal(literal).quantize(scale) if column.scale is not None else Decimal(literal)
        case "boolean":
            return literal.lower() in ("true", "t", "yes", "on", "1")
        case "timestamp with time zone":
            return datetime.fromisoformat(literal).astimezone(UTC).isoformat()
    return literal
