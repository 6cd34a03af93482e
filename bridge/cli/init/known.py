"""The tables that have a sync in the file already: what is set up now may link to their data sources."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.cli.tomlfile import table_text
from bridge.config import SyncConfig
from bridge.engine.opening import Sides
from bridge.notion.catalog import find_data_source
from bridge.shapes import DataSource, Table


def known_sources(syncs: Iterable[SyncConfig], sides: Sides, tables: Iterable[Table]) -> dict[int, DataSource]:
    """Of these tables, the data sources of those that have a sync, by the table's oid.

    Raises SetupError, Unavailable, AccessLost.
    """
    configured = {sync.table: sync for sync in syncs}
    found = {}
    for table in tables:
        sync = configured.get(table_text(table)) or configured.get(table.qualified) or configured.get(table.name)
        if sync is not None:
            found[table.oid] = find_data_source(sides.client, sync.data_source)
    return found
