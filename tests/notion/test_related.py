"""What Notion does not show of a relation is not taken for removed; what it cuts is fetched whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bridge.ends import Evidence, Outcome
from bridge.model import Direction, Field, Key, Sync
from bridge.notion.catalog import read_data_source
from bridge.notion.end import NotionEnd
from bridge.shapes import Column
from bridge.values.context import Context
from bridge.values.registry import bind
from tests.notion.conftest import World
from tests.notion.writing import applied

LINKS = Column("public.task_shops", "join table", "", 9)
ELEMENT = Column("shop_id", "text", "text", 2)
COLUMN = Column("shop_id", "text", "text", 8)


@dataclass
class Memory:
    """Each page is its own key; `known` is what the pages linked to when they were last seen."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def key_of(self, target: str, page_id: str) -> Key | None:
        return (page_id,)

    def page_of(self, target: str, key: Key) -> str | None:
        return key[0]

    def linked(self, sync: str, page_id: str, name: str) -> tuple[str, ...]:
        return self.known.get(page_id, ())


@dataclass
class Related:
    """A task with relations to two of three shops, one as a column and one as a join table."""

    world: World
    memory: Memory
    end: NotionEnd
    shops_source: str
    shops: list[str]
    page: str

    def many(self) -> object:
        return self.end.look([self.world.pair(self.page)])[0].values["many"]

    def one(self) -> object:
        return self.end.look([self.world.pair(self.page)])[0].values["one"]


@pytest.fixture
def related(world: World) -> Related:
    _, shops = world.person.create_database("Shops", {"Name": "title"})
    relation = {"relation": {"data_source_id": shops, "single_property": {}}}
    for name in ("Many", "One"):
        world.person.add_property(world.source_id, name, relation)
    source = read_data_source(world.client, world.source_id)
    memory = Memory()
    fields = []
    for name, column, linked in (("Many", LINKS, ELEMENT), ("One", COLUMN, None)):
        prop = source.property(name)
        assert prop is not None
        codec = bind(column, prop, Context(links=memory, target="shops", linked=linked))
        fields.append(Field(name.lower(), column, prop, Direction.BOTH, codec, "shops"))
    sync: Sync = replace(world.sync, data_source=source, fields=(*world.sync.fields, *fields))
    world.sync = sync
    pages = sorted(world.person.create_row(shops, {"Name": str(n)}) for n in range(3))
    page = world.row(1)
    world.person.edit(page, {"Many": pages[:2], "One": pages[:1]})
    memory.known[page] = tuple(pages[:2])
    return Related(world, memory, world.end(links=memory), shops, pages, page)


@pytest.mark.parametrize("gone", ["trashed", "unshared", "database unshared"])
def test_a_hidden_target_is_still_linked(related: Related, gone: str) -> None:
    person, (first, second, _) = related.world.person, related.shops
    related.memory.known[related.page] = (first,)
    if gone == "trashed":
        person.trash(first)
    else:
        person.unshare(first if gone == "unshared" else related.shops_source)
    assert related.one() == first
    if gone != "database unshared":
        assert related.many() == (first, second)


def test_a_removed_link_is_removed(related: Related) -> None:
    related.world.person.edit(related.page, {"Many": related.shops[1:2], "One": []})
    assert related.many() == (related.shops[1],)
    assert related.one() is None


def test_another_page_in_place_of_a_hidden_one_is_an_edit(related: Related) -> None:
    related.world.person.trash(related.shops[0])
    related.world.person.edit(related.page, {"One": related.shops[2:]})
    assert related.one() == related.shops[2]


def test_a_restored_target_is_seen_at_once_when_it_is_unlinked(related: Related) -> None:
    """That it was hidden is remembered for some seconds only."""
    person = related.world.person
    person.trash(related.shops[0])
    assert related.one() == related.shops[0]
    person.restore(related.shops[0])
    person.edit(related.page, {"One": []})
    related.world.clock.advance(11)
    assert related.one() is None


def test_hidden_targets_cost_few_requests(related: Related) -> None:
    related.world.person.unshare(related.shops_source)
    related.many()
    before = related.world.requests("GET")
    related.many()
    assert related.world.requests("GET") == before + 1, "the page, and nothing else"


def test_a_listing_shows_it_too(related: Related) -> None:
    related.world.person.trash(related.shops[0])
    *_, seen = [seen for batch in related.end.scan() for seen in batch.observations]
    assert (seen.evidence, seen.values["one"]) == (Evidence.SCAN, related.shops[0])


def test_what_was_written_is_read_as_it_is(related: Related) -> None:
    """A hidden target in the answer to our own write would look as if Notion had stored something else."""
    related.world.person.trash(related.shops[0])
    seen = related.end.look([related.world.pair(related.page)])[0]
    [receipt] = applied(related.end, related.world.update(seen, one=None))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["one"] is None


def test_a_link_to_a_page_that_cannot_be_seen_is_refused_for_its_field(related: Related) -> None:
    world, target = related.world, related.shops[2]
    seen = related.end.look([world.pair(related.page)])[0]
    world.person.unshare(target)
    [update] = applied(related.end, world.update(seen, one=target))
    [create] = applied(related.end, world.create("2", one=target))
    for receipt in (update, create):
        assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "one")
        assert target in receipt.reason
    assert len(world.pages()) == 1


def test_all_links_are_read_and_written(related: Related) -> None:
    world = related.world
    more = [world.person.create_row(related.shops_source, {"Name": str(n)}) for n in range(60)]
    world.person.edit(related.page, {"Many": more})
    related.memory.known.clear()
    assert related.many() == tuple(sorted(more))
    seen = related.end.look([world.pair(related.page)])[0]
    [receipt] = applied(related.end, world.update(seen, many=tuple(sorted(more[1:]))))
    assert receipt.outcome is Outcome.DONE
    assert sorted(world.person.read(related.page)["Many"]) == sorted(more[1:])
