"""Pages: create, retrieve, update, trash, restore, move, and single long values."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import blocks, checks, edits, render, richtext
from bridge.sandbox.notion.call import Call, reference
from bridge.sandbox.notion.errors import UNDEFINED, NotionError, invalid, should_be, trashed
from bridge.sandbox.notion.ids import encode_property_id
from bridge.sandbox.notion.properties import TYPES, parse_values, stored, type_of
from bridge.sandbox.notion.properties.rollup import roll
from bridge.sandbox.notion.state import DataSource, Page

_CREATE_KEYS = ("parent", "properties", "children", "icon", "cover", "position", "template", "filter_properties")
_UPDATE_KEYS = (
    "properties", "icon", "cover", "in_trash", "archived", "is_archived", "is_locked", "erase_content",
)  # fmt: skip


def retrieve(call: Call) -> dict[str, Any]:
    """GET pages/{page_id}"""
    call.need("read")
    page = call.page(call.path_id("page_id"))
    return _answer(call, page)


def _answer(call: Call, page: Page) -> dict[str, Any]:
    source = call.scope.world.data_sources.get(page.state.data_source_id or "")
    only = call.filter_properties(source)
    call.seen.add(page.id)
    return render.page(page, page.state, call.scope, call.version, only)


def create(call: Call) -> dict[str, Any]:
    """POST pages"""
    checks.known_keys(call.body, "body", _CREATE_KEYS)
    call.need("insert")
    parent = _parent(call)
    if isinstance(parent, Page):
        in_trash = render.page_in_trash(parent, parent.state, call.scope)
    else:
        in_trash = parent.in_trash or call.scope.world.parent_in_trash(parent.id)
    if in_trash:
        raise trashed()
    raw = checks.mapping(call.body.get("properties", {}), "body.properties")
    children = blocks.parse(call.body.get("children", []), "body.children", call.scope, call.bot.id)
    look = {key: call.body[key] for key in ("icon", "cover") if key in call.body}
    source = parent if isinstance(parent, DataSource) else None
    values = _values(call, source, raw)
    # Checked before the page exists, though it only matters for the answer.
    call.filter_properties(source)
    page = edits.create_page(call.scope, parent, values, call.bot.id, **look)
    page.blocks.extend(children)
    call.created = page.id
    return _answer(call, page)


def _parent(call: Call) -> DataSource | Page:
    raw = checks.mapping(call.body.get("parent", UNDEFINED), "body.parent")
    if (source_id := reference(raw, "data_source_id", "body.parent")) is not None:
        return call.data_source(source_id)
    if (database_id := reference(raw, "database_id", "body.parent")) is not None:
        return call.only_source(call.database(database_id))
    if (page_id := reference(raw, "page_id", "body.parent")) is not None:
        return call.page(page_id)
    raise should_be("body.parent.data_source_id", "defined", UNDEFINED)


def _values(call: Call, source: DataSource | None, raw: dict[str, Any]) -> dict[str, Any]:
    if source is not None:
        return parse_values(source, raw, call.scope, "body.properties")
    strange = [f"{key} is not a property that exists." for key in raw if key != "title"]
    if strange:
        raise invalid(" ".join(strange))
    if "title" not in raw:
        return {}
    given = raw["title"]["title"] if isinstance(raw["title"], dict) and "title" in raw["title"] else raw["title"]
    return {"title": richtext.parse(given, "body.properties.title", call.scope)}


def update(call: Call) -> dict[str, Any]:
    """PATCH pages/{page_id}"""
    checks.known_keys(call.body, "body", _UPDATE_KEYS)
    call.need("update")
    if "archived" in call.body and not call.version.archived:
        raise should_be("body.archived", "not present", call.body["archived"])
    look = _look(call.body)
    page = call.page(call.path_id("page_id"))
    restoring = look.get("in_trash") is False
    if render.page_in_trash(page, page.state, call.scope) and not restoring and look.get("in_trash") is not True:
        raise trashed()
    if page.state.in_trash and "properties" in call.body:
        # Undocumented whether a restore may carry values; here it may not.
        raise trashed()
    source = call.scope.world.data_sources.get(page.state.data_source_id or "")
    raw = checks.mapping(call.body.get("properties", {}), "body.properties")
    values = _values(call, source, raw)
    call.filter_properties(source)
    changed = edits.edit_page(call.scope, page, call.bot.id, values, **look)
    if call.body.get("erase_content") is True:
        page.blocks.clear()
    if "properties" in call.body or "in_trash" in look:
        call.written = page.id
        call.noop = not changed
    return _answer(call, page)


def _look(body: dict[str, Any]) -> dict[str, Any]:
    look: dict[str, Any] = {key: body[key] for key in ("icon", "cover") if key in body}
    for key in ("in_trash", "is_archived", "is_locked"):
        if key in body:
            look[key] = checks.boolean(body[key], f"body.{key}")
    if "archived" in body:
        look["in_trash"] = checks.boolean(body["archived"], "body.archived")
    return look


def move(call: Call) -> dict[str, Any]:
    """POST pages/{page_id}/move"""
    checks.known_keys(call.body, "body", ("parent",))
    call.need("update")
    page = call.page(call.path_id("page_id"))
    if page.state.in_trash:
        raise trashed()
    edits.move_page(call.scope, page, _parent(call), call.bot.id)
    return _answer(call, page)


def property_item(call: Call) -> dict[str, Any]:
    """GET pages/{page_id}/properties/{property_id}"""
    call.need("read")
    page = call.page(call.path_id("page_id"))
    source = call.scope.world.data_sources.get(page.state.data_source_id or "")
    prop = source.properties.get(call.params["property_id"]) if source else None
    if prop is None:
        raise _no_property(call)
    kind = type_of(prop)
    encoded = encode_property_id(prop.id)
    if prop.type == "rollup":
        whole = roll(prop, page, page.state, call.scope, limit=None)
        elements = [part for element in whole.wire.get("array", ()) for part in _parts(element)]
        # The elements are the results; the item that sums them up repeats none of them.
        summary = whole.wire | ({"array": []} if whole.wire["type"] == "array" else {})
        item = {"id": encoded, "next_url": None, "type": "rollup", "rollup": summary}
        return _paged(call, [{"object": "property_item", "id": encoded} | element for element in elements], item)
    value = kind.render(stored(prop, page, page.state, call.scope), prop, call.scope)
    if not kind.paged:
        return {"object": "property_item", "id": encoded, "type": prop.type, prop.type: value}
    items = [{"object": "property_item", "type": prop.type, "id": encoded, prop.type: part} for part in value]
    return _paged(call, items, {"id": encoded, "next_url": None, "type": prop.type, prop.type: {}})


def _parts(element: dict[str, Any]) -> list[dict[str, Any]]:
    """An element of a rollup as results: a title of three runs is three of them."""
    kind = element["type"]
    return [{"type": kind, kind: part} for part in element[kind]] if TYPES[kind].paged else [element]


def _no_property(call: Call) -> NotionError:
    return call.missing("property", call.params["property_id"])


def _paged(call: Call, items: list[dict[str, Any]], item: dict[str, Any]) -> dict[str, Any]:
    size = checks.page_size(call.query_value("page_size"), "query.page_size")
    start = call.query_value("start_cursor")
    offset = 0
    if start is not None:
        if not start.isdigit() or int(start) > len(items):
            raise invalid(f"The start_cursor provided is invalid: {start}")
        offset = int(start)
    end = offset + size
    following = str(end) if end < len(items) else None
    return {
        "object": "list",
        "results": items[offset:end],
        "next_cursor": following,
        "has_more": following is not None,
        "type": "property_item",
        "property_item": item,
    }
