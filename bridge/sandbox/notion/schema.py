"""The schema of a data source: how a request writes it, how an answer shows it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.edits import convert
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.ids import encode_property_id
from bridge.sandbox.notion.properties import TYPES, type_of
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

_CHOICES = ("select", "multi_select", "status")
# A rollup names a relation and a formula names anything, so these are read after the rest.
_ORDER = {"rollup": 1, "formula": 2}
_ATTRIBUTES = ("name", "type", "description", "id")


def create(source: DataSource, raw: dict[str, Any], scope: Scope, path: str) -> None:
    """Give a new data source its properties; exactly one of them is the title."""
    titles = [name for name, item in raw.items() if _type_in(item) == "title"]
    if len(titles) != 1:
        raise invalid(f"{path} should contain exactly one title property, instead it has {len(titles)}.")
    for name, item in sorted(raw.items(), key=lambda pair: _ORDER.get(_type_in(pair[1]) or "", 0)):
        add(source, name, item, scope, f"{path}.{name}")
    source.properties = {prop.id: prop for name in raw if (prop := source.find(name)) is not None}


def update(source: DataSource, raw: dict[str, Any], scope: Scope, path: str) -> None:
    """Apply a PATCH of the properties, all of it or nothing."""
    before = copy.deepcopy(source.properties)
    try:
        for key, item in sorted(raw.items(), key=lambda pair: _ORDER.get(_type_in(pair[1]) or "", 0)):
            prop = source.find(key)
            if prop is None:
                # Deleting what is not there ends here too: null is no schema entry.
                add(source, key, item, scope, f"{path}.{key}")
            elif item is None:
                remove(source, prop, scope)
            else:
                _change(source, prop, checks.mapping(item, f"{path}.{key}"), scope, f"{path}.{key}")
    except Exception:
        source.properties = before
        raise


def add(source: DataSource, name: str, item: Any, scope: Scope, path: str) -> Property:
    """A new property with an id of its own, even when one of that name existed before."""
    given = checks.mapping(item, path)
    kind = _type_in(given)
    if kind is None:
        raise should_be(f"{path}.type", "defined", given.get("type", UNDEFINED))
    if not TYPES[kind].creatable and scope.viewer is not None:
        raise invalid(f"Cannot create a {kind} property through the API.")
    if any(other.name == name for other in source.properties.values()):
        raise invalid(f"A property named {name} exists already.")
    if kind == "title" and "title" in source.properties:
        raise invalid("Cannot create a second title property.")
    property_id = "title" if kind == "title" else scope.ids.property_id(source.properties)
    prop = Property(property_id, name, kind, description=given.get("description"))
    prop.config = type_of(prop).read_config(given.get(kind) or {}, prop, source, scope, f"{path}.{kind}")
    source.properties[prop.id] = prop
    _link_mirror(source, prop, scope)
    return prop


def remove(source: DataSource, prop: Property, scope: Scope) -> None:
    """Delete a property with its values, and the mirror of a two-way relation."""
    if prop.type == "title":
        raise invalid("Cannot delete the title property.")
    source.properties.pop(prop.id)
    target = scope.world.data_sources.get(prop.config.get("data_source_id", "")) if prop.type == "relation" else None
    if target is not None:
        target.properties.pop(prop.config.get("synced_id") or "", None)


def rename(source: DataSource, prop: Property, name: str) -> None:
    """Another name for the same property."""
    if any(other.name == name and other is not prop for other in source.properties.values()):
        raise invalid(f"A property named {name} exists already.")
    prop.name = name


def retype(source: DataSource, prop: Property, kind: str, config: Any, scope: Scope, path: str) -> None:
    """Another type under the same id; values are carried over where they fit."""
    if "title" in (prop.type, kind):
        raise invalid("The title property cannot be changed to or from another type.")
    if not TYPES[kind].creatable and scope.viewer is not None:
        raise invalid(f"Cannot change a property to {kind} through the API.")
    old = copy.deepcopy(prop)
    prop.config = prop.config if prop.type in _CHOICES and kind in _CHOICES else {}
    prop.type = kind
    if kind == "status" and old.type in _CHOICES and not config:
        config = {"options": [{"name": o["name"], "color": o["color"]} for o in old.config["options"]]}
    prop.config = type_of(prop).read_config(config or {}, prop, source, scope, path)
    for page in scope.world.pages.values():
        if page.state.data_source_id == source.id and (prop.id in page.state.values or TYPES[old.type].compute):
            # A schema change is not an edit of the rows: their stamps stay. A query that lags behind shows what the row
            # was, as far as the new type can.
            for number, (at, state) in enumerate(page.history):
                page.history[number] = at, _converted(old, prop, page, state, scope)
            page.change(_converted(old, prop, page, page.state, scope), scope.now)
    _link_mirror(source, prop, scope)


def _converted(old: Property, prop: Property, page: Page, state: PageState, scope: Scope) -> PageState:
    if state.data_source_id != page.state.data_source_id or prop.id not in state.values:
        return state
    try:
        value = convert(old, prop, page, scope, state)
    except (AttributeError, KeyError, TypeError):
        # The page was elsewhere when the property got its last type but one, and what it was before is of that type.
        return replace(state, values={key: kept for key, kept in state.values.items() if key != prop.id})
    return replace(state, values={**state.values, prop.id: value})


def show(source: DataSource, scope: Scope, *, legacy: bool = False) -> dict[str, Any]:
    """The schema as an answer has it, keyed by the current names."""
    return {prop.name: _show_one(prop, scope, legacy) for prop in source.properties.values()}


def _show_one(prop: Property, scope: Scope, legacy: bool) -> dict[str, Any]:
    config = type_of(prop).show_config(prop, scope)
    if legacy and prop.type == "relation":
        config.pop("data_source_id")
    return {
        "id": encode_property_id(prop.id),
        "name": prop.name,
        "description": prop.description,
        "type": prop.type,
        prop.type: config,
    }


def _type_in(item: Any) -> str | None:
    """The type that a schema entry names, by its `type` or by its configuration key."""
    if not isinstance(item, dict):
        return None
    named = item.get("type")
    if isinstance(named, str):
        return named if named in TYPES else None
    return next((key for key in item if key in TYPES and key not in _ATTRIBUTES), None)


def _change(source: DataSource, prop: Property, item: dict[str, Any], scope: Scope, path: str) -> None:
    kind = _type_in(item)
    if kind is not None and kind != prop.type:
        retype(source, prop, kind, item.get(kind), scope, f"{path}.{kind}")
    elif kind is not None and item.get(kind):
        prop.config = type_of(prop).read_config(item[kind], prop, source, scope, f"{path}.{kind}")
        _link_mirror(source, prop, scope)
    if "description" in item:
        prop.description = item["description"]
    if item.get("name") is not None:
        rename(source, prop, checks.string(item["name"], f"{path}.name", 2000))


def _link_mirror(source: DataSource, prop: Property, scope: Scope) -> None:
    """A two-way relation makes a property on the other side that points back."""
    if prop.type != "relation" or prop.config["kind"] != "dual_property" or prop.config.get("synced_id"):
        return
    target = scope.world.data_sources[prop.config["data_source_id"]]
    title = "".join(run["plain_text"] for run in source.title) or "Untitled"
    name = f"Related to {title} ({prop.name})"
    taken = {other.name for other in target.properties.values()}
    while name in taken:
        name += " 1"
    mirror = Property(scope.ids.property_id(target.properties), name, "relation")
    mirror.config = {"data_source_id": source.id, "kind": "dual_property", "synced_id": prop.id}
    prop.config["synced_id"] = mirror.id
    target.properties[mirror.id] = mirror
