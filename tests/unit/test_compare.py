"""`verify` agrees only when the sides do (S27), and neither it nor `plan` writes anything (S26)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.ends import Batch, Evidence
from bridge.engine.compare import Verified, counts, preview, verify
from bridge.engine.planner import Planned
from bridge.errors import AccessLost, Unavailable
from bridge.model import OUTSIDE, Conflict, Deletes, Presence, Side, Sync, Unfit, Value, Waiting
from tests.unit.desk import Desk, at, minute, page, row
from tests.unit.fake_ends import FakeEnd
from tests.unit.worlds import make_sync

BEFORE: dict[str, Value] = {"title": "before", "status": "Todo"}


class Sides:
    """What both sides show, and a journal that is thrown away."""

    def __init__(self, sync: Sync | None = None) -> None:
        self.desk = Desk(sync)
        self.rows, self.pages = FakeEnd(Side.POSTGRES), FakeEnd(Side.NOTION)

    def add(self, key: str, ours: dict[str, Value] | None, theirs: dict[str, Value] | None) -> None:
        """A record that was in step once, as both sides show it now."""
        self.desk.record(key, BEFORE)
        if ours is not None:
            self.rows.records[key] = row(key, ours)
        if theirs is not None:
            self.pages.records[f"page-{key}"] = page(f"page-{key}", key, theirs, edited=minute(9), seen=at(600))

    def verify(self) -> Verified:
        desk = self.desk
        found = verify(desk.sync, desk.journal, self.rows, self.pages, desk.clock, lambda: "never")
        assert self.rows.applied == self.pages.applied == []
        assert self.rows.acknowledged == self.pages.acknowledged == [], "the feeds keep what they have"
        return found

    def preview(self) -> list[Planned]:
        desk = self.desk
        return list(preview(desk.sync, desk.journal, self.rows, self.pages, desk.clock, lambda: "never"))


def test_two_equal_sides_agree() -> None:
    sides = Sides()
    sides.add("1", BEFORE, BEFORE)
    sides.rows.records["2"] = row("2", BEFORE)
    sides.pages.records["page-2"] = page("page-2", "2", BEFORE)
    found = sides.verify()
    assert found.agrees
    assert (found.rows, found.pages, found.fields, found.differences) == (2, 2, 4, [])


def test_each_field_that_differs_is_named_with_both_values() -> None:
    sides = Sides()
    sides.add("1", {"title": "ours", "status": "Todo"}, {"title": "theirs", "status": "Todo"})
    found = sides.verify()
    assert not found.agrees
    [difference] = found.differences
    assert difference.as_json() == {
        "key": ["1"],
        "page_id": "page-1",
        "field": "title",
        "postgres": "ours",
        "notion": "theirs",
        "excused": None,
    }


def test_what_stands_for_a_value_is_no_difference() -> None:
    """Notion shows a time without its seconds."""
    sides = Sides()
    sides.add("1", {"title": "10:00:30", "status": "Todo"}, {"title": "10:00", "status": "Todo"})
    assert sides.verify().agrees


@pytest.mark.parametrize(("ours", "theirs"), [(BEFORE, None), (None, BEFORE)])
def test_a_record_on_one_side_only_is_a_difference(
    ours: dict[str, Value] | None, theirs: dict[str, Value] | None
) -> None:
    sides = Sides()
    sides.add("1", ours, theirs)
    [difference] = sides.verify().differences
    words = {difference.postgres, difference.notion}
    assert (difference.field, words, difference.excused) == ("", {"there", "not there"}, "")


def test_a_row_that_is_back_is_a_difference_until_its_page_is() -> None:
    sides = Sides()
    sides.desk.record("1", BEFORE)
    sides.desk.see(row("1"), page("page-1", "1", edited=minute(5), seen=at(300)))
    sides.rows.records["1"] = row("1", BEFORE)
    found = sides.verify()
    assert [(d.field, d.postgres, d.notion, d.excused) for d in found.differences] == [("", "there", "not there", "")]


def test_a_record_that_is_away_is_told_as_such() -> None:
    sides = Sides()
    sides.add("1", BEFORE, BEFORE)
    away = replace(page("page-1", "1", seen=at(600)), presence=Presence.AWAY, note="it was moved")
    sides.pages.records["page-1"] = away
    [difference] = sides.verify().differences
    assert (difference.postgres, difference.notion) == ("there", "away")


def test_a_row_of_which_the_outbox_still_tells_and_that_is_not_in_the_table_is_a_difference() -> None:
    """Its deletion was not captured."""
    sides = Sides()
    sides.add("1", None, BEFORE)
    scan = sides.rows.scan

    def with_outbox() -> Iterator[Batch]:
        yield Batch([row("1", BEFORE, event_id="e-1", position=1)], token=1)
        yield from scan()

    sides.rows.scan = with_outbox  # type: ignore[method-assign]
    [difference] = sides.verify().differences
    assert (difference.field, difference.postgres, difference.notion) == ("", "not there", "there")


@pytest.mark.parametrize("shown", [BEFORE, {**BEFORE, "title": "edited"}])
def test_a_row_outside_of_the_filter_is_known_to_be_there(shown: dict[str, Value]) -> None:
    """An edit of its page waits, and is no difference that a sync would carry over."""
    sides = Sides(replace(make_sync(), where="done"))
    sides.add("1", BEFORE, shown)
    outside = replace(row("1", {}, evidence=Evidence.LOOK), presence=Presence.AWAY, note=OUTSIDE)
    sides.rows.records["1"] = outside
    [difference] = sides.verify().differences
    assert (difference.postgres, difference.notion, difference.excused) == ("away", "there", OUTSIDE)


def test_an_edit_between_the_two_reads_is_looked_at_again() -> None:
    """The table was read, then somebody edited both sides in step: only a second look can tell."""
    sides = Sides()
    sides.add("1", BEFORE, {"title": "new", "status": "Todo"})
    stale = sides.rows.records["1"]
    scan = sides.rows.scan

    def scan_and_edit() -> object:
        yield from scan()
        sides.rows.records["1"] = replace(stale, values={"title": "new", "status": "Todo"})

    sides.rows.scan = scan_and_edit  # type: ignore[method-assign,assignment]
    assert sides.verify().agrees
    assert sides.rows.looked == ["1"]
    assert sides.pages.looked == ["page-1"]


def test_a_difference_that_stays_is_looked_at_a_bounded_number_of_times() -> None:
    sides = Sides()
    sides.add("1", BEFORE, {"title": "new", "status": "Todo"})
    sides.add("2", BEFORE, BEFORE)
    assert not sides.verify().agrees
    assert sides.rows.looked == ["1", "1"]


def test_records_without_a_name_on_the_other_side_are_looked_at_where_they_are() -> None:
    sides = Sides()
    sides.rows.records["1"] = row("1", BEFORE)
    sides.pages.records["page-2"] = page("page-2", None, BEFORE)
    found = sides.verify()
    assert [(d.key, d.page_id) for d in found.differences] == [(("1",), None), (None, "page-2")]
    assert (sides.rows.looked, sides.pages.looked) == (["1", "1"], ["page-2", "page-2"])


def test_a_record_that_is_gone_on_both_sides_is_no_difference() -> None:
    sides = Sides()
    sides.add("1", None, None)
    found = sides.verify()
    assert found.agrees
    assert (found.rows, found.pages) == (0, 0)


def test_a_field_that_one_side_does_not_show_is_not_compared() -> None:
    sides = Sides()
    sides.rows.records["1"] = row("1", BEFORE)
    sides.pages.records["page-1"] = page("page-1", "1", {"title": "before"})
    found = sides.verify()
    assert (found.agrees, found.fields) == (True, 1)


def test_a_record_is_looked_at_once_however_many_of_its_fields_differ() -> None:
    sides = Sides()
    sides.add("1", BEFORE, {"title": "x", "status": "y"})
    assert len(sides.verify().differences) == 2
    assert sides.rows.looked == ["1", "1"]


# What is excused


def divided(field: str = "title") -> Sides:
    sides = Sides()
    sides.add("1", {**BEFORE, field: "ours"}, {**BEFORE, field: "theirs"})
    return sides


@pytest.mark.parametrize(
    ("state", "agrees"), [("open", True), ("resolving", True), ("resolved", False), ("decided", False)]
)
def test_an_open_conflict_excuses_its_field(state: str, *, agrees: bool) -> None:
    sides = divided()
    desk = sides.desk
    desk.journal.add_conflict(desk.pair("1"), Conflict("title", "b", "ours", "theirs", None, None, "manual", None))
    desk.journal.set_conflict(1, state, None, None)
    found = sides.verify()
    assert found.agrees is agrees
    assert found.differences[0].excused == ("conflict 1" if agrees else "")


def test_a_conflict_of_one_field_does_not_excuse_another() -> None:
    sides = divided("status")
    desk = sides.desk
    desk.journal.add_conflict(desk.pair("1"), Conflict("title", "b", "ours", "theirs", None, None, "manual", None))
    assert not sides.verify().agrees


@pytest.mark.parametrize(
    ("state", "agrees"), [("open", True), ("dropped", True), ("cleared", False), ("retried", False)]
)
@pytest.mark.parametrize("field", ["title", ""])
def test_a_parked_item_excuses_its_field_or_its_record(field: str, state: str, *, agrees: bool) -> None:
    sides = divided()
    desk = sides.desk
    desk.journal.park(desk.pair("1"), Waiting(field, Side.NOTION, "too long", "ours"))
    desk.journal.set_parked(1, state)
    found = sides.verify()
    assert found.agrees is agrees
    assert found.differences[0].excused == ("parked 1: too long" if agrees else "")


def test_a_record_that_waits_for_a_yes_is_excused() -> None:
    sides = Sides(make_sync(deletes=Deletes("hold", "hold")))
    sides.add("1", None, BEFORE)
    assert not sides.verify().agrees, "nobody was told yet"
    sides.desk.journal.park(sides.desk.pair("1"), Waiting("", Side.NOTION, "waits for your approval", None, "held"))
    assert sides.verify().agrees


def test_a_deletion_that_is_configured_not_to_be_followed_is_excused() -> None:
    sides = Sides(make_sync(deletes=Deletes("ignore", "mirror")))
    sides.add("1", None, BEFORE)
    [difference] = sides.verify().differences
    assert difference.excused == 'deletes = "ignore"'


def test_a_value_that_cannot_be_carried_differs() -> None:
    sides = divided()
    sides.rows.records["1"] = row("1", {"title": Unfit("too long", "x" * 9), "status": "Todo"})
    [difference] = sides.verify().differences
    assert difference.postgres == Unfit("too long", "x" * 9)


@pytest.mark.parametrize("error", [Unavailable("no answer"), AccessLost("not shared")])
def test_a_side_that_cannot_be_read_is_no_agreement(error: Unavailable | AccessLost) -> None:
    sides = Sides()
    sides.add("1", BEFORE, BEFORE)
    sides.pages.errors["scan's end"] = error
    with pytest.raises(type(error)):
        sides.verify()


# What a sync would do


def test_a_plan_tells_what_would_be_written() -> None:
    sides = Sides()
    sides.add("1", {"title": "new", "status": "Todo"}, BEFORE)
    sides.add("2", BEFORE, None)
    sides.add("3", BEFORE, BEFORE)
    sides.rows.records["4"] = row("4", BEFORE)
    sides.pages.records["page-5"] = page("page-5", None, BEFORE)
    assert counts(sides.preview()) == {
        "postgres create": 1,
        "postgres delete": 1,
        "notion create": 1,
        "notion update": 1,
    }
    assert sides.rows.applied == sides.pages.applied == []


def test_a_plan_of_two_equal_sides_is_empty() -> None:
    sides = Sides()
    sides.add("1", BEFORE, BEFORE)
    assert counts(sides.preview()) == {}


def test_a_plan_looks_at_what_a_listing_cannot_tell() -> None:
    """Within one minute, and back from the trash."""
    sides = Sides()
    sides.add("1", BEFORE, BEFORE)
    sides.pages.records["page-1"] = page("page-1", "1", {"title": "new"}, edited=minute(0), seen=at(30))
    assert counts(sides.preview()) == {"postgres update": 1}
    assert sides.pages.looked == ["page-1"]


def test_a_plan_reads_the_outbox_before_the_table() -> None:
    """A changed key is in the outbox only; without it, the page would be trashed and made again."""
    sides = Sides()
    sides.add("1", None, BEFORE)
    outbox = Batch([row("2", BEFORE, old_key=("1",), event_id="e-1")], token="outbox")
    table = Batch([row("2", BEFORE, evidence=Evidence.SCAN)])
    sides.rows.scan = lambda: iter([outbox, table])  # type: ignore[method-assign]
    assert counts(sides.preview()) == {"notion update": 1}
