"""What is installed in a database, whoever configured it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.postgres.connection import Connection
from bridge.postgres.findings import schema_version

_INSTALLED = """
SELECT s.name, s.table_oid::regclass::text, (SELECT count(*) FROM notion_bridge.outbox AS o WHERE o.sync = s.name)
FROM notion_bridge.sync AS s WHERE s.name <> ALL (%s) ORDER BY s.name
"""


@dataclass(frozen=True, slots=True)
class InstalledSync:
    """A sync whose changes are captured; `table` is its number where the table is gone. `waiting` counts the outbox."""

    name: str
    table: str
    waiting: int


def others(conn: Connection, names: Collection[str]) -> list[InstalledSync]:
    """The syncs that are installed in this database besides those named."""
    if schema_version(conn) is None:
        return []
    return [InstalledSync(*row) for row in conn.execute(_INSTALLED, [list(names)]).fetchall()]
