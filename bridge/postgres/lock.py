"""One bridge per sync: an advisory lock in the database, held by the session that writes.

The lock lives in the writer's own session, not in one beside it: when the session ends, the lock and the ability to
write end together, so no write can come after somebody else has taken the lock.
"""

from __future__ import annotations

from bridge.clock import Clock
from bridge.errors import LockHeld
from bridge.postgres.connection import Connection
from bridge.postgres.names import lock_number

# The first of the two numbers of an advisory lock: ours among the locks of other programs ("ntpg").
_LOCK_CLASS = 0x6E747067
_PATIENCE_STEP_S = 0.1
_TERMINATE_WAIT_MS = 5000

_HOLDER = """
SELECT a.pid, a.backend_start, a.usename, a.application_name, a.client_addr::text
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid::bigint = %s AND l.objid::bigint = %s
"""


class SyncLock:
    """The lock of one sync. `patience` is how many seconds a start waits for another holder: one that was killed
    still has its session for a moment. Who had the lock and lost it to another bridge does not wait: that one lives."""

    def __init__(self, sync_name: str, clock: Clock, *, patience: float = 5.0) -> None:
        self._sync_name = sync_name
        self._clock = clock
        self._patience = patience
        self._number = lock_number(sync_name)
        self._own: tuple[object, ...] | None = None  # pid and start of the session that last held it for us

    def take(self, conn: Connection) -> None:
        """Takes the lock in this session. Raises LockHeld."""
        deadline = self._clock.monotonic() + self._patience
        while not self._try(conn):
            holder = conn.execute(_HOLDER, [_LOCK_CLASS, self._number % 2**32]).fetchone()
            ours = holder is not None and holder[:2] == self._own
            lost = holder is not None and self._own is not None and not ours
            if lost or self._clock.monotonic() >= deadline:
                raise self._held_by(holder)
            if holder is not None and ours:
                # Our own session before the network failed; the server has not noticed yet. What it was
                # committing is either finished or undone by this, and find_out() tells which.
                conn.execute("SELECT pg_terminate_backend(%s, %s)", [holder[0], _TERMINATE_WAIT_MS])
            else:
                self._clock.sleep(_PATIENCE_STEP_S)
        self._own = conn.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()

    def _try(self, conn: Connection) -> bool:
        row = conn.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, self._number]).fetchone()
        return row == (True,)

    def _held_by(self, holder: tuple[object, ...] | None) -> LockHeld:
        message = f'another bridge works on the sync "{self._sync_name}"'
        if holder is None:
            return LockHeld(message, hint="it has just let go; try again")
        return LockHeld(
            f"{message} ({_described(holder)})",
            hint="stop the other one; if it is dead and its machine unreachable, its session ends within two minutes, "
            f"or at once by SELECT pg_terminate_backend({holder[0]})",
        )


def who_works(conn: Connection, sync_name: str) -> str:
    """The session that holds the lock of a sync, in words; "" when none does. Takes nothing."""
    holder = conn.execute(_HOLDER, [_LOCK_CLASS, lock_number(sync_name) % 2**32]).fetchone()
    return "" if holder is None else _described(holder)


def _described(holder: tuple[object, ...]) -> str:
    """Without the right to see other roles' sessions the last facts are missing."""
    pid, since, user, application, client = holder
    details = [
        f"server process {pid}",
        f"application {application}" if application else "",
        f"role {user}" if user else "",
        f"from {client}" if client else "",
        f"since {since:%Y-%m-%d %H:%M:%S} UTC" if since else "",
    ]
    return ", ".join(detail for detail in details if detail)
