"""The options of one data source: as they are, what they were called, and which of them were removed, and when.

Every page tells the id and the name of the options that it has, so that a rename is known, at no cost, as soon as
one page of it is seen. Only the schema tells what was removed. Both are answers that may overtake each other, so
every name bears the time for which it was told, and an older one is no news.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.clock import CommonClock
from bridge.errors import SetupError
from bridge.notion.catalog import read_data_source
from bridge.notion.client import NotionClient
from bridge.shapes import DataSource, Option, Property

CHOICES = frozenset({"select", "multi_select", "status"})
_LONG_AGO = float("-inf")

Json = Mapping[str, Any]


@dataclass(slots=True)
class _Known:
    """What is known of one property's options."""

    now: dict[str, str] = field(default_factory=dict)  # id -> name
    told: dict[str, float] = field(default_factory=dict)  # id -> for which time the name was told, monotonic
    former: dict[str, list[str]] = field(default_factory=dict)
    removed: dict[str, datetime] = field(default_factory=dict)  # name -> when it was gone for certain

    def name(self, option_id: str, name: str, when: float) -> bool:
        """Takes a name that Notion told for the time `when`. Answers whether it was news."""
        if when < self.told.get(option_id, _LONG_AGO):
            return False
        self.told[option_id] = when
        old = self.now.get(option_id)
        if old == name:
            return False
        self.now[option_id] = name
        names = [n for n in (*self.former.get(option_id, ()), old) if n is not None and n != name]
        if names:
            self.former[option_id] = names
        else:
            self.former.pop(option_id, None)
        return True

    def drop(self, option_id: str, gone: datetime) -> None:
        self.removed[self.now.pop(option_id)] = gone
        self.told.pop(option_id, None)
        self.former.pop(option_id, None)


class OptionBook:
    """Implements `bridge.values.options.Options`; thread-safe. `known` is what `keep` was last given."""

    def __init__(
        self,
        client: NotionClient,
        data_source_id: str,
        clock: CommonClock,
        known: Json | None = None,
        keep: Callable[[Json], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._id = data_source_id
        self._clock = clock
        self._keep = keep
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._known = {property_id: _restored(told) for property_id, told in (known or {}).items()}
        self._read_at = _LONG_AGO

    def now(self, prop: Property) -> tuple[Option, ...]:
        with self._lock:
            known = self._known.get(prop.id)
            return prop.options if known is None else tuple(Option(*entry) for entry in known.now.items())

    def former(self, prop: Property, option_id: str) -> tuple[str, ...]:
        with self._lock:
            known = self._known.get(prop.id)
            return tuple(known.former.get(option_id, ())) if known is not None else ()

    def removed(self, prop: Property) -> Mapping[str, datetime]:
        with self._lock:
            known = self._known.get(prop.id)
            return dict(known.removed) if known is not None else {}

    def refresh(self, not_before: float) -> None:
        """Reads the schema, unless it was asked for at `not_before` (monotonic) or later. Raises Unavailable,
        AccessLost."""
        with self._reading:
            if self._read_at >= not_before:
                return
            asked = self._clock.local.monotonic()
            try:
                source = read_data_source(self._client, self._id)
            except SetupError:
                return  # it cannot be seen any more; the next listing says so, and nothing is concluded here
            self.take(source, asked)

    def take(self, source: DataSource, asked: float) -> None:
        """Learns from a schema that was asked for at `asked`. What is missing in it was removed."""
        gone = self._clock.now().latest
        with self._lock:
            news = [self._take(prop, asked, gone) for prop in source.properties if prop.type in CHOICES]
            self._read_at = max(self._read_at, asked)
            if any(news):
                self._save()

    def _take(self, prop: Property, asked: float, gone: datetime) -> bool:
        known = self._known.setdefault(prop.id, _Known())
        there = {option.id for option in prop.options}
        # An option that was told of after the question was asked is one that the answer cannot know.
        missing = [one for one in known.now if one not in there and known.told.get(one, _LONG_AGO) < asked]
        for option_id in missing:
            known.drop(option_id, gone)
        named = [known.name(option.id, option.name, asked) for option in prop.options]
        return bool(missing) or any(named)

    def meet(self, prop: Property, wires: Iterable[Any], when: float) -> None:
        """Learns from the options that a page showed at `when`."""
        with self._lock:
            known = self._known.get(prop.id)
            if known is None:
                return
            pairs = [(wire.get("id"), wire.get("name")) for wire in wires if isinstance(wire, Mapping)]
            # A page may be older than it looks: an option that is not in the schema, and was read after, is gone.
            fresh = [(one, name) for one, name in pairs if one in known.now or when > self._read_at]
            news = [
                known.name(one, name, when) for one, name in fresh if isinstance(one, str) and isinstance(name, str)
            ]
            if any(news):
                self._save()

    def _save(self) -> None:
        self._keep({property_id: _told(known) for property_id, known in self._known.items()})


def _told(known: _Known) -> dict[str, Any]:
    removed = {name: when.isoformat() for name, when in known.removed.items()}
    return {"now": dict(known.now), "former": dict(known.former), "removed": removed}


def _restored(told: Json) -> _Known:
    removed = {name: datetime.fromisoformat(when) for name, when in told.get("removed", {}).items()}
    former = {one: list(names) for one, names in told.get("former", {}).items()}
    return _Known(dict(told.get("now", {})), {}, former, removed)
