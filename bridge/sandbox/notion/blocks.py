"""Page bodies: enough of blocks to have something that a bridge must leave alone."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.notion import checks, richtext
from bridge.sandbox.notion.clock import minute_text
from bridge.sandbox.notion.errors import UNDEFINED, should_be
from bridge.sandbox.notion.scope import Scope

_ATTRIBUTES = ("object", "type", "id", "has_children")
# What an answer says about a block's content when the request did not.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "paragraph": {"color": "default", "icon": None},
    **{kind: {"color": "default", "is_toggleable": False} for kind in ("heading_1", "heading_2", "heading_3")},
    **{kind: {"color": "default"} for kind in ("bulleted_list_item", "numbered_list_item", "toggle", "quote")},
    "to_do": {"color": "default", "checked": False},
}
Block = dict[str, Any]


def parse(raw: Any, path: str, scope: Scope, author: str) -> list[Block]:
    """New blocks from a request."""
    return [_parse_one(item, f"{path}[{n}]", scope, author) for n, item in enumerate(checks.array(raw, path))]


def _parse_one(raw: Any, path: str, scope: Scope, author: str) -> Block:
    given = checks.mapping(raw, path)
    kind = given.get("type") or next((key for key in given if key not in _ATTRIBUTES), None)
    if not isinstance(kind, str) or kind not in given:
        raise should_be(f"{path}.{kind or 'type'}", "defined", UNDEFINED)
    content = _DEFAULTS.get(kind, {}) | checks.mapping(given[kind], f"{path}.{kind}")
    if "rich_text" in content:
        content["rich_text"] = richtext.parse(content["rich_text"], f"{path}.{kind}.rich_text", scope)
    now = minute_text(scope.now)
    return {
        "object": "block",
        "id": scope.ids.uuid(),
        "created_time": now,
        "last_edited_time": now,
        "created_by": {"object": "user", "id": author},
        "last_edited_by": {"object": "user", "id": author},
        "has_children": False,
        "in_trash": False,
        "type": kind,
        kind: content,
    }


def paragraph(text: str, scope: Scope, author: str) -> Block:
    """A paragraph that a person types."""
    block = _parse_one({"type": "paragraph", "paragraph": {"rich_text": []}}, "body", scope, author)
    block["paragraph"]["rich_text"] = richtext.from_text(text)
    return block
