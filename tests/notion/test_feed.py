"""Proves that the feed misses no edit and invents no deletion, whatever Notion's listings do: edits within one
minute, answers that are behind, pages edited or trashed while they are listed, cursors that expire, results that
end at a cap; and that the watermark moves only after the journal has what it passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.ends import Evidence, Outcome
from bridge.errors import AccessLost, Unavailable
from bridge.model import Presence
from bridge.notion.listing import floor_minute
from bridge.sandbox.notion import Request
from bridge.shapes import Column
from tests.notion.conftest import World
from tests.notion.reading import by_page, polled, scanned


def test_an_observation_tells_what_the_page_holds(world: World) -> None:
    page = world.row(7, name="Ada", amount=12.5, stage="open")
    seen = polled(world.end())[page]
    assert seen.presence is Presence.LIVE
    assert seen.evidence is Evidence.SCAN
    assert seen.key == ("7",)
    assert seen.values == {"name": "Ada", "notes": None, "amount": Decimal("12.5"), "stage": "open", "due": None}
    assert seen.edited == seen.created == floor_minute(world.clock.now())
    assert seen.author == world.person.user.id
    assert seen.stamp is not None
    assert seen.seen is not None
    assert seen.stamp.earliest <= world.clock.now()
    assert seen.stamp.latest <= world.clock.now()
    assert world.clock.now() - timedelta(seconds=5) < seen.seen < world.clock.now() - timedelta(seconds=2)


def test_a_second_edit_in_the_same_minute_is_seen(world: World) -> None:
    page = world.row(1, name="one")
    end = world.end()
    first = polled(end)[page]
    world.edit(page, name="two")
    second = polled(end)[page]
    assert (first.values["name"], second.values["name"]) == ("one", "two")
    assert first.edited == second.edited, "the test needs both edits in one minute"


@pytest.mark.parametrize("later", [60, 0])
def test_what_a_listing_shows_first_and_last_of_a_page_is_told_in_order(world: World, later: float) -> None:
    """Worlds, seed 1976: an edit slipped in before a write of ours, which ran over it. The first answer of a poll
    showed it, the last one what the write had left, and the poll told of that only: the edit was kept nowhere."""
    page = world.row(0, name="edited")
    for number in range(1, 150):
        world.row(number)
    asked = iter((lambda: None, lambda: world.edit(page, name="run over")))
    world.sandbox.faults.hook(lambda _: next(asked)(), "POST", "/query$", times=2)
    world.clock.advance(later)
    batch = world.end().changes()
    shown = [seen.values["name"] for seen in batch.observations if seen.page_id == page]
    assert shown == ["edited", "run over"]
    assert len(batch.observations) == 151


def test_an_edit_that_the_query_shows_only_minutes_later_is_seen(world: World) -> None:
    page, other = world.row(1, name="one"), world.row(2, name="x")
    world.clock.advance(200)
    end = world.end()
    scanned(end)
    world.edit(page, name="two")
    world.sandbox.stale(page, 100)
    world.clock.advance(60)
    world.edit(other, name="y")
    shown = polled(end)
    assert shown[other].values["name"] == "y"
    assert shown[page].values["name"] == "one", "the test needs an answer that is behind"
    world.clock.advance(45)
    world.edit(other, name="z")
    assert polled(end)[page].values["name"] == "two"


def test_the_watermark_moves_only_when_the_batch_is_acknowledged(world: World) -> None:
    world.row(1)
    end = world.end()
    batch = end.changes()
    assert end.watermark is None
    end.acknowledge(batch)
    assert end.watermark == floor_minute(world.clock.now())


def test_the_watermark_is_notions_time_and_never_goes_back(world: World) -> None:
    page = world.row(1)
    end = world.end()
    old = end.changes()
    world.clock.advance(3600)
    world.edit(page, name="later")
    edited = floor_minute(world.clock.now())
    world.clock.advance(3600)
    end.acknowledge(end.changes())
    assert end.watermark == edited
    end.acknowledge(old)
    assert end.watermark == edited


def test_a_poll_asks_for_whole_minutes_behind_the_watermark(world: World) -> None:
    world.row(1)
    end = world.end()
    polled(end)
    world.sandbox.log.clear()
    polled(end)
    assert end.watermark is not None
    asked = world.sandbox.log.find("POST", "/query$")[0].body["filter"]["last_edited_time"]["on_or_after"]
    assert asked == (end.watermark - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:00.000Z")


def test_confirmed_is_before_the_first_request_by_the_query_lag(world: World) -> None:
    for number in range(150):
        world.row(number)
    world.sandbox.faults.hook(lambda _: world.clock.advance(30), "POST", "/query$", times=1)
    before = world.clock.now()
    batch = world.end(query_lag_s=20).changes()
    assert batch.confirmed is not None
    assert before - timedelta(seconds=20) <= batch.confirmed < before - timedelta(seconds=10)


def test_a_scan_shows_every_page_once_and_leaves_the_watermark_of_its_beginning(world: World) -> None:
    pages = [world.row(number) for number in range(250)]
    began = floor_minute(world.clock.now())

    def edit_a_page_already_listed(_: Request) -> None:
        world.clock.advance(600)
        world.edit(pages[0], name="edited during the scan")
        world.clock.advance(600)
        world.row(999)

    world.sandbox.faults.hook(edit_a_page_already_listed, "POST", "/query$", skip=2)
    end = world.end()
    assert set(pages) <= set(scanned(end))
    assert end.watermark == began
    assert polled(end)[pages[0]].values["name"] == "edited during the scan"


def test_what_a_scan_asks_for_its_watermark_is_told_too(world: World) -> None:
    """The answer may show an edit that a write of ours is running over; nothing else may ever show it."""
    page, other = world.row(1), world.row(2)
    world.clock.advance(600)
    world.edit(page, name="edited before the listing")

    def run_over_it(_: Request) -> None:
        world.edit(page, name="run over")

    world.sandbox.faults.hook(run_over_it, "POST", "/query$", skip=1)
    told = [seen for batch in world.end().scan() for seen in batch.observations]
    assert [seen.values["name"] for seen in told if seen.page_id == page] == ["edited before the listing", "run over"]
    assert [seen.page_id for seen in told].count(other) == 1


def test_a_page_that_a_scan_lists_again_is_told_as_it_is_then(world: World) -> None:
    """Worlds, seed 13946: a page came twice in one listing, for its minute began a new window of it. Its second sight
    showed an edit of the same minute, which nothing else showed before a write of ours ran over it."""
    for number in range(99):
        world.row(number)
    world.clock.advance(60)
    page = world.row(100)
    world.clock.advance(60)
    world.row(101)
    world.edit(page, name="one")
    world.sandbox.faults.hook(lambda _: world.edit(page, name="two"), "POST", "/query$", skip=2)
    [_, *listed] = world.end().scan()  # the first shows what was edited last
    told = [seen for batch in listed for seen in batch.observations if seen.page_id == page]
    assert [seen.values["name"] for seen in told] == ["one", "two"]
    assert told[0].edited == told[1].edited, "the test needs both sights in one minute"


def test_a_scan_that_is_not_finished_moves_nothing(world: World) -> None:
    for number in range(120):
        world.row(number)
    end = world.end()
    end.acknowledge(next(iter(end.scan())))
    assert end.watermark is None


def test_pages_trashed_while_they_are_listed_hide_no_others(world: World) -> None:
    pages = []
    for number in range(260):
        pages.append(world.row(number))
        world.clock.advance(2)
    world.sandbox.faults.hook(
        lambda _: [world.person.trash(page) for page in pages[:20]],  # type: ignore[arg-type,func-returns-value]
        "POST",
        "/query$",
        skip=2,
    )
    assert set(pages[20:]) <= set(scanned(world.end()))


def test_pages_edited_while_a_long_poll_lists_them_hide_no_others(world: World) -> None:
    pages = []
    for number in range(260):
        pages.append(world.row(number, name="old"))
        world.clock.advance(2)

    def edit_some(_: Request) -> None:
        for page in pages[:20]:
            world.edit(page, name="new")

    world.sandbox.faults.hook(edit_some, "POST", "/query$", skip=1)
    shown = by_page(world.end().changes())
    assert set(shown) == set(pages)
    assert {shown[page].values["name"] for page in pages[:20]} == {"new"}


@pytest.mark.parametrize("limit", [100, 130])
def test_more_pages_than_one_query_gives(world: World, limit: int) -> None:
    world.sandbox.options.query_result_limit = limit
    pages = set()
    for number in range(420):
        pages.add(world.row(number))
        world.clock.advance(1)
    assert set(scanned(world.end())) == pages
    assert set(by_page(world.end().changes())) == pages


def test_a_minute_that_no_query_can_list_in_full_is_an_error_and_no_listing(world: World) -> None:
    world.sandbox.options.query_result_limit = 120
    for number in range(150):
        world.row(number)
    end = world.end()
    with pytest.raises(Unavailable, match="before its end"):
        list(end.scan())
    with pytest.raises(Unavailable, match="before its end"):
        end.changes()
    assert end.watermark is None


def test_short_pages_are_not_the_end(world: World) -> None:
    world.sandbox.options.short_pages = True
    pages = {world.row(number) for number in range(150)}
    assert set(scanned(world.end())) == pages


def test_an_expired_cursor_starts_over_once(world: World) -> None:
    pages = {world.row(number) for number in range(150)}
    message = "The start_cursor provided is invalid: gone"
    world.sandbox.faults.fail(400, "POST", "/query$", body="start_cursor", message=message)
    assert set(by_page(world.end().changes())) == pages
    world.sandbox.faults.fail(400, "POST", "/query$", body="start_cursor", message=message, times=2)
    with pytest.raises(Unavailable, match="broke off twice"):
        world.end().changes()


def test_more_results_without_a_cursor_are_no_listing(world: World) -> None:
    world.row(1)
    raw = '{"object":"list","results":[],"has_more":true,"next_cursor":null}'
    world.sandbox.faults.fail(200, "POST", "/query$", raw=raw)
    with pytest.raises(Unavailable, match="not where they begin"):
        world.end().changes()


def test_a_cursor_that_goes_in_a_circle_is_no_listing(world: World) -> None:
    raw = '{"object":"list","results":[],"has_more":true,"next_cursor":"again"}'
    world.sandbox.faults.fail(200, "POST", "/query$", raw=raw, times=None)
    with pytest.raises(Unavailable, match="circle"):
        world.end().changes()


def test_a_data_source_that_is_no_longer_shared_is_lost_access_not_an_empty_one(world: World) -> None:
    world.row(1)
    world.person.unshare(world.database_id)
    end = world.end()
    with pytest.raises(AccessLost, match="no longer shared") as caught:
        end.changes()
    assert "Connections" in str(caught.value)
    with pytest.raises(AccessLost):
        list(end.scan())


@pytest.mark.parametrize("whose", ["another database", "the same database"])
def test_look_tells_deleted_from_gone_elsewhere(world: World, whose: str) -> None:
    pages = [world.row(number) for number in range(5)]
    home = world.person.create_database("Other", {"Name": "title"})[0] if "another" in whose else world.database_id
    other = world.person.add_data_source(home, "More", {"Name": "title"})
    world.person.trash(pages[1])
    world.person.move(pages[2], other)
    world.person.archive(pages[3])
    world.person.unshare(pages[4])
    pairs = [*(world.pair(page) for page in pages), world.pair(None, ("9",))]
    seen = world.end().look(pairs)
    assert [one.presence.value for one in seen] == ["live", "gone", "away", "away", "away", "unseen"]
    assert [one.page_id for one in seen[:5]] == pages
    assert "moved" in seen[2].note
    assert "archived" in seen[3].note
    assert "shared" in seen[4].note
    assert {one.evidence for one in seen} == {Evidence.LOOK}


def test_pages_in_the_trash_with_their_database_were_not_deleted(world: World) -> None:
    page = world.row(1)
    world.person.trash_database(world.database_id)
    [seen] = world.end().look([world.pair(page)])
    assert seen.presence is Presence.AWAY
    assert "database is in the trash" in seen.note


@pytest.mark.parametrize("through", ["a look", "a guard"])
def test_a_database_that_comes_back_while_its_pages_are_read_has_deleted_none(world: World, through: str) -> None:
    """Worlds, seed 60035: a page was read while its database was in the trash, and the database asked when it was out
    of it again. That passed for a deletion of the page, and the record's row was deleted after it."""
    page = world.row(1, name="old")
    intent = world.update(world.seen(page), name="new")
    world.person.trash_database(world.database_id)
    world.sandbox.faults.hook(
        lambda _: world.person.trash_database(world.database_id, in_trash=False), "GET", "/data_sources/"
    )
    if through == "a look":
        [seen] = world.end().look([world.pair(page)])
        assert seen.presence is Presence.LIVE
    else:
        [receipt] = world.end().apply([intent])
        assert receipt.outcome is Outcome.DONE


def test_a_bad_token_is_lost_access(world: World) -> None:
    page = world.row(1)
    world.sandbox.faults.fail(401, "GET", "/pages/", times=None)
    with pytest.raises(AccessLost, match="401"):
        world.end().look([world.pair(page)])


def test_a_renamed_property_is_the_same_field_and_a_removed_one_is_not_null(world: World) -> None:
    page = world.row(1, name="Ada", notes="here", amount=3)
    world.person.rename_property(world.source_id, "Notes", "Remarks")
    world.person.delete_property(world.source_id, "Amount")
    values = world.seen(page).values
    assert values["notes"] == "here"
    assert "amount" not in values


def test_a_retyped_property_is_told_and_is_not_null(world: World) -> None:
    page = world.row(1, amount=3)
    assert world.seen(page).retyped == ()
    world.person.retype_property(world.source_id, "Amount", "checkbox")
    seen = world.seen(page)
    assert seen.retyped == ("amount",)
    assert "amount" not in seen.values


@pytest.mark.parametrize("mentions", [24, 25, 60])
def test_text_with_many_mentions_is_read_whole(world: World, mentions: int) -> None:
    page = world.person.create_row(world.source_id, {"Key": "1", "Notes": mentioning(world, mentions)})
    whole = "@Ada" * mentions + " end"
    assert world.seen(page).values["notes"] == whole
    assert by_page(world.end().changes())[page].values["notes"] == whole


@pytest.mark.parametrize("edited", [False, True])
def test_text_that_is_edited_while_it_is_read_is_not_torn(world: World, *, edited: bool) -> None:
    """Of its first items the old ones, and of the others the new: a value that nobody has ever written."""
    page = world.person.create_row(world.source_id, {"Key": "1", "Notes": mentioning(world, 130)})

    def edit(_: Request) -> None:
        world.person.edit(page, {"Notes": mentioning(world, 140)[::-1]})

    if edited:
        world.sandbox.faults.hook(edit, "GET", "/properties/", skip=1)
    assert world.seen(page).values.get("notes") == (None if edited else "@Ada" * 130 + " end")
    assert world.seen(page).values["notes"] == (" end" + "@Ada" * 140 if edited else "@Ada" * 130 + " end")


def test_text_whose_rest_cannot_be_read_is_not_observed(world: World) -> None:
    """Its beginning, which the page shows, would pass for an edit that cut it off."""
    page = world.person.create_row(world.source_id, {"Key": "1", "Notes": mentioning(world, 60)})
    world.sandbox.faults.fail(404, "GET", "/properties/")
    assert "notes" not in world.seen(page).values


def mentioning(world: World, mentions: int) -> list[dict[str, Any]]:
    """Text with so many mentions of a person."""
    user = {"object": "user", "id": world.person.user.id}
    mention: dict[str, Any] = {
        "type": "mention",
        "mention": {"type": "user", "user": user},
        "plain_text": "@Ada",
        "href": None,
    }
    text: dict[str, Any] = {
        "type": "text",
        "text": {"content": " end", "link": None},
        "plain_text": " end",
        "href": None,
    }
    return [run | {"annotations": {}} for run in [*[mention] * mentions, text]]


def test_trash_hints_name_only_pages_of_this_data_source(world: World) -> None:
    mine, other_source = world.row(1), world.person.create_database("Other", {"Name": "title"})[1]
    other = world.person.create_row(other_source, {"Name": "x"})
    world.row(2)
    world.person.trash(mine)
    world.person.trash(other)
    assert world.end().trash_hints() == [mine]


def test_trash_hints_are_off_where_notion_does_not_know_the_filter(world: World) -> None:
    world.sandbox.faults.fail(400, "POST", "/search$", times=None)
    end = world.end()
    assert end.trash_hints() == []
    assert end.trash_hints() == []
    assert world.requests("POST", "/search$") == 1


def test_a_key_is_looked_up_in_every_live_page_with_exactly_that_key_oldest_first(world: World) -> None:
    first = world.row(7)
    world.clock.advance(120)
    second = world.person.duplicate(first)
    gone = world.row(7)
    world.person.trash(gone)
    world.row(77)
    assert [seen.page_id for seen in world.end()._pages.by_key(("7",))] == [first, second]


def test_a_look_up_does_not_take_a_key_that_only_notion_calls_equal(world: World) -> None:
    # Notion's "equals" ignores the case of text; to the database "a" and "A" are two rows.
    world.sync = replace(world.sync, key=(Column("code", "text", "text", 1, not_null=True),))
    page = world.row("a")
    world.row("A")
    assert [seen.page_id for seen in world.end()._pages.by_key(("a",))] == [page]
