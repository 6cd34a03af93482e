"""The connections of one bridge to its database: as many for forty syncs as for one, because a server gives out a
hundred, to all its clients together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.clock import CommonClock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.postgres.connection import Connection, Session
from bridge.postgres.identity import Identity
from bridge.postgres.listener import Listener
from bridge.postgres.lock import SyncLock
from bridge.postgres.reader import utc

_KEPT_EVERY_S = 60.0


class Sessions:
    """A session that reads, one that writes and holds the locks, and one that listens. Each is opened when it is first
    needed, and all end with the last sync that leaves. A table is read in full on a connection of its own.

    `lock_patience` is how many seconds to wait for another holder of a lock.
    """

    def __init__(
        self, dsn: str, clock: CommonClock, stop: threading.Event | None = None, *, lock_patience: float = 5.0
    ) -> None:
        self.dsn = dsn
        self._clock = clock
        self._patience = lock_patience
        self._reading = Session(dsn, prepare=self._sample)
        self._writing = Session(dsn, prepare=self._take_over)
        self._members: set[str] = set()
        self._locks: dict[str, SyncLock] = {}
        self._sampled_at: float | None = None
        self.listener = Listener(dsn, clock.local, stop)
        self.where = self._writing.where

    def join(self, sync_name: str, identity: Identity) -> LockedSession:
        """One sync more, which knows its database; what it writes with."""
        self._members.add(sync_name)
        return LockedSession(self, sync_name, identity)

    def leave(self, sync_name: str) -> None:
        """The sync is done. With the last one every session ends, and with the writing one the locks."""
        self._members.discard(sync_name)
        if self._members:
            return
        self.listener.close()
        self._reading.close()
        with crash_point(CrashPoint.SYNC_RELEASED):
            self._writing.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Reading needs no lock. Raises Unavailable, AccessLost, SetupError."""
        with self._reading.use() as conn:
            yield conn

    @contextmanager
    def writing(self, sync_name: str) -> Iterator[Connection]:
        """Under the sync's lock. Raises LockHeld, too."""
        with self._writing.use() as conn:
            if sync_name not in self._locks:
                lock = SyncLock(sync_name, self._clock.local, patience=self._patience)
                lock.take(conn)
                self._locks[sync_name] = lock
            yield conn

    def keep(self) -> None:
        """Asks for the server's clock, when that was a while ago, and so makes sure of the locks that were taken: a
        bridge that has nothing to write must notice, too, that another one has taken over. Raises LockHeld,
        Unavailable, AccessLost, SetupError."""
        if self._sampled_at is not None and self._now() - self._sampled_at < _KEPT_EVERY_S:
            return
        session = self._writing if self._locks else self._reading
        with session.use() as conn:
            self._sample(conn)

    def _now(self) -> float:
        return self._clock.local.monotonic()

    def _take_over(self, conn: Connection) -> None:
        """A new writing session takes every lock anew: who has lost one of them must not write at all.

        Whoever has the lock knows the server's clock: a page that is seen before would bear the time of this machine,
        and what is seen of it later might pass for older news.
        """
        for lock in self._locks.values():
            lock.take(conn)
        self._sample(conn)

    def _sample(self, conn: Connection) -> None:
        sent = self._now()
        [(moment,)] = conn.execute("SELECT clock_timestamp()").fetchall()
        self._sampled_at = self._now()
        self._clock.postgres.sample(sent, self._sampled_at, utc(moment), utc(moment))


class LockedSession:
    """The writing session, for one sync: what is done in it is done under the sync's lock, in the database that the
    sync has recognised."""

    def __init__(self, sessions: Sessions, sync_name: str, identity: Identity) -> None:
        self._sessions = sessions
        self._name = sync_name
        self._identity = identity
        self.where = sessions.where

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Raises LockHeld, Unavailable, AccessLost, SetupError; Replaced when it is another database by now."""
        with self.ask() as conn:
            self._identity.require(conn)
            yield conn

    @contextmanager
    def ask(self) -> Iterator[Connection]:
        """The same, whichever database it is: what became of a write is to be known before another one is recognised.
        Raises LockHeld, Unavailable, AccessLost, SetupError."""
        with self._sessions.writing(self._name) as conn:
            yield conn
