"""Making databases and their data sources, for the API and for persons alike."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import schema
from bridge.sandbox.notion.richtext import RichText
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Database, DataSource


def create_database(
    scope: Scope, parent_page_id: str | None, title: RichText, properties: dict[str, Any], path: str, actor: str
) -> Database:
    """A database with its first data source, which takes a copy of the title."""
    database = Database(scope.ids.uuid(), title, parent_page_id, scope.now, scope.now)
    scope.world.databases[database.id] = database
    try:
        create_source(scope, database, list(title), properties, path, actor)
    except Exception:
        del scope.world.databases[database.id]
        raise
    return database


def create_source(
    scope: Scope, database: Database, title: RichText, properties: dict[str, Any], path: str, actor: str
) -> DataSource:
    """One more table in a database."""
    now = scope.now
    source = DataSource(scope.ids.uuid(), database.id, title, now, actor, now, actor)
    scope.world.data_sources[source.id] = source
    try:
        schema.create(source, properties, scope, path)
    except Exception:
        del scope.world.data_sources[source.id]
        raise
    database.data_source_ids.append(source.id)
    return source
