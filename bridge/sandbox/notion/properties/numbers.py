"""number, checkbox, unique_id."""

from __future__ import annotations

import math
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.errors import should_be
from bridge.sandbox.notion.properties.base import PropertyType, register
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

FORMATS = (
    "number", "number_with_commas", "percent", "dollar", "australian_dollar", "canadian_dollar", "singapore_dollar",
    "euro", "pound", "yen", "ruble", "rupee", "won", "yuan", "real", "lira", "rupiah", "franc", "hong_kong_dollar",
    "new_zealand_dollar", "krona", "norwegian_krone", "mexican_peso", "rand", "new_taiwan_dollar", "danish_krone",
    "zloty", "baht", "forint", "koruna", "shekel", "chilean_peso", "philippine_peso", "dirham", "colombian_peso",
    "riyal", "ringgit", "leu", "argentine_peso", "uruguayan_peso", "peruvian_sol", "vietnamese_dong",
    "pakistani_rupee", "nigerian_naira", "bitcoin",
)  # fmt: skip
# JavaScript writes whole numbers from here on with an exponent.
_EXPONENT_FROM = 1e21


def _parse_number(raw: Any, prop: Property, scope: Scope, path: str) -> float | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise should_be(path, "a number or `null`", raw)
    return double(raw, path)


def double(raw: int | float, path: str) -> float:
    """The nearest IEEE double, which is all that JSON over there can hold."""
    try:
        value = float(raw)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise should_be(path, "a finite number", str(raw))
    return value


def number_json(value: float | None) -> int | float | None:
    """A number as JavaScript prints it: whole numbers below 1e21 without a fraction."""
    if value is None:
        return None
    return int(value) if value.is_integer() and abs(value) < _EXPONENT_FROM else value


def _show_number(value: Any, prop: Property, scope: Scope) -> Any:
    return number_json(value)


def _typed_number(value: Any, prop: Property, scope: Scope) -> float | None:
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{prop.name} takes a number, not {value!r}")
    return number


def _read_format(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    if "format" not in raw:
        return prop.config or {"format": "number"}
    return {"format": checks.one_of(raw["format"], f"{path}.format", FORMATS)}


def _show_format(prop: Property, scope: Scope) -> dict[str, Any]:
    return {"format": prop.config.get("format", "number")}


def _parse_checkbox(raw: Any, prop: Property, scope: Scope, path: str) -> bool:
    return checks.boolean(raw, path)


def _typed_checkbox(value: Any, prop: Property, scope: Scope) -> bool:
    return bool(value)


def _never() -> bool:
    return False


def _read_prefix(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    return {"prefix": checks.string_or_null(raw.get("prefix"), f"{path}.prefix", 100)}


def _show_prefix(prop: Property, scope: Scope) -> dict[str, Any]:
    return {"prefix": prop.config.get("prefix")}


def _number_of(prop: Property, page: Page, state: PageState, scope: Scope) -> int | None:
    return page.numbers.get(state.data_source_id or "")


def _show_unique(value: Any, prop: Property, scope: Scope) -> dict[str, Any]:
    return {"prefix": prop.config.get("prefix"), "number": value}


register(
    PropertyType(
        "number",
        "number",
        render=_show_number,
        simple=_show_number,
        parse=_parse_number,
        from_simple=_typed_number,
        read_config=_read_format,
        show_config=_show_format,
    ),
    PropertyType("checkbox", "checkbox", empty=_never, parse=_parse_checkbox, from_simple=_typed_checkbox),
    PropertyType(
        "unique_id",
        "number",
        compute=_number_of,
        render=_show_unique,
        read_config=_read_prefix,
        show_config=_show_prefix,
    ),
)
