"""Links between records in the engine: who waits for what, and that exactly those are merged again.

Customers and orders in one journal; an order's field `customer` is a relation.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Batch, Observation, Outcome
from bridge.engine.compare import verify
from bridge.engine.decisions import carry_out
from bridge.engine.intake import Intake
from bridge.engine.links import LinkTable
from bridge.engine.settle import Settler
from bridge.model import Direction, Field, FieldValue, Op, Side, Sync, Unfit
from bridge.shapes import Column, Property
from bridge.values.context import Context
from bridge.values.links import for_page, for_row
from bridge.values.registry import bind
from tests.unit.desk import BOT, Desk, at, minute, page, row
from tests.unit.fake_ends import FakeEnd
from tests.unit.worlds import make_field, make_sync

COLUMN = Column("customer", "text", "text", 3)
RELATION = Property("id-customer", "Customer", "relation")


class Office(Desk):
    """The desk of the orders, with the customers' records beside it."""

    def __init__(self) -> None:
        self.links = LinkTable()
        codec = bind(COLUMN, RELATION, Context(links=self.links, target="customers"))
        link = Field("customer", COLUMN, RELATION, Direction.BOTH, codec, "customers")
        super().__init__(make_sync((make_field("title"), link)))
        self.customers: Sync = replace(make_sync((make_field("title"),)), name="customers")
        self.journal.add_sync("customers", "public.customers", "ds-customers")
        self.links.expect(self.sync)
        self.links.expect(self.customers)
        self.links.attach(self.journal)
        settler = Settler(self.journal, self.customers, self.clock)
        self.customer_intake = Intake(self.journal, self.customers, settler, BOT)

    def customer(self, *seen: Observation) -> None:
        self.customer_intake.take(Batch(seen))

    def known_customer(self, key: str) -> None:
        self.customer(row(key, {"title": key}), page(f"c{key}", key, {"title": key}, edited=minute(0), seen=at(0)))

    def read(self, *page_ids: str) -> FieldValue:
        """What the end reads from a relation that shows these pages."""
        wire = {"type": "relation", "relation": [{"id": page_id} for page_id in page_ids]}
        return self.sync.fields[1].codec.from_notion(wire)

    def waits(self) -> list[tuple[str, str]]:
        return [(item["kind"], item["wanted"]) for item in self.parked() if item["sync"] == self.sync.name]

    def dirty(self, key: str) -> bool:
        return bool(self.row_of(key)["dirty"])


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_new_row_gets_its_page_at_once_and_its_link_later(office: Office) -> None:
    office.customer(row("17", {"title": "Ada"}))
    office.see(row("1", {"title": "x", "customer": "17"}))
    made = office.planned()
    assert (made.action.op, set(made.action.changes)) == (Op.CREATE, {"title"})
    assert office.waits() == [("link", for_page("customers", ("17",)))]
    office.answer(made, Outcome.DONE, page("o1", "1", {"title": "x", "customer": None}))
    assert office.plan() == []
    assert not office.dirty("1")

    office.customer(page("c17", "17", {"title": "Ada"}))
    assert office.dirty("1")
    link = office.planned()
    assert (link.action.side, set(link.action.changes)) == (Side.NOTION, {"customer"})
    assert link.action.changes["customer"].new == "17"
    office.answer(link, Outcome.DONE, page("o1", "1", {"title": "x", "customer": "17"}))
    assert office.plan() == []
    assert (office.waits(), office.conflicts()) == ([], [])


def test_a_link_that_nobody_waits_for_any_more_is_made_when_it_can_be(office: Office) -> None:
    office.customer(row("17", {"title": "Ada"}))
    office.see(row("1", {"title": "x", "customer": "17"}))
    office.answer(office.planned(), Outcome.DONE, page("o1", "1", {"title": "x", "customer": None}))
    assert office.plan() == []
    [item] = office.parked()
    carry_out(office.journal, "drop", {"id": item["id"]})
    assert office.plan() == []
    office.customer(page("c17", "17", {"title": "Ada"}))
    assert office.planned().action.changes["customer"].new == "17"


def test_only_who_waits_for_it_is_merged_again(office: Office) -> None:
    for key in ("17", "18"):
        office.customer(row(key, {"title": key}))
        office.see(row(key, {"title": "x", "customer": key}))
        made = office.planned()
        office.answer(made, Outcome.DONE, page(f"o{key}", key, {"title": "x", "customer": None}))
        assert office.plan() == []
    office.customer(page("c18", "18", {"title": "18"}))
    assert (office.dirty("17"), office.dirty("18")) == (False, True)


def test_a_link_to_a_page_without_a_row_is_read_again_when_it_has_one(office: Office) -> None:
    office.record("1", {"title": "x", "customer": None}, "o1")
    office.see(page("o1", "1", {"title": "x", "customer": office.read("cnew")}, edited=minute(1), seen=at(60)))
    assert office.plan() == []
    assert office.waits() == [("link", for_row("customers", "cnew"))]
    office.customer(page("cnew", None, {"title": "new"}))
    assert not office.dirty("1")
    pair = office.journal.pair_by_page("customers", "cnew")
    assert pair is not None
    office.journal.save_pair(replace(pair, key=("40",)))
    assert not office.dirty("1"), "the row itself is not there yet"
    office.customer(row("40", {"title": "new"}))
    written = office.planned()
    assert (written.action.side, written.action.changes["customer"].new) == (Side.POSTGRES, "40")
    assert office.pair("1").notion.values["customer"] == "40"
    assert office.conflicts() == []


def test_at_a_first_sync_an_unknown_link_is_no_conflict(office: Office) -> None:
    office.customer(row("17", {"title": "Ada"}))
    office.see(
        row("1", {"title": "x", "customer": "17"}), page("o1", "1", {"title": "x", "customer": office.read("c")})
    )
    assert office.plan() == []
    assert office.conflicts() == []
    office.customer(page("c", "17", {"title": "Ada"}))
    assert office.plan() == []
    assert (office.waits(), office.conflicts()) == ([], [])
    base = office.pair("1").base
    assert base is not None
    assert base.values["customer"] == "17"


def test_what_is_known_survives_a_restart(office: Office) -> None:
    office.known_customer("17")
    again = LinkTable()
    again.expect(office.sync)
    again.attach(office.journal)
    assert again.page_of("customers", ("17",)) == "c17"
    assert again.key_of("customers", "c17") == ("17",)
    assert again.page_of("customers", ("18",)) is None
    assert again.key_of("orders", "c17") is None


def test_keys_that_are_swapped_and_pages_that_go(office: Office) -> None:
    for key in ("1", "2"):
        office.known_customer(key)
    office.customer(
        row("2", {"title": "1"}, old_key=("1",)),
        row("1", {"title": "2"}, old_key=("2",)),
    )
    assert [office.links.key_of("customers", name) for name in ("c1", "c2")] == [("2",), ("1",)]
    assert office.links.page_of("customers", ("2",)) == "c1"
    office.customer(page("c1", "2", None, edited=minute(5), seen=at(400)))
    assert office.links.page_of("customers", ("2",)) is None, "nothing new is linked into the trash"
    assert office.links.key_of("customers", "c1") == ("2",), "an old link still means the same"


def test_a_restored_database_makes_no_row_known(office: Office) -> None:
    office.known_customer("17")
    office.journal.forget_agreements("customers")
    assert office.links.key_of("customers", "c17") is None
    office.customer(row("17", {"title": "Ada"}))
    assert office.links.key_of("customers", "c17") == ("17",)


def test_what_a_page_was_last_known_to_link_to(office: Office) -> None:
    office.known_customer("17")
    office.record("1", {"title": "x", "customer": "17"}, "o1")
    assert office.links.linked("tasks", "o1", "customer") == ("c17",)
    assert office.links.linked("tasks", "o1", "title") == ()
    assert office.links.linked("tasks", "elsewhere", "customer") == ()
    office.see(page("o1", "1", {"title": "x", "customer": Unfit("2 pages", "a, b")}, edited=minute(9), seen=at(600)))
    assert office.links.linked("tasks", "o1", "customer") == ()


def test_a_key_that_another_record_has_got_first_stays_its_own(office: Office) -> None:
    """Notes of one batch come in any order of their records."""
    for key in ("1", "2"):
        office.known_customer(key)
    first, second = (office.journal.pair_by_key("customers", (key,)) for key in ("1", "2"))
    assert first is not None
    assert second is not None
    office.links.note([replace(second, key=("1",)), replace(first, key=("3",))])
    assert office.links.page_of("customers", ("1",)) == "c2"
    office.links.note([replace(second, key=("1",), page_id="c1"), replace(first, key=("3",), page_id="c4")])
    assert office.links.key_of("customers", "c1") == ("1",)


def test_a_page_that_was_read_before_the_one_it_links_to_is_compared_with_what_that_tells() -> None:
    links = LinkTable()
    codec = bind(COLUMN, RELATION, Context(links=links, target="tasks"))
    parent = Field("customer", COLUMN, RELATION, Direction.BOTH, codec, "tasks")
    desk = Desk(make_sync((make_field("title"), parent)))
    links.expect(desk.sync)
    links.attach(desk.journal)
    rows, pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)
    linked = codec.from_notion({"type": "relation", "relation": [{"id": "o2"}]})
    for key, held, shown in (("1", "2", linked), ("2", None, None)):
        rows.records[key] = row(key, {"title": "x", "customer": held})
        pages.records[f"o{key}"] = page(f"o{key}", key, {"title": "x", "customer": shown}, edited=minute(0), seen=at(0))
    found = verify(desk.sync, desk.journal, rows, pages, desk.clock, lambda: "never")
    assert (found.pages, found.differences) == (2, [])


def test_a_record_whose_key_another_row_has_got_is_not_linked_to_by_it(office: Office) -> None:
    """Which key it has now, the next change tells."""
    office.known_customer("1")
    first = office.journal.pair_by_key("customers", ("1",))
    assert first is not None
    with office.journal.transaction():
        office.journal.displace(first)
    assert (office.links.key_of("customers", "c1"), office.links.page_of("customers", ("1",))) == (None, None)
