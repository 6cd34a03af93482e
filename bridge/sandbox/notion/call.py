"""One authorised request, as the routes see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.cursors import Cursors
from bridge.sandbox.notion.errors import NotionError, invalid, not_found, restricted
from bridge.sandbox.notion.ids import parse_uuid
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Database, DataSource, Page, User
from bridge.sandbox.notion.versions import Version


@dataclass(slots=True)
class Call:
    """What a route needs. `seen`, `written` and `flags` tell the request log what it did."""

    scope: Scope
    bot: User
    version: Version
    cursors: Cursors
    params: dict[str, str]
    query: list[tuple[str, str]]
    body: dict[str, Any]
    seen: set[str] = field(default_factory=set)
    written: str | None = None
    created: str | None = None
    noop: bool = False

    def need(self, capability: str) -> None:
        """403 when the token lacks a capability."""
        if capability not in self.bot.capabilities:
            raise restricted()

    def path_id(self, name: str) -> str:
        """A UUID in the path."""
        return checks.object_id(self.params[name], f"path.{name}")

    def query_value(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def missing(self, kind: str, object_id: str) -> NotionError:
        """404 in this bot's name."""
        return not_found(kind, object_id, self.bot.id, self.bot.name)

    def page(self, page_id: str) -> Page:
        """A page that is shared with the bot."""
        page = self.scope.page(page_id)
        if page is None:
            raise self.missing("page", page_id)
        return page

    def data_source(self, source_id: str) -> DataSource:
        """A data source that is shared with the bot."""
        source = self.scope.world.data_sources.get(source_id)
        if source is None or not self.scope.world.visible(source_id, self.bot):
            raise self.missing("data_source", source_id)
        return source

    def database(self, database_id: str) -> Database:
        """A database that is shared with the bot; in an old version it must have a single table."""
        database = self.scope.world.databases.get(database_id)
        if database is None or not self.scope.world.visible(database_id, self.bot):
            raise self.missing("database", database_id)
        if self.version.legacy and len(database.data_source_ids) > 1:
            raise several_sources(database)
        return database

    def only_source(self, database: Database) -> DataSource:
        """The single table of a database."""
        if len(database.data_source_ids) > 1:
            raise several_sources(database)
        return self.scope.world.data_sources[database.data_source_ids[0]]

    def filter_properties(self, source: DataSource | None) -> frozenset[str] | None:
        """The property ids of `filter_properties`, with or without brackets; None = all."""
        keys = [value for name, value in self.query if name in ("filter_properties", "filter_properties[]")]
        in_body = self.body.get("filter_properties")
        keys += checks.array(in_body, "body.filter_properties") if in_body is not None else []
        if not keys or source is None:
            return None
        found = []
        for key in keys:
            prop = source.find(key)
            if prop is None:
                raise invalid(f"Could not find property with name or id: {key}")
            found.append(prop.id)
        return frozenset(found)


def several_sources(database: Database) -> NotionError:
    """A version from before data sources meets a database that has two."""
    return invalid(
        "Databases with multiple data sources are not supported in this API version.",
        error_type="multiple_data_sources_for_database",
        database_id=database.id,
        child_data_source_ids=list(database.data_source_ids),
        minimum_api_version="2025-09-03",
    )


def reference(raw: dict[str, Any], key: str, path: str) -> str | None:
    """A UUID under `key` in a parent object, None when the key is not there."""
    if raw.get(key) is None:
        return None
    return parse_uuid(raw[key]) or checks.object_id(raw[key], f"{path}.{key}")
