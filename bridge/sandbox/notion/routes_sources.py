"""Databases and data sources: containers, schemas, queries, templates."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks, render, richtext, schema
from bridge.sandbox.notion.call import Call, reference
from bridge.sandbox.notion.containers import create_database, create_source
from bridge.sandbox.notion.errors import UNDEFINED, should_be, trashed
from bridge.sandbox.notion.query import query as list_rows
from bridge.sandbox.notion.state import Database, DataSource

_DATABASE_KEYS = ("title", "description", "icon", "cover", "parent", "is_inline", "in_trash", "is_locked", "archived")


def retrieve_database(call: Call) -> dict[str, Any]:
    """GET databases/{database_id}"""
    call.need("read")
    return render.database(call.database(call.path_id("database_id")), call.scope, call.version)


def add_database(call: Call) -> dict[str, Any]:
    """POST databases"""
    call.need("insert")
    call.need("update")
    parent = checks.mapping(call.body.get("parent", UNDEFINED), "body.parent")
    page_id = reference(parent, "page_id", "body.parent")
    if page_id is None:
        raise should_be("body.parent.page_id", "defined", UNDEFINED)
    page = call.page(page_id)
    if page.state.in_trash:
        raise trashed()
    if call.version.legacy:
        raw, path = call.body.get("properties", UNDEFINED), "body.properties"
    else:
        # Top-level `properties` is ignored by the newer versions: the table then has a lone title.
        first = checks.mapping(call.body.get("initial_data_source", {}), "body.initial_data_source")
        raw, path = first.get("properties", {"Name": {"title": {}}}), "body.initial_data_source.properties"
    title = richtext.parse(call.body.get("title", []), "body.title", call.scope)
    properties = checks.mapping(raw, path)
    database = create_database(call.scope, page.id, title, properties, path, call.bot.id)
    _look(call, database)
    return render.database(database, call.scope, call.version)


def update_database(call: Call) -> dict[str, Any]:
    """PATCH databases/{database_id}; under an old version it edits the schema as well."""
    call.need("update")
    allowed = (*_DATABASE_KEYS, "properties") if call.version.legacy else _DATABASE_KEYS
    checks.known_keys(call.body, "body", allowed)
    if "archived" in call.body and not call.version.archived:
        raise should_be("body.archived", "not present", call.body["archived"])
    database = call.database(call.path_id("database_id"))
    if database.in_trash and not {"in_trash", "archived"} & call.body.keys():
        raise trashed()
    if "properties" in call.body:
        source = call.only_source(database)
        schema.update(source, checks.mapping(call.body["properties"], "body.properties"), call.scope, "body.properties")
        _edited(call, source)
    if "title" in call.body:
        database.title = richtext.parse(call.body["title"], "body.title", call.scope)
    _look(call, database)
    database.edited = call.scope.now
    return render.database(database, call.scope, call.version)


def _look(call: Call, database: Database) -> None:
    body = call.body
    database.icon = body.get("icon", database.icon)
    database.cover = body.get("cover", database.cover)
    if "description" in body:
        database.description = richtext.parse(body["description"], "body.description", call.scope)
    for key in ("is_inline", "is_locked", "in_trash"):
        if key in body:
            setattr(database, key, checks.boolean(body[key], f"body.{key}"))
    if "archived" in body:
        database.in_trash = checks.boolean(body["archived"], "body.archived")


def query_database(call: Call) -> dict[str, Any]:
    """POST databases/{database_id}/query, before there were data sources"""
    call.need("read")
    return _query(call, call.only_source(call.database(call.path_id("database_id"))))


def query_source(call: Call) -> dict[str, Any]:
    """POST data_sources/{data_source_id}/query"""
    call.need("read")
    return _query(call, call.data_source(call.path_id("data_source_id")))


def _query(call: Call, source: DataSource) -> dict[str, Any]:
    only = call.filter_properties(source)
    listing = list_rows(source, call.body, call.scope, call.cursors)
    call.seen.update(page.id for page, _ in listing.rows)
    kind = "page_or_database" if call.version.legacy else "page_or_data_source"
    rows = [render.page(page, state, call.scope, call.version, only) for page, state in listing.rows]
    return {"object": "list", "results": rows} | listing.envelope | {"type": kind, kind: {}}


def retrieve_source(call: Call) -> dict[str, Any]:
    """GET data_sources/{data_source_id}"""
    call.need("read")
    return render.data_source(call.data_source(call.path_id("data_source_id")), call.scope, call.version)


def add_source(call: Call) -> dict[str, Any]:
    """POST data_sources"""
    call.need("insert")
    call.need("update")
    checks.known_keys(call.body, "body", ("parent", "properties", "title", "icon"))
    parent = checks.mapping(call.body.get("parent", UNDEFINED), "body.parent")
    database = call.database(checks.object_id(parent.get("database_id", UNDEFINED), "body.parent.database_id"))
    title = richtext.parse(call.body.get("title", []), "body.title", call.scope)
    raw = checks.mapping(call.body.get("properties", UNDEFINED), "body.properties")
    source = create_source(call.scope, database, title, raw, "body.properties", call.bot.id)
    source.icon = call.body.get("icon")
    return render.data_source(source, call.scope, call.version)


def update_source(call: Call) -> dict[str, Any]:
    """PATCH data_sources/{data_source_id}"""
    call.need("update")
    checks.known_keys(call.body, "body", ("properties", "title", "icon", "in_trash", "archived", "parent"))
    if "archived" in call.body and not call.version.archived:
        raise should_be("body.archived", "not present", call.body["archived"])
    source = call.data_source(call.path_id("data_source_id"))
    trash = call.body.get("in_trash", call.body.get("archived"))
    if source.in_trash and trash is None:
        raise trashed()
    if "properties" in call.body:
        raw = checks.mapping(call.body["properties"], "body.properties")
        schema.update(source, raw, call.scope, "body.properties")
    if "title" in call.body:
        source.title = richtext.parse(call.body["title"], "body.title", call.scope)
    source.icon = call.body.get("icon", source.icon)
    if trash is not None:
        source.in_trash = checks.boolean(trash, "body.in_trash")
    _edited(call, source)
    return render.data_source(source, call.scope, call.version)


def _edited(call: Call, source: DataSource) -> None:
    source.edited = call.scope.now
    source.edited_by = call.bot.id


def templates(call: Call) -> dict[str, Any]:
    """GET data_sources/{data_source_id}/templates; there are none."""
    call.need("read")
    call.data_source(call.path_id("data_source_id"))
    return {"templates": [], "has_more": False, "next_cursor": None}
