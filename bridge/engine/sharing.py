"""One data source belongs to one sync. With two tables on it, rows of one would overwrite those of the other."""

from __future__ import annotations

from collections.abc import Callable

from bridge.config import Config, SyncConfig
from bridge.errors import ConfigError, SetupError
from bridge.notion.catalog import parse_ref
from bridge.shapes import DataSource


def refuse_shared(config: Config, name: str, source: DataSource, data_source_id: Callable[[SyncConfig], str]) -> None:
    """Whether another sync of the configuration has the data source of the sync `name`.

    `data_source_id` asks Notion which one a sync means. It is asked only about those that name the same database: that
    may hold several data sources. Raises ConfigError, and whatever asking raises but SetupError.
    """
    for other in config.syncs:
        if other.name != name and _keeps(other, source, data_source_id):
            raise ConfigError(
                f"{config.path} gives the data source {source.title!r} to two syncs: {name!r}, and {other.name!r} "
                f"with the table {other.table}",
                hint="A data source belongs to one sync: rows of two would overwrite each other. Give this one another "
                "data source, or take the one that is not needed out of the file.",
            )


def _keeps(sync: SyncConfig, source: DataSource, data_source_id: Callable[[SyncConfig], str]) -> bool:
    try:
        wanted = parse_ref(sync.data_source)
        return wanted == source.id or (wanted == source.database_id and data_source_id(sync) == source.id)
    except SetupError:
        return False  # told when that sync itself is bound
