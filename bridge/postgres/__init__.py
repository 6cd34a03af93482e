"""The PostgreSQL end: what is in the tables, what changes in them, and how they are written."""

from __future__ import annotations

from bridge.postgres.catalog import list_tables, read_table, table_sequences
from bridge.postgres.connection import open_connection
from bridge.postgres.end import PostgresEnd
from bridge.postgres.findings import Finding, installed
from bridge.postgres.install import grants_sql, install, render_sql, uninstall
from bridge.postgres.outbox import Backlog

__all__ = [
    "Backlog",
    "Finding",
    "PostgresEnd",
    "grants_sql",
    "install",
    "installed",
    "list_tables",
    "open_connection",
    "read_table",
    "render_sql",
    "table_sequences",
    "uninstall",
]
