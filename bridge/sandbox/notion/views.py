"""What the page in the browser shows, as JSON: the databases, one of them as a table, rows to choose from."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from bridge.sandbox.notion import cells
from bridge.sandbox.notion.clock import minute_text
from bridge.sandbox.notion.properties import type_of
from bridge.sandbox.notion.properties.choices import options_of
from bridge.sandbox.notion.sandbox import Sandbox
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Database, DataSource, Page, Property

# Rows that a table shows unless more are asked for. Looking takes the lock that requests wait for.
ROWS_SHOWN = 100
ROWS_MOST = 2_000
_CHOICES_SHOWN = 50
_MOVED_SHOWN = 50


def look(sandbox: Sandbox) -> Scope:
    """The world as a person sees it. What is left to chance is drawn elsewhere: looking changes nothing."""
    return replace(sandbox.scope(), rng=random.Random(0))  # noqa: S311 - nothing that is shown depends on it


def home(sandbox: Sandbox) -> dict[str, Any]:
    """The workspace: what is in it, outside the trash."""
    scope = look(sandbox)
    return {
        "workspace": scope.world.workspace_name,
        "sources": [
            _source(database, source_id, scope)
            for database in scope.world.databases.values()
            for source_id in database.data_source_ids
            if not (database.in_trash or scope.world.data_sources[source_id].in_trash)
        ],
    }


def _source(database: Database, source_id: str, scope: Scope) -> dict[str, Any]:
    pages = _rows(source_id, scope)
    return {
        "id": source_id,
        "title": cells.words(scope.world.data_sources[source_id].title),
        "database": cells.words(database.title),
        "rows": sum(1 for page in pages if not page.state.in_trash),
        "trashed": sum(1 for page in pages if page.state.in_trash),
    }


def table(sandbox: Sandbox, source_id: str, *, in_trash: bool, limit: int) -> dict[str, Any]:
    """One data source: the last `limit` rows in the order in which they were made, and all else that its page shows."""
    scope = look(sandbox)
    source = scope.world.data_sources.get(source_id)
    if source is None:
        raise ValueError("there is no such data source; it may have been reset")
    rows: list[Page] = []
    others: list[Page] = []
    for page in _rows(source_id, scope):
        (rows if page.state.in_trash is in_trash else others).append(page)
    others.sort(key=lambda page: page.state.edited)
    return home(sandbox) | {
        "id": source.id,
        "title": cells.words(source.title),
        "now": scope.now.isoformat(timespec="seconds"),
        "total": len(rows),
        "people": [cells.user(u.id, scope) for u in scope.world.users.values() if not (u.is_bot or u.left)],
        "properties": [_property(prop) for prop in source.properties.values()],
        "rows": [_row(page, source, scope) for page in rows[-min(limit, ROWS_MOST) :]],
        # So that a row that leaves this view, or enters it, is not only gone or there: who moved it is told.
        "moved": [
            {"id": page.id, "edited_by": cells.user(page.state.edited_by, scope)} for page in others[-_MOVED_SHOWN:]
        ],
    }


def choices(sandbox: Sandbox, source_id: str, find: str) -> list[dict[str, Any]]:
    """Rows that a relation may take: those with `find` in their title, the latest ones first."""
    scope = look(sandbox)
    found = []
    for page in reversed(_rows(source_id, scope)):
        title = cells.title_of(page, scope)
        if not page.state.in_trash and find.casefold() in title.casefold():
            found.append({"id": page.id, "title": title})
        if len(found) == _CHOICES_SHOWN:
            break
    return found


def _rows(source_id: str, scope: Scope) -> list[Page]:
    """Archived rows and those that were in the trash for too long are in no view."""
    pages = (scope.page(page_id) for page_id in scope.world.rows.get(source_id, {}))
    return [
        page
        for page in pages
        if page is not None and page.state.data_source_id == source_id and not page.state.is_archived
    ]


def _property(prop: Property) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": prop.id, "name": prop.name, "type": prop.type}
    shown["editable"] = type_of(prop).from_simple is not None and prop.type not in ("place", "verification")
    if prop.type in ("select", "multi_select", "status"):
        shown["options"] = [{"name": option["name"], "color": option["color"]} for option in options_of(prop)]
    if prop.type == "number":
        shown["format"] = prop.config.get("format", "number")
    if prop.type == "relation":
        shown["target"] = prop.config["data_source_id"]
    return shown


def _row(page: Page, source: DataSource, scope: Scope) -> dict[str, Any]:
    return {
        "id": page.id,
        "in_trash": page.state.in_trash,
        "edited": minute_text(page.state.edited),
        "edited_by": cells.user(page.state.edited_by, scope),
        "cells": {prop.id: cells.cell(prop, page, scope) for prop in source.properties.values()},
    }
