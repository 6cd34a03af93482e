"""Writes rows, each intent in a short transaction of its own, never over something that the merge has not seen.

One write is three round trips:
1. BEGIN, the intent's id into `applied` (the proof), and the row as it is now, locked;
2. the change;
3. the echo (the outbox row that the trigger wrote for it) and COMMIT.
A connection that dies before the third has certainly written nothing. One that dies in the third leaves the outcome
unknown; `find_out` then asks the proof. The proof has to be acknowledged before COMMIT is sent, or an answer
"not there" would not mean that it can no longer come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg import sql

from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Blame, Evidence, Intent, Observation, Outcome, Receipt
from bridge.errors import Refused
from bridge.model import Key, Op, Presence, Stamp, Sync
from bridge.postgres import statements
from bridge.postgres.connection import Connection
from bridge.postgres.links import link_writes
from bridge.postgres.reader import look, observe, utc
from bridge.postgres.refusal import judge
from bridge.postgres.wire import Row, key_parameters, literal, read_key, read_row, through_fields
from bridge.values.canonical import show

_PATIENCE_MS = 200
_PATIENCE_MAX_MS = 5000
_IMPATIENCE_MS = 10
_NOT_IN_SYNC = "the row would be outside of the sync's filter (where)"
_TOO_FAR = "the key {} is so high that the column would soon have no number left for new rows; use a lower one"
_OTHER_SPELLING = "to the database its key is that of the row {}: use the same spelling, or another key"
_SWALLOWED = "the database made nothing of the write: a trigger of the table skipped it"


@dataclass(frozen=True, slots=True)
class _Returned:
    """A row as a statement of the writer returned it."""

    row: Row
    key_json: str
    seen: datetime


class WritingSession(Protocol):
    """The session that holds the sync's lock; `where` tells in messages which database it is."""

    @property
    def where(self) -> str: ...

    def use(self) -> AbstractContextManager[Connection]:
        """Raises LockHeld, Unavailable, AccessLost, SetupError; Replaced when it is another database by now."""

    def ask(self) -> AbstractContextManager[Connection]:
        """The same, whichever database it is."""


class RowWriter:
    """Implements Writer for one sync. `patience` is how long a write waits for a lock, in milliseconds."""

    def __init__(self, session: WritingSession, sync: Sync, *, patience: int = _PATIENCE_MS) -> None:
        self._session = session
        self._sync = sync
        self._statements = statements.Statements(sync)
        self._patience = patience

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        """Makes the writes in order. Raises Unavailable or AccessLost when none can be made; whatever has got no
        receipt by then was not written.

        Everything else of the bridge waits meanwhile. So a row that a program has locked is left for later, and is
        waited for longer each time. Whoever locks one has mostly locked more: after the first, others are hardly waited
        for.
        """
        given_up = False
        for intent in intents:
            receipt = self._apply(intent, self._patience_for(intent, hurry=given_up))
            given_up |= receipt.outcome is Outcome.RETRY
            yield receipt

    def _patience_for(self, intent: Intent, *, hurry: bool) -> int:
        if hurry:
            return self._patience if intent.attempts else min(self._patience, _IMPATIENCE_MS)
        return min(max(self._patience, _PATIENCE_MAX_MS), self._patience << min(intent.attempts, 10))

    def find_out(self, intent: Intent) -> Receipt:
        """What became of an intent whose COMMIT was not answered.

        Storing the same proof again (to be rolled back) waits for a transaction that still holds it, because
        of the unique index; so the answer is final. UNKNOWN when that takes longer than the lock timeout.
        Another database than the one it was sent to answers for itself: what it does not have was not written.
        """
        with self._session.ask() as conn:
            try:
                conn.execute("BEGIN")
                conn.execute(statements.BEGIN_PROOF, [intent.id, self._sync.name, intent.id])
            except psycopg.errors.UniqueViolation:
                conn.rollback()
                return self._done_before(conn, intent)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
                return Receipt(intent.id, Outcome.UNKNOWN, reason="its transaction is still being committed")
            return Receipt(intent.id, Outcome.RETRY, reason="it did not reach the database", blame=Blame.UNCLEAR)

    def trim(self, settled: Sequence[str]) -> None:
        """Forgets the proof of intents whose outcome the journal has."""
        if settled:
            with self._session.use() as conn:
                conn.execute(
                    "DELETE FROM notion_bridge.applied WHERE sync = %s AND intent = ANY (%s::uuid[])",
                    [self._sync.name, list(settled)],
                )

    def _apply(self, intent: Intent, patience: int) -> Receipt:
        with self._session.use() as conn:
            try:
                written = self._change(conn, intent, patience)
            except psycopg.Error as error:
                return self._failed(conn, intent, error)
            if isinstance(written, Receipt):
                return written
            try:
                return self._commit(conn, intent, written)
            except psycopg.Error as error:
                if conn.closed:
                    # Even if the server said why: one that shuts down may have committed first.
                    return Receipt(intent.id, Outcome.UNKNOWN, reason="the connection was lost during COMMIT")
                return self._failed(conn, intent, error)

    def _change(self, conn: Connection, intent: Intent, patience: int) -> _Returned | Receipt:
        """Everything but COMMIT. A receipt means that nothing is to be committed."""
        values = self._texts(intent)
        if isinstance(values, Receipt):
            return values
        found = self._begin(conn, intent, patience)
        match intent.action.op:
            case Op.CREATE:
                with crash_point(CrashPoint.ROW_CREATED):
                    return self._create(conn, intent, found, values)
            case Op.UPDATE:
                with crash_point(CrashPoint.ROW_UPDATED):
                    return self._update(conn, intent, found, values)
            case Op.DELETE:
                with crash_point(CrashPoint.ROW_DELETED):
                    return self._delete(conn, intent, found)
            case Op.RESTORE:
                raise ValueError("a row cannot be restored; it is created anew")

    def _begin(self, conn: Connection, intent: Intent, patience: int) -> _Returned | None:
        """Opens the transaction; the row as it is, locked. Raises UniqueViolation for what was done before."""
        key = intent.pair.key
        cursor = None
        with conn.pipeline():
            with crash_point(CrashPoint.ROW_BEGUN):
                conn.execute("BEGIN")
                conn.execute(statements.LOCK_PATIENCE, [f"{patience}ms"])
            with crash_point(CrashPoint.ROW_PROVEN):
                conn.execute(statements.BEGIN_PROOF, [intent.id, self._sync.name, intent.id])
            if key is not None:
                lock = self._statements.lock(deleting=intent.action.op is Op.DELETE)
                cursor = conn.execute(lock, key_parameters([key]))
        return None if cursor is None else self._returned(cursor)

    def _create(
        self, conn: Connection, intent: Intent, found: _Returned | None, values: Mapping[str, str | None]
    ) -> _Returned | Receipt:
        tombstone = self._sync.tombstone
        if found is not None and found.row.key != intent.pair.key:
            return _spelt_otherwise(intent, found.row.key)
        if found is not None:
            if tombstone is None or found.row.presence is not Presence.GONE:
                return self._stale(conn, intent, found, "a row with this key exists")
            revive = self._statements.revive(list(values), tombstone)
            written = self._bring_in(conn, intent, revive, [*values.values(), *self._key(intent)])
            return self._linked(conn, intent, written)
        if intent.pair.key is not None:
            key = zip((column.name for column in self._sync.key), intent.pair.key, strict=True)
            values = {**values, **dict(key)}
        written = self._bring_in(conn, intent, self._statements.insert(list(values)), list(values.values()))
        if isinstance(written, _Returned) and intent.pair.key is not None and intent.pair.base is None:
            for parameters in self._statements.sequences(intent.pair.key):
                if conn.execute(statements.ADVANCE_SEQUENCE, parameters).fetchone() == (None,):
                    return Receipt(intent.id, Outcome.REFUSED, reason=_TOO_FAR.format(parameters[2]))
        return self._linked(conn, intent, written)

    def _bring_in(
        self, conn: Connection, intent: Intent, statement: sql.Composed, parameters: Sequence[str | None]
    ) -> _Returned | Receipt:
        """Makes a row of the sync. Outside of the filter it would be none, and its page would have lost it at once."""
        written = self._run(conn, intent, statement, parameters)
        if isinstance(written, _Returned) and written.row.presence is Presence.AWAY:
            return Receipt(intent.id, Outcome.REFUSED, reason=_NOT_IN_SYNC)
        return written

    def _update(
        self, conn: Connection, intent: Intent, found: _Returned | None, values: Mapping[str, str | None]
    ) -> _Returned | Receipt:
        if found is None or found.row.presence is not Presence.LIVE:
            return self._stale(conn, intent, found, "the row is not in the sync any more")
        now = found.row.values
        moved = [
            name for name, change in intent.action.changes.items() if name not in now or now[name] != change.expected
        ]
        if moved:
            return self._stale(conn, intent, found, f"changed meanwhile: {', '.join(moved)}")
        if not values:
            return self._linked(conn, intent, found)
        update = self._statements.update(list(values))
        return self._linked(conn, intent, self._run(conn, intent, update, [*values.values(), *self._key(intent)]))

    def _linked(self, conn: Connection, intent: Intent, written: _Returned | Receipt) -> _Returned | Receipt:
        """Changes the links of the row that was written, and reads it again if there were any."""
        if isinstance(written, Receipt):
            return written
        key = written.row.key
        for write in list(link_writes(self._sync, key, written.row.values, intent.action.changes)):
            conn.execute(write.statement, write.parameters)
        if not any(field.name in intent.action.changes for field in through_fields(self._sync)):
            return written
        again = self._returned(conn.execute(self._statements.lock(deleting=False), key_parameters([key])))
        return again or Receipt(intent.id, Outcome.REFUSED, reason=_SWALLOWED)

    def _delete(self, conn: Connection, intent: Intent, found: _Returned | None) -> _Returned | Receipt:
        if found is None or found.row.presence is not Presence.LIVE:
            return self._stale(conn, intent, found, "the row is not in the sync any more")
        now = found.row.values
        # The whole record must be as it was seen. A field that is no longer mapped cannot be compared.
        moved = [name for name, seen in intent.pair.postgres.values.items() if now.get(name, seen) != seen]
        if moved:
            return self._stale(conn, intent, found, f"changed meanwhile: {', '.join(moved)}")
        if self._sync.tombstone is not None:
            statement = self._statements.bury(self._sync.tombstone)
        else:
            statement = self._statements.delete()
        return self._run(conn, intent, statement, self._key(intent))

    def _run(
        self, conn: Connection, intent: Intent, statement: sql.Composed, parameters: Sequence[str | None]
    ) -> _Returned | Receipt:
        written = self._returned(conn.execute(statement, parameters))
        return written or Receipt(intent.id, Outcome.REFUSED, reason=_SWALLOWED)

    def _commit(self, conn: Connection, intent: Intent, written: _Returned) -> Receipt:
        with crash_point(CrashPoint.ROW_COMMITTED), conn.pipeline():
            page = intent.pair.page_id if intent.action.op is Op.CREATE else None
            conn.execute(statements.NOTE_KEY, [written.key_json, page, intent.id])
            echo = conn.execute(statements.ECHO, [intent.id, self._sync.name])
            conn.execute("COMMIT")
        seen = self._after(intent, written)
        row = echo.fetchone()
        if row is None:  # nothing that the trigger looks at has changed
            return Receipt(intent.id, Outcome.DONE, seen=seen)
        position, at, key, values, op = row
        seen = replace(seen, stamp=Stamp(utc(at), utc(at)))
        if op not in ("delete", "links"):  # these two say nothing of the row itself
            final = read_row(self._sync, key, values)
            seen = replace(seen, presence=final.presence, values=final.values)
        return Receipt(intent.id, Outcome.DONE, seen=seen, position=position)

    def _after(self, intent: Intent, written: _Returned) -> Observation:
        if intent.action.op is Op.DELETE:
            # RETURNING shows a deleted row as it was; a buried one is GONE by its tombstone.
            gone = replace(written.row, presence=Presence.GONE, values={})
            return observe(gone, Evidence.RECEIPT, written.seen)
        return observe(written.row, Evidence.RECEIPT, written.seen)

    def _done_before(self, conn: Connection, intent: Intent) -> Receipt:
        """The receipt of a write that was committed, with the record as it is by now."""
        row = conn.execute("SELECT key FROM notion_bridge.applied WHERE intent = %s", [intent.id]).fetchone()
        echo = conn.execute(statements.ECHO, [intent.id, self._sync.name]).fetchone()
        key = read_key(self._sync, row[0]) if row is not None and row[0] is not None else intent.pair.key
        (seen,) = look(conn, self._sync, [replace(intent.pair, key=key)])
        return Receipt(
            intent.id,
            Outcome.DONE,
            seen=replace(seen, evidence=Evidence.LOOK),
            reason="it was done before",
            position=None if echo is None else echo[0],
        )

    def _failed(self, conn: Connection, intent: Intent, error: psycopg.Error) -> Receipt:
        """The receipt for an error before COMMIT, or one with which the server answered COMMIT."""
        if not conn.closed:
            try:
                conn.rollback()
            except psycopg.Error:
                conn.close()
        if conn.closed:
            reason = "the connection was lost before the write was committed"
            return Receipt(intent.id, Outcome.RETRY, reason=reason, blame=Blame.UNCLEAR)
        if isinstance(error, psycopg.errors.UniqueViolation):
            if (error.diag.schema_name, error.diag.table_name) == ("notion_bridge", "applied"):
                return self._done_before(conn, intent)
            if intent.action.op is Op.CREATE and intent.pair.key is not None:
                # Somebody was faster with the same key, or it is another constraint.
                (seen,) = look(conn, self._sync, [intent.pair])
                if seen.key is not None and seen.key != intent.pair.key:
                    return _spelt_otherwise(intent, seen.key)
                if seen.presence is not Presence.GONE:
                    return Receipt(intent.id, Outcome.STALE, seen=seen, reason="a row with this key exists")
        return judge(conn, self._sync, intent, error, self._session.where)

    def _stale(self, conn: Connection, intent: Intent, found: _Returned | None, reason: str) -> Receipt:
        if found is not None:
            seen = observe(found.row, Evidence.LOOK, found.seen)
        else:
            # Not simply gone: its key may have been changed, which only the outbox can tell.
            (seen,) = look(conn, self._sync, [intent.pair])
        return Receipt(intent.id, Outcome.STALE, seen=seen, reason=reason)

    def _texts(self, intent: Intent) -> dict[str, str | None] | Receipt:
        """What to write, by column, as literals; a REFUSED receipt when a field cannot be written."""
        creating = intent.action.op is Op.CREATE
        texts: dict[str, str | None] = {}
        for name, change in intent.action.changes.items():
            field = self._sync.field(name)
            if field is None:
                return Receipt(intent.id, Outcome.REFUSED, reason="the field is no longer mapped", field=name)
            if creating and change.new is None and field.column.has_default:
                continue  # an empty property of a new page leaves the column to its default
            try:
                text = literal(field.codec.to_postgres(change.new))
                if field.through is None:
                    texts[field.column.name] = text
            except Refused as refusal:
                return Receipt(intent.id, Outcome.REFUSED, reason=refusal.reason, field=name)
        return texts

    def _key(self, intent: Intent) -> list[str]:
        if intent.pair.key is None:
            raise ValueError(f"an {intent.action.op} of a row needs its key")
        return list(intent.pair.key)

    def _returned(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> _Returned | None:
        row = cursor.fetchone()
        if row is None:
            return None
        key, values, key_json, seen = row
        return _Returned(read_row(self._sync, key, values), key_json, utc(seen))


def _spelt_otherwise(intent: Intent, key: Key) -> Receipt:
    """The column holds two texts for equal, such as those of citext: a row with the intent's own key will never be."""
    return Receipt(intent.id, Outcome.REFUSED, reason=_OTHER_SPELLING.format(", ".join(map(show, key))))
