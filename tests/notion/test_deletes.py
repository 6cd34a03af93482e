"""Proves that pages go into the trash and come out of it only as they were known, and that what became of either half
of a restore is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Blame, Evidence, Outcome
from bridge.errors import AccessLost, LockHeld
from bridge.model import Presence
from bridge.sandbox.notion import Request
from tests.notion.conftest import World
from tests.notion.test_feed import mentioning
from tests.notion.writing import applied, lost


def test_a_delete_moves_the_page_to_the_trash(world: World) -> None:
    page = world.row(1, name="x")
    [receipt] = applied(world.end(), world.delete(world.seen(page)))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.GONE
    assert world.sandbox.log.find("PATCH")[0].body == {"in_trash": True}


@pytest.mark.parametrize("count", [1, 6])
def test_an_edited_page_is_not_deleted(world: World, count: int) -> None:
    intents = [world.delete(world.seen(world.row(n, name="x"))) for n in range(count)]
    page = intents[0].pair.page_id
    assert page is not None
    world.edit(page, stage="still needed")
    stale, *others = applied(world.end(), *intents)
    assert stale.outcome is Outcome.STALE
    assert list(world.pages()) == [page]
    assert {receipt.outcome for receipt in others} <= {Outcome.DONE}


@pytest.mark.parametrize("op", ["delete", "restore"])
def test_a_field_that_nobody_has_looked_at_is_not_thrown_away(world: World, op: str) -> None:
    """It was mapped after the page was seen: what it holds is news, and would go with the page unread."""
    page = world.row(1, name="x", notes="written before the field was mapped")
    if op == "restore":
        world.person.trash(page)
    seen = world.seen(page)
    known = {name: value for name, value in seen.values.items() if name != "notes"}
    [receipt] = applied(world.end(), getattr(world, op)(replace(seen, values=known)))
    assert receipt.outcome is Outcome.STALE
    assert world.requests("PATCH") == 0


def test_a_page_in_the_trash_already_is_done_without_a_write(world: World) -> None:
    page = world.row(1)
    intent = world.delete(world.seen(page))
    world.person.trash(page)
    assert applied(world.end(), intent)[0].outcome is Outcome.DONE
    assert world.requests("PATCH") == 0


@pytest.mark.parametrize("op", ["delete", "restore"])
def test_a_lost_answer_to_a_delete_or_restore_is_found_out(world: World, op: str) -> None:
    page = world.row(1, name="x")
    if op == "restore":
        world.person.trash(page)
    intent = getattr(world, op)(world.seen(page))
    world.sandbox.faults.apply_then_drop("PATCH")
    end = world.end()
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    assert end.find_out(intent).outcome is Outcome.DONE


def test_a_restore_takes_the_page_out_of_the_trash_with_values(world: World) -> None:
    page = world.row(1, name="old", notes="kept")
    world.person.trash(page)
    [receipt] = applied(world.end(), world.restore(world.seen(page), name="new"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.LIVE
    assert (world.shown(page, "name"), world.shown(page, "notes")) == ("new", "kept")


def test_a_restored_page_is_emptied_where_the_row_is_empty(world: World) -> None:
    page = world.row(1, name="x", notes="of the deleted row", amount=3)
    world.person.trash(page)
    [receipt] = applied(world.end(), world.restore(world.seen(page), notes=None, amount=None))
    assert receipt.outcome is Outcome.DONE
    assert (world.shown(page, "name"), world.shown(page, "notes"), world.shown(page, "amount")) == ("x", "", None)


def test_both_halves_of_a_restore_are_only_sent_by_who_may_write(world: World) -> None:
    """Another bridge takes the sync over in between: the values are its to write."""
    page = world.row(1, name="old")
    world.person.trash(page)
    asked: list[int] = []

    def may_write() -> None:
        asked.append(world.requests("PATCH"))
        if len(asked) > 1:
            raise LockHeld("another bridge works on the sync")

    intent = world.restore(world.seen(page), name="new")
    with pytest.raises(LockHeld):
        list(world.end(may_write=may_write).apply([intent]))
    assert (asked, world.shown(page, "name")) == ([0, 1], "old")


def test_a_restore_of_a_live_page_is_stale(world: World) -> None:
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.person.restore(page)
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.STALE
    assert world.shown(page, "name") == "old"


def test_the_values_of_a_restore_do_not_follow_after_a_wait(world: World) -> None:
    """The first half shows the page, and is no guard any more when Notion makes the second wait."""
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.sandbox.faults.fail(429, "PATCH", "/pages/", body="properties", retry_after=30)
    [receipt] = applied(world.end(), intent)
    assert (receipt.outcome, world.shown(page, "name")) == (Outcome.STALE, "old")
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.LIVE


@pytest.mark.parametrize(("status", "ends"), [(409, False), (403, True)])
def test_a_restored_page_whose_values_cannot_follow_is_known_to_be_restored(
    world: World, status: int, ends: bool
) -> None:
    """Called "not written", it would be in the trash for all we know, and who edits it would have brought it back."""
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.sandbox.faults.fail(status, "PATCH", "/pages/", body="properties", times=None)
    [receipt] = (lost if ends else applied)(world.end(), intent)
    assert (receipt.outcome, world.shown(page, "name")) == (Outcome.STALE, "old")
    assert receipt.seen is not None
    assert receipt.seen.presence is Presence.LIVE


@pytest.mark.parametrize("whose", ["ours", "a person's"])
def test_who_took_a_page_out_of_the_trash_is_told_when_the_answer_is_lost(world: World, whose: str) -> None:
    """World 522: the bridge was killed before its restore was sent, and a person restored the page. Taken for the half
    of ours, what it held would have been agreed on, and an edit in it run over."""
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    end = world.end(bot=world.client.me().body["id"])
    if whose == "ours":
        world.sandbox.faults.drop("PATCH", "/pages/", body="properties")
        assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    else:
        world.person.restore(page)
    found = end.find_out(intent)
    assert found.outcome is Outcome.STALE
    assert found.seen is not None
    assert found.seen.evidence is (Evidence.RECEIPT if whose == "ours" else Evidence.LOOK)


@pytest.mark.parametrize("status", [302, 400, 401])
def test_a_restored_page_that_cannot_be_read_to_its_end_is_perhaps_restored(world: World, status: int) -> None:
    """Called "not written", it would be in the trash for all we know."""
    page = world.person.create_row(world.source_id, {"Key": "1", "Name": "old", "Notes": mentioning(world, 30)})
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.sandbox.faults.fail(status, "GET", "/properties/", skip=2)  # what is in the trash is read twice before
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.UNKNOWN
    assert page in world.pages()


def test_a_page_that_is_in_the_trash_of_another_place_stays_there(world: World) -> None:
    """Somebody has moved it, and thrown it away there: it is no record of ours any more."""
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page))
    world.person.restore(page)
    world.person.move(page, world.person.create_database("Other", {"Name": "title"})[1])
    world.person.trash(page)
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.STALE
    assert world.requests("PATCH") == 0


def test_an_edit_between_look_and_restore_is_not_run_over_by_the_values(world: World) -> None:
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")

    def come_and_go(_: Request) -> None:
        world.person.restore(page)
        world.edit(page, name="theirs")
        world.person.trash(page)

    world.sandbox.faults.hook(come_and_go, "PATCH", "/pages/", times=1)
    [receipt] = applied(world.end(), intent)
    assert (receipt.outcome, world.shown(page, "name")) == (Outcome.STALE, "theirs")


def test_a_restored_page_that_shows_an_edit_is_stale(world: World) -> None:
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.person.restore(page)
    world.person.edit(page, {"Name": "theirs"})
    world.person.trash(page)
    [receipt] = applied(world.end(), intent)
    assert (receipt.outcome, world.shown(page, "name")) == (Outcome.STALE, "theirs")


@pytest.mark.parametrize("moment", ["first look", "between the halves", "no answer"])
@pytest.mark.parametrize("how", ["unshared", "in the trash with its database"])
def test_a_page_that_cannot_be_seen_while_it_is_restored_was_not_purged(world: World, moment: str, how: str) -> None:
    """Access to everything is lost: the page is there, and forgetting it would make a second one later."""
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")

    def hide(_: Request) -> None:
        if how == "unshared":
            world.person.unshare(world.source_id)
        else:
            world.person.trash_database(world.database_id)

    end = world.end()
    if moment == "first look":
        world.sandbox.faults.hook(hide, "GET", "/pages/")
    elif moment == "between the halves":
        world.sandbox.faults.hook(hide, "PATCH", "/pages/", body="properties")
    else:
        world.sandbox.faults.apply_then_drop("PATCH")
        assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
        world.sandbox.faults.hook(hide, "GET", "/pages/")
        with pytest.raises(AccessLost):
            end.find_out(intent)
        return
    [receipt] = lost(end, intent)
    assert (receipt.outcome, receipt.blame) == (Outcome.RETRY, Blame.SIDE)


def test_access_that_comes_back_while_it_is_asked_for_purges_nothing(world: World) -> None:
    page = world.row(1, name="old")
    world.person.trash(page)
    intent = world.restore(world.seen(page), name="new")
    world.person.unshare(world.source_id)
    world.sandbox.faults.hook(lambda _: world.person.share(world.source_id), "GET", "/data_sources/")
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.DONE
    assert world.shown(page, "name") == "new"
