"""Which properties Notion's answers carry: those that a sync maps, and its key.

The others may be many, long, or computed by Notion with every answer. Only reads are asked so: Notion refuses what
names a property that was removed, and a read can simply be asked again. A write that is refused says something of the
record.
"""

from __future__ import annotations

from collections.abc import Callable
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
        named = {sync.key_property.id, *(field.property.id for field in sync.fields)}
        # Decoded: the transport encodes them again, and an id that is encoded twice is another one.
        params = [("filter_properties", unquote(name)) for name in sorted(named)]
        self.params: Params = params if len(params) <= _MOST else ()

    def of_page(self, ask: Ask) -> Reply:
        """The answer to a question for one page, which may have been moved to where there are other properties."""
        return self._asked(ask)[0]

    def of_query(self, ask: Ask) -> Reply:
        """The answer to a query. After a property was removed they are asked for all, until the sync is bound anew."""
        reply, refused = self._asked(ask)
        if refused:
            self.params = ()
        return reply

    def _asked(self, ask: Ask) -> tuple[Reply, bool]:
        """The answer, and whether it is one to a second question. Raises Invalid when that is refused, too."""
        if self.params:
            try:
                return ask(self.params), False
            except Invalid:
                return ask(()), True
        return ask(()), False
