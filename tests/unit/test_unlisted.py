"""Pages that no listing shows: which of them are looked at, and when."""

from __future__ import annotations

from bridge.ends import Batch, Observation
from bridge.engine import unlisted
from bridge.model import Presence, Side
from tests.unit.desk import Desk, at


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
