"""Proves that a Notion which takes requests and answers none is noticed while it is waited for, and that a write gets
more patience than a read: only its answer tells whether it was made.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import requests

from bridge.clock import CommonClock
from bridge.notion.client import NotionClient
from bridge.notion.errors import Ambiguous
from bridge.notion.limiter import Limiter
from tests.notion.clocks import SkippingClock


class Line:
    """A line to a Notion that says nothing: each request is given up after as long as it was told to wait."""

    def __init__(self, clock: SkippingClock) -> None:
        self.clock = clock
        self.patience: list[float] = []
        self.silence: list[float] = []
        line = self

        class Session(requests.Session):
            def request(self, *args: Any, timeout: Any = None, **options: Any) -> requests.Response:
                line.patience.append(timeout[1])
                clock.advance(timeout[1])
                line.silence.append(line.client.silence())
                raise requests.ReadTimeout("no answer")

        limiter = Limiter(clock, 1000, rng=random.Random(1))
        self.client = NotionClient("ntn_x", limiter=limiter, clock=CommonClock(clock), session=Session)


CALLS: dict[str, Callable[[NotionClient], object]] = {
    "read": lambda client: client.me(),
    "query": lambda client: client.query("id", {}),
    "create": lambda client: client.create_page({}),
    "update": lambda client: client.update_page("id", {}),
}


@pytest.mark.parametrize(
    ("call", "patience", "times"), [("read", 30, 5), ("query", 30, 5), ("create", 65, 1), ("update", 65, 1)]
)
def test_a_write_is_waited_for_longer_and_sent_once(
    call: str, patience: float, times: int, clock: SkippingClock
) -> None:
    line = Line(clock)
    with pytest.raises(Ambiguous):
        CALLS[call](line.client)
    assert line.patience == [patience] * times


def test_the_silence_counts_while_an_answer_is_owed(clock: SkippingClock) -> None:
    line = Line(clock)
    assert line.client.silence() == 0.0
    with pytest.raises(Ambiguous):
        line.client.create_page({})
    assert line.silence == [pytest.approx(65, abs=5)]
    clock.advance(600)
    assert line.client.silence() == 0.0, "nothing is owed"
