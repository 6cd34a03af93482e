"""Names of the objects that a sync has in the database, and how they are quoted."""

from __future__ import annotations

import hashlib
import re

from psycopg import sql

from bridge.shapes import Table

SCHEMA = "notion_bridge"
CHANNEL = "notion_bridge"

# PostgreSQL cuts longer names off without an error, and two syncs could then share one function.
_NAME_BYTES = 63
_DIGEST_LENGTH = 8

_PLAIN = re.compile("[a-z_][a-z0-9_]*")


def capture_function(sync_name: str) -> str:
    """The trigger function of a sync, in the bridge's schema."""
    return _bounded(f"capture_{sync_name}")


def statement_function(sync_name: str, operation: str) -> str:
    """The trigger function for whole statements of one kind (insert, update or delete)."""
    return _bounded(f"statement_{operation}_{sync_name}")


def statement_trigger(sync_name: str, operation: str) -> str:
    """The trigger for whole statements of one kind."""
    return _bounded(f"notion_bridge_{operation}_{sync_name}")


def row_trigger(sync_name: str) -> str:
    """The trigger for changed rows. Triggers fire in the order of their names; the function copes with any."""
    return _bounded(f"notion_bridge_rows_{sync_name}")


def truncate_trigger(sync_name: str) -> str:
    """The trigger for TRUNCATE."""
    return _bounded(f"notion_bridge_truncate_{sync_name}")


def counter(sync_name: str) -> str:
    """The sequence that counts the noted changes of a sync since the bridge last found none waiting."""
    return _bounded(f"noted_{sync_name}")


def links_function(sync_name: str) -> str:
    """The trigger function for the join tables of a sync, in the bridge's schema."""
    return _bounded(f"capture_links_{sync_name}")


def links_trigger(sync_name: str, number: int) -> str:
    """The trigger for changed rows of a sync's join table; one table may serve several fields."""
    return _bounded(f"notion_bridge_links_{number}_{sync_name}")


def links_truncate_trigger(sync_name: str, number: int) -> str:
    """The trigger for TRUNCATE of a join table."""
    return _bounded(f"notion_bridge_links_truncate_{number}_{sync_name}")


def quoted(schema: str, name: str) -> str:
    """`schema.name` as a person writes it, in SQL and in bridge.toml."""
    parts = (part if _PLAIN.fullmatch(part) else sql.Identifier(part).as_string(None) for part in (schema, name))
    return ".".join(parts)


def lock_number(sync_name: str) -> int:
    """The second number of a sync's advisory locks; the first is the lock's class. A signed one of 32 bits."""
    return int.from_bytes(hashlib.sha256(sync_name.encode()).digest()[:4], signed=True)


def table_name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def source(table: Table) -> sql.Composable:
    """The table as the subject of a statement.

    ONLY leaves out the children of classical inheritance: the trigger does not see their changes either.
    A partitioned table has no rows of its own.
    """
    return sql.SQL("" if table.kind == "partitioned table" else "ONLY ") + table_name(table)


def _bounded(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:_DIGEST_LENGTH]
    # Cutting bytes may halve a character; what is left of it is dropped.
    kept = encoded[: _NAME_BYTES - _DIGEST_LENGTH - 1].decode(errors="ignore")
    return f"{kept}_{digest}"
