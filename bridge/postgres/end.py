"""The PostgreSQL side of one sync: feed, writer and lock in the one object that the engine holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Batch, Intent, Made, Observation, Receipt
from bridge.errors import Stopped
from bridge.model import Pair, Side, Sync
from bridge.postgres import outbox
from bridge.postgres.bounds import FULL, count_anew, forget_overflow
from bridge.postgres.bundles import Known
from bridge.postgres.catalog import read_table
from bridge.postgres.connection import Connection
from bridge.postgres.findings import schema_version, to_repair
from bridge.postgres.identity import Identity
from bridge.postgres.names import table_name
from bridge.postgres.outbox import Backlog
from bridge.postgres.reader import look
from bridge.postgres.scan import scan
from bridge.postgres.sessions import Sessions
from bridge.postgres.wire import read_key
from bridge.postgres.writer import RowWriter
from bridge.shapes import Table

_PAGES_SINCE = 4  # version of the schema
_OVERFLOW = object()  # the token of a batch which says that changes were left out


class PostgresEnd:
    """Implements End, on the sessions that it shares with the other syncs of the bridge.

    The first write or acknowledgement, or `take_lock`, takes the sync's lock; reading needs none. `stop` ends a scan
    early. `known`: which keys belong to known records; of others that come by hundreds only the keys are told. Without
    it all rows are read. Every method raises Unavailable, AccessLost or SetupError when the database cannot be used.
    """

    side = Side.POSTGRES

    def __init__(
        self,
        sessions: Sessions,
        sync: Sync,
        stop: threading.Event | None = None,
        *,
        outbox_max: int | None = None,
        known: Known | None = None,
    ) -> None:
        self._sessions = sessions
        self._stop = stop or threading.Event()
        self._sync = sync
        self._outbox_max = outbox_max
        self._known = known
        self._found_none = False  # the last look into the outbox
        self._identity = Identity(sessions.where)
        self._writing = sessions.join(sync.name, self._identity)
        self._writer = RowWriter(self._writing, sync)

    def adopt(self, sync: Sync) -> None:
        """Goes on with the same sync, bound anew: its table or its mapping has changed. Sessions and lock stay."""
        self._sync = sync
        self._writer = RowWriter(self._writing, sync)

    def drifted(self) -> bool:
        """Whether the table has other columns or partitions by now than those the sync was bound to, or has become one:
        rows come and go with a partition, and no trigger tells. Or whether somebody has dropped or disabled a trigger,
        if only for a while (a data-only restore does, and gives none back its own state), and our role may repair that.
        Raises SetupError, too, when the table is gone."""
        known = self._sync.table
        with self._reading() as conn:
            now = read_table(conn, table_name(known).as_string(None), known.key)
            if _shape(now) != _shape(known):
                return True
            return to_repair(conn, self._sync)

    def changes(self) -> Batch:
        """The oldest changes that are not acknowledged, in order; `more` when there are others behind them. Raises
        LockHeld, too, if the lock was ours and another bridge has it now."""
        self._sessions.keep()
        with self._reading() as conn:
            batch = outbox.read_outbox(conn, self._sync, self._known)
            calm, self._found_none = self._found_none, batch.token is None
            if batch.token is not None:
                return batch
            counted = count_anew(conn, self._sync, self._outbox_max, calm=calm)
            if counted.changes:
                self._sessions.listener.look_again()
            return Batch((), token=_OVERFLOW, reread=FULL) if counted.overflowed else batch

    def acknowledge(self, batch: Batch) -> None:
        """The journal has the batch: its outbox rows are deleted, or that there were too many forgotten. Raises
        LockHeld, too."""
        # Not in the reading session: whoever lost the lock must not take changes away from who has it now.
        with self._writing.use() as conn:
            if batch.token is _OVERFLOW:
                forget_overflow(conn, self._sync, self._outbox_max)
            else:
                outbox.acknowledge(conn, self._sync, batch)

    def scan(self) -> Iterator[Batch]:
        """Waiting changes and the whole table as of one instant; see `bridge.postgres.scan`. Raises Stopped, too."""
        with closing(scan(self._sessions.dsn, self._sync, self._known, self._identity)) as batches:
            for batch in batches:
                if self._stop.is_set():
                    raise Stopped("the bridge is stopping; the table was not read to its end")
                yield batch

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        """The present state of these records, one observation each, in order. Raises SetupError, too, when a column is
        another one than the sync was bound to: nobody has emptied it."""
        with self._reading() as conn:
            seen = look(conn, self._sync, pairs)
            outbox.require_columns(conn, self._sync)
            return seen

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        """Makes the writes, in order, each with its receipt. Raises LockHeld, too."""
        return self._writer.apply(intents)

    def find_out(self, intent: Intent) -> Receipt:
        """Whether a write with an unknown outcome was made."""
        return self._writer.find_out(intent)

    def trim(self, settled: Sequence[str]) -> None:
        """Forgets the proofs of these intents, whose outcome the journal has."""
        self._writer.trim(settled)

    def made(self) -> list[Made]:
        """The rows that were made for pages, as far as it is still to be proved."""
        with self._reading() as conn:
            if (schema_version(conn) or 0) < _PAGES_SINCE:
                return []
            query = "SELECT intent::text, page, key FROM notion_bridge.applied WHERE sync = %s AND page IS NOT NULL"
            found = conn.execute(query, [self._sync.name]).fetchall()
            return [Made(intent_id, page_id, read_key(self._sync, key)) for intent_id, page_id, key in found]

    def take_lock(self) -> None:
        """Takes the sync's lock, or makes sure of it. Raises LockHeld when another bridge has it."""
        with crash_point(CrashPoint.SYNC_LOCKED), self._writing.use() as conn:
            conn.execute("SELECT 1")

    def identity(self) -> str:
        """Changes when the database may have gone back in time: then nothing that was agreed counts any more. From now
        on this is the sync's database, and every method raises Replaced when another one has taken its place."""
        with self._sessions.reading() as conn:
            # A dump that is restored into the same database makes the table anew, and brings its installation along.
            return f"{self._identity.recognise(conn)}/{self._sync.table.oid}"

    def backlog(self) -> Backlog:
        """The outbox rows that wait, and since when."""
        with self._sessions.reading() as conn:
            return outbox.backlog(conn, self._sync.name)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._sessions.reading() as conn:
            self._identity.require(conn)
            yield conn

    def close(self) -> None:
        """Leaves the sessions, which end with the last sync."""
        self._sessions.leave(self._sync.name)


def _shape(table: Table) -> tuple[object, ...]:
    return table.oid, table.columns, table.rows_tell, table.parts
