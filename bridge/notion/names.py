"""What Notion calls people and options, kept up to date for one sync.

Learned from every page that is read, at no cost; asked for when a page shows somebody unknown, before an option is
made on the fly, with every full listing, and when a page has lost what a removed option may have taken from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bridge.clock import CommonClock
from bridge.ends import Observation, Receipt
from bridge.errors import AccessLost, Unavailable
from bridge.model import Field, FieldValue, Snapshot, Sync
from bridge.notion.client import NotionClient
from bridge.notion.directory import Directory
from bridge.notion.optionbook import CHOICES, OptionBook
from bridge.shapes import DataSource

WITH_PEOPLE = frozenset({"people", "created_by", "last_edited_by"})
_JUST_NOW_S = 2.0  # a full listing asks for the schema itself before it begins
_AGE_S = 10.0  # a schema so old is good enough to make an option on the fly: a first fill makes many

Json = Mapping[str, Any]


class Names:
    """The books of one sync. Books that are not given are empty ones of its own, which no codec asks."""

    def __init__(
        self,
        client: NotionClient,
        sync: Sync,
        clock: CommonClock,
        people: Directory | None = None,
        options: OptionBook | None = None,
    ) -> None:
        self._client, self._common, self._given_people = client, clock, people
        self._sync = sync
        self._clock = clock.local
        self._people = people or Directory(client, {}, lambda _: None)
        self._options = options or OptionBook(client, sync.data_source.id, clock)
        self._has_people = people is not None and has_people(sync)
        self._choices = [item for item in sync.fields if item.property.type in CHOICES]

    def meet(self, field: Field, wire: Json, when: float) -> None:
        """Learns from one property of a page, shown as it was at `when` (monotonic). Raises Unavailable, AccessLost."""
        kind = wire.get("type", "")
        value = wire.get(kind)
        items = value if isinstance(value, list) else [value]
        if kind in CHOICES:
            self._options.meet(field.property, items, when)
        elif kind in WITH_PEOPLE:
            self._people.meet(items)

    def introduce(self, authors: Iterable[str | None]) -> None:
        """Learns who edited the pages that were read, for people who look at a conflict or a history. Raises nothing:
        no edit waits for a name."""
        if self._given_people is not None:
            self._given_people.introduce(author for author in authors if author)

    def adopted(self, sync: Sync) -> Names:
        """The same books for the sync as it is bound now."""
        return Names(self._client, sync, self._common, self._given_people, self._options)

    def take(self, source: DataSource, asked: float) -> None:
        """Learns from a schema that was asked for at `asked` (monotonic)."""
        self._options.take(source, asked)

    def refresh(self) -> None:
        """Asks for everything again that was not asked for just now. Raises Unavailable, AccessLost."""
        if self._has_people:
            self._people.refresh()
        if self._choices:
            self._options.refresh(self._clock.monotonic() - _JUST_NOW_S)

    def before_creating(self, body: Json) -> bool:
        """Whether the options were read anew, because `body` would make one on the fly: it may only be called
        otherwise by now. Raises Unavailable, AccessLost."""
        if not any(_makes_option(wire) for wire in body.values()):
            return False
        self._options.refresh(self._clock.monotonic() - _AGE_S)
        return True

    def compare(self, seen: Iterable[tuple[Snapshot, Observation]]) -> None:
        """Reads the options anew when a page shows less than was known of it: then the merge can tell an option's
        removal from an edit. Raises Unavailable, AccessLost."""
        if any(self._shrunk(known, found) for known, found in seen):
            self._options.refresh(self._clock.monotonic())

    def compared(self, known: Snapshot, receipt: Receipt) -> Receipt:
        """A receipt, after `compare`. When the options cannot be read, what shrank counts as not observed: the
        receipt itself must not be lost, and the next listing shows it again."""
        seen = receipt.seen
        if seen is None:
            return receipt
        try:
            self.compare([(known, seen)])
        except (Unavailable, AccessLost):
            shrunk = self._shrunk(known, seen)
            values: dict[str, FieldValue] = {name: value for name, value in seen.values.items() if name not in shrunk}
            return replace(receipt, seen=replace(seen, values=values))
        return receipt

    def _shrunk(self, known: Snapshot, seen: Observation) -> set[str]:
        return {
            item.name
            for item in self._choices
            if item.name in known.values
            and item.name in seen.values
            and item.codec.shrunk(seen.values[item.name], known.values[item.name])
        }


def has_people(sync: Sync) -> bool:
    """Whether a mapped property holds people, so that the directory is wanted."""
    return any(item.property.type in WITH_PEOPLE for item in sync.fields)


def _makes_option(wire: Json) -> bool:
    """Whether a property value names an option by a name, which the bridge does with new ones only."""
    for kind in CHOICES & wire.keys():
        value = wire[kind]
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, Mapping) and "name" in item for item in items):
            return True
    return False
