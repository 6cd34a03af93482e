"""Proves that a write to Notion rests on a look at the page just before it, sends only what changes, and is
answered with what certainly became of it: done, stale, refused, not written, or unknown."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from bridge.ends import Blame, Evidence, Outcome, Receipt
from bridge.model import Presence
from bridge.notion.catalog import read_data_source
from bridge.sandbox.notion import Request
from tests.notion.conftest import World
from tests.notion.test_feed import mentioning
from tests.notion.writing import applied, lost, settled

# Updates


def test_an_update_sends_only_what_changes_and_answers_with_the_page(world: World) -> None:
    page = world.row(1, name="old", notes="kept", amount=1)
    seen = world.seen(page)
    [receipt] = applied(world.end(), world.update(seen, name="new", amount=Decimal("2.5")))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.evidence is Evidence.RECEIPT
    assert receipt.seen.values == {**seen.values, "name": "new", "amount": Decimal("2.5")}
    [patch] = world.sandbox.log.find("PATCH")
    sent = {field.property.id for field in world.sync.fields if field.name in ("name", "amount")}
    assert set(patch.body) == {"properties"}
    assert set(patch.body["properties"]) == sent


def test_a_write_whose_answer_cannot_be_read_to_its_end_was_perhaps_made(world: World) -> None:
    """A long text takes further reads. "Not sent" would make the same write a second time."""
    page = world.person.create_row(world.source_id, {"Key": "1", "Name": "old", "Notes": mentioning(world, 30)})
    intent = world.update(world.seen(page), name="new")
    world.sandbox.faults.fail(401, "GET", "/properties/", skip=1)  # the guard's read is the first
    end = world.end()
    [receipt] = applied(end, intent)
    assert receipt.outcome is Outcome.UNKNOWN
    assert world.shown(page, "name") == "new"
    assert settled(world, end, intent).outcome is Outcome.DONE


def test_a_field_can_be_emptied(world: World) -> None:
    page = world.row(1, name="x", notes="x", amount=1, stage="open")
    [receipt] = applied(world.end(), world.update(world.seen(page), name=None, notes=None, amount=None, stage=None))
    assert receipt.outcome is Outcome.DONE
    assert world.shown(page, "amount") is None


@pytest.mark.parametrize("count", [1, 12])
def test_what_changed_since_the_merge_is_stale_and_stays(world: World, count: int) -> None:
    pages = [world.row(n, name="old") for n in range(count)]
    intents = [world.update(world.seen(page), name="ours") for page in pages]
    world.edit(pages[0], name="theirs")
    stale, *others = applied(world.end(), *intents)
    assert stale.outcome is Outcome.STALE
    assert stale.seen is not None
    assert stale.seen.values["name"] == "theirs"
    assert world.shown(pages[0], "name") == "theirs"
    assert {receipt.outcome for receipt in others} <= {Outcome.DONE}


def test_another_field_changed_meanwhile_is_no_obstacle_and_is_seen(world: World) -> None:
    page = world.row(1, name="old", notes="old")
    intent = world.update(world.seen(page), name="ours")
    world.edit(page, notes="theirs")
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["notes"] == "theirs"


def test_many_updates_share_one_look(world: World) -> None:
    intents = [world.update(world.seen(world.row(n, name="old")), name=f"new {n}") for n in range(8)]
    world.sandbox.log.clear()
    receipts = applied(world.end(), *intents)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert (world.requests("GET"), world.requests("POST", "/query$")) == (0, 1)


def test_a_shared_look_that_is_behind_is_no_edit(world: World) -> None:
    """Seed 1483 of the worlds (of 100 steps): it was taken for one, and the row got the old value back."""
    pages = [world.row(n, name="old") for n in range(8)]
    world.clock.advance(60)
    world.edit(pages[0], name="newer")
    intents = [world.update(world.seen(page), name="new") for page in pages]
    world.sandbox.stale(pages[0], 30)
    world.sandbox.log.clear()
    receipts = applied(world.end(), *intents)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert world.requests("GET", pages[0]) == 1


def test_a_page_that_the_shared_look_does_not_show_is_read_by_its_id(world: World) -> None:
    pages = [world.row(n, name="old") for n in range(8)]
    intents = [world.update(world.seen(page), name="new") for page in pages]
    world.person.edit(pages[0], {"Key": "changed by hand"})
    world.sandbox.log.clear()
    receipts = applied(world.end(), *intents)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert world.requests("GET", pages[0]) == 1


def test_a_key_filter_that_notion_no_longer_takes_falls_back_to_reading_by_id(world: World) -> None:
    intents = [world.update(world.seen(world.row(n, name="old")), name="new") for n in range(6)]
    world.person.retype_property(world.source_id, "Key", "number")
    assert {r.outcome for r in applied(world.end(), *intents)} == {Outcome.DONE}


def test_a_wait_between_look_and_write_makes_the_look_anew(world: World) -> None:
    pages = [world.row(n, name="old") for n in range(8)]
    intents = [world.update(world.seen(page), name="ours") for page in pages]

    def the_limiter_makes_it_wait(_: Request) -> None:
        world.edit(pages[0], name="theirs")

    world.sandbox.faults.fail(429, "PATCH", pages[0], headers={"Retry-After": "20"}, hook=the_limiter_makes_it_wait)
    first, *others = applied(world.end(pool=1), *intents)
    assert first.outcome is Outcome.STALE
    assert world.shown(pages[0], "name") == "theirs"
    assert {receipt.outcome for receipt in others} == {Outcome.DONE}


def test_a_shared_look_whose_answer_was_long_in_coming_is_not_relied_on(world: World) -> None:
    """It may show the pages as they were when it was asked for: what somebody wrote since would be run over."""
    intents = [world.update(world.seen(world.row(n, name="old")), name="new") for n in range(8)]
    world.sandbox.faults.hook(lambda _: world.clock.advance(10), "POST", "/query$", times=1)
    world.sandbox.log.clear()
    receipts = applied(world.end(pool=1, guard_window_s=9), *intents)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert world.requests("GET", "/pages/") >= 8, "each page is read by itself"


def test_the_key_is_written_with_the_update_that_asks_for_it(world: World) -> None:
    page = world.person.create_row(world.source_id, {"Name": "by hand"})
    [receipt] = applied(world.end(), world.update(world.seen(page), key=("42",), name="kept"))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.key == ("42",)


def test_a_property_that_was_removed_is_refused_by_name(world: World) -> None:
    page = world.row(1, amount=1)
    intent = world.update(world.seen(page), amount=Decimal(2))
    world.person.delete_property(world.source_id, "Amount")
    [receipt] = applied(world.end(), intent)
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "amount")
    assert world.requests("PATCH") == 0


def test_a_value_that_notion_cannot_hold_is_refused_without_asking(world: World) -> None:
    page = world.row(1, amount=1)
    [receipt] = applied(world.end(), world.update(world.seen(page), amount=Decimal(2**60 + 1)))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "amount")
    assert world.requests("PATCH") == 0


def test_a_validation_error_blames_the_field_that_it_names(world: World) -> None:
    page = world.row(1, name="x", amount=1)
    world.sandbox.faults.fail(400, "PATCH", message="Amount is expected to be select.")
    [receipt] = applied(world.end(), world.update(world.seen(page), name="y", amount=Decimal(2)))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "amount")
    assert "expected to be select" in receipt.reason


def test_a_validation_error_that_names_several_fields_blames_none(world: World) -> None:
    page = world.row(1, name="x", amount=1)
    world.sandbox.faults.fail(400, "PATCH", message="Name and Amount are too long together.")
    [receipt] = applied(world.end(), world.update(world.seen(page), name="y", amount=Decimal(2)))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "")


def test_what_notion_stores_differently_is_refused_and_shown(world: World) -> None:
    def rounded(answer: Any) -> Any:
        answer["properties"]["Amount"]["number"] = 2
        return answer

    page = world.row(1, amount=1)
    world.sandbox.faults.rewrite(rounded, "PATCH")
    [receipt] = applied(world.end(), world.update(world.seen(page), amount=Decimal("2.5")))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "amount")
    assert "2 instead of 2.5" in receipt.reason
    assert receipt.seen is not None
    assert receipt.seen.values["amount"] == 2


@pytest.mark.parametrize(("what", "field"), [("Amount", "amount"), ("Key", "")])
def test_what_the_answer_does_not_show_as_it_was_asked_for_was_not_stored(world: World, what: str, field: str) -> None:
    def changed(answer: Any) -> Any:
        if what == "Key":
            answer["properties"]["Key"]["rich_text"][0]["plain_text"] = "8"
        else:
            del answer["properties"]["Amount"]
        return answer

    page = world.row(1, amount=1)
    world.sandbox.faults.rewrite(changed, "PATCH")
    [receipt] = applied(world.end(), world.update(world.seen(page), ("7",), amount=Decimal(2)))
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, field)


def test_a_time_to_the_minute_stands_for_one_with_seconds(world: World) -> None:
    world.sandbox.options.date_precision = "minute"
    page = world.row(1)
    due = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    [receipt] = applied(world.end(), world.update(world.seen(page), due=due))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.values["due"] == due.replace(second=0)


@pytest.mark.parametrize("how", ["trash", "archive", "move", "unshare"])
@pytest.mark.parametrize("when", ["before the look", "after the look"])
def test_a_page_that_left_is_stale(world: World, how: str, when: str) -> None:
    page = world.row(1, name="old")
    intent = world.update(world.seen(page), name="new")

    def leave(_: Request | None = None) -> None:
        getattr(world.person, how)(page)

    if when == "before the look":
        leave()
    else:
        world.sandbox.faults.hook(leave, "PATCH")
    [receipt] = applied(world.end(), intent)
    if when == "after the look" and how in ("archive", "move"):
        # Notion takes the write wherever the page is; what it is now comes with the answer.
        assert receipt.outcome is Outcome.DONE
        assert receipt.seen is not None
        assert receipt.seen.presence is Presence.AWAY
    else:
        assert receipt.outcome is Outcome.STALE
        assert receipt.seen is not None
        assert receipt.seen.presence is (Presence.GONE if how == "trash" else Presence.AWAY)


def test_writes_to_one_page_keep_their_order(world: World) -> None:
    page = world.row(1, name="0", notes="0")
    seen = world.seen(page)
    one = world.update(seen, name="1")
    two = world.update(seen, notes="2")
    assert [receipt.intent_id for receipt in world.end().apply([one, two])] == [one.id, two.id]
    assert [entry.body["properties"].keys() for entry in world.sandbox.log.find("PATCH")] == [
        {world.sync.fields[0].property.id},
        {world.sync.fields[1].property.id},
    ]


def test_people_come_before_backfills(world: World) -> None:
    backfill = replace(world.update(world.seen(world.row(1, name="a")), name="b"), backfill=True)
    person = world.update(world.seen(world.row(2, name="a")), name="b")
    assert [r.intent_id for r in world.end(pool=1).apply([backfill, person])] == [person.id, backfill.id]


# Uncertain outcomes


@pytest.mark.parametrize("fault", ["apply_then_drop", "drop", "truncate"])
def test_a_patch_whose_answer_is_lost_is_unknown_and_is_found_out(world: World, fault: str) -> None:
    page = world.row(1, name="old")
    intent = world.update(world.seen(page), name="new")
    getattr(world.sandbox.faults, fault)("PATCH")
    end = world.end()
    [receipt] = applied(end, intent)
    assert receipt.outcome is Outcome.UNKNOWN
    assert world.requests("PATCH") == 1, "an uncertain write must not be repeated"
    found = end.find_out(intent)
    assert found.outcome is (Outcome.STALE if fault == "drop" else Outcome.DONE)
    assert found.seen is not None
    assert found.seen.values["name"] == ("old" if fault == "drop" else "new")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_to_a_write_is_unknown(world: World, status: int) -> None:
    page = world.row(1, name="old")
    intent = world.update(world.seen(page), name="new")
    world.sandbox.faults.apply_then_fail(status, "PATCH")
    end = world.end()
    assert applied(end, intent)[0].outcome is Outcome.UNKNOWN
    assert end.find_out(intent).outcome is Outcome.DONE


@pytest.mark.parametrize("status", [409])
def test_a_conflict_is_certainly_not_written(world: World, status: int) -> None:
    page = world.row(1, name="old")
    world.sandbox.faults.fail(status, "PATCH")
    [receipt] = applied(world.end(), world.update(world.seen(page), name="new"))
    assert (receipt.outcome, receipt.blame) == (Outcome.RETRY, Blame.RECORD)
    assert world.shown(page, "name") == "old"


@pytest.mark.parametrize("status", [429, 529])
def test_throttled_writes_are_sent_again_after_the_wait(world: World, status: int) -> None:
    page = world.row(1, name="old")
    intent = world.update(world.seen(page), name="new")
    world.sandbox.faults.fail(status, "PATCH", retry_after=30, times=2)
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.DONE
    patches = world.sandbox.log.find("PATCH")
    assert [entry.status for entry in patches] == [status, status, 200]
    assert all((b.at - a.at).total_seconds() >= 30 for a, b in pairwise(patches))


def test_a_write_that_cannot_be_guarded_is_certainly_not_written(world: World) -> None:
    intents = [world.update(world.seen(world.row(n, name="old")), name="new") for n in range(12)]
    world.sandbox.faults.fail(503, "GET", times=None)
    world.sandbox.faults.fail(503, "POST", times=None)
    receipts = lost(world.end(), *intents)
    assert {(receipt.outcome, receipt.blame) for receipt in receipts} == {(Outcome.RETRY, Blame.SIDE)}
    assert len(receipts) == 12
    assert world.requests("PATCH") == 0


def test_lost_access_is_raised_after_every_intent_has_its_receipt(world: World) -> None:
    intents = [world.update(world.seen(world.row(n, name="old")), name="new") for n in range(6)]
    world.sandbox.faults.fail(403, "PATCH", times=None)
    receipts = lost(world.end(), *intents)
    assert {(receipt.outcome, receipt.blame) for receipt in receipts} == {(Outcome.RETRY, Blame.SIDE)}
    assert len(receipts) == 6


# The limits


def test_more_writes_than_the_budget_wait_and_never_exceed_it(world: World) -> None:
    intents = [world.update(world.seen(world.row(n, name="old")), name="new") for n in range(150)]
    receipts = applied(world.end(), *intents)
    outcomes = {receipt.outcome for receipt in receipts}
    assert outcomes == {Outcome.DONE}
    assert max(entry.status for entry in world.sandbox.log.entries) == 200


def test_writers_in_several_threads_share_the_limit_and_the_guard(world: World) -> None:
    seen = [world.seen(world.row(n, name="old")) for n in range(30)]
    results: list[Receipt] = []
    ends = [world.end() for _ in range(3)]

    def work(number: int) -> None:
        mine = [world.update(one, name="new") for one in seen[number::3]]
        results.extend(ends[number].apply(mine))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipt.outcome for receipt in results] == [Outcome.DONE] * 30


# The data source is another one by now


@pytest.mark.parametrize("name", ["Key", "Notes"])
def test_a_property_that_is_gone_parks_no_record(world: World, name: str) -> None:
    """It is no fault of theirs, and who brings it back wants them to go on by themselves."""
    page = world.row(1, name="old")
    writes = [world.create("7", name="made", notes="made"), world.update(world.seen(page), ("1",), name="new")]
    world.person.delete_property(world.source_id, name)
    receipts = lost(world.end(), *(writes if name == "Key" else writes[:1]))
    assert {(receipt.outcome, receipt.blame) for receipt in receipts} == {(Outcome.RETRY, Blame.SIDE)}
    assert all(f"has no property {name!r} any more" in receipt.reason for receipt in receipts)


def test_a_status_property_that_is_gone_parks_no_record(world: World) -> None:
    world.person.add_property(world.source_id, "Sync", "rich_text")
    source = read_data_source(world.client, world.source_id)
    world.sync = replace(world.sync, data_source=source, status_property=source.property("Sync"))
    write = world.create("7", name="made")
    world.person.delete_property(world.source_id, "Sync")
    [receipt] = lost(world.end(), replace(write, action=replace(write.action, note="waits")))
    assert (receipt.outcome, receipt.blame) == (Outcome.RETRY, Blame.SIDE)


def test_a_refusal_that_the_schema_contradicts_is_the_records(world: World) -> None:
    page = world.row(1, name="old")
    write = world.update(world.seen(page), name="new")
    world.sandbox.faults.fail(
        400, "PATCH", "/pages/", code="validation_error", message="x is not a property that exists."
    )
    [receipt] = applied(world.end(), write)
    assert receipt.outcome is Outcome.REFUSED


def test_nobody_is_let_in_while_the_schema_is_asked_for(world: World) -> None:
    write = world.create("7", name="made")
    world.person.delete_property(world.source_id, "Key")
    world.sandbox.faults.fail(401, "GET", "/data_sources/")
    [receipt] = lost(world.end(), write)
    assert (receipt.outcome, receipt.blame) == (Outcome.RETRY, Blame.SIDE)
