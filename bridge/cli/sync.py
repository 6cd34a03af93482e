"""`notion-bridge sync`: one pass until nothing is left to do."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.exposure import exposures
from bridge.cli.listing import listing
from bridge.cli.output import many
from bridge.cli.program import INTERRUPTED, shared_options
from bridge.cli.progress import EachRound, SyncProgress
from bridge.cli.signals import stopping
from bridge.engine.opening import open_bridge
from bridge.errors import ExitCode
from bridge.journal import Journal
from bridge.model import Op, Side

# What each write is called in the result, in the order of the table.
_WORDS = {
    Side.NOTION: {"created": (Op.CREATE,), "updated": (Op.UPDATE,), "trashed": (Op.DELETE,), "restored": (Op.RESTORE,)},
    Side.POSTGRES: {"created": (Op.CREATE,), "updated": (Op.UPDATE,), "deleted": (Op.DELETE,)},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass did, and what it left to a person."""

    writes: dict[Side, dict[str, int]]
    conflicts: int
    parked: int
    requests: int
    breakers: list[str]
    paused: list[str]
    finished: bool

    @property
    def exit_code(self) -> ExitCode:
        if self.breakers:
            return ExitCode.BREAKER
        if self.conflicts:
            return ExitCode.CONFLICTS
        if self.parked:
            return ExitCode.PARKED
        return ExitCode.OK if self.finished and not self.paused else ExitCode.FAILED


@click.command()
@shared_options
@click.pass_obj
def sync(environment: Environment) -> int:
    """Bring both sides in step once, then exit.

    For cron, and for the first fill. Installs the trigger where it is missing. Exit code 0 when everything is in step;
    3 conflicts wait for a person, 4 something is parked, 5 the sync stopped itself before a mass deletion, 6 another
    bridge is at work.

    \b
    Example:
      notion-bridge sync && notion-bridge verify
    """
    config = environment.config()
    names = [chosen.name for chosen in environment.chosen(config)]
    for message, hint in exposures(config):
        environment.say(f"warning: {message}\n  {hint}", "yellow")
    stop = threading.Event()
    since = environment.clock.now()
    each_round = EachRound()
    with (
        stopping(environment, stop),
        open_bridge(config, names, stop=stop, listen=False, each_round=each_round) as bridge,
    ):
        with SyncProgress(environment.err, environment.clock, names) as progress:
            each_round.then = lambda: progress.show(bridge)
            bridge.loop.run_once()
        outcome = _outcome(bridge.journal, names, since, bridge.sides.limiter.sent_in_all, finished=not stop.is_set())
    _show(environment, outcome)
    return outcome.exit_code if outcome.finished else INTERRUPTED


def _outcome(journal: Journal, names: list[str], since: datetime, requests: int, *, finished: bool) -> Outcome:
    writes = {side: dict.fromkeys(words, 0) for side, words in _WORDS.items()}
    for name in names:
        for (side, op), count in journal.writes_since(name, since).items():
            word = next(word for word, ops in _WORDS[side].items() if Op(op) in ops)
            writes[side][word] += count
    states = [journal.sync_state(name) for name in names]
    return Outcome(
        writes,
        conflicts=sum(journal.conflict_count(name) for name in names),
        parked=sum(journal.parked_count(name) for name in names),
        requests=requests,
        breakers=[state.breaker for state in states if state.breaker],
        paused=[state.name for state in states if state.paused],
        finished=finished,
    )


def _show(environment: Environment, outcome: Outcome) -> None:
    if environment.json:
        environment.emit(_as_json(outcome))
    else:
        rows = [
            [f"to {side.value}", ", ".join(f"{count} {word}" for word, count in words.items() if count) or "nothing"]
            for side, words in outcome.writes.items()
        ]
        rows.append(["requests to Notion", str(outcome.requests)])
        environment.out.print(listing(("", "written"), rows))
    if outcome.conflicts:
        environment.say(f"{many(outcome.conflicts, 'conflict')} to decide: `notion-bridge conflicts`", "yellow")
    if outcome.parked:
        environment.say(f"{many(outcome.parked, 'item')} parked: `notion-bridge parked list`", "yellow")
    for reason in outcome.breakers:
        environment.say(reason, "bold red")
    for name in outcome.paused:
        environment.say(f"sync {name!r} is paused: `notion-bridge resume --sync {name}` goes on", "yellow")
    if not outcome.finished:
        environment.say("stopped before everything was done; run it again to go on", "yellow")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "version": JSON_VERSION,
        "to_notion": outcome.writes[Side.NOTION],
        "to_postgres": outcome.writes[Side.POSTGRES],
        "conflicts": outcome.conflicts,
        "parked": outcome.parked,
        "requests": outcome.requests,
        "breaker": outcome.breakers[0] if outcome.breakers else None,
        "paused": outcome.paused,
    }
