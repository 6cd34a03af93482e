"""Conflicts with everything that a person needs to decide them, from the journal alone: a screen, a list and JSON show
the same facts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.engine.namefile import NameFile
from bridge.engine.rebinding import read_remembered
from bridge.journal import Journal
from bridge.journal.rows import noted_moment, read_key, read_moment, read_value
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Pair, Side
from bridge.values import canonical

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OPEN, DECIDED, RESOLVING, RESOLVED = "open", "decided", "resolving", "resolved"
UNDONE = "undone"  # what is "taken" of a conflict whose decision was taken back after it was written
AGREED = "agreed"  # nobody decided it: somebody gave both sides the same value
OVERTAKEN = "overtaken"  # an edit came after the decision, and before it was written
LAPSED = {AGREED: "both sides agree by now", OVERTAKEN: "a later edit came first"}

# What can be taken, in words.
WORDS = {
    "postgres": "PostgreSQL's value",
    "notion": "Notion's value",
    "base": "the value before",
    "value": "your value",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One conflict. `now` is what each side holds as far as it is known; a side that is not known is missing there."""

    id: int
    sync: str
    pair: int
    key: Key | None
    page_id: str | None
    title: str
    field: str  # "" = the record
    base: FieldValue
    values: Mapping[Side, FieldValue]
    when: Mapping[Side, tuple[datetime | None, datetime | None]]
    who: Mapping[Side, str]
    rule: str
    winner: Side | None
    state: str
    take: str
    chosen: FieldValue
    at: datetime
    now: Mapping[Side, FieldValue]

    @property
    def waits(self) -> bool:
        """Whether nobody and no rule has decided it yet."""
        return self.state == OPEN

    @property
    def to_decide(self) -> bool:
        """Whether a decision can be made about it: it waits, or a rule decided and the other value can be had."""
        return self.state in (OPEN, DECIDED)

    @property
    def kind(self) -> tuple[str, str, str, Side | None]:
        """Conflicts of one kind were about the same field and were decided the same way."""
        return (self.sync, self.field, self.rule, self.winner)

    @property
    def moved_on(self) -> tuple[Side, ...]:
        """The sides that were edited since it was recorded: they hold neither value, nor the one before."""
        known = [self.base, self.chosen, *self.values.values()]
        return tuple(side for side, value in self.now.items() if value not in known)

    @property
    def url(self) -> str:
        """The page's address; "" while there is none."""
        return page_address(self.page_id) if self.page_id else ""

    def taken(self, take: str) -> FieldValue:
        """The value that taking a side, or the one before, means."""
        return self.base if take == "base" else self.values[Side(take)]

    def seen(self) -> dict[str, Any]:
        """What both sides hold now, for a request that is to count for nothing else."""
        return {side.value: canonical.encode(value) for side, value in self.now.items()}

    def as_json(self) -> dict[str, Any]:
        """What `conflicts show --json` adds to the columns of the list."""
        edges = {
            f"{side.value}_{name}": None if moment is None else moment.isoformat()
            for side, moments in self.when.items()
            for name, moment in zip(("earliest", "latest"), moments, strict=True)
        }
        return {
            "title": self.title,
            "page_id": self.page_id,
            "page_url": self.url or None,
            "now": self.seen(),
            "moved_on": [side.value for side in self.moved_on],
            "by": {side.value: name or None for side, name in self.who.items()},
            **edges,
        }


class Authors:
    """Who is meant by the author of a change. `names` are what Notion called people."""

    def __init__(self, names: NameFile | None = None) -> None:
        self._people = names.section("people") if names is not None else {}

    def called(self, author: str) -> str:
        """A person's name or e-mail address instead of the id that Notion gives; the beginning of that when neither is
        known."""
        told = self._people.get(author)
        name = (told.get("name") or told.get("email")) if isinstance(told, dict) else None
        return str(name) if name else f"user {author[:8]}" if _ID.fullmatch(author) else author


class Cases:
    """Reads cases. `names` are what Notion called people."""

    def __init__(self, journal: Journal, names: NameFile | None = None) -> None:
        self._journal = journal
        self._authors = Authors(names)
        self._titled: dict[str, str] = {}

    def of(self, row: Row) -> Case:
        """One conflict as the journal has it, with its record as it is now."""
        pair = self._journal.pair(row["pair"])
        field_name = row["field"]
        now = {side: pair.side(side).values[field_name] for side in Side if field_name in pair.side(side).values}
        values = {side: read_value(row[side.value]) for side in Side}
        return Case(
            id=row["id"],
            sync=row["sync"],
            pair=pair.id,
            key=pair.key or read_key(row["key"]),
            page_id=pair.page_id,
            title=self.title(pair),
            field=field_name,
            base=read_value(row["base"]),
            values=values,
            when={side: self._when(pair, side, row) for side in Side},
            who={side: self._author(pair, side, field_name, values[side]) for side in Side},
            rule=row["rule"],
            winner=Side(row["winner"]) if row["winner"] else None,
            state=row["state"],
            take=row["take"] or "",
            chosen=read_value(row["value"]) if row["value"] else None,
            at=noted_moment(row["at"]),
            now=now if field_name else {},
        )

    def all(self, syncs: Sequence[str]) -> list[Case]:
        """Those that wait, then those that a rule decided, newest first; what is resolved is history."""
        found = [self.of(row) for name in syncs for row in self._journal.conflicts(name) if row["state"] != RESOLVED]
        return sorted(found, key=lambda case: (case.state != OPEN, case.id if case.state == OPEN else -case.id))

    def title(self, pair: Pair) -> str:
        """The record's title, as far as the mapping has one; "" otherwise."""
        name = self._title_field(pair.sync)
        for snapshot in (pair.notion, pair.postgres):
            value = snapshot.values.get(name)
            if isinstance(value, str) and value:
                return value
        return ""

    def _title_field(self, sync: str) -> str:
        if sync not in self._titled:
            fields = read_remembered(self._journal, sync).fields
            self._titled[sync] = next((name for name, ends in fields.items() if ends.property_type == "title"), "")
        return self._titled[sync]

    def _when(self, pair: Pair, side: Side, conflict: Row) -> tuple[datetime | None, datetime | None]:
        """Between which moments that side came to be so. Of a record that was edited, not deleted, the conflict has no
        time, but the history has that of the edit."""
        known = (read_moment(conflict[f"{side.value}_earliest"]), read_moment(conflict[f"{side.value}_latest"]))
        if conflict["field"] or known != (None, None):
            return known
        for row in reversed(self._journal.events_of(pair)):
            edited = row["side"] == side.value and not row["kind"].startswith("write") and row["kind"] != "echo"
            if edited and row["earliest"] and row["journaled_at"] <= conflict["at"]:
                return read_moment(row["earliest"]), read_moment(row["latest"])
        return known

    def _author(self, pair: Pair, side: Side, name: str, value: FieldValue) -> str:
        """Who gave the field that value; "" when nobody has told."""
        encoded = canonical.encode(value)
        for row in reversed(self._journal.events_of(pair)):
            if row["side"] != side.value or not row["author"]:
                continue
            if not name or encoded in json.loads(row["changes"]).get(name, [])[1:]:
                return self._authors.called(row["author"])
        return ""


def page_address(page_id: str) -> str:
    """Where a page can be found."""
    return f"https://www.notion.so/{page_id.replace('-', '')}"
