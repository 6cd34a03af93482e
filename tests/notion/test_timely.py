"""Proves: of a write that was held up after its check no byte leaves, and what is in time arrives whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.clock import SystemClock
from bridge.notion.errors import NotSent
from bridge.notion.transport import Transport
from bridge.sandbox.notion import DEFAULT_TOKEN, Sandbox, SandboxServer


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def transport(sandbox: Sandbox) -> Iterator[Transport]:
    with SandboxServer(sandbox) as server:
        made = Transport(server.url, DEFAULT_TOKEN, SystemClock())
        yield made
        made.close()


@pytest.fixture
def good_manners() -> None:
    """Not asked here: nobody looks at the page first."""


@pytest.mark.parametrize("warm", [True, False])
def test_nothing_leaves_too_late(transport: Transport, sandbox: Sandbox, warm: bool) -> None:
    if warm:
        transport.send("GET", "users/me")
    before = len(sandbox.log.entries)
    with pytest.raises(NotSent):
        transport.send("PATCH", "pages/x", {"a": 1}, not_after=SystemClock().monotonic() - 0.001)
    assert transport.send("GET", "users/me").status == 200
    assert len(sandbox.log.entries) == before + 1


def test_a_body_that_the_socket_does_not_take_at_once_arrives_whole(transport: Transport, sandbox: Sandbox) -> None:
    text = "x" * 450_000
    transport.send("POST", "search", {"query": text}, not_after=SystemClock().monotonic() + 600)
    assert sandbox.log.entries[-1].body == {"query": text}
