"""The engine's parts on a table: a journal in memory, a clock that stands still, and words for what is seen."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.ends import Batch, Evidence, Intent, Observation, Outcome, Receipt
from bridge.engine.intake import Intake
from bridge.engine.listed import Listed
from bridge.engine.planner import Planner
from bridge.engine.settle import Settler
from bridge.journal import Journal
from bridge.journal.store import Row
from bridge.model import FieldValue, Key, Pair, Presence, Side, Sync, Value
from tests.unit.worlds import T0, make_sync, stamp

BOT = "bot-1"


@dataclass(slots=True)
class StillClock:
    """Moves only when it is told to, or slept on."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += max(0.0, seconds)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def minute(number: int) -> datetime:
    """A page's last_edited_time: Notion tells only the minute."""
    return T0 + timedelta(minutes=number)


def row(key: str, values: Mapping[str, FieldValue] | None = None, **more: Any) -> Observation:
    """What a row shows, or, without values, that it is gone."""
    presence = Presence.GONE if values is None else Presence.LIVE
    return Observation(Side.POSTGRES, presence, values or {}, (key,), **{"evidence": Evidence.EVENT, **more})


def page(page_id: str, key: str | None, values: Mapping[str, FieldValue] | None = None, **more: Any) -> Observation:
    """What a page shows, or, without values, that it is in the trash. A direct look unless said otherwise."""
    presence = Presence.GONE if values is None else Presence.LIVE
    keys: Key | None = None if key is None else (key,)
    return Observation(Side.NOTION, presence, values or {}, keys, page_id=page_id, **more)


class Desk:
    """One sync with its journal and the parts that work on it."""

    def __init__(self, sync: Sync | None = None, *, ahead: int | None = None) -> None:
        self.clock = StillClock()
        self.sync = sync or make_sync()
        self.journal = Journal.in_memory(self.clock)
        self.journal.add_sync(self.sync.name, self.sync.table.qualified, self.sync.data_source.id)
        self.settler = Settler(self.journal, self.sync, self.clock, BOT)
        self.intake = Intake(self.journal, self.sync, self.settler, BOT, ahead=ahead)
        numbers = itertools.count(1)
        self.planner = Planner(self.journal, self.sync, self.clock, lambda: f"intent-{next(numbers)}")

    def see(
        self,
        *seen: Observation,
        confirmed: datetime | None = None,
        confirmed_before: datetime | None = None,
        listed: Listed | None = None,
    ) -> list[Pair]:
        """Takes observations as one batch; answers the pages that only a direct look can tell about."""
        return self.intake.take(Batch(seen, confirmed=confirmed, confirmed_before=confirmed_before), listed)

    def plan(self, limit: int = 1000) -> list[Intent]:
        return self.planner.plan(limit)

    def planned(self) -> Intent:
        """The one write that is planned now."""
        [intent] = self.plan()
        return intent

    def answer(self, intent: Intent, outcome: Outcome, seen: Observation | None = None, **more: Any) -> None:
        self.settler.settle(intent, Receipt(intent.id, outcome, seen, **more))

    def record(self, key: str, values: Mapping[str, Value], page_id: str | None = None) -> Pair:
        """A record that both sides hold and agree on, with nothing left to do."""
        page_id = page_id or f"page-{key}"
        self.see(row(key, values), page(page_id, key, values, edited=minute(0), seen=at(0)))
        assert self.plan() == []
        return self.pair(key)

    def pair(self, key: str) -> Pair:
        found = self.journal.pair_by_key(self.sync.name, (key,))
        assert found is not None, f"no record has the key {key}"
        return found

    def page_pair(self, page_id: str) -> Pair:
        found = self.journal.pair_by_page(self.sync.name, page_id)
        assert found is not None, f"no record has the page {page_id}"
        return found

    def row_of(self, key: str) -> Row:
        """The journal's own row of a record, with what the model does not show."""
        return self.journal.pair_row(self.pair(key).id)

    def events(self, key: str) -> list[str]:
        return [event["kind"] for event in self.journal.events_of(self.pair(key))]

    def state(self, intent: Intent) -> str:
        found = self.journal.intent(intent.id)
        assert found is not None
        return found[1]

    def conflicts(self) -> list[Row]:
        return self.journal.conflicts(self.sync.name)

    def parked(self) -> list[Row]:
        return self.journal.parked(self.sync.name)

    def shown_in_full(self, *keys: str, looks: Mapping[str, Observation] | None = None) -> None:
        """The whole table was read, and had these rows. `looks` tells of others, by key; what is not in it is gone."""
        listed = Listed()
        for key in keys:
            listed.add(self.pair(key).id)

        def look(pairs: Sequence[Pair]) -> list[Observation]:
            names = [pair.key[0] for pair in pairs if pair.key is not None]
            return [(looks or {}).get(name, row(name, evidence=Evidence.LOOK)) for name in names]

        self.intake.take_missing_rows(listed, look)


def until(condition: threading.Event, what: str) -> None:
    """Waits for another thread, with a deadline that only a broken test meets."""
    assert condition.wait(30), f"not within 30 s: {what}"


__all__ = ["BOT", "Desk", "StillClock", "at", "minute", "page", "row", "stamp", "until"]
