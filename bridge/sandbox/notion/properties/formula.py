"""formula: computed from the other properties of the same page, without moving its stamp."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import UNDEFINED, invalid
from bridge.sandbox.notion.properties import formula_language as language
from bridge.sandbox.notion.properties.base import PropertyType, register, stored, type_of
from bridge.sandbox.notion.properties.numbers import number_json
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

_PROP = re.compile(r'prop\(\s*"((?:[^"\\]|\\.)*)"\s*\)')
_KINDS = {"number": "number", "checkbox": "boolean", "date": "date"}


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula's value with its type; `unsupported` when it could not be computed."""

    type: str
    value: Any


@lru_cache(maxsize=256)
def _tree(expression: str) -> language.Node:
    return language.parse(expression)


def _compute(prop: Property, page: Page, state: PageState, scope: Scope) -> Computed:
    source = scope.world.data_sources.get(state.data_source_id or "")
    if source is None:
        return Computed("unsupported", {})
    tree = _tree(prop.config["expression"])
    try:
        kind = language.kind(tree, lambda key: _kind_of(key, source))
        value = language.evaluate(tree, lambda key: _value_of(key, source, page, state, scope))
    except (language.FormulaError, RecursionError):
        return Computed("unsupported", {})
    if kind == "number" and isinstance(value, float) and not math.isfinite(value):
        value = None
    if kind == "string":
        value = language.text(value) or None
    return Computed(kind, value)


def _property(key: str, source: DataSource) -> Property:
    prop = source.properties.get(key)
    if prop is None:
        raise language.FormulaError(f"there is no property {key}")
    return prop


def _kind_of(key: str, source: DataSource) -> str:
    prop = _property(key, source)
    if prop.type == "formula":
        return language.kind(_tree(prop.config["expression"]), lambda inner: _kind_of(inner, source))
    return "number" if prop.type == "rollup" else _KINDS.get(type_of(prop).kind, "string")


def _value_of(key: str, source: DataSource, page: Page, state: PageState, scope: Scope) -> Any:
    prop = _property(key, source)
    raw = stored(prop, page, state, scope)
    if isinstance(raw, Computed):
        return raw.value
    value = type_of(prop).simple(raw, prop, scope)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _wire(value: Any, prop: Property, scope: Scope) -> dict[str, Any]:
    shown = value.value
    if value.type == "number" and isinstance(shown, float):
        shown = number_json(shown)
    if value.type == "date" and isinstance(shown, str):
        shown = {"start": shown, "end": None, "time_zone": None}
    return {"type": value.type, value.type: shown}


def _simple(value: Any, prop: Property, scope: Scope) -> Any:
    return None if value.type == "unsupported" else _wire(value, prop, scope)[value.type]


def _read_config(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    """Keeps ids in place of names, so that a renamed property does not break the formula."""
    expression = checks.string(raw.get("expression", UNDEFINED), f"{path}.expression", 10_000)

    def to_id(match: re.Match[str]) -> str:
        found = source.find(re.sub(r"\\(.)", r"\1", match.group(1)))
        if found is None:
            raise invalid(f'Formula expression is invalid: Undefined property "{match.group(1)}".')
        return f'prop("{_escaped(found.id)}")'

    by_id = _PROP.sub(to_id, expression)
    try:
        _tree(by_id)
    except language.FormulaError as error:
        raise invalid(f"Formula expression is invalid: {error}.") from error
    return {"expression": by_id, "data_source_id": source.id}


def _show_config(prop: Property, scope: Scope) -> dict[str, Any]:
    source = scope.world.data_sources.get(prop.config["data_source_id"])

    def to_name(match: re.Match[str]) -> str:
        property_id = re.sub(r"\\(.)", r"\1", match.group(1))
        named = source.properties.get(property_id) if source else None
        return f'prop("{_escaped(named.name if named else property_id)}")'

    return {"expression": _PROP.sub(to_name, prop.config["expression"])}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


register(
    PropertyType(
        "formula",
        "formula",
        compute=_compute,
        render=_wire,
        simple=_simple,
        read_config=_read_config,
        show_config=_show_config,
    )
)
