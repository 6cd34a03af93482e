"""What was seen and what was done: the journal's history, which is appended to and never edited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from bridge.journal import rows
from bridge.journal.store import Row
from bridge.journal.work import WorkTables
from bridge.model import FieldValue, Pair, Side, Stamp
from bridge.values import canonical


class History(WorkTables):
    """The table `events`, and what has come into the others since somebody looked."""

    def known_event(self, source: str) -> bool:
        return self.store.row("event_known", source=source) is not None

    def add_event(
        self,
        pair: Pair,
        side: Side,
        kind: str,
        changes: Mapping[str, tuple[FieldValue, FieldValue]] | None = None,
        *,
        stamp: Stamp | None = None,
        author: str | None = None,
        intent: str | None = None,
        source: str | None = None,
    ) -> None:
        """Appends to the history of one record."""
        columns = self.event_columns(
            pair, side, kind, changes, stamp=stamp, author=author, intent=intent, source=source
        )
        self.store.run("event_add", **columns)

    def event_columns(
        self,
        pair: Pair,
        side: Side,
        kind: str,
        changes: Mapping[str, tuple[FieldValue, FieldValue]] | None,
        *,
        stamp: Stamp | None,
        author: str | None,
        source: str | None,
        intent: str | None = None,
        at: str | None = None,
    ) -> Row:
        """One line of the history, as `event_add` takes it."""
        earliest, latest = rows.edges(stamp)
        text = {name: [canonical.encode(old), canonical.encode(new)] for name, (old, new) in (changes or {}).items()}
        return {
            "sync": pair.sync,
            "pair": pair.id,
            "key": rows.key_text(pair.key),
            "page_id": pair.page_id,
            "side": side.value,
            "kind": kind,
            "changes": rows.as_json(text),
            "earliest": earliest,
            "latest": latest,
            "author": author,
            "intent": intent,
            "source": source,
            "journaled_at": at or self.now(),
        }

    def ever_seen(self, pair: Pair, field: str, value: FieldValue) -> bool:
        """Whether the history of the record, or a conflict of it, holds this value of the field: then an answer that
        shows it may be old, and nothing is lost with that answer."""
        encoded = canonical.encode(value)
        if any(encoded in json.loads(row["changes"]).get(field, ()) for row in self.events_of(pair)):
            return True
        return self.kept(pair, field, value)

    def events_of(self, pair: Pair) -> list[Row]:
        return self.store.rows("events_of_pair", pair=pair.id)

    def event(self, event_id: int) -> Row | None:
        return self.store.row("event_get", id=event_id)

    def events_since(self, sync: str, since: datetime) -> list[Row]:
        """What was journaled since then, oldest first."""
        return self.store.rows("events_since", sync=sync, since=rows.moment(since))

    def events_after(self, event_id: int, limit: int) -> list[Row]:
        """The oldest ones above that number, oldest first."""
        return self.store.rows("events_between", after=event_id, kind="%", oldest=limit, newest=0)

    def newest_events(self, event_id: int, kind: str, limit: int) -> list[Row]:
        """The newest ones above that number, oldest first; `kind` as in LIKE."""
        return self.store.rows("events_between", after=event_id, kind=kind, oldest=0, newest=limit)

    def conflicts_after(self, conflict_id: int) -> list[Row]:
        return self.store.rows("conflicts_after", after=conflict_id)

    def parked_after(self, parked_id: int) -> list[Row]:
        return self.store.rows("parked_after", after=parked_id)

    def last_ids(self) -> Row:
        row = self.store.row("last_ids")
        assert row is not None
        return row
