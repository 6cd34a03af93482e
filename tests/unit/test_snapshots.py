"""How an observation changes what is known: kinds of news, stamps, and what was not observed stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.ends import Evidence
from bridge.engine.snapshots import absorb, differs
from bridge.model import Presence, Side, Snapshot, Stamp
from tests.unit.desk import Desk, at, minute, page, row, stamp
from tests.unit.worlds import live, make_pair

KNOWN = {"title": "a", "status": "x"}
PAIR = make_pair(KNOWN, KNOWN, KNOWN)


@pytest.mark.parametrize(
    ("shown", "news"),
    [
        ({"title": "a"}, set()),
        ({"title": "b"}, {"title"}),
        ({"title": None, "status": "x"}, {"title"}),
        ({"notes": None}, {"notes"}),
        ({}, set()),
    ],
)
def test_only_what_is_shown_can_differ(shown: dict[str, str | None], news: set[str]) -> None:
    assert differs(live(KNOWN), row("1", shown)) == news


@pytest.mark.parametrize(
    ("before", "shown", "kind"),
    [
        (Presence.UNSEEN, Presence.LIVE, "insert"),
        (Presence.GONE, Presence.LIVE, "restore"),
        (Presence.AWAY, Presence.LIVE, "restore"),
        (Presence.LIVE, Presence.LIVE, "update"),
        (Presence.LIVE, Presence.GONE, "delete"),
        (Presence.UNSEEN, Presence.GONE, "delete"),
        (Presence.LIVE, Presence.AWAY, "away"),
        (Presence.GONE, Presence.GONE, ""),
        (Presence.AWAY, Presence.AWAY, ""),
    ],
)
def test_each_change_of_presence_has_a_name(before: Presence, shown: Presence, kind: str) -> None:
    pair = replace(PAIR, notion=Snapshot(before, KNOWN))
    seen = replace(page("page", "1", {"title": "b"}, stamp=stamp(10)), presence=shown)
    result = absorb(pair, seen)
    assert result.kind == kind
    assert result.pair.notion.presence is shown
    assert set(result.pair.notion.stamps) == ({""} if kind and kind != "update" else set()) | (
        {"title"} if shown is Presence.LIVE else set()
    )


def test_what_is_equal_is_no_news_and_keeps_its_stamps() -> None:
    pair = replace(PAIR, postgres=live(KNOWN, {"title": stamp(1)}))
    result = absorb(pair, row("1", KNOWN, stamp=stamp(10)))
    assert (result.kind, result.changes, result.pair) == ("", {}, pair)


def test_what_a_page_shows_that_is_away_is_told_when_it_is_back() -> None:
    """Taken while nothing is told of it, an edit would have no time of its own when the page comes back."""
    away = replace(page("page", "1", {"title": "edited"}, stamp=stamp(10)), presence=Presence.AWAY)
    pair = absorb(PAIR, away).pair
    assert pair.notion.values == KNOWN
    back = absorb(pair, page("page", "1", {"title": "edited"}, stamp=stamp(20)))
    assert (back.changes, back.pair.notion.stamps["title"]) == ({"title": ("a", "edited")}, stamp(20))


def test_a_change_tells_the_old_value_and_the_new_and_moves_only_its_own_stamp() -> None:
    pair = replace(PAIR, postgres=live(KNOWN, {"title": stamp(1), "status": stamp(2)}))
    result = absorb(pair, row("1", {"title": "b"}, stamp=stamp(10)))
    assert result.changes == {"title": ("a", "b")}
    assert result.pair.postgres == live({"title": "b", "status": "x"}, {"title": stamp(10), "status": stamp(2)})
    assert result.pair.notion == PAIR.notion


def test_a_change_at_an_unknown_time_has_no_stamp_rather_than_an_old_one() -> None:
    pair = replace(PAIR, postgres=live(KNOWN, {"title": stamp(1)}))
    assert absorb(pair, row("1", {"title": "b"})).pair.postgres.stamps == {}


def test_what_is_gone_keeps_its_last_values() -> None:
    result = absorb(PAIR, row("1", stamp=stamp(10)))
    assert result.pair.postgres == Snapshot(Presence.GONE, KNOWN, {"": stamp(10)})


def test_why_a_page_is_away_is_kept_and_forgotten_when_it_is_back() -> None:
    away = replace(page("page", "1"), presence=Presence.AWAY, note="it was moved")
    pair = absorb(PAIR, away).pair
    assert pair.notion.note == "it was moved"
    assert absorb(pair, page("page", "1", KNOWN)).pair.notion.note == ""


@pytest.mark.parametrize(
    ("seen_before", "expected"),
    [
        (None, stamp(60, 59)),
        (at(30), stamp(60, 59)),  # known from before the minute: says nothing
        (at(60), stamp(60, 59)),
        (at(90), Stamp(at(90), at(119))),
        (at(200), Stamp(at(119), at(119))),  # known after the minute: the clocks disagree; never an empty interval
    ],
)
def test_a_stamp_begins_when_the_old_value_was_last_seen(seen_before: object, expected: Stamp) -> None:
    seen = page("page", "1", {"title": "b"}, stamp=stamp(60, 59))
    result = absorb(PAIR, seen, seen_before)  # type: ignore[arg-type]
    assert result.stamp == expected
    assert result.pair.notion.stamps["title"] == expected


def test_the_page_s_key_is_what_a_living_page_says() -> None:
    assert absorb(PAIR, page("page", "9", KNOWN)).pair.page_key == ("9",)
    assert absorb(PAIR, page("page", None, KNOWN)).pair.page_key is None
    assert absorb(PAIR, page("page", None)).pair.page_key == ("1",), "a trashed page is not asked for its key"
    assert absorb(PAIR, row("1", KNOWN)).pair.page_key == ("1",)


@pytest.mark.parametrize("side", list(Side))
def test_the_other_side_is_left_as_it_was(side: Side) -> None:
    seen = row("1", {"title": "b"}) if side is Side.POSTGRES else page("page", "1", {"title": "b"})
    assert absorb(PAIR, seen).pair.side(side.other) == PAIR.side(side.other)


def test_a_change_that_was_doubted_twice_happened_after_what_was_known_when_the_doubt_began() -> None:
    """A poll that goes on while nobody knows confirms nothing of that page."""
    desk = Desk()
    desk.record("1", KNOWN)
    desk.see(confirmed=at(70))
    doubted = page("page-1", "1", {**KNOWN, "title": "b"}, evidence=Evidence.SCAN, edited=minute(0), seen=at(75))
    for seconds in (80, 90):
        assert [pair.page_id for pair in desk.see(doubted)] == ["page-1"]
        desk.see(confirmed=at(seconds))
    desk.see(page("page-1", "1", {**KNOWN, "title": "b"}, edited=minute(0), seen=at(95), stamp=stamp(0, 95)))
    assert desk.pair("1").notion.stamps["title"] == stamp(70, 25)
    desk.see(confirmed=at(200))
    desk.see(page("page-1", "1", {**KNOWN, "title": "c"}, edited=minute(3), seen=at(210), stamp=stamp(180, 30)))
    assert desk.pair("1").notion.stamps["title"] == stamp(200, 10), "that doubt has ended"
