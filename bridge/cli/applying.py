"""After a decision: who writes it. A running bridge does so within a second or two; without one, the command itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from enum import StrEnum

from bridge.cli.environment import Environment
from bridge.cli.progress import EachRound, SyncProgress
from bridge.cli.signals import stopping
from bridge.config import Config
from bridge.engine.opening import open_bridge
from bridge.engine.requests import is_running
from bridge.errors import BridgeError, LockHeld


class Writer(StrEnum):
    """Who writes what was decided."""

    BRIDGE = "the running bridge"
    COMMAND = "this command"
    LATER = "the next `sync` or `run`"


def carry_on(environment: Environment, config: Config, names: Sequence[str]) -> Writer:
    """Brings these syncs in step, unless a bridge is at it. What was decided is journaled already, so that a side which
    does not answer costs nothing but time; the person is told."""
    if is_running(config.journal.path):
        return Writer.BRIDGE
    stop = threading.Event()
    each_round = EachRound()
    try:
        with (
            stopping(environment, stop),
            open_bridge(config, names, stop=stop, listen=False, each_round=each_round) as bridge,
            SyncProgress(environment.err, environment.clock, names) as progress,
        ):
            each_round.then = lambda: progress.show(bridge)
            bridge.loop.run_once()
    except LockHeld:  # one has started meanwhile
        return Writer.BRIDGE
    except BridgeError as error:
        environment.say(f"it is noted, and could not be written now: {error.message}", "yellow")
        return Writer.LATER
    return Writer.COMMAND
