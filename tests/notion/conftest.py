"""A Notion sandbox behind a real socket, a person in it, and one table bound to one of its data sources."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.clock import CommonClock
from bridge.ends import Intent, Observation
from bridge.model import Action, Change, Direction, Field, Key, Op, Pair, Side, Snapshot, Sync, Value
from bridge.notion.catalog import read_data_source
from bridge.notion.client import NotionClient
from bridge.notion.end import NotionEnd
from bridge.notion.limiter import Limiter
from bridge.notion.workers import Workers
from bridge.sandbox.notion import DEFAULT_TOKEN, Options, Person, Sandbox, SandboxServer
from bridge.shapes import Column, Table
from bridge.values.registry import bind
from tests.notion.clocks import SkippingClock

COLUMNS = (
    Column("id", "integer", "integer", 1, not_null=True),
    Column("name", "text", "text", 2),
    Column("notes", "text", "text", 3),
    Column("amount", "numeric", "numeric", 4),
    Column("stage", "text", "text", 5),
    Column("due", "timestamp with time zone", "timestamptz", 6),
)
PROPERTIES = {
    "id": ("Key", "rich_text"),
    "name": ("Name", "title"),
    "notes": ("Notes", "rich_text"),
    "amount": ("Amount", "number"),
    "stage": ("Stage", "select"),
    "due": ("Due", "date"),
}


@dataclass(slots=True)
class World:
    """What a test holds. The sandbox's clock, the bridge's and the database's are one."""

    clock: SkippingClock
    common: CommonClock
    sandbox: Sandbox
    url: str
    client: NotionClient
    person: Person
    database_id: str
    source_id: str
    sync: Sync
    opened: list[Workers] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def end(self, **settings: Any) -> NotionEnd:
        workers = Workers(settings.pop("pool", 4))
        self.opened.append(workers)
        return NotionEnd(self.client, self.sync, self.common, workers, **{"watermark": None, **settings})

    def row(self, key: int | str, **values: Any) -> str:
        """A page that a person made, by column names; its id."""
        shown = {PROPERTIES[name][0]: value for name, value in values.items()}
        return self.person.create_row(self.source_id, {"Key": str(key), **shown})

    def edit(self, page_id: str, **values: Any) -> None:
        self.person.edit(page_id, {PROPERTIES[name][0]: value for name, value in values.items()})

    def shown(self, page_id: str, name: str) -> Any:
        return self.person.read(page_id)[PROPERTIES[name][0]]

    def pages(self) -> dict[str, dict[str, Any]]:
        return self.person.rows(self.source_id)

    def pair(self, page_id: str | None, key: Key | None = None, seen: Observation | None = None) -> Pair:
        snapshot = Snapshot(seen.presence, seen.values) if seen is not None else Snapshot()
        page_key = seen.key if seen is not None else None
        number = next(self.numbers)
        return Pair(number, "tasks", key or page_key, page_id, None, Snapshot(), snapshot, page_key)

    def seen(self, page_id: str) -> Observation:
        """The page as it is now, looked at like the bridge does."""
        return self.end().look([self.pair(page_id)])[0]

    def update(self, seen: Observation, key: Key | None = None, **new: Value) -> Intent:
        changes = {name: Change(seen.values[name], value) for name, value in new.items()}
        return self.intent(Op.UPDATE, self.pair(seen.page_id, seen=seen), changes, key)

    def create(self, key: str, **new: Value) -> Intent:
        changes = {name: Change(None, value) for name, value in new.items()}
        return self.intent(Op.CREATE, self.pair(None, (key,)), changes, (key,))

    def delete(self, seen: Observation) -> Intent:
        return self.intent(Op.DELETE, self.pair(seen.page_id, seen=seen))

    def restore(self, seen: Observation, key: Key | None = None, **new: Value) -> Intent:
        changes = {name: Change(seen.values[name], value) for name, value in new.items()}
        return self.intent(Op.RESTORE, self.pair(seen.page_id, seen=seen), changes, key)

    def intent(self, op: Op, pair: Pair, changes: Mapping[str, Change] | None = None, key: Key | None = None) -> Intent:
        action = Action(Side.NOTION, op, changes or {}, key)
        return Intent(f"intent-{next(self.numbers)}", pair, action, self.clock.now())

    def requests(self, method: str | None = None, path: str = "") -> int:
        return len(self.sandbox.log.find(method, path))


def make_sync(client: NotionClient, source_id: str) -> Sync:
    source = read_data_source(client, source_id)
    fields = []
    for column in COLUMNS[1:]:
        prop = source.property(PROPERTIES[column.name][0])
        assert prop is not None
        fields.append(Field(column.name, column, prop, Direction.BOTH, bind(column, prop)))
    key_property = source.property("Key")
    assert key_property is not None
    table = Table("public", "tasks", 1, COLUMNS, ("id",))
    return Sync("tasks", table, source, COLUMNS[:1], key_property, tuple(fields))


@pytest.fixture
def clock() -> SkippingClock:
    return SkippingClock()


@pytest.fixture
def sandbox(clock: SkippingClock) -> Sandbox:
    return Sandbox(clock=clock, monotonic=clock.monotonic, options=Options(date_precision="millisecond"))


@pytest.fixture
def world(clock: SkippingClock, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # A machine that is busy with other things may keep a write for a second; test_timely shows what comes of that.
    monkeypatch.setattr("bridge.notion.client._FRESH_S", 600.0)
    person = sandbox.person("Ada")
    database_id, source_id = person.create_database("Tasks", dict(PROPERTIES.values()))
    common = CommonClock(clock)
    limiter = Limiter(clock, 180, rng=random.Random(1))
    with SandboxServer(sandbox) as server:
        client = NotionClient(DEFAULT_TOKEN, limiter=limiter, clock=common, base_url=server.url, rng=random.Random(1))
        sync = make_sync(client, source_id)
        made = World(clock, common, sandbox, server.url, client, person, database_id, source_id, sync)
        try:
            yield made
        finally:
            for end in made.opened:
                end.close()
            client.close()
