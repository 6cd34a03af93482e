"""Proves that an answer to what was sent before a refusal is no sign that Notion takes requests again."""

from __future__ import annotations

from tests.notion.test_limiter import limiter


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
