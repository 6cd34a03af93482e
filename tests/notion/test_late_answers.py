"""Proves what answers that come late tell: one to what was sent before a refusal is no sign that Notion takes requests
again, and a poll covers only what the index must have known by then."""

from __future__ import annotations

from tests.notion.conftest import World
from tests.notion.reading import polled, scanned
from tests.notion.test_limiter import limiter, send


def test_an_answer_from_before_the_refusals_does_not_make_the_next_pause_short() -> None:
    """A slow read ends while Notion refuses all else: the bridge would ask again after a second, and be refused."""
    lim, clock = limiter(180)
    sent = clock.monotonic()
    for _ in range(2):
        clock.sleep(1 + lim.blocked_for())
        lim.throttled(clock.monotonic(), None)
    clock.sleep(lim.blocked_for())
    lim.went_well(sent)
    lim.throttled(clock.monotonic(), None)
    assert lim.blocked_for() >= 4


def test_a_slot_comes_back_only_when_notion_s_minute_is_over_too() -> None:
    """Two machines' minutes are not quite of one length: who asks again to the tick is refused."""
    lim, clock = limiter(2)
    send(lim)
    clock.sleep(60.01)
    assert lim.used() == 1
    clock.sleep(0.1)
    assert lim.used() == 0


def test_a_poll_looks_back_to_what_the_index_may_have_kept_from_the_one_before(world: World) -> None:
    """It covers nothing of the last seconds, in which an edit may not have come into the index."""
    pages = [world.row(number, name="old") for number in range(110)]
    world.clock.advance(3600)
    end = world.end(overlap_s=15, query_lag_s=40)
    scanned(end)
    world.clock.advance(60 + 48 - world.clock.now().second)
    world.edit(pages[0], name="new")
    world.sandbox.stale(pages[0], 40)
    world.clock.advance(36)
    assert polled(end)[pages[0]].values["name"] == "old", "the test needs an index that is behind"
    world.clock.advance(10)
    assert polled(end)[pages[0]].values["name"] == "new"


def test_what_a_slow_answer_shows_was_so_when_it_was_asked_for(world: World) -> None:
    """Told as of its coming, an edit of the meantime would count as younger than it is."""
    page = world.row(1)
    world.sandbox.faults.hook(lambda _: world.clock.advance(30), "GET", "/pages/", times=1)
    asked = world.clock.now()
    seen = world.seen(page)
    assert seen.seen is not None
    assert (seen.seen - asked).total_seconds() < 15
