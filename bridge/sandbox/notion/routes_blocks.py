"""Blocks: the children of a page, and DELETE, which is another way to trash a page or a database."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import blocks, checks, edits, render, richtext
from bridge.sandbox.notion.call import Call
from bridge.sandbox.notion.clock import minute_text
from bridge.sandbox.notion.errors import should_be, trashed
from bridge.sandbox.notion.ids import parse_uuid
from bridge.sandbox.notion.state import Database, Page


def retrieve(call: Call) -> dict[str, Any]:
    """GET blocks/{block_id}"""
    call.need("read")
    block_id = call.path_id("block_id")
    found = _find(call, block_id)
    if found is not None:
        return _shown(*found, call)
    return _page_block(call.page(block_id), call)


def children(call: Call) -> dict[str, Any]:
    """GET blocks/{block_id}/children"""
    call.need("read")
    page = call.page(call.path_id("block_id"))
    size = checks.page_size(call.query_value("page_size"), "query.page_size")
    start = call.query_value("start_cursor")
    offset = 0
    if start is not None:
        ids = [block["id"] for block in page.blocks]
        if parse_uuid(start) not in ids:
            raise should_be("query.start_cursor", "a valid uuid or `undefined`", start)
        offset = ids.index(str(parse_uuid(start)))
    following = page.blocks[offset + size : offset + size + 1]
    return {
        "object": "list",
        "results": [_shown(page, block, call) for block in page.blocks[offset : offset + size]],
        "next_cursor": following[0]["id"] if following else None,
        "has_more": bool(following),
        "type": "block",
        "block": {},
    }


def append(call: Call) -> dict[str, Any]:
    """PATCH blocks/{block_id}/children"""
    call.need("insert")
    new = blocks.parse(call.body.get("children"), "body.children", call.scope, call.bot.id)
    page = call.page(call.path_id("block_id"))
    if page.state.in_trash:
        raise trashed()
    at = _position(call, page)
    page.blocks[at:at] = new
    if call.scope.options.block_edit_bumps:
        edits.touch(call.scope, page, call.bot.id)
    shown = [_shown(page, block, call) for block in new]
    return {"object": "list", "results": shown, "next_cursor": None, "has_more": False, "type": "block", "block": {}}


def _position(call: Call, page: Page) -> int:
    """Where to put new blocks: at the end, unless `after` (old) or `position` (new) says otherwise."""
    if "after" in call.body and not call.version.archived:
        raise should_be("body.after", "not present", call.body["after"])
    after = call.body.get("after")
    position = call.body.get("position")
    if isinstance(position, dict):
        if position.get("type") == "start":
            return 0
        after = checks.mapping(position.get("after_block") or {}, "body.position.after_block").get("id")
    if after is None:
        return len(page.blocks)
    wanted = checks.object_id(after, "body.after")
    ids = [block["id"] for block in page.blocks]
    if wanted not in ids:
        raise call.missing("block", wanted)
    return ids.index(wanted) + 1


def delete(call: Call) -> dict[str, Any]:
    """DELETE blocks/{block_id}"""
    call.need("update")
    block_id = call.path_id("block_id")
    found = _find(call, block_id)
    if found is not None:
        page, block = found
        page.blocks.remove(block)
        if call.scope.options.block_edit_bumps:
            edits.touch(call.scope, page, call.bot.id)
        return _shown(page, block | {"in_trash": True}, call)
    database = call.scope.world.databases.get(block_id)
    if database is not None:
        call.database(block_id)
        database.in_trash = True
        return _database_block(database, call)
    page = call.page(block_id)
    call.noop = not edits.edit_page(call.scope, page, call.bot.id, {}, in_trash=True)
    call.written = page.id
    return _page_block(page, call)


def _find(call: Call, block_id: str) -> tuple[Page, dict[str, Any]] | None:
    for page in call.scope.world.pages.values():
        for block in page.blocks:
            if block["id"] == block_id and call.scope.page(page.id) is not None:
                return page, block
    return None


def _shown(page: Page, block: dict[str, Any], call: Call) -> dict[str, Any]:
    shown = {**block, "parent": {"type": "page_id", "page_id": page.id}}
    return shown | {"archived": block["in_trash"]} if call.version.archived else shown


def _page_block(page: Page, call: Call) -> dict[str, Any]:
    state = page.state
    source = call.scope.world.data_sources.get(state.data_source_id or "")
    facts = {
        "parent": render.page_parent(state, source, call.version),
        "created_time": minute_text(page.created),
        "last_edited_time": minute_text(state.edited),
        "created_by": {"object": "user", "id": page.created_by},
        "last_edited_by": {"object": "user", "id": state.edited_by},
        "has_children": bool(page.blocks),
    }
    title = richtext.plain(state.values.get("title", []))
    return _stub(call, page.id, "child_page", title, facts, in_trash=state.in_trash)


def _database_block(database: Database, call: Call) -> dict[str, Any]:
    source = call.scope.world.data_sources[database.data_source_ids[0]]
    facts = {
        "parent": render.container_parent(database),
        "created_time": minute_text(database.created),
        "last_edited_time": minute_text(database.edited),
        "created_by": {"object": "user", "id": source.created_by},
        "last_edited_by": {"object": "user", "id": source.edited_by},
        "has_children": False,
    }
    title = richtext.plain(database.title)
    return _stub(call, database.id, "child_database", title, facts, in_trash=database.in_trash)


def _stub(
    call: Call, object_id: str, kind: str, title: str, facts: dict[str, Any], *, in_trash: bool
) -> dict[str, Any]:
    shown = {"object": "block", "id": object_id, **facts, "in_trash": in_trash, "type": kind, kind: {"title": title}}
    return shown | {"archived": in_trash} if call.version.archived else shown
