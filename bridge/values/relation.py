"""A relation property: pages by id, which stand for the keys of rows.

The value that both sides share is the key: the column holds it already, so that a foreign key needs nothing
special. Only this property translates, through `Links`. A record that is missing on the other side is no error: the
link waits for it, and follows by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.halves import EVERY_KIND, ColumnType, Kind, PropertyType, Suggestion, unreadable
from bridge.values.links import for_page, for_row

MAX_RELATED = 100
_BETWEEN = ", "


def page_ids(value: Any) -> tuple[str, ...] | Unfit:
    """A relation value: the ids of the pages in order, each once."""
    if not isinstance(value, list):
        return unreadable("relation", value)
    ids = [item.get("id") for item in value if isinstance(item, dict)]
    texts = [page_id for page_id in ids if isinstance(page_id, str)]
    return tuple(dict.fromkeys(texts)) if len(texts) == len(value) else unreadable("relation", value)


def as_seen(waiting: Unfit) -> dict[str, Any]:
    """The property value that was read as `waiting`, to be read again when more is known."""
    return {"type": "relation", "relation": [{"id": page_id} for page_id in waiting.shown.split(_BETWEEN)]}


@dataclass(frozen=True, slots=True)
class RelationProperty(PropertyType):
    """relation. One page for a column, any number (in no order) for a join table."""

    carries: ClassVar[frozenset[Kind]] = EVERY_KIND - {Kind.LIST}

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        ids = page_ids(value)
        if isinstance(ids, Unfit):
            return ids
        many = column.kind is Kind.LIST
        if len(ids) > 1 and not many:
            return Unfit(f"links to {len(ids)} pages; the column holds one", _BETWEEN.join(ids))
        keys: list[str] = []
        for page_id in ids:
            key = self.context.links.key_of(self.context.target, page_id)
            if key is None:
                return self._unknown(page_id, ids)
            keys += key
        if many:
            return tuple(sorted(keys)) or None
        return keys[0] if keys else None

    def _unknown(self, page_id: str, ids: Sequence[str]) -> Unfit:
        reason = (
            f"waits for the row of the related page {page_id}; if that page is in the trash, archived or not in the "
            f"data source of the sync {self.context.target!r}, link another one"
        )
        return Unfit(reason, _BETWEEN.join(ids), for_row(self.context.target, page_id))

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[dict[str, str]]:
        if value is None:
            return []
        keys = value if isinstance(value, tuple) else (column.text(value),)
        if len(keys) > MAX_RELATED:
            # An update replaces the whole value, so that a longer one cannot be written in parts.
            raise Refused(f"links to {len(keys)} records; Notion takes {MAX_RELATED} in one relation")
        return [{"id": self._page(key)} for key in keys]

    def _page(self, key: str) -> str:
        page_id = self.context.links.page_of(self.context.target, (key,))
        if page_id is None:
            wanted = for_page(self.context.target, (key,))
            raise Refused(f"waits for the page of {self.context.target} {key}", waits_for=wanted)
        return page_id

    def suggest(self) -> Suggestion:
        return Suggestion("bigint", "the key of the row that it references, of whatever type that is")
