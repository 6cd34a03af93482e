"""Proves how the Notion end learns what people and options are called: from every page, and by asking only when it
must; that an older answer undoes nothing; and that a removal is known before anybody merges what it emptied."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.ends import Observation, Outcome
from bridge.errors import Refused
from bridge.model import Direction, Field, Op, Pair
from bridge.notion.catalog import read_data_source
from bridge.notion.directory import Directory
from bridge.notion.end import NotionEnd
from bridge.notion.names import Names
from bridge.notion.optionbook import OptionBook
from bridge.sandbox.notion import Fault
from bridge.shapes import Column, Property
from bridge.values.context import Context
from bridge.values.people import find
from bridge.values.registry import bind
from tests.notion.conftest import World
from tests.notion.writing import applied

LOST = "open"


@dataclass(slots=True)
class Books:
    """The world's sync with books behind its codecs; what they wrote down last."""

    world: World
    people: Directory
    options: OptionBook
    kept: dict[str, Any] = field(default_factory=dict)

    def end(self) -> NotionEnd:
        world = self.world
        names = Names(world.client, world.sync, world.common, self.people, self.options)
        return world.end(names=names)

    def stage(self) -> Property:
        found = self.world.sync.field("stage")
        assert found is not None
        return found.property

    def pair(self, seen: Observation) -> Pair:
        return self.world.pair(seen.page_id, seen=seen)

    def schema_reads(self) -> int:
        return self.world.requests("GET", "data_sources/")


@pytest.fixture
def books(world: World) -> Books:
    """Besides the usual columns: people and files."""
    for name, kind in (("Team", "people"), ("Papers", "files")):
        world.person.add_property(world.source_id, name, kind)
    world.person.add_option(world.source_id, "Stage", LOST)
    kept: dict[str, Any] = {}
    people = Directory(world.client, {}, lambda told: kept.update(people=told))
    options = OptionBook(world.client, world.source_id, world.common, keep=lambda told: kept.update(options=told))
    source = read_data_source(world.client, world.source_id)
    options.take(source, world.clock.monotonic())
    context = Context(people, options)
    fields = []
    columns = {item.property.name: item.column for item in world.sync.fields}
    columns |= {name: Column(name.lower(), "text[]", "text[]", 9) for name in ("Team", "Papers")}
    for name, column in columns.items():
        prop = source.property(name)
        assert prop is not None
        fields.append(Field(column.name, column, prop, Direction.BOTH, bind(column, prop, context)))
    world.sync = replace(world.sync, data_source=source, fields=tuple(fields))
    return Books(world, people, options, kept)


def test_a_look_that_shows_less_asks_for_the_options_and_any_other_does_not(books: Books) -> None:
    world = books.world
    one, two = world.row(1, stage=LOST), world.row(2, stage="kept")
    first = [world.pair(page) for page in (one, two)]
    end = books.end()
    pairs = [books.pair(seen) for seen in end.look(first)]
    reads = books.schema_reads()
    end.look(pairs)
    assert books.schema_reads() == reads
    world.person.remove_option(world.source_id, "Stage", LOST)
    shown = end.look(pairs)
    assert [seen.values["stage"] for seen in shown] == [None, "kept"]
    assert LOST in books.options.removed(books.stage())
    assert books.schema_reads() == reads + 1


def test_the_answer_to_a_write_that_shows_less_asks_too(books: Books) -> None:
    world = books.world
    page = world.row(1, name="a", stage=LOST)
    end = books.end()
    (seen,) = end.look([world.pair(page)])
    world.person.remove_option(world.source_id, "Stage", LOST)
    (receipt,) = applied(end, world.update(seen, name="b"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["stage"] is None
    assert LOST in books.options.removed(books.stage())


def test_a_receipt_is_not_lost_when_the_options_cannot_be_read(books: Books) -> None:
    """What shrank is then not observed, which is not null."""
    world = books.world
    page = world.row(1, name="a", stage=LOST)
    end = books.end()
    (seen,) = end.look([world.pair(page)])
    world.person.remove_option(world.source_id, "Stage", LOST)
    world.sandbox.faults.fail(503, "GET", "data_sources/", times=None)
    (receipt,) = applied(end, world.update(seen, name="b"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert "stage" not in receipt.seen.values
    assert receipt.seen.values["name"] == "b"


def test_a_rename_is_learned_from_a_page_and_an_older_answer_does_not_undo_it(books: Books) -> None:
    world = books.world
    page = world.row(1, stage=LOST)
    end = books.end()
    end.look([world.pair(page)])
    reads = books.schema_reads()
    before = world.clock.monotonic()
    world.person.rename_option(world.source_id, "Stage", LOST, "begun")
    world.clock.advance(1)
    end.look([world.pair(page)])
    (option,) = books.options.now(books.stage())
    assert (option.name, books.options.former(books.stage(), option.id)) == ("begun", (LOST,))
    books.options.meet(books.stage(), [{"id": option.id, "name": LOST}], before)
    assert books.options.now(books.stage())[0].name == "begun"
    assert books.schema_reads() == reads
    stage = world.sync.field("stage")
    assert stage is not None
    with pytest.raises(Refused, match="begun"):
        stage.codec.to_notion(LOST)


def test_a_schema_that_is_older_than_an_option_does_not_remove_it(books: Books) -> None:
    """It was asked for before the option was made, and answered after a page had shown it."""
    world = books.world
    asked, old = world.clock.monotonic(), read_data_source(world.client, world.source_id)
    world.clock.advance(1)
    world.person.add_option(world.source_id, "Stage", "new")
    books.end().look([world.pair(world.row(1, stage="new"))])
    books.options.take(old, asked)
    assert {option.name for option in books.options.now(books.stage())} == {LOST, "new"}
    assert "new" not in books.options.removed(books.stage())


def test_a_page_that_is_older_than_the_schema_does_not_bring_an_option_back(books: Books) -> None:
    world = books.world
    (option,) = books.options.now(books.stage())
    asked = world.clock.monotonic()
    world.clock.advance(1)
    world.person.remove_option(world.source_id, "Stage", LOST)
    books.options.refresh(world.clock.monotonic())
    books.options.meet(books.stage(), [{"id": option.id, "name": LOST}], asked)
    assert books.options.now(books.stage()) == ()


def test_options_made_on_the_fly_cost_one_look_at_the_schema(books: Books) -> None:
    world = books.world
    world.clock.advance(60)
    end, reads = books.end(), books.schema_reads()
    receipts = applied(end, *[world.create(str(n), stage=f"new {n}") for n in range(6)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert books.schema_reads() == reads + 1
    assert {option.name for option in books.options.now(books.stage())} == {LOST, *(f"new {n}" for n in range(6))}


def test_a_book_that_is_opened_again_knows_what_went_meanwhile(books: Books) -> None:
    world = books.world
    world.person.remove_option(world.source_id, "Stage", LOST)
    again = OptionBook(world.client, world.source_id, world.common, books.kept["options"])
    again.take(read_data_source(world.client, world.source_id), world.clock.monotonic())
    assert LOST in again.removed(books.stage())


def test_a_book_that_is_opened_again_knows_all_that_it_knew(books: Books) -> None:
    """Two renames and a removal ago, and the bridge was started anew since."""
    world, stage = books.world, books.stage()
    world.common.postgres.sample(0.0, 0.0, world.clock.now(), world.clock.now() + timedelta(seconds=600))
    for old, new in ((LOST, "begun"), ("begun", "doing")):
        world.person.rename_option(world.source_id, "Stage", old, new)
        books.options.take(read_data_source(world.client, world.source_id), world.clock.monotonic())
    world.person.add_option(world.source_id, "Stage", "gone")
    books.options.take(read_data_source(world.client, world.source_id), world.clock.monotonic())
    world.person.remove_option(world.source_id, "Stage", "gone")
    at_most = world.common.now().latest
    books.options.take(read_data_source(world.client, world.source_id), world.clock.monotonic())
    again = OptionBook(world.client, world.source_id, world.common, books.kept["options"])
    [option] = again.now(stage)
    assert (option.name, again.former(stage, option.id)) == ("doing", (LOST, "begun"))
    assert again.removed(stage)["gone"] >= at_most, "the moment at which it was gone for certain"


def test_the_whole_list_of_users_is_read_and_guests_are_met_in_pages(books: Books) -> None:
    world, people = books.world, books.people
    for number in range(120):
        world.sandbox.person(f"P{number}")
    guest = world.sandbox.person("Guest")
    guest.become_guest()
    people.refresh()
    assert world.requests("GET", "users") == 2
    assert find(people, "p119@EXAMPLE.com").name == "P119"
    with pytest.raises(Refused, match="nobody"):
        find(people, "guest@example.com")
    page = world.person.create_row(world.source_id, {"Key": "1", "Team": ["Guest", "Ada"]})
    (seen,) = books.end().look([world.pair(page)])
    assert seen.values["team"] == ("guest@example.com", "ada@example.com")
    assert find(people, "guest@example.com").id == guest.user.id


def test_who_left_is_asked_for_once_and_who_was_known_stays(books: Books) -> None:
    world = books.world
    bob, eve = world.sandbox.person("Bob"), world.sandbox.person("Eve")
    page = world.person.create_row(world.source_id, {"Key": "1", "Team": ["Bob", "Eve"]})
    eve.leave()
    end = books.end()
    expected = ("bob@example.com", eve.user.id)
    assert end.look([world.pair(page)])[0].values["team"] == expected
    bob.leave()
    for _ in range(3):
        assert end.look([world.pair(page)])[0].values["team"] == expected
    assert world.requests("GET", f"users/{eve.user.id}") == 1
    later = Directory(world.client, books.kept["people"], lambda _: None)
    later.refresh()
    assert find(later, "bob@example.com").id == bob.user.id


def test_without_the_capability_everybody_is_an_id_and_it_is_said(books: Books) -> None:
    world, people = books.world, books.people
    bot = world.sandbox.bot()
    bot.capabilities = bot.capabilities - {"users", "emails"}
    people.refresh()
    assert "capability" in people.problem
    page = world.person.create_row(world.source_id, {"Key": "1", "Team": ["Ada"]})
    (seen,) = books.end().look([world.pair(page)])
    assert seen.values["team"] == (world.person.user.id,)
    with pytest.raises(Refused, match="capability"):
        find(people, "ada@example.com")


def test_forty_people_are_read_whole(books: Books) -> None:
    world = books.world
    names = [f"P{number}" for number in range(40)]
    for name in names:
        world.sandbox.person(name)
    page = world.person.create_row(world.source_id, {"Key": "1", "Team": names})
    (seen,) = books.end().look([world.pair(page)])
    assert seen.values["team"] == tuple(f"{name.lower()}@example.com" for name in names)


@pytest.mark.parametrize("op", [Op.UPDATE, Op.RESTORE])
def test_a_hosted_file_is_sent_back_as_it_is_shown(books: Books, op: Op) -> None:
    world = books.world
    page = world.person.create_row(world.source_id, {"Key": "1", "Papers": ["scan.png"]})
    if op is Op.RESTORE:
        world.person.trash(page)
    end = books.end()
    first, second = (end.look([world.pair(page)])[0] for _ in range(2))
    assert first.values == second.values, "its address differs, its value does not"
    more = ("https://example.com/b.pdf", "notion-file:scan.png")
    make = world.update if op is Op.UPDATE else world.restore
    (receipt,) = applied(end, make(second, papers=more))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["papers"] == more


def test_a_hosted_file_cannot_be_put_into_a_new_page(books: Books) -> None:
    (receipt,) = applied(books.end(), books.world.create("1", papers=("notion-file:scan.png",)))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "papers")
    assert "upload it in Notion" in receipt.reason


def edited_by(world: World, *names: str) -> list[str]:
    """A row for each of them, as its last editor; their ids."""
    people = [world.sandbox.person(name) for name in names]
    for number, person in enumerate(people):
        page = world.person.create_row(world.source_id, {"Key": f"{number}"})
        person.edit(page, {"Name": f"row {number}"})
    return [person.user.id for person in people]


def poll(end: NotionEnd) -> None:
    end.acknowledge(end.changes())


def test_who_edited_a_page_is_asked_for_once(books: Books) -> None:
    """Nobody has to map a property of people for that."""
    world = books.world
    (bob,) = edited_by(world, "Bob")
    end = books.end()
    poll(end)
    assert books.kept["people"][bob]["name"] == "Bob"
    for _ in range(3):
        poll(end)
        assert list(end.scan())
    later = Directory(world.client, books.kept["people"], lambda _: None)
    later.introduce([bob])
    assert world.requests("GET", f"users/{bob}") == 1


def test_many_who_edited_are_asked_for_with_the_list(books: Books) -> None:
    world = books.world
    edited = edited_by(world, *"BCDEF")
    assert list(books.end().scan())
    assert {books.kept["people"][user_id]["name"] for user_id in edited} == set("BCDEF")
    assert world.requests("GET", "users") == 1


def test_no_edit_waits_for_a_name(books: Books) -> None:
    world = books.world
    (bob,) = edited_by(world, "Bob")
    world.sandbox.faults.add(Fault(method="GET", path="users", status=500, times=100))
    end = books.end()
    batch = end.changes()
    assert [seen.author for seen in batch.observations] == [bob]
    end.acknowledge(batch)
    world.sandbox.faults.clear()
    poll(end)
    assert books.kept["people"][bob]["name"] == "Bob", "it is asked for again"


def test_who_may_not_be_asked_for_is_not_asked_for_again(books: Books) -> None:
    world = books.world
    bot = world.sandbox.bot()
    bot.capabilities = bot.capabilities - {"users", "emails"}
    (bob,) = edited_by(world, "Bob")
    end = books.end()
    for _ in range(3):
        poll(end)
    assert world.requests("GET", f"users/{bob}") == 1
    assert books.people.by_id(bob) is None


def test_who_trashed_a_page_is_asked_for_too(books: Books) -> None:
    """No listing shows it: it is told of by the look at the page itself."""
    world = books.world
    carol = world.sandbox.person("Carol")
    page = world.person.create_row(world.source_id, {"Key": "1"})
    carol.trash(page)
    books.end().look([world.pair(page)])
    assert books.kept["people"][carol.user.id]["name"] == "Carol"
