"""Rows: which record an outbox row belongs to, what is our own echo, and what a changed key does.

S10 (no duplicate), S15-S16 (complete, in order), S18 (idempotent), S19 (no echo).
"""

from __future__ import annotations

from dataclasses import replace

from bridge.ends import Batch, Evidence, Observation, Outcome
from bridge.engine.intake import Intake
from bridge.engine.settle import Settler
from bridge.model import Base, Change, Op, Presence, Side, Value
from tests.unit.desk import BOT, Desk, at, minute, page, row

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}
AFTER: dict[str, Value] = {"title": "after", "status": "Todo"}


def keys(desk: Desk) -> dict[str | None, str | None]:
    """page by key"""
    return {pair.key[0] if pair.key else None: pair.page_id for pair in desk.journal.all_pairs("tasks")}


# Rows


def test_an_outbox_row_is_taken_once() -> None:
    """The process died between our commit and the outbox's; the feed gives the row again, and newer ones before it."""
    desk = Desk()
    desk.record("1", BEFORE)
    first = row("1", {"title": "first"}, event_id="e-1", position=1)
    desk.see(first)
    desk.see(row("1", {"title": "second"}, event_id="e-2", position=2))
    desk.see(first)
    assert desk.pair("1").postgres.values["title"] == "second"
    assert desk.events("1").count("update") == 2


def test_an_outbox_row_that_says_nothing_new_is_known_all_the_same() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", BEFORE, event_id="e-1"))
    assert desk.journal.known_event("e-1")
    assert desk.events("1")[-1] == "same"
    assert desk.plan() == []


def test_a_change_is_one_whoever_made_it() -> None:
    """Many programs write as the database's superuser, the bridge among them: only its mark tells what it wrote."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER, event_id="e-1", author="postgres"))
    assert desk.planned().action.changes["title"].new == "after"
    assert desk.events("1")[-1] == "update"


def test_a_row_without_a_key_is_nobody_s() -> None:
    desk = Desk()
    desk.see(Observation(Side.POSTGRES, Presence.LIVE, BEFORE))
    assert keys(desk) == {}


def test_a_deletion_of_a_row_that_was_never_seen_is_nothing() -> None:
    desk = Desk()
    desk.see(row("1", event_id="e-1"))
    assert keys(desk) == {}


def test_only_a_complete_read_tells_of_missing_rows() -> None:
    desk = Desk()
    for key in ("1", "2", "3"):
        desk.record(key, BEFORE)
    desk.see(row("3"))
    desk.shown_in_full("1")
    assert [desk.pair(key).postgres.presence for key in "123"] == [Presence.LIVE, Presence.GONE, Presence.GONE]
    assert desk.events("2")[-1] == "delete"
    assert desk.events("3").count("delete") == 1


# Our own writes, coming back


def written_row(desk: Desk) -> str:
    """The title of record 1 goes from its page into its row; nothing is answered yet."""
    desk.record("1", BEFORE)
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(61)))
    return desk.planned().id


def test_the_echo_of_a_write_is_its_answer_when_there_was_none() -> None:
    """The connection died after COMMIT was sent; the outbox knows."""
    desk = Desk()
    name = written_row(desk)
    desk.see(row("1", AFTER, origin=name, event_id="e-1", position=1))
    found = desk.journal.intent(name)
    assert found is not None
    assert found[1] == "done"
    assert desk.events("1")[-2:] == ["write", "echo"]
    assert desk.plan() == []
    assert desk.pair("1").base == Base(Presence.LIVE, AFTER)


def test_an_echo_that_carries_more_than_we_wrote_is_a_change_of_the_row() -> None:
    """A trigger of the user's set the status, in the same statement."""
    desk = Desk()
    name = written_row(desk)
    desk.see(row("1", {"title": "after", "status": "Doing"}, origin=name, event_id="e-1", position=1))
    onward = desk.planned()
    assert (onward.action.side, onward.action.changes) == (Side.NOTION, {"status": Change("Todo", "Doing")})


def test_a_write_waits_for_the_last_of_its_echoes() -> None:
    """An AFTER trigger updated the row again: two outbox rows, and the receipt names the last."""
    desk = Desk()
    name = written_row(desk)
    found = desk.journal.intent(name)
    assert found is not None
    desk.answer(found[0], Outcome.DONE, position=2)
    desk.see(row("1", AFTER, origin=name, event_id="e-1", position=1))
    assert desk.state(found[0]) == "echo"
    desk.see(row("1", {**AFTER, "status": "Doing"}, origin=name, event_id="e-2", position=2))
    assert desk.state(found[0]) == "done"
    assert desk.planned().action.changes == {"status": Change("Todo", "Doing")}


def test_an_echo_after_the_last_is_still_no_event_of_a_person() -> None:
    desk = Desk()
    name = written_row(desk)
    desk.see(row("1", AFTER, origin=name, event_id="e-1", position=1))
    desk.see(row("1", AFTER, origin=name, event_id="e-2", position=2))
    assert desk.events("1")[-1] == "echo"
    assert desk.plan() == []


def test_the_echo_of_a_write_that_was_given_up_tells_that_it_was_made_after_all() -> None:
    desk = Desk()
    name = written_row(desk)
    found = desk.journal.intent(name)
    assert found is not None
    desk.answer(found[0], Outcome.RETRY, reason="the connection broke")
    desk.see(row("1", AFTER, origin=name, event_id="e-1", position=1))
    assert desk.state(found[0]) == "done"
    desk.clock.seconds += 60.0
    assert desk.plan() == []
    assert desk.pair("1").base == Base(Presence.LIVE, AFTER)


def test_the_echo_of_a_create_names_the_record() -> None:
    desk = Desk()
    desk.see(page("page-1", None, BEFORE, edited=minute(0), seen=at(1)))
    name = desk.planned().id
    desk.see(row("7", BEFORE, origin=name, event_id="e-1", position=1))
    assert keys(desk) == {"7": "page-1"}
    assert desk.planned().action.key == ("7",)


def test_the_echo_of_a_create_whose_answer_told_no_key_names_the_record() -> None:
    desk = Desk()
    desk.see(page("page-1", None, BEFORE, edited=minute(0), seen=at(1)))
    intent = desk.planned()
    desk.answer(intent, Outcome.DONE, position=5)
    assert keys(desk) == {None: "page-1"}
    desk.see(row("7", BEFORE, origin=intent.id, event_id="e-1", position=5))
    assert keys(desk) == {"7": "page-1"}
    assert desk.state(intent) == "done"


def test_a_row_that_was_deleted_before_its_key_was_given_to_a_new_one_takes_its_own_page_along() -> None:
    """The deletion is still in the outbox when we make a row that gets the same key."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-2", None, AFTER))
    create = desk.planned()
    desk.answer(create, Outcome.DONE, row("1", AFTER), position=6)
    desk.see(row("1", None, event_id="e-5", position=5))
    assert desk.planned().pair.page_id == "page-1"
    desk.see(row("1", AFTER, origin=create.id, event_id="e-6", position=6))
    assert keys(desk) == {None: "page-1", "1": "page-2"}
    assert desk.pair("1").postgres.live


def test_a_row_that_got_another_key_before_its_own_was_given_to_a_new_one_keeps_its_page() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-2", None, AFTER))
    desk.answer(desk.planned(), Outcome.DONE, row("1", AFTER), position=6)
    desk.see(row("7", BEFORE, old_key=("1",), event_id="e-5", position=5))
    assert keys(desk) == {"7": "page-1", "1": "page-2"}


def test_a_row_of_ours_that_was_deleted_before_its_echo_was_read_takes_its_own_page_along() -> None:
    """Seed 1199 of the worlds (of 100 steps): the first row's echo and deletion are still in the outbox when we make a
    second one with the same key, and the bridge stopped."""
    desk = Desk()
    desk.see(page("page-1", None, BEFORE))
    first = desk.planned()
    desk.answer(first, Outcome.DONE, row("1", BEFORE), position=1)
    desk.see(page("page-2", None, AFTER))
    second = desk.planned()
    desk.answer(second, Outcome.DONE, row("1", AFTER), position=3)
    desk.see(row("1", BEFORE, origin=first.id, event_id="e-1", position=1))
    desk.see(row("1", None, event_id="e-2", position=2))
    desk.see(row("1", AFTER, origin=second.id, event_id="e-3", position=3))
    assert keys(desk) == {None: "page-1", "1": "page-2"}
    assert (desk.page_pair("page-1").postgres.live, desk.pair("1").postgres.live) == (False, True)
    planned = {intent.pair.page_id: intent.action.op for intent in desk.plan()}
    assert planned == {"page-1": Op.DELETE, "page-2": Op.UPDATE}, "and the other is told its key"


def test_what_our_write_did_to_another_record_is_that_record_s_change() -> None:
    """The user's trigger touched a second row in our transaction, and made a third."""
    desk = Desk()
    desk.record("2", BEFORE)
    name = written_row(desk)
    desk.see(
        row("1", AFTER, origin=name, event_id="e-1", position=1),
        row("2", {"status": "Done"}, origin=name, event_id="e-2", position=2),
        row("3", BEFORE, origin=name, event_id="e-3", position=3),
        row("4", origin=name, event_id="e-4", position=4),
    )
    assert desk.events("2")[-1] == "update"
    planned = {intent.pair.key: intent.action.op for intent in desk.plan()}
    assert planned == {("2",): Op.UPDATE, ("3",): Op.CREATE}


def test_an_origin_that_the_journal_does_not_know_is_a_change_like_any_other() -> None:
    """Somebody else's mark, or ours from before the journal was lost."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER, origin="another-bridge", event_id="e-1"))
    assert desk.planned().action.changes == {"title": Change("before", "after")}


# Keys that change


def test_a_changed_key_takes_its_page_along() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("2", BEFORE, old_key=("1",), event_id="e-1"))
    assert keys(desk) == {"2": "page-1"}
    assert desk.events("2")[-1] == "rekey"
    onward = desk.planned()
    assert (onward.action.changes, onward.action.key) == ({}, ("2",))


def test_a_changed_key_with_changed_values_carries_both() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("2", AFTER, old_key=("1",), event_id="e-1"))
    onward = desk.planned()
    assert (set(onward.action.changes), onward.action.key) == ({"title"}, ("2",))


def test_two_keys_that_were_swapped_keep_their_pages() -> None:
    desk = Desk()
    for key in ("1", "2"):
        desk.record(key, {**BEFORE, "title": f"was {key}"})
    desk.see(
        row("2", {"title": "was 1"}, old_key=("1",), event_id="e-1"),
        row("1", {"title": "was 2"}, old_key=("2",), event_id="e-2"),
    )
    assert keys(desk) == {"2": "page-1", "1": "page-2"}
    assert [desk.pair(key).postgres.values["title"] for key in "12"] == ["was 2", "was 1"]
    assert {intent.action.key for intent in desk.plan()} == {("1",), ("2",)}


def test_a_row_that_is_set_back_in_the_same_batch_is_news() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER, event_id="e-1"), row("1", BEFORE, evidence=Evidence.SCAN))
    assert desk.pair("1").postgres.values == BEFORE


def test_a_change_that_comes_twice_in_one_batch_is_taken_once() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER, event_id="e-1"), row("1", AFTER, event_id="e-1"))
    assert [event["source"] for event in desk.journal.events_of(desk.pair("1"))].count("e-1") == 1


def test_new_rows_and_rows_with_new_keys_come_in_any_order() -> None:
    """Some are taken at once with others like them, some one by one."""
    desk = Desk()
    order = [("1", None), ("2", ("20",)), ("3", None), ("4", ("40",)), ("5", None)]
    desk.see(*(row(key, BEFORE, old_key=old, event_id=f"e-{key}") for key, old in order))
    assert set(keys(desk)) == {"1", "2", "3", "4", "5"}


def test_the_write_of_another_sync_of_the_table_is_news() -> None:
    """Two syncs share a table and the journal; to the one that did not make it, a write is anybody's change."""
    desk = Desk()
    other = replace(desk.sync, name="copies")
    desk.journal.add_sync(other.name, other.table.qualified, "ds-copies")
    copies = Intake(desk.journal, other, Settler(desk.journal, other, desk.clock), BOT)
    desk.record("1", BEFORE)
    copies.take(Batch([row("1", BEFORE)]))
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(61)))
    write = desk.planned()
    desk.answer(write, Outcome.DONE, row("1", AFTER), position=7)
    copies.take(Batch([row("1", AFTER, origin=write.id, event_id="e-1", position=7)]))
    assert desk.state(write) == "echo", "its own outbox row is still to come"
    copied = desk.journal.pair_by_key("copies", ("1",))
    assert copied is not None
    assert copied.postgres.values == AFTER


def test_what_a_default_filled_in_is_no_conflict_though_the_answer_was_lost() -> None:
    desk = Desk()
    desk.see(page("page-1", "1", {"title": "before", "status": None}, edited=minute(0), seen=at(1)))
    create = desk.planned()
    desk.answer(create, Outcome.UNKNOWN)
    filled = {"title": "before", "status": "Todo"}
    desk.see(row("1", filled, origin=create.id, event_id="e-1", position=3))
    update = desk.planned()
    assert (update.action.side, {n: c.new for n, c in update.action.changes.items()}) == (
        Side.NOTION,
        {"status": "Todo"},
    )
    assert desk.conflicts() == []


def test_a_record_whose_key_another_row_has_taken_waits_until_it_is_told_where_its_own_row_went() -> None:
    """Worlds, seed 3071: a row was deleted, and the bridge had not read that yet, when the row that it made for a new
    page was given the free key. An edit of the first one's page was then to be written into a row without a key."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(page("page-2", None, BEFORE))
    desk.answer(desk.planned(), Outcome.DONE, row("1", BEFORE))
    desk.see(page("page-1", "1", AFTER, edited=minute(1), seen=at(90)))
    told = desk.plan()
    assert {intent.pair.page_id for intent in told} == {"page-2"}, "its key"
    desk.see(row("1", event_id="e-1"))
    assert not desk.page_pair("page-1").postgres.live
    assert desk.pair("1").page_id == "page-2"
    assert [(intent.pair.page_id, intent.action.op) for intent in desk.plan()] == [("page-1", Op.CREATE)]


def test_a_record_that_loses_its_key_after_its_row_was_gone_waits_for_nothing() -> None:
    """Worlds, seed 1205: it was to be merged for ever."""
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", event_id="e-1"), page("page-1", "1"))
    desk.journal.displace(desk.pair("1"))
    assert desk.plan() == []
    assert desk.journal.counts("tasks")["pending"] == 0


def test_a_row_that_moves_to_the_key_of_one_that_is_deleted_after_it_stays() -> None:
    """With a deferrable key, one transaction: UPDATE 1 to 2, then DELETE of the row that had the 2."""
    desk = Desk()
    for key in ("1", "2"):
        desk.record(key, {**BEFORE, "title": f"was {key}"})
    desk.see(row("2", {"title": "was 1"}, old_key=("1",), event_id="e-1"), row("2", event_id="e-2"))
    assert keys(desk) == {"2": "page-1", None: "page-2"}
    assert desk.pair("2").postgres.live
    planned = {intent.pair.page_id: intent.action.op for intent in desk.plan()}
    assert planned == {"page-1": Op.UPDATE, "page-2": Op.DELETE}
    desk.see(row("2", event_id="e-3"))
    assert not desk.pair("2").postgres.live, "from then on the key means the row that moved"


def test_a_key_that_a_deleted_record_had_goes_to_the_record_that_took_it() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.record("2", BEFORE)
    desk.see(row("2", event_id="e-1"), row("2", BEFORE, old_key=("1",), event_id="e-2"))
    assert keys(desk) == {"2": "page-1", None: "page-2"}
    planned = {intent.pair.page_id: intent.action.op for intent in desk.plan()}
    assert planned == {"page-1": Op.UPDATE, "page-2": Op.DELETE}


def test_a_changed_key_of_a_row_that_was_never_seen_is_a_new_row() -> None:
    desk = Desk()
    desk.see(row("2", BEFORE, old_key=("1",), event_id="e-1"))
    assert keys(desk) == {"2": None}
    desk.see(row("2", AFTER, old_key=("9",), event_id="e-2"))
    assert keys(desk) == {"2": None}, "a scan had shown it under its new key before"


def test_an_old_key_that_is_the_same_is_no_change_of_key() -> None:
    desk = Desk()
    desk.record("1", BEFORE)
    desk.see(row("1", AFTER, old_key=("1",), event_id="e-1"))
    assert keys(desk) == {"1": "page-1"}
