"""A journal in memory with one sync, and a terminal that is a string."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from bridge.clock import SystemClock
from bridge.journal import Journal
from bridge.model import Sync
from tests.unit.worlds import make_sync

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def sync() -> Sync:
    return make_sync()


@pytest.fixture
def journal(sync: Sync) -> Iterator[Journal]:
    opened = Journal.in_memory(SystemClock())
    with opened.transaction():
        opened.add_sync(sync.name, sync.table.qualified, sync.data_source.id)
    yield opened
    opened.close()


def terminal(width: int = 80, height: int = 24, *, live: bool = False) -> tuple[Console, io.StringIO]:
    """A console whose output can be read. It has no colours, so what is said without them is what is tested."""
    screen = io.StringIO()
    console = Console(
        file=screen,
        width=width,
        height=height,
        color_system=None,
        markup=False,
        emoji=False,
        force_terminal=live,
        _environ={"TERM": "xterm"},
    )
    return console, screen


def lines(drawn: RenderableType, width: int = 80, height: int = 24) -> list[str]:
    """What a renderable puts on the screen, line by line."""
    console, screen = terminal(width, height)
    console.print(drawn)
    return screen.getvalue().splitlines()
