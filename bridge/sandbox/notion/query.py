"""Listing the rows of a data source: what a lagging index sees, filtered, sorted, cut into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from bridge.sandbox.notion import checks
from bridge.sandbox.notion.cursors import Cursors, Position, fingerprint
from bridge.sandbox.notion.errors import UNDEFINED, invalid, should_be
from bridge.sandbox.notion.filters import TIMESTAMPS, compile_filter
from bridge.sandbox.notion.properties import stored, type_of
from bridge.sandbox.notion.properties.choices import option_by_id, options_of
from bridge.sandbox.notion.properties.dates import instant, span
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

Row = tuple[Page, PageState]
SortKey = Callable[[Page, PageState], Any]

BODY_KEYS = ("filter", "sorts", "start_cursor", "page_size", "filter_properties", "is_archived", "result_type")


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of an answer."""

    rows: list[Any]
    next_cursor: str | None
    incomplete: bool

    @property
    def envelope(self) -> dict[str, Any]:
        """The keys of a list answer that speak of paging."""
        end: dict[str, Any] = {"next_cursor": self.next_cursor, "has_more": self.next_cursor is not None}
        if self.incomplete:
            reason = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
            end["request_status"] = reason
        return end


def query(source: DataSource, body: dict[str, Any], scope: Scope, cursors: Cursors) -> Listing:
    """One page of rows of `source`."""
    checks.known_keys(body, "body", BODY_KEYS)
    test = None
    if body.get("filter") is not None:
        test = compile_filter(body["filter"], source, scope)
    sorts = [
        _sort(item, source, scope, f"body.sorts[{n}]")
        for n, item in enumerate(checks.array(body.get("sorts") or [], "body.sorts"))
    ]
    archived = checks.boolean(body.get("is_archived", False), "body.is_archived")

    def rows(seed: int) -> list[Row]:
        found = [
            (page, state)
            for page, state in visible_rows(source, scope)
            if state.is_archived == archived and (test is None or test(page, state))
        ]
        found.sort(key=lambda row: _shuffle(seed, row[0].id))
        for key, descending in reversed(sorts):
            _order(found, key, descending)
        return found

    listing = fingerprint(source.id, body.get("filter"), body.get("sorts"), archived)
    return paginate(rows, listing, body, scope, cursors, limit=scope.options.query_result_limit)


def paginate(
    rows: Callable[[int], list[Any]],
    listing: str,
    body: dict[str, Any],
    scope: Scope,
    cursors: Cursors,
    limit: int,
) -> Listing:
    """The page of `rows(seed)` that a request asks for. The rows are found anew for each page, as over there."""
    size = checks.page_size(body.get("page_size", UNDEFINED), "body.page_size")
    now = scope.now
    if body.get("start_cursor") is None:
        position = Position(listing, scope.rng.getrandbits(32), 0, now)
    else:
        position = cursors.resume(body["start_cursor"], listing, now, scope.options.cursor_lifetime_s)
    found = rows(position.seed)
    reachable = found[:limit]
    if scope.options.short_pages and size > 1:
        size = scope.rng.randint(max(1, size // 2), size)
    end = position.offset + size
    following = None
    if end < len(reachable):
        following = cursors.issue(Position(listing, position.seed, end, now))
    return Listing(reachable[position.offset : end], following, len(found) > limit)


def visible_rows(source: DataSource, scope: Scope) -> Iterator[Row]:
    """The rows outside the trash, each as the index sees it now."""
    world = scope.world
    if scope.options.trashed_parent_hides and (source.in_trash or world.parent_in_trash(source.id)):
        return
    for page_id in world.rows.get(source.id, {}):
        page = world.pages[page_id]
        state = indexed(page, scope)
        if state is None or state.in_trash or state.data_source_id != source.id:
            continue
        if scope.viewer is not None and world.sharing.get((scope.viewer.id, page_id)) is False:
            continue
        yield page, state


def indexed(page: Page, scope: Scope) -> PageState | None:
    """A page as queries and searches see it; None when their index has not heard of it yet."""
    lag = scope.world.stale.get(page.id, scope.options.query_lag_s)
    return page.as_of(scope.now - timedelta(seconds=lag)) if lag else page.state


def _shuffle(seed: int, page_id: str) -> bytes:
    # Where no order is documented, any order is right: none that a client could come to rely on.
    return blake2b(f"{seed}{page_id}".encode(), digest_size=8).digest()


def _order(rows: list[Row], key: SortKey, descending: bool) -> None:
    """A stable sort; rows without a value come last both ways."""
    keyed = [(key(page, state), (page, state)) for page, state in rows]
    filled = [pair for pair in keyed if pair[0] is not None]
    filled.sort(key=lambda pair: pair[0], reverse=descending)
    rows[:] = [row for _, row in filled] + [row for value, row in keyed if value is None]


def _sort(raw: Any, source: DataSource, scope: Scope, path: str) -> tuple[SortKey, bool]:
    given = checks.mapping(raw, path)
    direction = checks.one_of(given.get("direction", "ascending"), f"{path}.direction", ("ascending", "descending"))
    descending = direction == "descending"
    if "timestamp" in given:
        name = checks.one_of(given["timestamp"], f"{path}.timestamp", TIMESTAMPS)
        if name == "created_time":
            return lambda page, state: page.created.replace(second=0, microsecond=0), descending
        return lambda page, state: state.edited.replace(second=0, microsecond=0), descending
    key = given.get("property", UNDEFINED)
    if not isinstance(key, str):
        raise should_be(f"{path}.property", "defined" if key is UNDEFINED else "a string", key)
    prop = source.find(key)
    if prop is None:
        raise invalid(f"Could not find sort property with name or id: {key}")
    return lambda page, state: _sort_value(prop, stored(prop, page, state, scope), scope), descending


def _sort_value(prop: Property, value: Any, scope: Scope) -> Any:
    kind = type_of(prop).kind
    if kind == "date":
        moments = span(value)
        return moments and moments[0]
    if kind in ("choice", "choices"):
        chosen = value[0] if isinstance(value, list) and value else value
        option = option_by_id(prop, chosen)
        return None if option is None else options_of(prop).index(option)
    plain = type_of(prop).simple(value, prop, scope)
    if kind in ("number", "checkbox"):
        return plain
    if isinstance(plain, dict):
        return str(instant(plain["start"])) if plain.get("start") else None
    return _sort_text(plain)


def _sort_text(plain: Any) -> str | None:
    if isinstance(plain, list):
        plain = ", ".join(str(item) for item in plain)
    if isinstance(plain, int | float):
        # Fixed width, so that computed numbers sort as numbers beside computed texts.
        return f"{plain:+040.15f}"
    return str(plain).casefold() if plain else None
