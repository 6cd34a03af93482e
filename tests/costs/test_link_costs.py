"""What links cost: a page is made with its links, once for each row, wherever an order of all records allows it.

Several syncs that reference each other, between fake ends in virtual time: the writes into Notion are counted. And that
no page waits for one that does not come.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from bridge.ends import Batch, Intent, Observation, Outcome
from bridge.engine.links import LinkTable
from bridge.engine.loop import Loop, let_wait, referenced_first
from bridge.engine.pacing import Pacing
from bridge.engine.requests import Mailbox
from bridge.engine.worker import Worker
from bridge.errors import AccessLost, BreakerTripped
from bridge.journal import Journal
from bridge.journal.arrivals import Arrival
from bridge.model import Direction, Field, Op, Side, Sync
from bridge.shapes import Column, Property
from bridge.values.context import Context
from bridge.values.registry import bind
from tests.inline import InlineTasks
from tests.unit.desk import BOT, StillClock, page, row
from tests.unit.fake_ends import FakeEnd
from tests.unit.fake_world import FakeRebinder
from tests.unit.worlds import make_field, make_sync


class Pages(FakeEnd):
    """Pages show each property, an empty one too."""

    fields: tuple[str, ...] = ()

    def _write(self, intent: Intent) -> Observation | None:
        made = super()._write(intent)
        assert made is not None
        assert made.page_id is not None
        self.records[made.page_id] = replace(made, values={**dict.fromkeys(self.fields), **made.values})
        return self.records[made.page_id]


@dataclass
class Member:
    """One sync of the family, with its ends."""

    sync: Sync
    rows: FakeEnd
    pages: Pages

    def insert(self, key: str, **links: str | None) -> None:
        """One more row, which a first run finds."""
        self.rows.records[key] = row(key, {"title": key, **links})

    def news(self, key: str, **links: str | None) -> None:
        """One more row, of which the outbox tells."""
        self.rows.records[key] = told = row(key, {"title": key, **links})
        self.rows.news.append(Batch([told], token=key))

    @property
    def writes(self) -> list[tuple[Op, str]]:
        """What was written into Notion, by key."""
        found = [intent for group in self.pages.applied for intent in group]
        return [(intent.action.op, (intent.pair.key or ("",))[0]) for intent in found]

    def linked(self, key: str, field: str) -> object:
        """The key that the page's relation stands for."""
        [seen] = [seen for seen in self.pages.records.values() if seen.key == (key,)]
        return seen.values.get(field)


class Family:
    """Syncs by name, each with the relations it has: field and the sync that it links to."""

    def __init__(self, syncs: Mapping[str, Mapping[str, str]]) -> None:
        self.clock = StillClock()
        self.journal = Journal.in_memory(self.clock)
        self.stop = threading.Event()
        self.members: dict[str, Member] = {}
        self._relations = syncs
        for name in syncs:
            self.members[name] = Member(make_sync(), FakeEnd(Side.POSTGRES), Pages(Side.NOTION))
            self.members[name].pages.fields = tuple(syncs[name])
        self._agenda: list[tuple[float, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self.start()

    def start(self) -> None:
        """A process begins, with what the journal knows."""
        self.rounds = 0
        self.links = LinkTable()
        tasks = InlineTasks(self.clock.sleep)
        for name, relations in self._relations.items():
            fields = [self._relation(field, target) for field, target in relations.items()]
            self.members[name].sync = replace(make_sync((make_field("title"), *fields)), name=name)
            self.links.expect(self.members[name].sync)
        self.workers = {
            name: Worker(
                member.sync,
                self.journal,
                member.rows,
                member.pages,
                clock=self.clock,
                tasks=tasks,
                pacing=Pacing(1.0, 15.0, 20.0, 6000),
                new_id=lambda: f"write-{next(self._numbers)}",
                rebinder=FakeRebinder(member.sync),
                bot=BOT,
            )
            for name, member in self.members.items()
        }
        self.links.attach(self.journal)
        let_wait(list(self.workers.values()))
        self.loop = Loop(
            referenced_first(list(self.workers.values())),
            self.journal,
            Mailbox(None),
            tasks=tasks,
            clock=self.clock,
            stop=self.stop,
            each_round=self._each_round,
        )

    def _relation(self, name: str, target: str) -> Field:
        column, relation = Column(name, "text", "text", 3), Property(f"id-{name}", name, "relation")
        codec = bind(column, relation, Context(links=self.links, target=target))
        return Field(name, column, relation, Direction.BOTH, codec, target)

    def _each_round(self) -> None:
        self.rounds += 1
        assert self.rounds < 10_000, "it does not end"
        while self._agenda and self.clock.seconds >= self._agenda[0][0]:
            self._agenda.pop(0)[1]()

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Something happens then. In order."""
        self._agenda.append((seconds, action))

    def run(self, until: float) -> None:
        self.at(until, self.stop.set)
        self.loop.run()

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def writes(self) -> int:
        return sum(len(member.writes) for member in self.members.values())

    def pending(self) -> int:
        return sum(int(self.journal.counts(name)["pending"]) for name in self.members)


SHOP = {"orders": {"customer": "customers"}, "customers": {}}


def test_a_page_is_made_with_its_link_and_written_once() -> None:
    shop = Family(SHOP)
    for number in range(20):
        shop["customers"].insert(f"c{number}")
    for number in range(40):
        shop["orders"].insert(f"o{number}", customer=f"c{number % 20}")
    shop.loop.run_once()
    assert shop.writes() <= 1.1 * 60
    assert {op for op, _ in shop["orders"].writes} == {Op.CREATE}
    assert [shop["orders"].linked(f"o{n}", "customer") for n in range(40)] == [f"c{n % 20}" for n in range(40)]
    assert (shop.journal.parked(), shop.pending()) == ([], 0)
    assert shop.clock.seconds < 30, "each follows as soon as it can"


def test_more_than_one_plan_takes_is_written_once_too() -> None:
    shop = Family(SHOP)
    for number in range(700):
        shop["customers"].insert(f"c{number}")
        shop["orders"].insert(f"o{number}", customer=f"c{number}")
    shop.loop.run_once()
    assert shop.writes() <= 1.1 * 1400
    assert all(shop["orders"].linked(f"o{n}", "customer") == f"c{n}" for n in range(700))
    assert shop.pending() == 0


def test_generations_are_made_one_after_the_other() -> None:
    house = Family({"lines": {"order": "orders", "customer": "customers"}, **SHOP})
    for number in range(10):
        house["customers"].insert(f"c{number}")
        house["orders"].insert(f"o{number}", customer=f"c{number}")
        house["lines"].insert(f"l{number}", order=f"o{number}", customer=f"c{number}")
    house.loop.run_once()
    assert house.writes() == 30
    assert house["lines"].linked("l7", "order") == "o7"
    assert house.pending() == 0


def test_a_tree_in_one_table_is_made_from_its_root() -> None:
    """Each manager was there before who reports to it, as nearly always."""
    firm = Family({"employees": {"manager": "employees"}})
    firm["employees"].insert("0", manager=None)
    for number in range(1, 31):
        firm["employees"].insert(str(number), manager=str((number - 1) // 2))
    firm.loop.run_once()
    assert firm.writes() == 31
    assert firm["employees"].linked("30", "manager") == "14"


@pytest.mark.parametrize("own", [True, False])
def test_in_a_circle_somebody_begins_and_its_link_follows(own: bool) -> None:
    names = ("a", "a") if own else ("a", "b")
    circle = Family({"a": {"to": names[1]}} if own else {"a": {"to": "b"}, "b": {"to": "a"}})
    circle[names[0]].insert("1", to="2")
    circle[names[1]].insert("2", to="1")
    circle.loop.run_once()
    assert circle.writes() == 3
    assert (circle[names[0]].linked("1", "to"), circle[names[1]].linked("2", "to")) == ("2", "1")
    assert circle.clock.seconds < 30


def test_a_parent_that_notion_refuses_keeps_no_child_waiting() -> None:
    shop = Family(SHOP)
    shop["customers"].pages.outcomes = [Outcome.REFUSED]
    shop["customers"].insert("c1")
    shop["orders"].insert("o1", customer="c1")
    shop["orders"].insert("o2", customer=None)
    shop.loop.run_once()
    assert set(shop["orders"].writes) == {(Op.CREATE, "o1"), (Op.CREATE, "o2")}
    assert [(item["sync"], item["kind"]) for item in shop.journal.parked()] == [
        ("customers", "refused"),
        ("orders", "link"),
    ]
    assert shop.clock.seconds < 30


def test_a_parent_outside_of_the_filter_keeps_no_child_waiting() -> None:
    shop = Family(SHOP)
    shop["orders"].insert("o1", customer="not in the sync")
    shop.loop.run_once()
    assert shop["orders"].writes == [(Op.CREATE, "o1")]
    assert shop.clock.seconds < 30


def test_a_parent_that_goes_before_it_is_made_keeps_no_child_waiting() -> None:
    shop = Family(SHOP)
    shop["customers"].pages.outcomes = [Outcome.STALE] * 5
    shop["customers"].insert("c1")
    shop["orders"].insert("o1", customer="c1")

    def goes() -> None:
        assert shop["orders"].writes == [], "its customer is about to be made"
        del shop["customers"].rows.records["c1"]
        shop["customers"].rows.news.append(Batch([row("c1")], token="gone"))

    shop.at(1, goes)
    shop.run(20)
    assert shop["orders"].writes == [(Op.CREATE, "o1")]


@pytest.mark.parametrize("stopped", ["paused", "breaker", "lost"])
def test_a_parent_whose_sync_stands_still_keeps_no_child_waiting(stopped: str) -> None:
    shop = Family(SHOP)
    customers, orders = shop["customers"], shop["orders"]
    customers.pages.silent, customers.pages.known = True, Outcome.UNKNOWN
    customers.insert("c1")
    orders.insert("o1", customer="c1")

    def stop() -> None:
        assert orders.writes == [], "its customer is about to be made"
        if stopped == "lost":
            customers.pages.errors |= dict.fromkeys(("changes", "find_out"), AccessLost("no access"))
        elif stopped == "paused":
            shop.journal.update_sync("customers", paused=1)
        else:
            shop.journal.stop("customers", BreakerTripped("no", hint="", side="notion", deletes=1))

    shop.at(2, stop)
    shop.run(20)
    assert shop["orders"].writes == [(Op.CREATE, "o1")]


def test_a_restart_forgets_nobody_who_waits() -> None:
    shop = Family(SHOP)
    shop["customers"].pages.silent, shop["customers"].pages.known = True, Outcome.UNKNOWN
    shop["customers"].insert("c1")
    shop["orders"].insert("o1", customer="c1")
    shop.run(2)
    assert shop["orders"].writes == []
    shop["customers"].pages.silent, shop["customers"].pages.known = False, Outcome.DONE
    shop.stop.clear()
    shop.start()
    shop.loop.run_once()
    assert shop["orders"].writes == [(Op.CREATE, "o1")]
    assert shop["orders"].linked("o1", "customer") == "c1"
    assert shop.clock.seconds < 30


def test_a_few_records_do_not_wait_behind_thousands_of_others() -> None:
    shop = Family(SHOP)
    for number in range(300):
        shop["customers"].insert(f"c{number}")
    shop["orders"].insert("o1", customer="c299")
    shop.loop.run_once()
    made = [op for op, _ in shop["orders"].writes]
    assert made == [Op.CREATE, Op.UPDATE]
    assert shop["orders"].linked("o1", "customer") == "c299"


def test_a_parent_whose_turn_has_not_come_is_waited_for() -> None:
    shop = Family(SHOP)
    shop.journal.add_sync("customers", "public.customers", "ds")
    shop.journal.arrivals.add("customers", [Arrival(("c1",))])
    assert shop.journal.awaiting.comes("customers", ("c1",), None)
    assert not shop.journal.awaiting.comes("customers", ("c2",), None)


def test_a_page_that_is_there_already_is_linked_at_once() -> None:
    shop = Family(SHOP)
    shop["customers"].insert("c1")
    shop["customers"].pages.records["p1"] = page("p1", "c1", {"title": "c1"})
    shop["orders"].insert("o1", customer="c1")
    shop.loop.run_once()
    assert shop["orders"].writes == [(Op.CREATE, "o1")]
    assert shop["orders"].linked("o1", "customer") == "c1"
