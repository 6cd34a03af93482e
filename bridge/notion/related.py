"""Relations whose targets the integration cannot see.

Notion leaves such targets out of a relation: those of a database that is not shared, and perhaps those in the trash.
What it shows then looks exactly as if somebody had removed the links. So a link that vanished is believed only when
the page that it led to can be read and is alive; otherwise the link is taken as still there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from bridge.clock import Clock
from bridge.ends import Intent
from bridge.errors import Refused
from bridge.model import Field, Sync
from bridge.notion.client import NotionClient
from bridge.notion.errors import AccessDenied, NotFound
from bridge.notion.limiter import Priority
from bridge.values.halves import Kind
from bridge.values.links import Links
from bridge.values.relation import page_ids

_HIDDEN_S = 10.0  # a target that was not to be seen is not asked for again so soon; one that was, always
_UNAUTHORIZED = 401

Json = Mapping[str, Any]


class Related:
    """The targets of one sync's relations. Used by several threads."""

    def __init__(self, client: NotionClient, sync: Sync, links: Links, clock: Clock) -> None:
        self._client = client
        self._sync = sync
        self._links = links
        self._clock = clock
        self._lock = threading.Lock()
        self._hidden_until: dict[str, float] = {}  # pages and data sources, monotonic

    def with_hidden(self, page_id: str, field: Field, wire: Json, priority: Priority) -> Json:
        """The relation as it is: what Notion shows, and what it hides.

        A column that holds one link: whoever sees another page there has replaced the hidden one.
        """
        shown = page_ids(wire.get("relation"))
        if not isinstance(shown, tuple) or (shown and field.codec.kind != Kind.LIST):
            return wire
        gone = [known for known in self._links.linked(self._sync.name, page_id, field.name) if known not in shown]
        hidden = [known for known in gone if self._is_hidden(known, _data_source(field), priority)]
        return {**wire, "relation": [{"id": known} for known in (*shown, *hidden)]} if hidden else wire

    def unseen(self, intent: Intent) -> tuple[str, str] | None:
        """A field of this write and a page that it links to, which the integration cannot see; None if all are seen.

        Notion answers 404 to such a write as it does for a page, or a data source, that is gone itself.
        """
        for name, change in intent.action.changes.items():
            field = self._sync.field(name)
            if field is None or not field.target:
                continue
            try:
                sent = page_ids(field.codec.to_notion(change.new)["relation"])
            except Refused:
                continue  # the page has gone since; the next merge tells
            for page_id in sent if isinstance(sent, tuple) else ():
                if self._is_hidden(page_id, _data_source(field), Priority.INTERACTIVE):
                    return name, page_id
        return None

    def _is_hidden(self, page_id: str, data_source: str, priority: Priority) -> bool:
        now = self._clock.monotonic()
        with self._lock:
            if any(self._hidden_until.get(name, now) > now for name in (page_id, data_source)):
                return True
        try:
            page = self._client.retrieve_page(page_id, priority).body
        except (NotFound, AccessDenied) as error:
            if error.status == _UNAUTHORIZED:
                raise
            hidden = [page_id, *([data_source] if data_source and self._is_unshared(data_source) else [])]
        else:
            hidden = [page_id] if page.get("in_trash") else []
        with self._lock:
            self._hidden_until.update(dict.fromkeys(hidden, self._clock.monotonic() + _HIDDEN_S))
        return bool(hidden)

    def _is_unshared(self, data_source: str) -> bool:
        """One question instead of one for each of its pages."""
        try:
            return bool(self._client.retrieve_data_source(data_source).body.get("in_trash"))
        except NotFound:
            return True


def _data_source(field: Field) -> str:
    config = field.property.config
    return str(config.get("data_source_id") or "") if isinstance(config, Mapping) else ""
