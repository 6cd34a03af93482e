"""Every request to every sandbox of a test is watched: a bridge never does what a well-behaved client does not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bridge.sandbox.notion.log import Entry, Log


@contextmanager
def every_request() -> Iterator[list[Entry]]:
    """Collects the requests that any sandbox in this process gets meanwhile, also those that a test lets it forget."""
    collected: list[Entry] = []
    begin = Log.open

    def watched(self: Log, **facts: Any) -> Entry:
        entry = begin(self, **facts)
        collected.append(entry)
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "open", watched)
        yield collected


def check(requests: list[Entry]) -> None:
    """No request over the rate limit, no write that changed nothing, no write without a look just before."""
    rude = [str(entry) for entry in requests if entry.violations]
    assert not rude, rude
