"""Proves that polls stay short while many pages are made, find what people do meanwhile, and pass over nothing for
long."""

from __future__ import annotations

import gc

from bridge.notion.client import Reply
from bridge.notion.end import NotionEnd
from bridge.notion.listing import floor_minute
from tests.notion.conftest import World
from tests.notion.reading import by_page, polled, scanned


def test_what_notion_sends_is_not_kept_while_a_poll_lists_many_pages(world: World) -> None:
    """50,000 pages edited within minutes took 200 MB as JSON, which the process never gave back."""
    for number in range(450):
        world.row(number)

    def replies() -> int:
        return sum(isinstance(thing, Reply) for thing in gc.get_objects())

    gc.collect()
    before, kept = replies(), []
    world.sandbox.faults.hook(lambda _: kept.append(replies() - before), "POST", "/query$", times=100)
    assert len(polled(world.end())) == 450
    assert len(kept) >= 5
    assert max(kept) <= 1


def crowded(world: World) -> NotionEnd:
    """An end whose last poll was long, because many pages have been made."""
    end = world.end()
    scanned(end)
    for number in range(1000, 1250):
        world.row(number)
    polled(end)
    world.clock.advance(20)
    world.sandbox.log.clear()
    return end


def test_while_many_pages_are_made_a_poll_passes_over_young_ones(world: World) -> None:
    """A first fill makes three a second: to list them with each poll keeps people's edits waiting for minutes."""
    old = [world.row(number, name="old") for number in range(120)]
    world.clock.advance(3600)
    end = crowded(world)
    watermark = end.watermark
    world.clock.advance(60)  # what is young is of a later minute than the watermark
    young = world.row(7000, name="young")
    new = world.person.create_row(world.source_id, {"Name": "new"})
    world.edit(old[5], name="edited")
    batch = end.changes()
    end.acknowledge(batch)
    assert {seen.page_id for seen in batch.observations} == {old[5], new}
    assert world.requests("POST", "/query$") == 1
    assert batch.confirmed_before is not None
    assert batch.confirmed_before <= floor_minute(world.clock.now())
    assert end.watermark == watermark, "a start looks for the young pages again"
    world.clock.advance(300)
    batch = end.changes()
    assert young in by_page(batch)
    assert batch.confirmed_before is None


def test_after_many_pages_were_made_a_poll_can_be_asked_to_pass_over_none(world: World) -> None:
    for number in range(120):
        world.row(number)
    world.clock.advance(3600)
    end = crowded(world)
    young = world.row(7000, name="young")
    assert young not in polled(end)
    end.look_back()
    assert young in polled(end)


def test_a_poll_whose_answers_young_pages_fill_is_the_last_to_list_them_for_a_while(world: World) -> None:
    """A fill that began after the last deep poll: the next one is minutes away."""
    end = world.end()
    for number in range(110):
        world.row(number)
        world.clock.advance(1.5)
    scanned(end)
    world.sandbox.log.clear()
    polled(end)
    assert world.requests("POST", "/query$") == 2
    for number in range(1000, 1250):
        world.row(number)
    world.clock.advance(20)
    assert len(polled(end)) >= 250
    world.clock.advance(60)
    world.row(2000)
    assert polled(end) == {}


def test_deep_polls_that_are_long_are_rarer_but_come(world: World) -> None:
    world.row(1)
    end = crowded(world)
    for number in range(3000, 7000):
        world.row(number)
    world.clock.advance(300)
    assert len(polled(end)) > 4000, "more than 40 answers: a hundredth of the budget of 22 minutes"
    young = [world.row(number) for number in (8000, 8001)]
    found = []
    for seconds in (300, 300, 200, 101):
        world.clock.advance(seconds)
        found.append(young[1] in polled(end))
    assert found == [False, False, False, True]


def test_a_poll_that_cannot_ask_for_pages_without_a_key_lists_them_all(world: World) -> None:
    """The key property was removed: the next full listing finds out, not the polls."""
    for number in range(120):
        world.row(number)
    world.clock.advance(3600)
    end = crowded(world)
    world.person.delete_property(world.source_id, "Key")
    young = world.person.create_row(world.source_id, {"Name": "young"})
    batch = end.changes()
    assert young in by_page(batch)
    assert batch.confirmed_before is None


def test_a_key_that_a_listing_shows_first_and_last_otherwise_is_told_in_order(world: World) -> None:
    page = world.row(0)
    for number in range(1, 150):
        world.row(number)
    asked = iter((lambda: None, lambda: world.person.edit(page, {"Key": "run over"})))
    world.sandbox.faults.hook(lambda _: next(asked)(), "POST", "/query$", times=2)
    batch = world.end().changes()
    assert [seen.key for seen in batch.observations if seen.page_id == page] == [("0",), None]


def test_a_page_that_a_full_listing_shows_again_is_told_again_when_it_was_edited_in_between(world: World) -> None:
    """It may show what a write of ours runs over before the next poll; nothing else tells of it then."""
    page = world.row(0, name="old")
    for number in range(1, 150):
        world.row(number)
    world.clock.advance(600)
    world.sandbox.faults.hook(lambda _: world.edit(page, name="edited"), "POST", "/query$", skip=2, times=1)
    told = [seen for batch in world.end().scan() for seen in batch.observations if seen.page_id == page]
    assert [seen.values["name"] for seen in told] == ["old", "edited"]
