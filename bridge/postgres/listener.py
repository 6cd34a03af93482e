"""Waits for a NOTIFY, which is a hint that the outbox is worth reading, and nothing more.

A notification can be lost, late, folded, or never come (a pooler in between, a server that failed over), so
everything works without one, only later. The protocol is spoken step by step instead of with the driver's blocking
calls: a heartbeat that is not answered must not hold up the caller, who wants to poll and to stop in time.
"""

from __future__ import annotations

import select
import threading

import psycopg
from psycopg import pq

from bridge.clock import Clock, backoff
from bridge.errors import BridgeError
from bridge.postgres.connection import Connection, open_connection
from bridge.postgres.names import CHANNEL

# What a listening session asked last, and so what pg_stat_activity shows of it, is always one of these.
_LISTEN, _BEAT = f"LISTEN {CHANNEL}", f"SELECT 'LISTEN {CHANNEL}'"
_HEARTBEAT_S = 30.0  # of silence, until we ask whether the server is still there
_ANSWER_S = 10.0  # until a silent server counts as lost
_BACKOFF_FIRST_S = 1.0
_BACKOFF_LAST_S = 30.0
_SLICE_S = 0.2  # how soon a stop is noticed
_SOON_S = 0.1


class Listener:
    """One listening session, opened by the first `wait` and opened again whenever it is lost."""

    def __init__(self, dsn: str, clock: Clock, stop: threading.Event | None = None) -> None:
        self._dsn = dsn
        self._clock = clock
        self._stop = stop or threading.Event()
        self._connection: Connection | None = None
        self._heard = 0.0  # when the server last said anything
        self._asked: float | None = None  # when the unanswered heartbeat was sent
        self._retry_at = clock.monotonic()
        self._failures = 0  # to listen, in a row
        self._look_at: float | None = None

    def wait(self, seconds: float) -> bool:
        """True when the outbox should be read at once: notified, listening anew after a gap, or asked to look again.

        False when `seconds` have passed or the bridge is asked to stop. Never raises for a lost server: the
        caller meets that when it reads the outbox.
        """
        deadline = self._clock.monotonic() + seconds
        while not self._stop.is_set():
            now = self._clock.monotonic()
            if self._connection is None and now >= self._retry_at and self._listen():
                # What was committed before the LISTEN announced itself to nobody.
                return True
            look_at = self._look_at
            if look_at is not None and now >= look_at:
                self._look_at = None
                return True
            if self._notified(max(0.0, min(_SLICE_S, deadline - now, (look_at or deadline) - now))):
                return True
            if self._clock.monotonic() >= deadline:
                return False
        return False

    def look_again(self) -> None:
        """Ends a wait a moment from now: somebody may commit by then who notifies nobody. From any thread; if this very
        moment ends another wait it may be forgotten."""
        self._look_at = self._clock.monotonic() + _SOON_S

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> bool:
        try:
            connection = open_connection(self._dsn)
            connection.execute(_LISTEN)
        except (BridgeError, psycopg.Error):
            self._lost()
            return False
        self._connection = connection
        self._heard = self._clock.monotonic()
        self._asked = None
        self._failures = 0
        return True

    def _lost(self) -> None:
        self.close()
        self._failures += 1
        self._retry_at = self._clock.monotonic() + backoff(self._failures, _BACKOFF_FIRST_S, _BACKOFF_LAST_S)

    def _notified(self, seconds: float) -> bool:
        """Waits up to `seconds` for the server to say something."""
        if self._connection is None:
            self._stop.wait(seconds)
            return False
        pgconn = self._connection.pgconn
        try:
            readable, _, _ = select.select([pgconn.socket], [], [], seconds)
            if readable:
                pgconn.consume_input()
                self._heard = self._clock.monotonic()
            self._check_heartbeat(pgconn)
        except (psycopg.Error, OSError, ValueError):
            self._lost()
            return False
        return _drained(pgconn)

    def _check_heartbeat(self, pgconn: pq.abc.PGconn) -> None:
        """Asks a silent server for a sign of life. Raises OSError when it owes us one for too long."""
        now = self._clock.monotonic()
        if self._asked is not None:
            while not pgconn.is_busy():
                if pgconn.get_result() is None:
                    self._asked = None
                    return
            if now - self._asked > _ANSWER_S:
                raise OSError(f"no answer for {_ANSWER_S:.0f} seconds")
        elif now - self._heard > _HEARTBEAT_S:
            pgconn.send_query(_BEAT.encode())
            self._asked = now


def is_heard(conn: Connection) -> bool:
    """Whether a bridge of this role listens to this database now."""
    [(found,)] = conn.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE query = ANY (%s) AND datname = current_database() AND usename = current_user)",
        [[_LISTEN, _BEAT]],
    ).fetchall()
    return bool(found)


def _drained(pgconn: pq.abc.PGconn) -> bool:
    """Takes every notification that has arrived: many changes are one reason to look."""
    notified = False
    while pgconn.notifies() is not None:
        notified = True
    return notified
