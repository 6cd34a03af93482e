"""rollup: an aggregate over the rows that a relation refers to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import UNDEFINED, invalid
from bridge.sandbox.notion.ids import encode_property_id
from bridge.sandbox.notion.properties.base import PropertyType, register, stored, type_of
from bridge.sandbox.notion.properties.dates import instant, parse_iso
from bridge.sandbox.notion.properties.numbers import number_json
from bridge.sandbox.notion.properties.relation import visible_ids
from bridge.sandbox.notion.richtext import REFERENCE_LIMIT
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

FUNCTIONS = (
    "count", "count_values", "empty", "not_empty", "unique", "show_unique", "percent_empty", "percent_not_empty",
    "sum", "average", "median", "min", "max", "range", "earliest_date", "latest_date", "date_range", "checked",
    "unchecked", "percent_checked", "percent_unchecked", "count_per_group", "percent_per_group", "show_original",
)  # fmt: skip

Numbers = Callable[[list[float]], float]
_OVER_NUMBERS: dict[str, Numbers] = {
    "sum": sum,
    "average": fmean,
    "median": median,
    "min": min,
    "max": max,
    "range": lambda numbers: max(numbers) - min(numbers),
}


@dataclass(frozen=True, slots=True)
class Rolled:
    """A rollup's value: how it is shown, and the single values behind it, which filters look at."""

    wire: dict[str, Any]
    target: Property | None
    items: list[Any]


def roll(prop: Property, page: Page, state: PageState, scope: Scope, limit: int | None = REFERENCE_LIMIT) -> Rolled:
    """The aggregate over the first `limit` references (None = all of them, as the property endpoint does)."""
    function: str = prop.config["function"]
    source = scope.world.data_sources.get(state.data_source_id or "")
    relation = source.properties.get(prop.config["relation_property_id"]) if source else None
    target_source = scope.world.data_sources.get(relation.config["data_source_id"]) if relation else None
    target = target_source.properties.get(prop.config["rollup_property_id"]) if target_source else None
    if relation is None or target is None or target.type == "rollup":
        return Rolled(_unsupported(function), None, [])
    ids = visible_ids(stored(relation, page, state, scope), relation, scope)[:limit]
    pages = [scope.world.pages[page_id] for page_id in ids]
    items = [stored(target, other, other.state, scope) for other in pages]
    simple = [type_of(target).simple(item, target, scope) for item in items]
    wire = _aggregate(function, target, items, simple, scope) or _unsupported(function)
    return Rolled(wire, target, items)


def _unsupported(function: str) -> dict[str, Any]:
    return {"type": "unsupported", "unsupported": {}, "function": function}


def _aggregate(
    function: str, target: Property, items: list[Any], simple: list[Any], scope: Scope
) -> dict[str, Any] | None:
    if function == "show_original":
        shown = [type_of(target).render(item, target, scope) for item in items]
        array = [{"type": target.type, target.type: value} for value in shown]
        return {"type": "array", "array": array, "function": function}
    if function in ("earliest_date", "latest_date", "date_range"):
        return _dates(function, simple)
    number = _over_numbers(function, simple) if function in _OVER_NUMBERS else _count(function, simple)
    if number is UNDEFINED:
        return None
    return {"type": "number", "number": number_json(number), "function": function}


def _over_numbers(function: str, simple: list[Any]) -> Any:
    values = [_number(value) for value in simple]
    numbers = [value for value in values if value is not None]
    if not numbers:
        return 0.0 if function == "sum" else None
    return float(_OVER_NUMBERS[function](numbers))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(function: str, simple: list[Any]) -> Any:
    filled = [value for value in simple if value not in (None, "", [], False)]
    counts: dict[str, tuple[int, int | None]] = {
        "count": (len(simple), None),
        "count_values": (sum(len(v) if isinstance(v, list) else 1 for v in filled), None),
        "empty": (len(simple) - len(filled), None),
        "not_empty": (len(filled), None),
        "checked": (len(filled), None),
        "unchecked": (len(simple) - len(filled), None),
        "unique": (len({repr(value) for value in filled}), None),
        "percent_empty": (len(simple) - len(filled), len(simple)),
        "percent_not_empty": (len(filled), len(simple)),
        "percent_checked": (len(filled), len(simple)),
        "percent_unchecked": (len(simple) - len(filled), len(simple)),
    }
    if function not in counts:
        return UNDEFINED
    part, whole = counts[function]
    return float(part) if whole is None else (part / whole if whole else None)


def _dates(function: str, simple: list[Any]) -> dict[str, Any]:
    starts = [value["start"] if isinstance(value, dict) else value for value in simple if value]
    dates = sorted((text for text in starts if parse_iso(text) is not None), key=instant)
    if not dates:
        return {"type": "date", "date": None, "function": function}
    start = dates[-1] if function == "latest_date" else dates[0]
    end = dates[-1] if function == "date_range" else None
    return {"type": "date", "date": {"start": start, "end": end, "time_zone": None}, "function": function}


def _compute(prop: Property, page: Page, state: PageState, scope: Scope) -> Rolled:
    return roll(prop, page, state, scope)


def _wire(value: Any, prop: Property, scope: Scope) -> Any:
    return value.wire


def _simple(value: Any, prop: Property, scope: Scope) -> Any:
    return value.wire[value.wire["type"]]


def _read_config(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    relation = _named(raw, "relation_property", source, path)
    if relation.type != "relation":
        raise invalid(f"{relation.name} is not a relation property.")
    target_source = scope.world.data_sources[relation.config["data_source_id"]]
    target = _named(raw, "rollup_property", target_source, path)
    return {
        "relation_property_id": relation.id,
        "rollup_property_id": target.id,
        "function": checks.one_of(raw.get("function"), f"{path}.function", FUNCTIONS),
    }


def _named(raw: dict[str, Any], what: str, source: DataSource, path: str) -> Property:
    key = raw.get(f"{what}_id") or raw.get(f"{what}_name")
    found = source.find(checks.string(key or UNDEFINED, f"{path}.{what}_name", 2000))
    if found is None:
        raise invalid(f"{key} is not a property that exists.")
    return found


def _show_config(prop: Property, scope: Scope) -> dict[str, Any]:
    shown: dict[str, Any] = {"function": prop.config["function"]}
    for what in ("relation_property", "rollup_property"):
        property_id = prop.config[f"{what}_id"]
        holders = [source.properties for source in _holders(what, prop, scope)]
        named = next((properties[property_id] for properties in holders if property_id in properties), None)
        shown[f"{what}_id"] = encode_property_id(property_id)
        shown[f"{what}_name"] = named.name if named else ""
    return shown


def _holders(what: str, prop: Property, scope: Scope) -> list[DataSource]:
    """The data sources in which to look for the name behind an id: the rollup's own, or the relation's target."""
    sources = scope.world.data_sources
    own = [source for source in sources.values() if source.properties.get(prop.id) is prop]
    if what == "relation_property":
        return own
    relations = [source.properties.get(prop.config["relation_property_id"]) for source in own]
    return [sources[r.config["data_source_id"]] for r in relations if r and r.config.get("data_source_id") in sources]


register(
    PropertyType(
        "rollup",
        "rollup",
        compute=_compute,
        render=_wire,
        simple=_simple,
        read_config=_read_config,
        show_config=_show_config,
        paged=True,
    )
)
