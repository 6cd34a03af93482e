"""What a property type is, and the registry of them.

A value has three forms. *Stored*: what the sandbox keeps (ids instead of names, so that a rename reaches
every row). *Wire*: what the API shows and takes. *Simple*: the plain Python value a person sees in the cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bridge.sandbox.notion.errors import NotionError, invalid
from bridge.sandbox.notion.ids import encode_property_id
from bridge.sandbox.notion.richtext import REFERENCE_LIMIT
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

Kind = Literal[
    "text", "number", "checkbox", "choice", "choices", "date", "people", "relation", "files",
    "formula", "rollup", "verification", "none",
]  # fmt: skip
"""Which filter conditions a type takes, and how it sorts."""

Parse = Callable[[Any, Property, Scope, str], Any]
ReadConfig = Callable[[dict[str, Any], Property, DataSource, Scope, str], dict[str, Any]]


def _same(value: Any, prop: Property, scope: Scope) -> Any:
    return value


def _no_config(raw: dict[str, Any], prop: Property, source: DataSource, scope: Scope, path: str) -> dict[str, Any]:
    return {}


def _empty_config(prop: Property, scope: Scope) -> dict[str, Any]:
    return {}


def _nothing() -> Any:
    return None


@dataclass(frozen=True, slots=True)
class PropertyType:
    """One type. `parse` None = a client cannot write it; `compute` = the value is derived, not stored."""

    name: str
    kind: Kind
    empty: Callable[[], Any] = _nothing
    render: Callable[[Any, Property, Scope], Any] = _same
    simple: Callable[[Any, Property, Scope], Any] = _same
    parse: Parse | None = None
    from_simple: Callable[[Any, Property, Scope], Any] | None = None
    compute: Callable[[Property, Page, PageState, Scope], Any] | None = None
    read_config: ReadConfig = _no_config
    show_config: Callable[[Property, Scope], dict[str, Any]] = _empty_config
    shorten: Callable[[Any], Any] | None = None
    paged: bool = False
    creatable: bool = True


TYPES: dict[str, PropertyType] = {}


def register(*types: PropertyType) -> None:
    """Make types known; each family's file calls it once."""
    for kind in types:
        TYPES[kind.name] = kind


def type_of(prop: Property) -> PropertyType:
    """The type of a property."""
    return TYPES[prop.type]


def stored(prop: Property, page: Page, state: PageState, scope: Scope) -> Any:
    """A property's value in a page, computed when the type says so."""
    kind = type_of(prop)
    if kind.compute is not None:
        return kind.compute(prop, page, state, scope)
    return state.values.get(prop.id, kind.empty())


def simple(prop: Property, page: Page, state: PageState, scope: Scope) -> Any:
    """A property's value as a person sees it."""
    return type_of(prop).simple(stored(prop, page, state, scope), prop, scope)


def page_value(prop: Property, page: Page, state: PageState, scope: Scope) -> dict[str, Any]:
    """A property inside a page object, references cut after the 25th."""
    kind = type_of(prop)
    value = kind.render(stored(prop, page, state, scope), prop, scope)
    entry: dict[str, Any] = {"id": encode_property_id(prop.id), "type": prop.type}
    entry[prop.type] = kind.shorten(value) if kind.shorten else value
    if prop.type == "relation":
        entry["has_more"] = len(value) > REFERENCE_LIMIT
    return entry


def parse_values(source: DataSource, raw: dict[str, Any], scope: Scope, path: str) -> dict[str, Any]:
    """The stored form of a request's `properties`. Everything is checked before anything is applied."""
    options = {prop.id: prop.config.get("options") for prop in source.properties.values()}
    try:
        return _parse_all(source, raw, scope, path)
    except NotionError:
        # A select learns a name while it is read; a refused request must not leave it behind.
        for prop in source.properties.values():
            if options[prop.id] is not None:
                prop.config["options"] = options[prop.id]
        raise


def _parse_all(source: DataSource, raw: dict[str, Any], scope: Scope, path: str) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in raw.items():
        prop = source.find(key)
        if prop is None:
            problems.append(f"{key} is not a property that exists.")
        elif prop.type not in _given(value):
            problems.append(f"{key} is expected to be {prop.type}.")
        else:
            parsed[prop.id] = _parse_one(prop, key, value, scope, path)
    if problems:
        raise invalid(" ".join(problems))
    return parsed


def _given(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


def _parse_one(prop: Property, key: str, value: dict[str, Any], scope: Scope, path: str) -> Any:
    kind = type_of(prop)
    if kind.parse is None:
        raise read_only(prop, key)
    return kind.parse(value[prop.type], prop, scope, f"{path}.{key}.{prop.type}")


def read_only(prop: Property, key: str) -> NotionError:
    """The refusal to write a computed property."""
    return invalid(f"{key} is a {prop.type} property and cannot be updated through the API.")
