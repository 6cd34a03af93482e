"""Proves that a create never makes a second page: what became of one whose answer is lost is found out by its key,
with all the time that Notion's index may need, before it is tried again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bridge.ends import Blame, Outcome
from bridge.errors import LockHeld
from bridge.model import Op
from bridge.sandbox.notion import Request
from tests.notion.conftest import World
from tests.notion.writing import applied, settled


def test_a_create_carries_the_key_and_what_is_not_empty(world: World) -> None:
    [receipt] = applied(world.end(), world.create("7", name="new", amount=Decimal(3)))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.key == ("7",)
    [(page, shown)] = world.pages().items()
    assert receipt.seen.page_id == page
    assert (shown["Key"], shown["Name"], shown["Amount"]) == ("7", "new", 3)


def test_a_first_fill_is_quick(world: World) -> None:
    slept = len(world.clock.slept)
    intents = [world.create(str(n), name=f"row {n}") for n in range(150)]
    assert {receipt.outcome for receipt in applied(world.end(), *intents)} == {Outcome.DONE}
    assert len(world.pages()) == 150
    at_once = sum(world.clock.slept[slept:])
    assert at_once < 15, "after the first few, which are tried, the rate limit allows this burst"


@pytest.mark.parametrize("lag", [0, 5])
def test_a_create_whose_answer_is_lost_is_adopted_not_doubled(world: World, lag: float) -> None:
    world.sandbox.options.query_lag_s = lag
    world.sandbox.faults.apply_then_drop("POST", "/pages$")
    end, intent = world.end(), world.create("7", name="new")
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    found = settled(world, end, intent)
    assert found.outcome is Outcome.DONE
    assert found.seen is not None
    assert [found.seen.page_id] == list(world.pages())
    assert world.requests("POST", "/pages$") == 1


def test_a_create_that_came_to_nothing_is_tried_again_only_after_the_index_had_its_time(world: World) -> None:
    world.sandbox.faults.drop("POST", "/pages$")
    end, intent = world.end(create_settle_s=15), world.create("7", name="new")
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    began = world.clock.monotonic()
    looks = world.requests("POST", "/query$")
    found = settled(world, end, intent)
    assert (found.outcome, found.blame) == (Outcome.RETRY, Blame.UNCLEAR)
    assert world.clock.monotonic() - began >= 15
    assert world.requests("POST", "/query$") - looks >= 4


def test_a_look_that_was_answered_late_gives_the_index_no_time(world: World) -> None:
    """It shows what the index knew when it was asked: the page may have come into it since."""
    world.sandbox.faults.drop("POST", "/pages$")
    end, intent = world.end(create_settle_s=15), world.create("7", name="new")
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    world.sandbox.faults.hook(lambda _: world.clock.advance(20), "POST", "/query$", times=1)
    assert end.find_out(intent).outcome is Outcome.UNKNOWN


def test_each_attempt_to_create_is_given_the_time_that_the_index_needs(world: World) -> None:
    """What the first one has waited counts for nothing: the second page may not be in the index yet."""
    end, intent = world.end(create_settle_s=15), world.create("7", name="new")
    for attempts in (0, 1):
        world.sandbox.faults.drop("POST", "/pages$")
        assert applied(end, replace(intent, attempts=attempts))[0].outcome is Outcome.UNKNOWN
        assert end.find_out(intent).outcome is Outcome.UNKNOWN
        assert settled(world, end, intent).outcome is Outcome.RETRY


def test_a_restart_takes_the_time_for_an_unknown_create_anew(world: World) -> None:
    intent = world.create("7", name="new")
    world.clock.advance(3600)
    assert world.end().find_out(intent).outcome is Outcome.UNKNOWN


def test_a_503_that_names_the_page_is_done_at_once(world: World) -> None:
    world.sandbox.faults.apply_then_fail(503, "POST", "/pages$", reveal=True)
    [receipt] = applied(world.end(), world.create("7", name="new"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert [receipt.seen.page_id] == list(world.pages())


def test_a_503_that_names_a_page_which_somebody_has_edited_since_is_done_all_the_same(world: World) -> None:
    """The page that is read then is not what Notion answered with: what it shows otherwise is a person's."""
    world.sandbox.faults.apply_then_fail(503, "POST", "/pages$", reveal=True)

    def meanwhile(request: Request) -> None:
        world.person.edit(request.path.rsplit("/", 1)[1], {"Key": "9", "Name": "theirs"})

    world.sandbox.faults.hook(meanwhile, "GET", "/pages/")
    [receipt] = applied(world.end(), world.create("7", name="new"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert (receipt.seen.page_id, receipt.seen.key) == (next(iter(world.pages())), ("9",))
    assert receipt.seen.values["name"] == "theirs"


@pytest.mark.parametrize("status", [302, 400, 401, 503])
def test_a_page_whose_answer_cannot_be_read_to_its_end_is_perhaps_made(world: World, status: int) -> None:
    """A long text takes further reads. Whatever is answered to those, it is none to the write."""
    world.sandbox.faults.fail(status, "GET", "/properties/", times=None)

    def mentioning_many(answer: Any) -> Any:
        notes = answer["properties"]["Notes"]["rich_text"]
        answer["properties"]["Notes"]["rich_text"] = [{**notes[0], "type": "mention"}] * 30
        return answer

    world.sandbox.faults.rewrite(mentioning_many, "POST", "/pages$")
    end, intent = world.end(), world.create("7", name="new", notes="x" * 30)
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    assert len(world.pages()) == 1


def test_a_second_attempt_to_create_looks_first(world: World) -> None:
    page = world.row(7, name="the first attempt's")
    intent = world.create("7", name="new")
    [receipt] = applied(world.end(), replace(intent, attempts=1))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.page_id == page
    assert list(world.pages()) == [page]


def test_a_person_s_page_with_the_key_of_an_unknown_create_is_not_taken_for_ours(world: World) -> None:
    world.sandbox.faults.drop("POST", "/pages$")
    end, intent = world.end(bot=world.client.me().body["id"]), world.create("7", name="new")
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    world.row(7, name="theirs")
    assert settled(world, end, intent).outcome is Outcome.RETRY


def test_what_an_unknown_create_has_made_is_told_as_it_is_and_not_as_the_index_has_it(world: World) -> None:
    world.sandbox.faults.apply_then_drop("POST", "/pages$")
    end, intent = world.end(), world.create("7", name="new")
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    [page] = world.pages()
    world.clock.advance(60)
    world.edit(page, name="theirs")
    world.sandbox.stale(page, 30)
    found = end.find_out(intent)
    assert found.seen is not None
    assert (found.outcome, found.seen.values["name"]) == (Outcome.DONE, "theirs")


def test_two_pages_with_the_key_of_an_unknown_create_the_oldest_is_taken(world: World) -> None:
    first = world.row(7)
    world.clock.advance(120)
    world.person.duplicate(first)
    found = world.end().find_out(world.create("7", name="new"))
    assert found.seen is not None
    assert found.seen.page_id == first


def test_a_create_without_a_key_is_refused(world: World) -> None:
    intent = world.intent(Op.CREATE, world.pair(None), {}, None)
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.REFUSED
    assert world.pages() == {}


def test_who_may_not_write_sends_nothing(world: World) -> None:
    """Another bridge has taken the sync over: not even the write that was about to leave is sent."""
    held = LockHeld("another bridge works on the sync")

    def may_write() -> None:
        raise held

    world.row("1", name="old")
    end = world.end(may_write=may_write)
    [seen] = end.changes().observations
    for intent in (world.create("7", name="new"), world.update(seen, name="new"), world.delete(seen)):
        with pytest.raises(LockHeld):
            list(end.apply([intent]))
    assert world.requests("POST", "/pages$") == world.requests("PATCH", "/pages/") == 0
    assert [world.shown(page, "name") for page in world.pages()] == ["old"]
