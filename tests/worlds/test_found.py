"""What the seeded worlds have found in the bridge, each as the few moves that show it."""

from __future__ import annotations

from dataclasses import replace

from bridge.ends import Evidence, Outcome
from bridge.model import Op, Presence, Side
from bridge.notion.guard import verdict
from tests.unit.desk import BOT, Desk, at, minute, page, row, stamp
from tests.unit.worlds import make_sync

ONE = {"title": "one", "status": "Todo"}
TWO = {"title": "two", "status": "Todo"}


def test_a_row_of_ours_whose_key_was_changed_before_the_answer_was_looked_up_takes_nobodys_key() -> None:
    """Seed 4: the answer to an INSERT was lost in a crash, and the new row's key swapped with another's before the
    restart. The look-up told the present key, which by the outbox was still the other's: that one lost its row."""
    desk = Desk()
    desk.see(page("page-1", None, ONE))
    create = desk.planned()
    desk.see(row("6", TWO))
    seen = row("6", ONE, old_key=("1",), evidence=Evidence.LOOK)
    desk.answer(create, Outcome.DONE, seen, position=7)
    assert desk.page_pair("page-1").key == ("1",)
    assert desk.pair("6").postgres.values == TWO
    desk.see(row("1", ONE, origin=create.id, position=7), row("-1", TWO, old_key=("6",)))
    desk.see(row("6", ONE, old_key=("1",)), row("1", TWO, old_key=("-1",)))
    assert desk.page_pair("page-1").key == ("6",)
    assert desk.pair("1").postgres.values == TWO


def test_an_edit_of_a_page_that_is_being_restored_is_an_edit_of_the_page() -> None:
    """Seed 13: a deleted page came back because its row had been edited, and somebody edited another field of it before
    the answer. That edit became what had been agreed, so that the row's older value ran over it."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(page("page-1", "1"), row("1", {"title": "edited", "status": "Todo"}))
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    desk.answer(restore, Outcome.DONE, page("page-1", "1", {"title": "edited", "status": "theirs"}, seen=at(9)))
    carried = desk.planned()
    assert (carried.action.side, carried.action.changes["status"].new) == (Side.POSTGRES, "theirs")


def test_a_clock_that_was_set_back_does_not_prolong_a_wait() -> None:
    """Seed 11: a write waited for its next attempt, this machine's clock was set back by an hour, and so long it
    waited."""
    desk = Desk()
    desk.see(row("1", ONE))
    for _ in range(4):
        desk.answer(desk.planned(), Outcome.RETRY, reason="busy")
        desk.clock.seconds += 20.0
    desk.answer(desk.planned(), Outcome.RETRY, reason="busy")
    desk.clock.seconds -= 3600.0
    assert desk.plan()
    assert desk.journal.next_attempt("tasks") is None


def test_an_edit_after_our_write_is_no_conflict_with_it_while_another_write_is_under_way() -> None:
    """Seed 38: while a write of the key alone was slow, each poll that showed a person's new edit was taken for one
    that the write before had run over, and made another record of a conflict that was none."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("1", {"title": "ours", "status": "Todo"}))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", {"title": "ours", "status": "Todo"}, seen=at(10)))
    desk.see(row("9", {"title": "ours", "status": "Todo"}, old_key=("1",)))
    rename = desk.planned()
    theirs = {"title": "theirs", "status": "Todo"}
    for second in (20, 21, 22):
        desk.see(page("page-1", "1", theirs, evidence=Evidence.SCAN, edited=minute(0), seen=at(second)))
    assert desk.conflicts() == []
    desk.answer(rename, Outcome.DONE, page("page-1", "9", theirs, seen=at(30)))
    assert desk.planned().action.changes["title"].new == "theirs"
    assert desk.conflicts() == []


def test_a_record_that_both_sides_brought_back_is_merged_like_a_new_one() -> None:
    """Seed 74: after an agreed deletion one person took the page out of the trash and another inserted the row anew.
    The page's values, being those of the deletion, counted as unchanged, and were run over without a record."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("1"), page("page-1", "1"))
    assert desk.plan() == []
    desk.see(row("1", TWO), page("page-1", "1", ONE, seen=at(9)))
    assert desk.planned().action.side is Side.NOTION
    assert [(found["field"], found["winner"]) for found in desk.conflicts()] == [("title", "postgres")]


def test_what_was_empty_when_a_page_was_made_is_agreed_as_empty_whatever_was_written_since() -> None:
    """Seed 285: the answer to a create was lost. Before it was found out, a person had filled an empty property and
    another one its column. The property counted as agreed, and was run over without a record."""
    desk = Desk()
    desk.see(row("1", {"title": "one", "status": None}))
    create = desk.planned()
    desk.answer(create, Outcome.UNKNOWN)
    desk.see(row("1", {"title": "one", "status": "ours"}))
    made = page("page-1", "1", {"title": "one", "status": "theirs"}, creator=BOT, seen=at(9))
    desk.answer(replace(create, pair=desk.pair("1")), Outcome.DONE, made)
    assert desk.planned().action.op is Op.UPDATE
    assert [found["field"] for found in desk.conflicts()] == ["status"]


def test_a_row_that_another_record_is_making_is_not_taken_for_ones_own() -> None:
    """Seed 482: one page's INSERT had drawn the number that stood in another page, and its COMMIT was not answered yet.
    The other page took that row for its own, lost the key to the first, and its next write, to a row without a key,
    ended the bridge."""
    desk = Desk()
    desk.see(page("page-1", None, ONE), page("page-2", "7", TWO))
    first, second = desk.plan()
    desk.answer(first, Outcome.UNKNOWN)
    desk.answer(second, Outcome.STALE, row("7", ONE, evidence=Evidence.LOOK), reason="a row with this key exists")
    desk.answer(first, Outcome.DONE, row("7", ONE, evidence=Evidence.LOOK))
    assert desk.page_pair("page-1").key == ("7",)
    assert desk.page_pair("page-2").postgres.presence is Presence.UNSEEN
    again = next(intent for intent in desk.plan() if intent.action.side is Side.POSTGRES)
    assert (again.action.op, again.pair.key) == (Op.CREATE, None)


def test_rows_that_are_there_already_are_taken_although_more_of_them_are_asked_for() -> None:
    """Several records whose rows nobody has told us of were to be made anew in one batch. Each waited for the others'
    outcome, and all were tried for ever."""
    desk = Desk()
    for key in "123":
        desk.record(key, ONE)
    for key in "123":
        desk.see(row(key))
        desk.see(page(f"page-{key}", key, TWO, seen=at(9)))
    creates = desk.plan()
    assert [intent.action.op for intent in creates] == [Op.CREATE] * 3
    for create in creates:
        there = row(create.pair.key[0], ONE, evidence=Evidence.LOOK)  # type: ignore[index]
        desk.answer(create, Outcome.STALE, there, reason="a row with this key exists")
    assert [desk.pair(key).postgres.presence for key in "123"] == [Presence.LIVE] * 3


def test_a_row_that_a_truncate_took_and_whose_key_another_row_got_is_gone() -> None:
    """Seed 434: after a TRUNCATE a new row was given the key of one that it had removed, before the table was read
    again. The old record waited for the change that told where its row had gone; its next write ended the bridge."""
    desk = Desk()
    desk.record("9", ONE)
    desk.see(row("12", TWO))
    desk.see(row("9", TWO, old_key=("12",)))
    desk.shown_in_full("9")
    assert desk.page_pair("page-9").postgres.presence is Presence.GONE
    assert desk.pair("9").page_id is None
    assert Op.DELETE in [intent.action.op for intent in desk.plan()]


def test_an_edit_that_is_seen_while_we_write_is_kept_whatever_the_clock_was_set_to() -> None:
    """Seed 440: this machine's clock was set back between two writes, so that the older one passed for the newest, and
    the edit that the newer one ran over for no edit of what it wrote."""
    desk = Desk()
    desk.see(row("1", ONE))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", ONE, creator=BOT, edited=minute(0), seen=at(1)))
    desk.clock.seconds -= 3600.0
    desk.see(row("1", {"title": "ours", "status": "Todo"}))
    write = desk.planned()
    theirs = {"title": "theirs", "status": "Todo"}
    desk.see(page("page-1", "1", theirs, evidence=Evidence.SCAN, edited=minute(0), seen=at(2)))
    desk.answer(write, Outcome.DONE, page("page-1", "1", {"title": "ours", "status": "Todo"}, seen=at(3)))
    assert [found["rule"] for found in desk.conflicts()] == ["edited-while-written"]


def test_a_copy_does_not_take_the_key_of_a_page_that_was_brought_back() -> None:
    """Seed 5: after an agreed deletion the page was taken out of the trash, and copied before its row was made anew.
    The copy took the record's key, and the page itself was forgotten."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("1"), page("page-1", "1"))
    assert desk.plan() == []
    desk.see(page("page-1", "1", ONE, seen=at(9)))
    desk.see(page("page-2", "1", ONE, seen=at(10), created=at(10)))
    creates = {intent.pair.page_id: intent.pair.key for intent in desk.plan()}
    assert creates == {"page-1": ("1",), "page-2": None}


def test_a_deletion_spares_what_the_other_side_never_had() -> None:
    """Seed 15: a first sync whose conflict a person had yet to decide. The row was deleted, then the page edited: the
    field had never been agreed on, so that its edit was none, and the page was trashed with it."""
    desk = Desk(make_sync(first_sync=None))
    desk.see(row("1", {"title": "one", "status": "Todo"}))
    desk.see(page("page-1", "1", {"title": None, "status": "Todo"}, edited=minute(0), seen=at(1)))
    assert desk.plan() == []
    desk.see(row("1"), page("page-1", "1", {"title": "edited", "status": "Todo"}, edited=minute(1), seen=at(61)))
    assert desk.planned().action.op is Op.CREATE
    assert desk.conflicts()[-1]["rule"] == "edit-survives"


def test_a_deletion_that_both_sides_made_is_agreed_although_a_write_is_under_way() -> None:
    """Seed 34: the page was deleted, then the row, while the outcome of a restore was unknown. The person who took the
    page out of the trash before that was found out had changed nothing, and it was trashed again."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("1", TWO), page("page-1", "1", seen=at(5)))
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    desk.answer(restore, Outcome.UNKNOWN)
    desk.see(row("1"))
    desk.answer(restore, Outcome.STALE, page("page-1", "1", ONE, seen=at(20)), reason="the write is not there")
    assert desk.planned().action.op is Op.CREATE


def test_an_open_conflict_ends_when_a_deleted_row_had_come_to_show_what_its_page_shows() -> None:
    """Seed 40112: a first sync that a person had yet to decide; the row was set to what its page shows, and deleted in
    the same batch. Nothing had been agreed on the field, and to ask for what had been ended the bridge."""
    desk = Desk(make_sync(first_sync=None))
    desk.see(row("1", ONE), page("page-1", "1", {"title": "theirs", "status": "Todo"}, edited=minute(0), seen=at(1)))
    assert desk.plan() == []
    assert [found["state"] for found in desk.conflicts()] == ["open"]
    desk.see(row("1", {"title": "theirs", "status": "Todo"}), row("1"))
    assert desk.planned().action.op is Op.DELETE
    assert [found["state"] for found in desk.conflicts()] == ["resolved"]


def test_a_create_that_is_refused_without_the_field_that_was_refused_before_is_not_tried_for_ever() -> None:
    """Seed 40321: a new page without a title, which its column demands, and with a number that another column forbids.
    The number was refused first, then the row without it; that was planned again at once, and the bridge did nothing
    else any more."""
    desk = Desk()
    desk.see(page("page-1", None, {"title": None, "status": "forbidden"}))
    desk.answer(desk.planned(), Outcome.REFUSED, reason="violates check constraint", field="status")
    desk.answer(desk.planned(), Outcome.REFUSED, reason="null value in column title")
    for _ in range(2):
        assert desk.plan() == []
        assert [(found["field"], found["reason"]) for found in desk.parked()] == [
            ("status", "violates check constraint"),
            ("", "null value in column title"),
        ]


def test_a_page_that_was_edited_and_then_trashed_comes_back_with_what_its_row_holds() -> None:
    """Seeds 40161 and 40296: nobody had seen the edit before the page was in the trash. Its row came back with a
    restored database, and when the page was taken out again, the edit that had been deleted with it passed for one
    made since: it ran over the row, and no record told of the row's value."""
    desk = Desk()
    desk.record("1", ONE)
    trashed = page("page-1", "1", {"title": "unseen", "status": "Todo"}, seen=at(5))
    desk.see(replace(trashed, presence=Presence.GONE), row("1"))
    assert desk.plan() == []
    desk.journal.forget_agreements("tasks")
    desk.see(row("1", ONE))
    restore = desk.planned()
    assert restore.action.op is Op.RESTORE
    assert {name: change.new for name, change in restore.action.changes.items()} == {"title": "one"}
    desk.answer(restore, Outcome.DONE, page("page-1", "1", ONE, seen=at(9)))
    assert desk.plan() == []


def test_a_page_in_the_trash_that_is_not_as_it_was_known_is_looked_at_before_it_is_taken_out() -> None:
    """The same, when it was taken out, edited and trashed again between two looks."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(page("page-1", "1", seen=at(5)), row("1", TWO))
    restore = desk.planned()
    shown = replace(page("page-1", "1", {"title": "two", "status": "unseen"}, seen=at(9)), presence=Presence.GONE)
    answered = verdict(restore, shown)
    assert answered is not None
    desk.settler.settle(restore, answered)
    again = desk.planned()
    assert {name: change.new for name, change in again.action.changes.items()} == {"status": "Todo"}
    assert verdict(again, shown) is None


def test_what_the_answer_to_a_create_shows_is_not_told_again_by_every_older_answer() -> None:
    """Seed 40164: an edit fell between a page's create and its answer, which showed it. It was merged, but the history
    did not have it, so that each lagging listing made another record of an edit that a write had run over."""
    desk = Desk()
    desk.see(row("1", ONE))
    theirs = {"title": "theirs", "status": "Todo"}
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", theirs, creator=BOT, edited=minute(0), seen=at(9)))
    assert desk.events("1")[-1] == "update"
    desk.see(row("1", {"title": "one", "status": "ours"}))
    write = next(intent for intent in desk.plan() if intent.action.side is Side.NOTION)
    for second in (3, 4, 5):
        desk.see(page("page-1", "1", theirs, evidence=Evidence.SCAN, edited=minute(0), seen=at(second)))
    desk.answer(write, Outcome.DONE, page("page-1", "1", {"title": "theirs", "status": "ours"}, seen=at(20)))
    assert desk.conflicts() == []


def test_an_edit_that_was_run_over_is_recorded_once_however_many_answers_show_it() -> None:
    """The same seed: nothing but the record itself knew of such an edit, and each answer that shows it has another
    time, so that each made another record."""
    desk = Desk()
    desk.record("1", ONE)
    desk.see(row("1", TWO))
    desk.answer(desk.planned(), Outcome.DONE, page("page-1", "1", TWO, edited=minute(1), seen=at(70)))
    for second in (40, 41):
        lagging = {"title": "theirs", "status": "Todo"}
        shown = {"evidence": Evidence.SCAN, "edited": minute(0), "seen": at(second), "stamp": stamp(0, second)}
        desk.see(page("page-1", "1", lagging, **shown))
    assert [found["rule"] for found in desk.conflicts()] == ["edited-while-written"]


def test_a_conflict_that_waits_is_not_asked_about_twice() -> None:
    """Seed 40296: a conflict of a first sync waited for a person when the database was restored. The next first sync
    found the same two values, and asked about them once more."""
    desk = Desk(make_sync(first_sync=None))
    theirs = page("page-1", "1", {"title": "theirs", "status": "Todo"}, edited=minute(0), seen=at(1))
    desk.see(row("1", ONE), theirs)
    assert desk.plan() == []
    desk.journal.forget_agreements("tasks")
    desk.see(row("1", ONE), replace(theirs, seen=at(9)))
    assert desk.plan() == []
    assert [found["state"] for found in desk.conflicts()] == ["open"]
