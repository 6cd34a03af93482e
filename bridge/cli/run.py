"""`notion-bridge run`: keeps both sides the same until it is asked to stop."""

from __future__ import annotations

import sys
import threading
from contextlib import closing, suppress

import click

from bridge.cli.environment import Environment
from bridge.cli.exposure import exposures
from bridge.cli.log import EventLog, LogLines
from bridge.cli.output import many, moment_shown, outbox_full
from bridge.cli.program import shared_options
from bridge.cli.progress import EachRound
from bridge.cli.signals import stopping
from bridge.clock import SystemClock
from bridge.console import LiveConsole
from bridge.engine.opening import Bridge, open_bridge
from bridge.engine.patience import when_there
from bridge.errors import ExitCode, Unavailable
from bridge.postgres.connection import Session
from bridge.postgres.outbox import backlog


@click.command()
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Write a log to stderr, in this form.")
@click.option("--no-live", is_flag=True, help="Write a log on a terminal too, instead of the live console.")
@shared_options
@click.pass_obj
def run(environment: Environment, log_format: str | None, no_live: bool) -> ExitCode:
    """Keep both sides the same until stopped.

    On a terminal it shows a live console, where p pauses and resumes, c reviews conflicts, and q quits. Otherwise it
    writes one line per event to stderr (with --json: one JSON document per line to stdout). A side that does not answer
    is waited for, at the start too; wrong credentials end the start. Ctrl-C or SIGTERM finishes what is under way; a
    second one ends it at once. Both are safe.

    \b
    Example:
      notion-bridge run --log-format json 2>> bridge.log
    """
    config = environment.config()
    names = [chosen.name for chosen in environment.chosen(config)]
    stop = threading.Event()
    each_round = EachRound()
    live = environment.has_screen and not no_live and log_format is None
    console = environment.out if environment.json else environment.err
    lines = LogLines(console, environment.clock, as_json=environment.json or log_format == "json")
    with stopping(environment, stop) as ending:
        opened = when_there(
            lambda: open_bridge(config, names, stop=stop, each_round=each_round),
            lambda error: _tell_waiting(environment, None if live else lines, error),
            clock=SystemClock(stop),
            stop=stop,
        )
        if opened is None:
            return ExitCode.OK
        with opened as bridge:
            if live:
                with _live(environment, bridge) as screen:
                    ending.begin = lambda: None  # it is told on the screen
                    ending.at_once = screen.restore
                    ending.lent = screen.lent
                    each_round.then = screen.refresh
                    bridge.loop.run()
            else:
                _run_logged(lines, bridge, each_round)
    return ExitCode.OK


def _live(environment: Environment, bridge: Bridge) -> LiveConsole:
    review = [sys.executable, "-m", "bridge", "conflicts", "--config", str(environment.config_path)]
    if environment.sync:
        review += ["--sync", environment.sync]
    return LiveConsole(bridge, environment.out, environment.clock, keyboard=sys.stdin.fileno(), review=review)


def _tell_waiting(environment: Environment, lines: LogLines | None, error: Unavailable) -> None:
    text = f"{error.message.rstrip('.')}. The start waits until it does."
    if lines is None:
        environment.say(f"waiting: {text}", "yellow")
    else:
        lines.tell("waiting", "", text)


def _tell_waiting_changes(lines: LogLines, bridge: Bridge) -> None:
    """What was captured while no bridge ran."""
    # A database that is gone again at this moment is told of by the loop.
    with (
        suppress(Unavailable),
        closing(Session(bridge.sides.config.postgres.dsn)) as session,
        session.use() as connection,
    ):
        for sync in bridge.syncs:
            found = backlog(connection, sync.name)
            if found.left_out:
                lines.tell("outbox", sync.name, outbox_full(found.left_out))
            elif found.changes:
                since = moment_shown(found.oldest)
                lines.tell("outbox", sync.name, f"{many(found.changes, 'change')} waiting, the oldest since {since}")


def _run_logged(lines: LogLines, bridge: Bridge, each_round: EachRound) -> None:
    with bridge.journal.transaction():  # the log follows the state of every sync, also of one that is new
        for sync in bridge.syncs:
            bridge.journal.add_sync(sync.name, sync.table.qualified, sync.data_source.id)
    names = [sync.name for sync in bridge.syncs]
    log = EventLog(lines, bridge.journal, names)
    for sync in bridge.syncs:
        lines.tell("started", sync.name, f"{sync.table.qualified} <-> {sync.data_source.title}")
    for message, hint in exposures(bridge.sides.config):
        lines.tell("warning", "", f"{message}. {hint}")
    _tell_waiting_changes(lines, bridge)
    each_round.then = log.write_new
    bridge.loop.run()
    for name in names:
        lines.tell("ended", name, "stopped as asked; nothing is lost")
