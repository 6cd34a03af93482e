"""Which database answers. A failover or a restored backup may put another one behind the same address."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from bridge.errors import Replaced
from bridge.postgres.connection import Connection

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


class Identity:
    """The database that one sync has recognised.

    What puts another one in its place ends every connection to the old one, and the next one that is opened reaches the
    new: so each connection is asked once. (That the bridge was installed anew shows when it is recognised.)
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._known = ""  # "" until it was recognised
        self._told: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()

    def recognise(self, conn: Connection) -> str:
        """From now on it is the database of this connection; its name for itself."""
        self._told[conn] = self._known = _ask(conn)
        return self._known

    def require(self, conn: Connection) -> None:
        """Raises Replaced when the connection leads to another database than the one that was recognised. It is closed
        then: it may be one to the old database that has not noticed yet that this is gone."""
        if self._known and self._of(conn) != self._known:
            conn.close()
            raise Replaced(
                f"PostgreSQL at {self._where} is another database than before: a failover, or a restored backup",
                hint="Both sides are read in full and compared, as in a first sync, before anything is written.",
            )

    def _of(self, conn: Connection) -> str:
        if conn not in self._told:
            self._told[conn] = _ask(conn)
        return self._told[conn]


def _ask(conn: Connection) -> str:
    [(identity,)] = conn.execute(_IDENTITY).fetchall()
    return str(identity)
