"""The live demo: the bridge at work in this process, with its console, until Ctrl-C."""

from __future__ import annotations

import random
import shlex
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console

from bridge.clock import SystemClock
from bridge.config import load
from bridge.console import LiveConsole
from bridge.engine.opening import open_bridge
from bridge.sandbox.demo.colleague import Colleague
from bridge.sandbox.demo.signals import ENDING, on_signals
from bridge.sandbox.demo.world import World


def run_live(world: World, config: Path, notion_url: str, psql: str, console: Console) -> int:
    """Runs until a key or a signal asks it to end; what is under way is finished. `psql` is a shell line."""
    stop = threading.Event()
    clock = SystemClock(stop)
    places = _places(world, config, notion_url, psql)
    review = [sys.executable, "-m", "bridge", "conflicts", "--config", str(config)]
    screen: LiveConsole | None = None
    colleague = Colleague(world, clock, stop, random.Random())  # noqa: S311 - nobody guesses at it

    def each_round() -> None:
        if screen is not None:
            screen.notes = (*places, ("colleague", colleague.status))
            screen.refresh()

    def asked_to_end(number: int) -> None:
        if number != signal.SIGINT or screen is None or not screen.lent():  # else Ctrl-C is the review's
            stop.set()

    with (
        on_signals(asked_to_end, signal.SIGINT, *ENDING),
        open_bridge(load(config), stop=stop, clock=clock, each_round=each_round) as bridge,
        LiveConsole(bridge, console, clock, places, keyboard=sys.stdin.fileno(), review=review) as opened,
        colleague,
    ):
        screen = opened
        bridge.loop.run()
    return 0


def _places(world: World, config: Path, notion_url: str, psql: str) -> tuple[tuple[str, str], ...]:
    """Where to edit both sides. The line for psql is long, so it lies in a file with a short name."""
    script = config.with_name("psql")
    script.write_text(f'#!/bin/sh\nexec {psql} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return (
        ("psql", shlex.quote(str(script))),
        ("Notion", f"{notion_url}/d/{world.data_source}"),
        ("config", shlex.quote(str(config))),
    )
