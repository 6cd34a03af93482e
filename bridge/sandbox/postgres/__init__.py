"""A throw-away PostgreSQL server from a wheel: nothing to install, no privileges, nothing left behind.

For the demo, for this project's tests and for a user's own tests. Whoever can reach the loopback
address of this machine can log in as superuser without a password: keep nothing of value in it.
"""

from __future__ import annotations

from bridge.sandbox.postgres.errors import (
    AccountNameless,
    BinariesMissing,
    EmbeddedPostgresError,
    FolderUnreachable,
    FolderUntrusted,
    ServerFailed,
)
from bridge.sandbox.postgres.server import EmbeddedPostgres

__all__ = [
    "AccountNameless",
    "BinariesMissing",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "FolderUnreachable",
    "FolderUntrusted",
    "ServerFailed",
]
