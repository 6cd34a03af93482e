"""Users and search."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks, render, richtext
from bridge.sandbox.notion.call import Call
from bridge.sandbox.notion.cursors import fingerprint
from bridge.sandbox.notion.errors import invalid, should_be
from bridge.sandbox.notion.ids import parse_uuid
from bridge.sandbox.notion.properties.people_files import user_object
from bridge.sandbox.notion.query import indexed, paginate
from bridge.sandbox.notion.state import DataSource, Page, PageState

Hit = tuple[Page, PageState] | DataSource


def me(call: Call) -> dict[str, Any]:
    """GET users/me"""
    return render.bot(call.bot, call.scope)


def user(call: Call) -> dict[str, Any]:
    """GET users/{user_id}"""
    user_id = call.path_id("user_id")
    call.need("users")
    found = call.scope.world.users.get(user_id)
    if found is None or found.left:
        raise call.missing("user", user_id)
    return user_object(user_id, call.scope)


def users(call: Call) -> dict[str, Any]:
    """GET users"""
    size = checks.page_size(call.query_value("page_size"), "query.page_size")
    start = call.query_value("start_cursor")
    call.need("users")
    ids = [user.id for user in call.scope.world.users.values() if not (user.guest or user.left)]
    offset = 0
    if start is not None:
        if parse_uuid(start) not in ids:
            raise invalid(f"The start_cursor provided is invalid: {start}")
        offset = ids.index(str(parse_uuid(start)))
    following = ids[offset + size : offset + size + 1]
    return {
        "object": "list",
        "results": [user_object(user_id, call.scope) for user_id in ids[offset : offset + size]],
        "next_cursor": following[0] if following else None,
        "has_more": bool(following),
        "type": "user",
        "user": {},
    }


def search(call: Call) -> dict[str, Any]:
    """POST search: titles only, and as late as every index."""
    call.need("read")
    body = call.body
    checks.known_keys(body, "body", ("query", "filter", "sort", "start_cursor", "page_size"))
    needle = checks.string(body.get("query") or "", "body.query", 2000).casefold()
    wanted, in_trash = _filter(call)
    descending = _direction(body)

    def hits(seed: int) -> list[Hit]:
        found = [hit for hit in _candidates(call, wanted, in_trash) if needle in _title(hit).casefold()]
        return sorted(found, key=_edited, reverse=descending)

    listing = fingerprint("search", body.get("query"), body.get("filter"), body.get("sort"))
    page = paginate(hits, listing, body, call.scope, call.cursors, limit=10_000)
    kind = "page_or_database" if call.version.legacy else "page_or_data_source"
    results = [_show(hit, call) for hit in page.rows]
    return {"object": "list", "results": results} | page.envelope | {"type": kind, kind: {}}


def _filter(call: Call) -> tuple[str | None, bool]:
    raw = checks.mapping(call.body.get("filter") or {}, "body.filter")
    checks.known_keys(raw, "body.filter", ("property", "value", "in_trash"))
    in_trash = checks.boolean(raw.get("in_trash", False), "body.filter.in_trash")
    if "property" not in raw and "value" not in raw:
        return None, in_trash
    if raw.get("property") != "object":
        raise should_be("body.filter.property", '`"object"`', raw.get("property"))
    table = "database" if call.version.legacy else "data_source"
    return checks.one_of(raw.get("value"), "body.filter.value", ("page", table)), in_trash


def _direction(body: dict[str, Any]) -> bool:
    if body.get("sort") is None:
        return True
    sort = checks.mapping(body["sort"], "body.sort")
    checks.one_of(sort.get("timestamp"), "body.sort.timestamp", ("last_edited_time",))
    allowed = ("ascending", "descending")
    return checks.one_of(sort.get("direction", "descending"), "body.sort.direction", allowed) == "descending"


def _candidates(call: Call, wanted: str | None, in_trash: bool) -> list[Hit]:
    world = call.scope.world
    found: list[Hit] = []
    if wanted in (None, "page"):
        for page in world.pages.values():
            state = indexed(page, call.scope)
            if state is not None and state.in_trash == in_trash and call.scope.page(page.id) is not None:
                found.append((page, state))
    if wanted != "page":
        for source in world.data_sources.values():
            alone = len(world.databases[source.database_id].data_source_ids) == 1
            trashed = source.in_trash or world.parent_in_trash(source.id)
            # An old version silently leaves out the databases that it cannot show.
            if trashed == in_trash and world.visible(source.id, call.bot) and (alone or not call.version.legacy):
                found.append(source)
    return found


def _title(hit: Hit) -> str:
    return richtext.plain(hit.title if isinstance(hit, DataSource) else hit[1].values.get("title", []))


def _edited(hit: Hit) -> Any:
    return hit.edited if isinstance(hit, DataSource) else hit[1].edited


def _show(hit: Hit, call: Call) -> dict[str, Any]:
    if not isinstance(hit, DataSource):
        return render.page(hit[0], hit[1], call.scope, call.version)
    if call.version.legacy:
        return render.database(call.scope.world.databases[hit.database_id], call.scope, call.version)
    return render.data_source(hit, call.scope, call.version)
