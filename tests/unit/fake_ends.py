"""An end that is a few lists: it shows what it is told to show, and remembers what it was asked to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.ends import Batch, Evidence, Intent, Made, Observation, Outcome, Receipt
from bridge.errors import BridgeError
from bridge.model import Op, Pair, Presence, Side, Sync
from tests.unit.desk import at, page, row


@dataclass
class FakeEnd:
    """One side. `records` is what is there, by key or page id; a write that is answered with DONE changes it."""

    side: Side
    records: dict[str, Observation] = field(default_factory=dict)
    news: list[Batch] = field(default_factory=list)  # what `changes` gives, one after the other
    outcomes: list[Outcome] = field(default_factory=list)  # of the next writes; then DONE
    silent: bool = False  # writes are neither made nor answered
    errors: dict[str, BridgeError] = field(default_factory=dict)  # by method
    known: Outcome = Outcome.DONE  # what `find_out` tells
    retry_after: float | None = None
    hints: list[str] = field(default_factory=list)
    silent_for: float = 0.0
    database: str = "database-1"
    asked: list[str] = field(default_factory=list)
    applied: list[list[Intent]] = field(default_factory=list)
    acknowledged: list[Batch] = field(default_factory=list)
    looked: list[str | None] = field(default_factory=list)
    trimmed: list[str] = field(default_factory=list)
    made_for_pages: list[Made] = field(default_factory=list)  # which the database proves
    watermark: datetime | None = None
    adrift: bool = False
    adopted: list[Sync] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    _made: int = 100

    def _called(self, method: str) -> None:
        self.asked.append(method)
        if method in self.errors:
            raise self.errors[method]

    # What is seen

    def changes(self) -> Batch:
        self._called("changes")
        return self.news.pop(0) if self.news else Batch(())

    def acknowledge(self, batch: Batch) -> None:
        self._called("acknowledge")
        self.acknowledged.append(batch)

    def scan(self) -> Iterator[Batch]:
        self._called("scan")
        yield Batch([replace(seen, evidence=Evidence.SCAN) for seen in self.records.values()])
        if "scan's end" in self.errors:
            raise self.errors["scan's end"]

    def look(self, pairs: Sequence[Pair]) -> list[Observation]:
        self._called("look")
        names = [self._name(pair) for pair in pairs]
        self.looked += names
        gone = Observation(self.side, Presence.GONE, seen=at(10_000))
        return [
            self.records.get(name or "", replace(gone, key=pair.key, page_id=pair.page_id))
            for pair, name in zip(pairs, names, strict=True)
        ]

    def _name(self, pair: Pair) -> str | None:
        if self.side is Side.NOTION:
            return pair.page_id
        return pair.key[0] if pair.key else None

    # What is written

    def apply(self, intents: Sequence[Intent]) -> Iterator[Receipt]:
        self._called("apply")
        self.applied.append(list(intents))
        for intent in intents:
            if self.silent:
                return
            outcome = self.outcomes.pop(0) if self.outcomes else Outcome.DONE
            seen = self._write(intent) if outcome is Outcome.DONE else None
            self.before_answer()
            yield Receipt(intent.id, outcome, seen, retry_after=self.retry_after)
        if "apply's end" in self.errors:
            raise self.errors["apply's end"]

    def find_out(self, intent: Intent) -> Receipt:
        self._called("find_out")
        seen = self._write(intent) if self.known is Outcome.DONE else None
        return Receipt(intent.id, self.known, seen, retry_after=self.retry_after)

    def _write(self, intent: Intent) -> Observation | None:
        action, pair = intent.action, intent.pair
        name = self._name(pair) or self._new_name()
        if action.op is Op.DELETE:
            self.records.pop(name, None)
            return page(name, None, seen=at(10_000)) if self.side is Side.NOTION else row(name)
        old = self.records[name].values if name in self.records else {}
        values = {**old, **{field: change.new for field, change in action.changes.items()}}
        key = action.key or pair.key
        made = page(name, key[0] if key else None, values) if self.side is Side.NOTION else row(name, values)
        self.records[name] = made
        return made

    def _new_name(self) -> str:
        self._made += 1
        return f"page-{self._made}" if self.side is Side.NOTION else str(self._made)

    # What one side has besides

    def identity(self) -> str:
        if "identity" in self.errors:
            raise self.errors["identity"]
        return self.database

    def adopt(self, sync: Sync) -> None:
        self._called("adopt")
        self.adopted.append(sync)

    def drifted(self) -> bool:
        self._called("drifted")
        return self.adrift

    def trim(self, settled: Sequence[str]) -> None:
        self._called("trim")
        self.trimmed += settled

    def made(self) -> Sequence[Made]:
        self._called("made")
        return self.made_for_pages

    def look_back(self) -> None:
        self._called("look back")

    def expect(self, pages: int) -> None:
        """No limit here."""

    def now(self) -> datetime | None:
        return None

    def silence(self) -> float:
        return self.silent_for

    def trash_hints(self) -> list[str]:
        self._called("hints")
        return self.hints
