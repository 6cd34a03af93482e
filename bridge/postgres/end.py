"""The PostgreSQL side of one sync: feed, writer and lock in the one object that the engine holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

from bridge.clock import CommonClock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.ends import Batch, Intent, Observation, Receipt
from bridge.errors import Stopped
from bridge.model import Pair, Side, Sync
from bridge.postgres import outbox
from bridge.postgres.bounds import FULL, count_anew, forget_overflow
from bridge.postgres.catalog import read_table
from bridge.postgres.connection import Connection, Session
from bridge.postgres.listener import Listener
from bridge.postgres.lock import SyncLock
from bridge.postgres.names import table_name
from bridge.postgres.outbox import Backlog
from bridge.postgres.reader import look, utc
from bridge.postgres.scan import scan
from bridge.postgres.writer import RowWriter

_CLOCK_SAMPLE_S = 60.0
_OVERFLOW = object()  # the token of a batch which says that changes were left out

# A restored backup, another server, a promoted replica that had not received everything, an installation made
# anew: each shows in one of these, and in each case rows may have gone back to what they once were. A trigger made
# anew for another mapping is none of them: what it missed, the scan of the next start shows.
_IDENTITY = """
SELECT concat_ws('/',
    (SELECT id FROM notion_bridge.installation),
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class PostgresEnd:
    """Implements End. Opens a reading, a listening and a writing session, each when it is first needed.

    The first write or acknowledgement, or `take_lock`, takes the sync's lock; reading needs none. `stop` ends a wait
    early. Every method raises Unavailable, AccessLost or SetupError when the database cannot be used.
    """

    side = Side.POSTGRES

    def __init__(
        self,
        dsn: str,
        sync: Sync,
        clock: CommonClock,
        stop: threading.Event | None = None,
        *,
        lock_patience: float = 5.0,
        outbox_max: int | None = None,
    ) -> None:
        self._dsn = dsn
        self._stop = stop or threading.Event()
        self._sync = sync
        self._outbox_max = outbox_max
        self._clock = clock
        self._sampled_at: float | None = None
        self._found_none = False  # the last look into the outbox
        self._reading = Session(dsn, prepare=self._sample)
        self._listener = Listener(dsn, clock.local, self._stop)
        self._lock = SyncLock(sync.name, clock.local, patience=lock_patience)
        self._writing = Session(dsn, prepare=self._take_over)
        self._writer = RowWriter(self._writing, sync)

    def adopt(self, sync: Sync) -> None:
        """Goes on with the same sync, bound anew: its table or its mapping has changed. Sessions and lock stay."""
        self._sync = sync
        self._writer = RowWriter(self._writing, sync)

    def drifted(self) -> bool:
        """Whether the table has other columns by now than those the sync was bound to, or has become a partition.
        Raises SetupError, too, when the table is gone."""
        known = self._sync.table
        with self._reading.use() as conn:
            now = read_table(conn, table_name(known).as_string(None), known.key)
        return (now.columns, now.oid, now.rows_tell) != (known.columns, known.oid, known.rows_tell)

    def changes(self) -> Batch:
        """The oldest changes that are not acknowledged, in order; `more` when there are others behind them."""
        with self._reading.use() as conn:
            if self._sampled_at is None or self._now() - self._sampled_at >= _CLOCK_SAMPLE_S:
                self._sample(conn)
            batch = outbox.read_outbox(conn, self._sync)
            calm, self._found_none = self._found_none, batch.token is None
            if batch.token is not None:
                return batch
            counted = count_anew(conn, self._sync, self._outbox_max, calm=calm)
            if counted.changes:
                self._listener.look_again()
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
        with closing(scan(self._dsn, self._sync)) as batches:
            for batch in batches:
                if self._stop.is_set():
                    raise Stopped("the bridge is stopping; the table was not read to its end")
                yield batch

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        """The present state of these records, one observation each, in order."""
        with self._reading.use() as conn:
            return look(conn, self._sync, pairs)

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        """Makes the writes, in order, each with its receipt. Raises LockHeld, too."""
        return self._writer.apply(intents)

    def find_out(self, intent: Intent) -> Receipt:
        """Whether a write with an unknown outcome was made."""
        return self._writer.find_out(intent)

    def trim(self, settled: Sequence[str]) -> None:
        """Forgets the proofs of these intents, whose outcome the journal has."""
        self._writer.trim(settled)

    def wait(self, seconds: float) -> bool:
        """Until a change announces itself (True), or the time has passed (False)."""
        return self._listener.wait(seconds)

    @property
    def listening(self) -> bool:
        """Whether changes announce themselves now; otherwise they are found by reading the outbox in turn."""
        return self._listener.listening

    def take_lock(self) -> None:
        """Takes the sync's lock, or makes sure of it. Raises LockHeld when another bridge has it."""
        with crash_point(CrashPoint.SYNC_LOCKED), self._writing.use() as conn:
            conn.execute("SELECT 1")

    def held(self) -> bool:
        """Whether the lock is still ours, asked of the server: a session that ended has lost it."""
        return self._writing.alive()

    def identity(self) -> str:
        """Changes when the database may have gone back in time: then nothing that was agreed counts any more."""
        with self._reading.use() as conn:
            [(identity,)] = conn.execute(_IDENTITY).fetchall()
            return str(identity)

    def backlog(self) -> Backlog:
        """The outbox rows that wait, and since when."""
        with self._reading.use() as conn:
            return outbox.backlog(conn, self._sync.name)

    def close(self) -> None:
        """Ends every session, and with the writing one the lock."""
        self._listener.close()
        self._reading.close()
        with crash_point(CrashPoint.SYNC_RELEASED):
            self._writing.close()

    def _now(self) -> float:
        return self._clock.local.monotonic()

    def _take_over(self, conn: Connection) -> None:
        """Whoever has the lock knows the server's clock: a page that is seen before would bear the time of this
        machine, and what is seen of it later might pass for older news."""
        self._lock.take(conn)
        self._sample(conn)

    def _sample(self, conn: Connection) -> None:
        sent = self._now()
        [(moment,)] = conn.execute("SELECT clock_timestamp()").fetchall()
        self._sampled_at = self._now()
        self._clock.postgres.sample(sent, self._sampled_at, utc(moment), utc(moment))
