"""Query filters: checked against the schema, then compiled into one function of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.clock import minute
from bridge.sandbox.notion.conditions import Test, condition
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.properties import TYPES, stored, type_of
from bridge.sandbox.notion.properties.formula import Computed
from bridge.sandbox.notion.properties.rollup import Rolled
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

Predicate = Callable[[Page, PageState], bool]
_MAX_DEPTH = 2
TIMESTAMPS = ("created_time", "last_edited_time")
# These compare what a person sees; the others (dates, references) compare what is stored.
_BY_SIGHT = ("text", "number", "checkbox", "choice", "choices", "verification")
_FORMULA_KINDS = {"string": "text", "number": "number", "checkbox": "checkbox", "date": "date"}


def compile_filter(raw: Any, source: DataSource, scope: Scope, path: str = "body.filter", depth: int = 0) -> Predicate:
    """The filter as a function; refuses what Notion would refuse."""
    given = checks.mapping(raw, path)
    for word in ("and", "or"):
        if word in given:
            if depth == _MAX_DEPTH:
                raise should_be(f"{path}.{word}", "not present", given[word])
            items = checks.array(given[word], f"{path}.{word}")
            parts = [
                compile_filter(item, source, scope, f"{path}.{word}[{n}]", depth + 1) for n, item in enumerate(items)
            ]
            if word == "and":
                return _all(parts)
            return _one_of_many(items, source, scope) or _any(parts)
    if "timestamp" in given:
        return _timestamp(given, scope, path)
    return _property(given, source, scope, path)


def _all(parts: list[Predicate]) -> Predicate:
    return lambda page, state: all(part(page, state) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda page, state: any(part(page, state) for part in parts)


def _one_of_many(items: list[Any], source: DataSource, scope: Scope) -> Predicate | None:
    """One look-up in place of many comparisons, when all of them ask the same text or number to equal something.

    That is how clients find many rows by their key; over ten thousand rows it is a million comparisons.
    """
    subjects = {(item.get("property"), *(kind for kind in item if kind in TYPES)) for item in items}
    prop = source.find(next(iter(subjects))[0] or "") if len(subjects) == 1 else None
    if prop is None or type_of(prop).kind not in ("text", "number"):
        return None
    if any(list(item[prop.type]) != ["equals"] for item in items):
        return None
    fold = scope.options.text_filter_ignores_case and type_of(prop).kind == "text"
    wanted = {item[prop.type]["equals"].casefold() if fold else item[prop.type]["equals"] for item in items}

    def check(page: Page, state: PageState) -> bool:
        value = type_of(prop).simple(stored(prop, page, state, scope), prop, scope)
        return ((value or "").casefold() if fold else value) in wanted

    return check


def _timestamp(given: dict[str, Any], scope: Scope, path: str) -> Predicate:
    name = checks.one_of(given["timestamp"], f"{path}.timestamp", TIMESTAMPS)
    if "property" in given:
        raise should_be(f"{path}.property", "not present", given["property"])
    test = condition("date", given.get(name, UNDEFINED), f"{path}.{name}", scope)
    if name == "created_time":
        return lambda page, state: test(minute(page.created))
    return lambda page, state: test(minute(state.edited))


def _property(given: dict[str, Any], source: DataSource, scope: Scope, path: str) -> Predicate:
    key = given.get("property", UNDEFINED)
    if not isinstance(key, str):
        raise should_be(f"{path}.property", "defined" if key is UNDEFINED else "a string", key)
    prop = source.find(key)
    if prop is None:
        raise invalid(f"Could not find property with name or id: {key}")
    kind = next((name for name in given if name in TYPES), None)
    if kind is None:
        raise should_be(f"{path}.{prop.type}", "defined", UNDEFINED)
    if kind != prop.type:
        raise invalid(
            "The property type in the database does not match the property type of the filter provided: "
            f"database property {prop.type} does not match filter {kind}"
        )
    test = _test(prop, given[kind], f"{path}.{kind}", scope)
    return lambda page, state: test(stored(prop, page, state, scope))


def _test(prop: Property, raw: Any, path: str, scope: Scope) -> Test:
    kind = type_of(prop)
    if kind.kind == "formula":
        return _formula(raw, path, scope)
    if kind.kind == "rollup":
        return _rollup(prop, raw, path, scope)
    if kind.kind == "none":
        raise invalid(f"{prop.type} properties cannot be filtered by.")
    test = condition(kind.kind, raw, path, scope)
    if kind.kind in _BY_SIGHT:
        return lambda value: test(kind.simple(value, prop, scope))
    return test


def _formula(raw: Any, path: str, scope: Scope) -> Test:
    given = checks.mapping(raw, path)
    word = next(iter(given), None)
    checks.one_of(word, path, tuple(_FORMULA_KINDS))
    test = condition(_FORMULA_KINDS[str(word)], given[str(word)], f"{path}.{word}", scope)
    wanted = "boolean" if word == "checkbox" else word

    def check(value: Computed) -> bool:
        empty = "" if wanted == "string" and value.value is None else value.value
        return value.type == wanted and test(empty)

    return check


def _rollup(prop: Property, raw: Any, path: str, scope: Scope) -> Test:
    given = checks.mapping(raw, path)
    word = checks.one_of(next(iter(given), None), path, ("any", "every", "none", "number", "date"))
    if word in ("number", "date"):
        test = condition(word, given[word], f"{path}.{word}", scope)
        return lambda value: value.wire["type"] == word and test(value.wire[word])
    inner = checks.mapping(given[word], f"{path}.{word}")
    target = _rolled_property(prop, scope)
    kind = next(iter(inner), None)
    if target is None or kind != target.type:
        raise should_be(f"{path}.{word}.{kind}", "not present", inner.get(str(kind)))
    test = _test(target, inner[kind], f"{path}.{word}.{kind}", scope)

    def check(value: Rolled) -> bool:
        hits = [test(item) for item in value.items]
        return any(hits) if word == "any" else all(hits) if word == "every" else not any(hits)

    return check


def _rolled_property(prop: Property, scope: Scope) -> Property | None:
    for source in scope.world.data_sources.values():
        found = source.properties.get(prop.config["rollup_property_id"])
        relation = _relation_of(prop, scope)
        if found is not None and relation is not None and relation.config["data_source_id"] == source.id:
            return found
    return None


def _relation_of(prop: Property, scope: Scope) -> Property | None:
    for source in scope.world.data_sources.values():
        if source.properties.get(prop.id) is prop:
            return source.properties.get(prop.config["relation_property_id"])
    return None
