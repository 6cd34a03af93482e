"""How the objects of the world look in an answer, in each version."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import richtext, schema
from bridge.sandbox.notion.clock import exact_text, minute_text
from bridge.sandbox.notion.properties import page_value
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Database, DataSource, Page, PageState, User
from bridge.sandbox.notion.versions import Version


def page(
    item: Page, state: PageState, scope: Scope, version: Version, only: frozenset[str] | None = None
) -> dict[str, Any]:
    """A page object; `only` = the property ids that were asked for."""
    source = scope.world.data_sources.get(state.data_source_id or "")
    in_trash = page_in_trash(item, state, scope)
    title = richtext.plain(state.values.get("title", []))
    shown: dict[str, Any] = {
        "object": "page",
        "id": item.id,
        "created_time": minute_text(item.created),
        "last_edited_time": minute_text(state.edited),
        "created_by": {"object": "user", "id": item.created_by},
        "last_edited_by": {"object": "user", "id": state.edited_by},
        "cover": state.cover,
        "icon": state.icon,
        "parent": page_parent(state, source, version),
        "in_trash": in_trash,
        "is_archived": state.is_archived,
        "is_locked": state.is_locked,
        "properties": _values(item, state, source, scope, only),
        "url": richtext.page_url(item.id, title),
        "public_url": None,
    }
    return _with_archived(shown, in_trash, version)


def page_in_trash(item: Page, state: PageState, scope: Scope) -> bool:
    """Whether a page says that it is in the trash; a row may say so because its database is."""
    if state.in_trash:
        return True
    return scope.options.trashed_parent_hides and scope.world.parent_in_trash(item.id)


def page_parent(state: PageState, source: DataSource | None, version: Version) -> dict[str, Any]:
    """What a page says that it is in."""
    if source is not None and version.legacy:
        return {"type": "database_id", "database_id": source.database_id}
    if source is not None:
        return {"type": "data_source_id", "data_source_id": source.id, "database_id": source.database_id}
    if state.parent_page_id is not None:
        return {"type": "page_id", "page_id": state.parent_page_id}
    return {"type": "workspace", "workspace": True}


def _values(
    item: Page, state: PageState, source: DataSource | None, scope: Scope, only: frozenset[str] | None
) -> dict[str, Any]:
    if source is None:
        title = richtext.shortened(state.values.get("title", []))
        return {"title": {"id": "title", "type": "title", "title": title}}
    chosen = [prop for prop in source.properties.values() if only is None or prop.id in only]
    return {prop.name: page_value(prop, item, state, scope) for prop in chosen}


def _with_archived(shown: dict[str, Any], in_trash: bool, version: Version) -> dict[str, Any]:
    # Late in the key order, as in recorded answers.
    return shown | {"archived": in_trash} if version.archived else shown


def database(item: Database, scope: Scope, version: Version) -> dict[str, Any]:
    """A database: a container, or in the old shape the one table in it."""
    parent = container_parent(item)
    in_trash = item.in_trash or scope.world.parent_in_trash(item.id)
    shown: dict[str, Any] = {
        "object": "database",
        "id": item.id,
        "title": item.title,
        "description": item.description,
        "parent": parent,
        "is_inline": item.is_inline,
        "in_trash": in_trash,
        "is_locked": item.is_locked,
        "created_time": exact_text(item.created),
        "last_edited_time": exact_text(item.edited),
    }
    sources = [scope.world.data_sources[source_id] for source_id in item.data_source_ids]
    if version.legacy:
        shown["properties"] = schema.show(sources[0], scope, legacy=True)
        shown["created_time"] = minute_text(item.created)
        shown["last_edited_time"] = minute_text(sources[0].edited)
    else:
        shown["data_sources"] = [{"id": source.id, "name": richtext.plain(source.title)} for source in sources]
    shown |= {"icon": item.icon, "cover": item.cover, "url": richtext.page_url(item.id), "public_url": None}
    return _with_archived(shown, in_trash, version)


def container_parent(item: Database) -> dict[str, Any]:
    """What a database says that it is in."""
    if item.parent_page_id is None:
        return {"type": "workspace", "workspace": True}
    return {"type": "page_id", "page_id": item.parent_page_id}


def data_source(item: DataSource, scope: Scope, version: Version) -> dict[str, Any]:
    """One table of a database with its schema."""
    container = scope.world.databases[item.database_id]
    in_trash = item.in_trash or scope.world.parent_in_trash(item.id)
    shown: dict[str, Any] = {
        "object": "data_source",
        "id": item.id,
        "cover": None,
        "icon": item.icon,
        "created_time": minute_text(item.created),
        "created_by": {"object": "user", "id": item.created_by},
        "last_edited_by": {"object": "user", "id": item.edited_by},
        "last_edited_time": minute_text(item.edited),
        "title": item.title,
        "description": [],
        "is_inline": container.is_inline,
        "properties": schema.show(item, scope),
        "parent": {"type": "database_id", "database_id": item.database_id},
        "database_parent": container_parent(container),
        "url": richtext.page_url(item.database_id),
        "public_url": None,
        "in_trash": in_trash,
    }
    return _with_archived(shown, in_trash, version)


def bot(user: User, scope: Scope) -> dict[str, Any]:
    """The answer of users/me."""
    return {
        "object": "user",
        "id": user.id,
        "name": user.name,
        "avatar_url": None,
        "type": "bot",
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_name": scope.world.workspace_name,
            "workspace_id": scope.world.workspace_id,
            "workspace_limits": {"max_file_upload_size_in_bytes": 5242880},
        },
    }
