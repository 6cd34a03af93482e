"""Keeps a PostgreSQL table and a Notion data source the same, both ways."""

from __future__ import annotations

__version__ = "0.1.0"
