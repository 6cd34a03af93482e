"""Which properties Notion's answers carry: those that a sync maps, and its key.

The others may be many, long, or computed by Notion with every answer. Only reads are asked so: Notion refuses what
names a property that was removed, and a read can simply be asked again. The reason why a write was refused is to be
the record's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from bridge.model import Sync
from bridge.notion.client import Reply
from bridge.notion.errors import Invalid
from bridge.notion.transport import Params

_MOST = 100  # that one request may name

Ask = Callable[[Params], Reply]


class Selection:
    """The properties of one sync. Used by several threads."""

    def __init__(self, sync: Sync) -> None:
        # Decoded: the transport encodes them again, and an id that is encoded twice is another one.
        self._ids = {unquote(name) for name in (sync.key_property.id, *(field.property.id for field in sync.fields))}
        self.params: Params = (
            [("filter_properties", name) for name in sorted(self._ids)] if len(self._ids) <= _MOST else ()
        )

    def of_page(self, ask: Ask) -> Reply:
        """The answer to a question for one page, which may have been moved to where there are other properties."""
        return self._asked(ask)[0]

    def of_query(self, ask: Ask) -> Reply:
        """The answer to a query. After a property was removed they are asked for all, until the sync is bound anew."""
        reply, again = self._asked(ask)
        if again:
            self.params = ()
        return reply

    def _asked(self, ask: Ask) -> tuple[Reply, bool]:
        """The answer, and whether it is one to a second question, because the first was refused, or answered with less
        than was asked for: what is missing would pass for what the page does not have. Raises Invalid."""
        if not self.params:
            return ask(()), False
        try:
            reply = ask(self.params)
        except Invalid:
            return ask(()), True
        return (reply, False) if self._is_whole(reply.body) else (ask(()), True)

    def _is_whole(self, body: Mapping[str, Any]) -> bool:
        """Whether the first page of the answer, which are all alike, has every property that was asked for."""
        pages = (page for page in body.get("results", (body,)) if "properties" in page)
        first = next(pages, None)
        return first is None or self._ids <= {unquote(wire["id"]) for wire in first["properties"].values()}
