"""Pages that no listing shows: which of them are looked at, and when."""

from __future__ import annotations

import pytest

from bridge.ends import Batch, Observation
from bridge.engine import unlisted
from bridge.model import Presence, Side
from tests.unit.desk import Desk, at
from tests.unit.fake_world import World
from tests.unit.worlds import PlainCodec


def away(page_id: str, seen: float) -> Observation:
    return Observation(Side.NOTION, Presence.AWAY, page_id=page_id, seen=at(seen), note="not shared")


def test_every_page_that_is_away_is_looked_at_in_its_turn() -> None:
    """A few after each listing: were they always the same ones, nobody would learn that another is in the trash."""
    desk = Desk()
    page_ids = {f"page-{number}" for number in range(8)}
    for page_id in page_ids:
        desk.record(page_id.removeprefix("page-"), {"title": "a", "status": "Todo"})
        desk.see(away(page_id, 60))
    looked = set()
    for listing in range(1, 4):
        for pair in unlisted.after_listing(desk.journal, desk.sync, set(), set()):
            assert pair.page_id is not None
            looked.add(pair.page_id)
            desk.see(away(pair.page_id, 60 + listing))
    assert looked == page_ids


def test_a_poll_that_did_not_list_every_page_says_nothing_of_those_it_lacks() -> None:
    desk = Desk()
    desk.record("1", {"title": "a", "status": "Todo"})
    for complete in (False, True):
        looks = unlisted.after_poll(desk.journal, desk.sync, Batch((), confirmed=at(600), complete=complete))
        assert [pair.page_id for pair in looks] == (["page-1"] if complete else [])


def test_a_page_that_the_last_listing_showed_and_this_one_does_not_is_looked_at() -> None:
    world = World()
    for key in ("1", "2"):
        world.add_row(key)
        world.add_page(f"page-{key}", key)

    def trash_one() -> None:
        if world.worker.swept:
            world.pages.records.pop("page-1", None)
        if world.desk.clock.seconds > 120.0:
            world.stop.set()

    world.each_round = trash_one
    world.loop.run()
    assert set(world.rows.records) == {"2"}


def test_what_notion_could_not_hold_is_tried_again_after_each_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option was added meanwhile, or a person has joined."""
    world = World()
    world.add_row("1", title="unholdable")
    world.add_page("page-1", "1", title="before")
    waited: list[str] = []

    def add_the_option() -> None:
        if not waited and world.desk.clock.seconds > 5.0:
            waited.extend(item["kind"] for item in world.desk.parked())
            monkeypatch.setattr(PlainCodec, "to_notion", lambda self, value, over=None: {"rich_text": value})
        if world.desk.clock.seconds > 60.0:
            world.stop.set()

    world.each_round = add_the_option
    world.loop.run()
    assert (waited, world.desk.parked()) == (["unfit"], [])
    assert world.pages.records["page-1"].values["title"] == "unholdable"
