"""The PostgreSQL end over the modelled server: the same promises as `bridge.postgres.end`, and the same failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bridge.clock import CommonClock
from bridge.ends import Batch, Blame, Evidence, Intent, Made, Observation, Outcome, Receipt
from bridge.errors import Refused, Replaced, SetupError
from bridge.model import Key, Op, Pair, Presence, Side, Stamp, Sync
from bridge.postgres import bounds
from bridge.postgres.bundles import Known
from bridge.postgres.notes import Note, portions
from bridge.postgres.outbox import Acknowledgement, event_batch
from bridge.postgres.reader import observe
from bridge.postgres.wire import Row, read_key, read_row
from tests.worlds import outbox
from tests.worlds.table import Locked, Server, Transaction, Violation, Wire, stored

BRIDGE = "bridge"
_LOCK_TIMEOUT_S = 3.0
_LOST = "the connection was lost before the write"
_OVERFLOW = object()  # the token of a batch which says that changes were left out


class RowTrouble:
    """What goes wrong between the bridge and the database. This one lets everything pass."""

    def visit(self, what: str) -> None:
        """Before a statement is carried out. Raises Unavailable."""

    def answer(self, what: str) -> None:
        """After it was. Raises Unavailable: nobody is told that it was done."""

    def locked(self) -> None:
        """Somebody else holds the row that is to be written; it is waited for."""

    def commit(self) -> str:
        """How a COMMIT ends: "", before (lost on its way), applied, undone, late (all three without an answer)."""
        return ""

    def happened(self, what: str) -> None:
        """Something rare, which is counted."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment."""

    sync: Sync
    values: Mapping[int, Wire]
    waiting: Sequence[Note]
    moment: datetime

    def rows(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Implements `outbox.View`."""
        found = {key: self.values.get(int(key[0])) for key in keys}
        return {key: read_row(self.sync, [int(key[0])], wire) for key, wire in found.items() if wire is not None}

    def notes(self) -> Sequence[Note]:
        """What waited then."""
        return self.waiting

    def time(self) -> datetime:
        """When it was."""
        return self.moment


class ModelEnd:
    """Implements what the engine asks of the PostgreSQL side."""

    side = Side.POSTGRES

    def __init__(
        self,
        server: Server,
        sync: Sync,
        clock: CommonClock,
        trouble: RowTrouble,
        *,
        batch: int = 1000,
        looked_through: int = 1000,
        known: Known | None = None,
    ) -> None:
        self._known = known
        self._server, self._sync, self._clock, self._trouble = server, sync, clock, trouble
        self._batch, self._looked_through = batch, looked_through
        self._found_none = False  # the last look into the outbox
        self._recognised: int | None = None  # which database

    def _visit(self, what: str) -> None:
        """Before a statement that is none of another database's. Raises Unavailable."""
        self._trouble.visit(what)
        if self._recognised not in (None, self._server.installation):
            raise Replaced(f"PostgreSQL is another database than before ({what})")

    # Feed

    def changes(self) -> Batch:
        self._visit("changes")
        self._sample()
        notes, more = outbox.oldest(self.notes(), self._batch)
        calm, self._found_none = self._found_none, not notes
        if not notes and self._overflowed(calm):
            self._trouble.happened("told of a full outbox")
            return Batch((), token=_OVERFLOW, reread=bounds.FULL)
        if notes and not self._columns_stand():
            self._trouble.happened("change that waits for its column to be bound anew")
            return Batch((), reread="a mapped column was dropped, or made anew")
        return self._events(notes, self, more=more)

    def _columns_stand(self) -> bool:
        numbers = {column.attnum for column in self._server.table.columns}
        return all(field.column.attnum in numbers for field in self._sync.fields)

    def _require_columns(self) -> None:
        """What the server says to a statement that names a column which is not there."""
        for field in self._sync.fields:
            if self._server.table.column(field.column.name) is None:
                raise SetupError(f"PostgreSQL: column r.{field.column.name} does not exist")

    def _overflowed(self, calm: bool) -> bool:
        changes = self._server.count_anew(few=bounds._NO_LIMIT if calm else bounds._FEW)
        return self._server.outbox_max is not None and changes > self._server.outbox_max

    def acknowledge(self, batch: Batch) -> None:
        self._visit("acknowledge")
        if batch.token is _OVERFLOW:
            self._server.count_anew(few=bounds._FEW, forget=True)
        if isinstance(batch.token, Acknowledgement):
            for number in batch.token.ids:
                self._server.state.outbox.pop(number, None)
        self._trouble.answer("acknowledge")

    def scan(self) -> Iterator[Batch]:
        """The snapshot is of the first moment, however long the reading takes."""
        self._visit("scan")
        self._require_columns()
        if not self._columns_stand():
            raise SetupError("a mapped column was dropped, or made anew")
        seen = self._server.now()
        then = Snapshot(self._sync, dict(self._server.state.rows), self.notes(), seen)
        rows = sorted(then.values.items())
        for notes in portions(then.waiting, self._batch):
            yield self._events(notes, then, more=True)
            self._visit("scan on")
        for start in range(0, len(rows), self._batch):
            chunk = [self._row(key, values) for key, values in rows[start : start + self._batch]]
            yield Batch([observe(row, Evidence.SCAN, seen) for row in chunk], more=True)
            self._visit("scan on")

    def _events(self, notes: list[Note], view: outbox.View, *, more: bool) -> Batch:
        connection: Any = None  # only links to other tables are asked for, and the model has none
        if all(note.keys is None for note in notes):
            return event_batch(connection, self._sync, notes, self._known, more=more)

        def between() -> None:
            if view is self:
                self._visit("bundles")

        with outbox.expanding(view, looked_through=self._looked_through, between=between):
            batch = event_batch(connection, self._sync, notes, self._known, more=more)
        self._trouble.happened("bundle of keys read")
        if len(batch.observations) < sum(note.size for note in notes):
            self._trouble.happened("row of a bundle changed again before it was read")
        return batch

    # As `outbox.View`: the database as it is now

    def rows(self, keys: Sequence[Key]) -> dict[Key, Row]:
        return Snapshot(self._sync, self._server.state.rows, (), self._server.now()).rows(keys)

    def notes(self) -> list[Note]:
        return [note.as_read() for _, note in sorted(self._server.state.outbox.items())]

    def time(self) -> datetime:
        return self._server.now()

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        self._visit("look")
        self._require_columns()
        if not self._columns_stand():
            raise SetupError("a mapped column was dropped, or made anew")
        return self._look(pairs)

    def _look(self, pairs: Sequence[Pair]) -> list[Observation]:
        moved: dict[Key, Key] = {}
        for _, note in sorted(self._server.state.outbox.items(), reverse=True):
            if note.old_key is not None and note.key is not None:
                old, new = read_key(self._sync, note.old_key), read_key(self._sync, note.key)
                moved[old] = moved.get(new, new)
        return [self._look_at(pair.key, moved) for pair in pairs]

    def _look_at(self, key: Key | None, moved: Mapping[Key, Key]) -> Observation:
        seen = self._server.now()
        if key is None:
            return Observation(Side.POSTGRES, Presence.UNSEEN, seen=seen)
        for name in (key, moved.get(key, key)):
            values = self._server.state.rows.get(int(name[0]))
            if values is not None:
                found = observe(self._row(int(name[0]), values), Evidence.LOOK, seen)
                return found if name == key else replace(found, old_key=key)
        return Observation(Side.POSTGRES, Presence.GONE, key=key, evidence=Evidence.LOOK, seen=seen)

    # Writer

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        for intent in intents:
            self._visit("write")
            self._require_columns()
            yield self._apply(intent)

    def _apply(self, intent: Intent) -> Receipt:
        if intent.id in self._server.state.applied:
            return self._done_before(intent)
        transaction = self._server.begin(BRIDGE, intent.id)
        try:
            key = self._change(transaction, intent)
        except Violation as violation:
            transaction.rollback()
            return self._violated(intent, violation)
        except Locked:
            transaction.rollback()
            return Receipt(intent.id, Outcome.RETRY, reason="canceling statement due to lock timeout")
        if isinstance(key, Receipt):
            transaction.rollback()
            return key
        if transaction.over:  # the server is gone
            return Receipt(intent.id, Outcome.RETRY, reason=_LOST, blame=Blame.UNCLEAR)
        page = intent.pair.page_id if intent.action.op is Op.CREATE else None
        transaction.proof = (intent.id, [key, page])
        return self._commit(intent, transaction, key)

    def _change(self, transaction: Transaction, intent: Intent) -> int | Receipt:
        texts = self._texts(intent)
        if isinstance(texts, Receipt):
            return texts
        found = self._lock(transaction, int(intent.pair.key[0])) if intent.pair.key is not None else None
        if intent.action.op is Op.CREATE:
            return self._create(transaction, intent, found, texts)
        assert intent.pair.key is not None
        key = int(intent.pair.key[0])
        if found is None:
            return self._stale(intent, None, "the row is gone")
        if intent.action.op is Op.UPDATE:
            guard = {name: change.expected for name, change in intent.action.changes.items()}
        else:
            guard = dict(intent.pair.postgres.values)
        now = self._row(key, found).values
        moved = [name for name, value in guard.items() if now.get(name, value) != value]
        if moved:
            return self._stale(intent, found, f"changed meanwhile: {', '.join(moved)}")
        if intent.action.op is Op.UPDATE:
            transaction.update(key, texts)
        else:
            transaction.delete(key)
        return key

    def _create(
        self, transaction: Transaction, intent: Intent, found: Wire | None, texts: dict[str, Any]
    ) -> int | Receipt:
        if found is not None:
            return self._stale(intent, found, "a row with this key exists")
        if intent.pair.key is None:
            return transaction.insert(texts)
        key = transaction.insert({**texts, self._server.key: int(intent.pair.key[0])})
        self._server.state.sequence = max(self._server.state.sequence, key)
        return key

    def _commit(self, intent: Intent, transaction: Transaction, key: int) -> Receipt:
        unknown = Receipt(intent.id, Outcome.UNKNOWN, reason="the connection was lost during COMMIT")
        match self._trouble.commit():
            case "before":
                transaction.rollback()
                return Receipt(intent.id, Outcome.RETRY, reason=_LOST, blame=Blame.UNCLEAR)
            case "undone":
                transaction.rollback()
                return unknown
            case "applied":
                transaction.commit()
                return unknown
            case "late":
                self._server.committing[intent.id] = transaction
                self._server.clock.after(2.0, transaction.commit)
                return unknown
        transaction.commit()
        echo = self._echo(intent, key)
        seen = Observation(Side.POSTGRES, Presence.GONE, key=(str(key),), evidence=Evidence.RECEIPT)
        if intent.action.op is not Op.DELETE:
            values = next(note.values for note in transaction.notes[::-1]) if transaction.notes else None
            row = self._row(key, values if values is not None else self._server.state.rows.get(key, {}))
            seen = observe(row, Evidence.RECEIPT, self._server.now())
        if echo is None:
            return Receipt(intent.id, Outcome.DONE, seen)
        at = transaction.notes[-1].at
        return Receipt(intent.id, Outcome.DONE, replace(seen, stamp=Stamp(at, at)), position=echo)

    def find_out(self, intent: Intent) -> Receipt:
        self._trouble.visit("find out")
        if intent.id in self._server.committing:
            return Receipt(intent.id, Outcome.UNKNOWN, reason="its transaction is still being committed")
        if intent.id in self._server.state.applied:
            return self._done_before(intent)
        return Receipt(intent.id, Outcome.RETRY, reason="it did not reach the database", blame=Blame.UNCLEAR)

    def trim(self, settled: Sequence[str]) -> None:
        self._visit("trim")
        for intent in settled:
            self._server.state.applied.pop(intent, None)

    def made(self) -> list[Made]:
        self._visit("made")
        proofs = {intent: proof for intent, proof in self._server.state.applied.items() if proof is not None}
        return [Made(intent, page, (str(key),)) for intent, (key, page) in proofs.items() if page is not None]

    def _done_before(self, intent: Intent) -> Receipt:
        proof = self._server.state.applied[intent.id]
        key = (str(proof[0]),) if proof else intent.pair.key
        [seen] = self._look([replace(intent.pair, key=key)])
        echo = self._echo(intent, int(proof[0])) if proof else None
        return Receipt(intent.id, Outcome.DONE, seen, "it was done before", position=echo)

    def _echo(self, intent: Intent, key: int) -> int | None:
        notes = sorted(self._server.state.outbox.items(), reverse=True)
        return next((number for number, note in notes if note.origin == intent.id and note.key == [key]), None)

    def _lock(self, transaction: Transaction, key: int) -> Wire | None:
        began = self._server.clock.monotonic()
        while True:
            try:
                return transaction.lock(key)
            except Locked:
                now = self._server.clock.monotonic()
                if now == began:
                    self._trouble.locked()
                if now >= began + _LOCK_TIMEOUT_S:
                    raise
                self._server.clock.travel(0.1)

    def _violated(self, intent: Intent, violation: Violation) -> Receipt:
        if violation.unique and intent.action.op is Op.CREATE and intent.pair.key is not None:
            [seen] = self._look([intent.pair])
            if seen.presence is not Presence.GONE:
                return Receipt(intent.id, Outcome.STALE, seen, "a row with this key exists")
        written = list(intent.action.changes)
        blamed = [field.name for field in self._sync.fields if field.column.name == violation.column]
        if not violation.column and len(written) == 1:
            blamed = written
        field = blamed[0] if blamed and blamed[0] in written else ""
        return Receipt(intent.id, Outcome.REFUSED, reason=violation.reason, field=field)

    def _stale(self, intent: Intent, found: Wire | None, reason: str) -> Receipt:
        if found is not None:
            row = self._row(int(found[self._server.key]), found)
            return Receipt(intent.id, Outcome.STALE, observe(row, Evidence.LOOK, self._server.now()), reason)
        [seen] = self._look([intent.pair])
        return Receipt(intent.id, Outcome.STALE, seen, reason)

    def _texts(self, intent: Intent) -> dict[str, Any] | Receipt:
        texts: dict[str, Any] = {}
        for name, change in intent.action.changes.items():
            field = self._sync.field(name)
            if field is None:
                return Receipt(intent.id, Outcome.REFUSED, reason="the field is no longer mapped", field=name)
            if intent.action.op is Op.CREATE and change.new is None and field.column.has_default:
                continue
            try:
                texts[field.column.name] = stored(field.column, field.codec.to_postgres(change.new))
            except Refused as refusal:
                return Receipt(intent.id, Outcome.REFUSED, reason=refusal.reason, field=name)
        return texts

    # What the engine asks besides

    def take_lock(self) -> None:
        self._trouble.visit("lock")
        self._sample()  # like every new session

    def identity(self) -> str:
        self._trouble.visit("identity")
        self._sample()
        self._recognised = self._server.installation
        return f"cluster/{self._server.installation}"

    def adopt(self, sync: Sync) -> None:
        self._sync = sync

    def drifted(self) -> bool:
        self._visit("drifted")
        known, now = self._sync.table, self._server.table
        return (now.columns, now.oid) != (known.columns, known.oid)

    def _row(self, key: int, values: Wire) -> Row:
        return read_row(self._sync, [key], values)

    def _sample(self) -> None:
        sent = self._clock.local.monotonic()
        self._trouble.answer("sample")
        moment = self._server.now()
        self._clock.postgres.sample(sent, self._clock.local.monotonic(), moment, moment)


__all__ = ["BRIDGE", "ModelEnd", "RowTrouble"]
