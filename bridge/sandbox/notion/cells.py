"""What a cell holds, for the page in the browser: enough to show it as the product does, and to edit it.

Not the API's form: a relation comes with the titles of its pages, people with their names, and a file without
the address that is signed anew for each answer (it would look like a change each time).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.sandbox.notion.properties import stored, type_of
from bridge.sandbox.notion.properties.relation import visible_ids
from bridge.sandbox.notion.richtext import plain
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import Page, Property

Show = Callable[[Any, Property, Scope], Any]


def cell(prop: Property, page: Page, scope: Scope) -> Any:
    """A property's value in a row; None when there is nothing to show."""
    return shown(stored(prop, page, page.state, scope), prop, scope)


def shown(value: Any, prop: Property, scope: Scope) -> Any:
    """A stored value of a property, in the form that the page's cell of that type takes."""
    return _SHOW.get(prop.type, _simple)(value, prop, scope)


def title_of(page: Page, scope: Scope) -> str:
    """The title of a row, which may be empty."""
    source = scope.world.data_sources.get(page.state.data_source_id or "")
    prop = source.properties.get("title") if source else None
    return str(type_of(prop).simple(page.state.values.get("title", []), prop, scope)) if prop else ""


def user(user_id: str, scope: Scope) -> dict[str, Any]:
    """Somebody's name, and whether it is a bot; of who is not known any more, the id."""
    found = scope.world.users.get(user_id)
    return {"id": user_id, "name": found.name if found else user_id, "bot": bool(found and found.is_bot)}


def _simple(value: Any, prop: Property, scope: Scope) -> Any:
    return type_of(prop).simple(value, prop, scope)


def _rendered(value: Any, prop: Property, scope: Scope) -> Any:
    return type_of(prop).render(value, prop, scope)


def _span(value: Any, prop: Property, scope: Scope) -> Any:
    if isinstance(value, str):
        return {"start": value, "end": None}
    return value and {"start": value["start"], "end": value["end"]}


def _users(ids: Any, prop: Property, scope: Scope) -> list[Any]:
    return [user(user_id, scope) for user_id in ids]


def _pages(ids: Any, prop: Property, scope: Scope) -> list[Any]:
    pages = scope.world.pages
    return [{"id": page_id, "title": title_of(pages[page_id], scope)} for page_id in visible_ids(ids, prop, scope)]


def _files(files: Any, prop: Property, scope: Scope) -> list[Any]:
    return [{"id": file.get("id"), "name": file["name"], "url": file["url"]} for file in files]


def _number_of(value: Any, prop: Property, scope: Scope) -> Any:
    prefix = prop.config.get("prefix")
    return value and (f"{prefix}-{value}" if prefix else str(value))


def _place(value: Any, prop: Property, scope: Scope) -> Any:
    return value and (value["name"] or value["address"] or f"{value['lat']}, {value['lon']}")


def _formula(value: Any, prop: Property, scope: Scope) -> Any:
    """Says of what type the result is: a cell of a known type with its value."""
    kind = {"string": "text", "boolean": "checkbox"}.get(value.type, value.type)
    result = _simple(value, prop, scope)
    return None if result is None else {"type": kind, "value": result}


def _rollup(value: Any, prop: Property, scope: Scope) -> Any:
    """A number, a date, or the values themselves: each as a cell of its own type."""
    wire = value.wire
    if wire["type"] == "array" and value.target is not None:
        cells = [{"type": value.target.type, "value": shown(item, value.target, scope)} for item in value.items]
        return {"type": "list", "value": [item for item in cells if item["value"] not in (None, [], "")]}
    result = wire[wire["type"]]
    return (
        {"type": wire["type"], "value": result} if wire["type"] in ("number", "date") and result is not None else None
    )


_SHOW: dict[str, Show] = {
    "title": _rendered,
    "rich_text": _rendered,
    "select": _rendered,
    "status": _rendered,
    "multi_select": _rendered,
    "date": _span,
    "created_time": _span,
    "last_edited_time": _span,
    "people": _users,
    "created_by": _users,
    "last_edited_by": _users,
    "relation": _pages,
    "files": _files,
    "unique_id": _number_of,
    "place": _place,
    "formula": _formula,
    "rollup": _rollup,
}


def words(runs: list[dict[str, Any]]) -> str:
    """The words of a database's title."""
    return plain(runs) or "Untitled"
