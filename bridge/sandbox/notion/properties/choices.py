"""select, multi_select, status: options with ids, which rows keep instead of names."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.properties.base import PropertyType, register
from bridge.sandbox.notion.richtext import COLORS
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Property

Option = dict[str, Any]

GROUPS = (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))
_FIRST_STATUSES = (
    {"name": "Not started", "color": "default", "group": "To-do"},
    {"name": "In progress", "color": "blue", "group": "In progress"},
    {"name": "Done", "color": "green", "group": "Complete"},
)


def options_of(prop: Property) -> list[Option]:
    """The options of a property, in the order of display."""
    found: list[Option] = prop.config.get("options", [])
    return found


def find_option(prop: Property, name: str) -> Option | None:
    """An option by name; case does not tell two options apart."""
    return next((option for option in options_of(prop) if option["name"].lower() == name.lower()), None)


def option_by_id(prop: Property, option_id: object) -> Option | None:
    """An option by id."""
    return next((option for option in options_of(prop) if option["id"] == option_id), None)


def add_option(prop: Property, name: str, scope: Scope, color: str | None = None) -> Option:
    """A new option at the end, in any colour, as Notion gives one when a row names an option it does not know."""
    option = {
        "id": scope.ids.uuid(),
        "name": name,
        "color": color or scope.rng.choice(COLORS),
        "description": None,
    }
    prop.config["options"] = [*options_of(prop), option]
    return option


def _named(raw: Any, prop: Property, scope: Scope, path: str) -> str:
    """The id of the option that a client means; a select learns new names, a status does not."""
    given = checks.mapping(raw, path)
    if given.get("id") is not None:
        option = option_by_id(prop, given["id"])
        if option is None:
            raise invalid(f"{prop.type.capitalize()} option with id {given['id']} does not exist on {prop.name}.")
        _color(given, option, path)
        return str(option["id"])
    name = _name_in(given, path)
    option = find_option(prop, name)
    color = _color(given, option, path)
    if option is None and prop.type == "status":
        raise invalid(f'Status option "{name}" does not exist on {prop.name}.')
    return str((option or add_option(prop, name, scope, color))["id"])


def _name_in(given: dict[str, Any], path: str) -> str:
    name = checks.string(given.get("name", UNDEFINED), f"{path}.name", 100)
    _check_name(name, f"{path}.name")
    return name


def _color(given: dict[str, Any], option: Option | None, path: str) -> str | None:
    """The colour that a request names; an existing option's colour cannot be changed."""
    if given.get("color") is None:
        return None
    color = checks.one_of(given["color"], f"{path}.color", COLORS)
    if option is not None and option["color"] != color:
        raise invalid("Select option color doesn't match existing")
    return color


def _check_name(name: str, path: str) -> None:
    if not name:
        raise should_be(f"{path}.length", "≥ `1`", 0)
    if "," in name:
        raise invalid(f"Invalid select option, commas not allowed: {name}")


def _parse_one(raw: Any, prop: Property, scope: Scope, path: str) -> str | None:
    return _default(prop) if raw is None else _named(raw, prop, scope, path)


def _default(prop: Property) -> str | None:
    default = prop.config.get("default")
    return default if default and option_by_id(prop, default) else None


def _parse_many(raw: Any, prop: Property, scope: Scope, path: str) -> list[str]:
    ids = [_named(item, prop, scope, f"{path}[{n}]") for n, item in enumerate(checks.array(raw, path))]
    return list(dict.fromkeys(ids))


def _show(option_id: Any, prop: Property, scope: Scope) -> Any:
    option = option_by_id(prop, option_id)
    return option and {"id": option["id"], "name": option["name"], "color": option["color"]}


def _show_many(ids: Any, prop: Property, scope: Scope) -> list[Any]:
    return [shown for option_id in ids if (shown := _show(option_id, prop, scope)) is not None]


def _name(option_id: Any, prop: Property, scope: Scope) -> Any:
    option = option_by_id(prop, option_id)
    return option and option["name"]


def _names(ids: Any, prop: Property, scope: Scope) -> list[str]:
    return [shown["name"] for shown in _show_many(ids, prop, scope)]


def _pick(value: Any, prop: Property, scope: Scope) -> str | None:
    if value in (None, ""):
        return None
    name = str(value)
    _check_name(name, prop.name)
    option = find_option(prop, name)
    if option is None and prop.type == "status":
        raise ValueError(f"{prop.name} has no status {name!r}; it has {[o['name'] for o in options_of(prop)]}")
    return str((option or add_option(prop, name, scope))["id"])


def _pick_many(value: Any, prop: Property, scope: Scope) -> list[str]:
    picked = [_pick(item, prop, scope) for item in value or []]
    return list(dict.fromkeys(option_id for option_id in picked if option_id))


def _read_options(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    """A full replacement: options that are left out are gone, and from every row."""
    if "options" not in raw:
        return prop.config or {"options": []}
    where = f"{path}.options"
    options: list[Option] = []
    for n, item in enumerate(checks.array(raw["options"], where)):
        option = _read_option(checks.mapping(item, f"{where}[{n}]"), prop, scope, f"{where}[{n}]")
        if any(other["name"].lower() == option["name"].lower() for other in options):
            raise invalid(f"Select options must be unique, found a duplicate: {option['name']}")
        options.append(option)
    return prop.config | {"options": options}


def _read_option(given: dict[str, Any], prop: Property, scope: Scope, path: str) -> Option:
    existing = option_by_id(prop, given["id"]) if given.get("id") else None
    if existing is not None:
        # A new name for a known id is silently ignored over there.
        _color(given, existing, path)
        return existing
    name = _name_in(given, path)
    existing = find_option(prop, name)
    color = _color(given, existing, path)
    if existing is not None:
        return existing
    return {
        "id": scope.ids.uuid(),
        "name": name,
        "color": color or scope.rng.choice(COLORS),
        "description": given.get("description"),
    }


def _read_statuses(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    given = raw.get("options")
    if given is None:
        if prop.config:
            return prop.config
        given = list(_FIRST_STATUSES)
    config = _read_options({"options": given}, prop, source, scope, path)
    groups = {name for name, _ in GROUPS}
    kept: dict[str, str] = prop.config.get("group_of", {})
    config["group_of"] = {
        option["id"]: checks.one_of(item["group"], f"{path}.options.group", groups)
        if item.get("group")
        else kept.get(option["id"], "To-do")
        for option, item in zip(config["options"], given, strict=True)
    }
    config.setdefault("group_ids", {name: scope.ids.uuid() for name, _ in GROUPS})
    first = next((oid for oid, group in config["group_of"].items() if group == "To-do"), None)
    config.setdefault("default", first)
    return config


def _show_options(prop: Property, scope: Scope) -> dict[str, Any]:
    return {"options": [dict(option) for option in options_of(prop)]}


def _show_statuses(prop: Property, scope: Scope) -> dict[str, Any]:
    group_of = prop.config.get("group_of", {})
    groups = [
        {
            "id": prop.config["group_ids"][name],
            "name": name,
            "color": color,
            "option_ids": [o["id"] for o in options_of(prop) if group_of.get(o["id"]) == name],
        }
        for name, color in GROUPS
    ]
    return _show_options(prop, scope) | {"groups": groups}


register(
    PropertyType(
        "select",
        "choice",
        render=_show,
        simple=_name,
        parse=_parse_one,
        from_simple=_pick,
        read_config=_read_options,
        show_config=_show_options,
    ),
    PropertyType(
        "multi_select",
        "choices",
        empty=list,
        render=_show_many,
        simple=_names,
        parse=_parse_many,
        from_simple=_pick_many,
        read_config=_read_options,
        show_config=_show_options,
    ),
    PropertyType(
        "status",
        "choice",
        render=_show,
        simple=_name,
        parse=_parse_one,
        from_simple=_pick,
        read_config=_read_statuses,
        show_config=_show_statuses,
    ),
)
