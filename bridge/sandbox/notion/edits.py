"""Changes to pages, whoever makes them: a bot through the API or a person in the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.sandbox.notion.properties import simple, type_of
from bridge.sandbox.notion.scope import Scope
from bridge.sandbox.notion.state import DataSource, Page, PageState, Property

Parent = DataSource | Page | None


def create_page(scope: Scope, parent: Parent, values: Mapping[str, Any], actor: str, **look: Any) -> Page:
    """A new page. A status that was not named takes its default."""
    now = scope.now
    source = parent if isinstance(parent, DataSource) else None
    filled = dict(values)
    for prop in source.properties.values() if source else ():
        if prop.type == "status" and prop.id not in filled:
            filled[prop.id] = prop.config.get("default")
    state = PageState(
        values={},
        data_source_id=source.id if source else None,
        parent_page_id=parent.id if isinstance(parent, Page) else None,
        edited=now,
        edited_by=actor,
        **look,
    )
    page = Page(scope.ids.uuid(), now, actor, state)
    scope.world.pages[page.id] = page
    if source is not None:
        _enter(scope, page, source)
    page.change(replace(state, values=filled), now)
    _mirror(scope, page, {}, filled, actor)
    return page


def _enter(scope: Scope, page: Page, source: DataSource) -> None:
    scope.world.rows.setdefault(source.id, {})[page.id] = None
    if source.id not in page.numbers:
        page.numbers[source.id] = source.next_number
        source.next_number += 1


def edit_page(scope: Scope, page: Page, actor: str, values: Mapping[str, Any], **look: Any) -> bool:
    """Change values, trash, icon and so on in one step; returns whether anything is different now."""
    before = page.state
    now = scope.now
    after = replace(before, values={**before.values, **values}, **look)
    if look.get("in_trash") is True and not before.in_trash:
        after = replace(after, trashed_at=now)
    elif look.get("in_trash") is False:
        after = replace(after, trashed_at=None)
    changed = _shown(scope, page, before) != _shown(scope, page, after)
    if changed or scope.options.noop_patch_bumps:
        after = replace(after, edited=now, edited_by=actor)
    page.change(after, now)
    _mirror(scope, page, before.values, values, actor)
    return changed


def _shown(scope: Scope, page: Page, state: PageState) -> tuple[Any, ...]:
    # Compared with the empty values filled in: setting what was never set to empty changes nothing.
    source = scope.world.data_sources.get(state.data_source_id or "")
    properties = source.properties.values() if source else ()
    values = [state.values.get(prop.id, type_of(prop).empty()) for prop in properties]
    title = None if source else state.values.get("title")
    return (values, title, state.in_trash, state.is_archived, state.is_locked, state.icon, state.cover)


def touch(scope: Scope, page: Page, actor: str) -> None:
    """Move the stamp without changing a value."""
    page.change(replace(page.state, edited=scope.now, edited_by=actor), scope.now)


def _mirror(scope: Scope, page: Page, old: Mapping[str, Any], new: Mapping[str, Any], actor: str) -> None:
    """Carry a two-way relation to the pages on the other side."""
    source = scope.world.data_sources.get(page.state.data_source_id or "")
    for prop_id, ids in new.items():
        prop = source.properties.get(prop_id) if source else None
        synced = prop.config.get("synced_id") if prop and prop.type == "relation" else None
        if prop is None or synced is None or synced == prop.id:
            continue
        previous = old.get(prop_id, [])
        for other_id in previous:
            if other_id not in ids:
                _set_reference(scope, other_id, synced, page.id, actor, present=False)
        for other_id in ids:
            if other_id not in previous:
                _set_reference(scope, other_id, synced, page.id, actor, present=True)


def _set_reference(scope: Scope, page_id: str, prop_id: str, target: str, actor: str, *, present: bool) -> None:
    page = scope.world.pages.get(page_id)
    if page is None:
        return
    ids = [other for other in page.state.values.get(prop_id, []) if other != target]
    after = replace(page.state, values={**page.state.values, prop_id: [*ids, target] if present else ids})
    if scope.options.mirror_bumps:
        after = replace(after, edited=scope.now, edited_by=actor)
    page.change(after, scope.now)


def move_page(scope: Scope, page: Page, parent: Parent, actor: str) -> None:
    """Put a page elsewhere; its id stays. Values go along where the target has a property of that name and type."""
    old = scope.world.data_sources.get(page.state.data_source_id or "")
    source = parent if isinstance(parent, DataSource) else None
    values: dict[str, Any] = {"title": page.state.values.get("title", [])}
    if source is not None and old is not None:
        by_name = {(prop.name, prop.type): prop for prop in source.properties.values()}
        for prop in old.properties.values():
            target = by_name.get((prop.name, prop.type))
            if target is not None and prop.id in page.state.values:
                values[target.id] = convert(prop, target, page, scope)
    after = replace(
        page.state,
        values=values,
        data_source_id=source.id if source else None,
        parent_page_id=parent.id if isinstance(parent, Page) else None,
        edited=scope.now,
        edited_by=actor,
    )
    if source is not None:
        _enter(scope, page, source)
    page.change(after, scope.now)


def convert(old: Property, new: Property, page: Page, scope: Scope, state: PageState | None = None) -> Any:
    """A value carried from one property to another; what does not fit is lost, as in the product. `state`: an older
    one of the page."""
    kind, state = type_of(new), state or page.state
    if kind.from_simple is None:
        return kind.empty()
    same = old.type == new.type
    if same and kind.kind not in ("choice", "choices"):
        return state.values.get(old.id, kind.empty())
    value = simple(old, page, state, scope)
    if not same:
        value = _as_typed(value, new)
    try:
        return kind.from_simple(value, new, scope)
    except (ValueError, TypeError):
        return kind.empty()


def _as_typed(value: Any, new: Property) -> Any:
    """What a person would have to type into the new property."""
    if isinstance(value, dict):
        value = value.get("start")
    parts = [str(item) for item in value] if isinstance(value, list) else None
    text = ", ".join(parts) if parts is not None else "" if value is None else str(value)
    if new.type == "checkbox":
        return text.lower() in ("true", "yes", "1")
    if new.type in ("multi_select", "people", "relation", "files"):
        return [part for part in text.split(", ") if part]
    return text.replace(",", " ") if new.type == "select" else text
