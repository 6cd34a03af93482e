"""relation: references to rows of another data source, one-way or mirrored."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import UNDEFINED, invalid, not_found, should_be
from bridge.sandbox.notion.ids import encode_property_id, parse_uuid
from bridge.sandbox.notion.properties.base import PropertyType, register
from bridge.sandbox.notion.richtext import REFERENCE_LIMIT
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, Property

KINDS = ("single_property", "dual_property")


def visible_ids(ids: Any, prop: Property, scope: Scope) -> list[str]:
    """The referenced pages that the viewer can see: none at all when their database is not shared."""
    return [page_id for page_id in ids if _target(page_id, scope) is not None]


def _target(page_id: str, scope: Scope) -> Page | None:
    """A page that a relation shows and takes."""
    page = scope.page(page_id)
    if page is None or not scope.options.trashed_targets_hide:
        return page
    return None if page.state.in_trash or scope.world.parent_in_trash(page_id) else page


def _parse(raw: Any, prop: Property, scope: Scope, path: str) -> list[str]:
    ids = []
    for n, item in enumerate(checks.array(raw, path)):
        where = f"{path}[{n}]"
        page_id = checks.object_id(checks.mapping(item, where).get("id", UNDEFINED), f"{where}.id")
        page = _target(page_id, scope)
        if page is None:
            bot = scope.viewer
            raise not_found("page", page_id, bot.id if bot else "", bot.name if bot else "")
        if page.state.data_source_id != prop.config["data_source_id"]:
            raise invalid(f"Page {page_id} is not in the data source that {prop.name} relates to.")
        ids.append(page_id)
    return list(dict.fromkeys(ids))


def _show(ids: Any, prop: Property, scope: Scope) -> list[dict[str, str]]:
    return [{"id": page_id} for page_id in visible_ids(ids, prop, scope)]


def _typed(value: Any, prop: Property, scope: Scope) -> list[str]:
    ids = [parse_uuid(item) or str(item) for item in value or []]
    for page_id in ids:
        if page_id not in scope.world.pages:
            raise ValueError(f"{prop.name} can only refer to existing pages; there is no page {page_id}")
    return list(dict.fromkeys(ids))


def _read_config(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    """Checks the target; the mirror of a new two-way relation is made by the schema, once all of it is valid."""
    target = scope.world.data_sources.get(_target_id(raw, scope, path))
    if target is None or not scope.world.visible(target.id, scope.viewer):
        bot = scope.viewer
        missing = str(raw.get("data_source_id") or raw.get("database_id"))
        raise not_found("data_source", missing, bot.id if bot else "", bot.name if bot else "")
    kind = raw.get("type") or next((key for key in KINDS if key in raw), None)
    checks.one_of(kind, f"{path}.type", KINDS)
    config: dict[str, Any] = {"data_source_id": target.id, "kind": kind}
    if prop.config.get("data_source_id") == target.id and prop.config.get("kind") == kind:
        config["synced_id"] = prop.config.get("synced_id")
    return config


def _target_id(raw: dict[str, Any], scope: Scope, path: str) -> str:
    if raw.get("data_source_id") is not None:
        return checks.object_id(raw["data_source_id"], f"{path}.data_source_id")
    if "database_id" not in raw:
        raise should_be(f"{path}.data_source_id", "defined", UNDEFINED)
    database = scope.world.databases.get(checks.object_id(raw["database_id"], f"{path}.database_id"))
    return database.data_source_ids[0] if database else ""


def _show_config(prop: Property, scope: Scope) -> dict[str, Any]:
    target = scope.world.data_sources.get(prop.config["data_source_id"])
    kind = prop.config["kind"]
    shown: dict[str, Any] = {
        "database_id": target.database_id if target else None,
        "data_source_id": prop.config["data_source_id"],
        "type": kind,
        kind: {},
    }
    mirror = target.properties.get(prop.config.get("synced_id") or "") if target else None
    if kind == "dual_property" and mirror is not None:
        shown[kind] = {
            "synced_property_id": encode_property_id(mirror.id),
            "synced_property_name": mirror.name,
        }
    return shown


def _first(value: Any) -> Any:
    return value[:REFERENCE_LIMIT]


register(
    PropertyType(
        "relation",
        "relation",
        empty=list,
        render=_show,
        simple=visible_ids,
        parse=_parse,
        from_simple=_typed,
        read_config=_read_config,
        show_config=_show_config,
        shorten=_first,
        paged=True,
    )
)
