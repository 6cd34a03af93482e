"""`notion-bridge resync`: compares both sides as in a first run; for a journal that is lost or not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.plan import SyncPlan, plan_json, plan_of, show_plan
from bridge.cli.program import shared_options
from bridge.cli.reading import reading
from bridge.config import Config
from bridge.engine.opening import open_sides
from bridge.engine.requests import is_running, submit
from bridge.errors import ConfigError, ExitCode, JournalDamaged, LockHeld
from bridge.journal import Journal
from bridge.journal.place import is_there
from bridge.journal.store import set_aside

_RECORDS = 20  # as many as `plan` shows


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_obj
def resync(environment: Environment, yes: bool) -> ExitCode:
    """Compare both sides anew, as in a first sync.

    For a journal that is damaged or not to be trusted, or to forget what was agreed. Rows and pages stay linked, and
    what has no partner is matched by its key. Equal records are agreed silently; where the sides differ first_sync
    decides, and both values are kept as a conflict. What is on one side only is made on the other. Nothing is deleted.

    So it brings back what was deleted on one side and is still there on the other: deletions that wait for their turn,
    for a yes or behind the breaker, and those that deletes = "ignore" left alone. What is deleted on both sides stays
    deleted.

    It reads both sides, says what would be done, and asks. Then a running bridge does it at once, and else the next
    `sync` or `run`. A damaged journal is set aside, not deleted, for all syncs in it.

    \b
    Example:
      notion-bridge resync --sync tasks
    """
    config = environment.config()
    names = [chosen.name for chosen in environment.chosen(config)]
    if not is_there(config.journal.path):
        return _nothing(environment, names, f"there is no journal at {config.journal.path}")
    try:
        # Opened for writing: only that looks for damage. A running bridge has done so.
        with closing(Journal.open(config.journal.path, environment.clock)) as journal:
            known = _known(journal, names)
    except LockHeld:
        with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
            known = _known(journal, names)
    except JournalDamaged as damaged:
        return _replace(environment, config, damaged, yes)
    if not known:
        return _nothing(environment, names, f"{', '.join(names)} was never synced")
    plans = _plans(environment, config, known, lost=False)
    if not environment.confirm("Forget what was agreed, and do this?", yes):
        return _nothing(environment, [], "nothing was changed")
    submit(config.journal.path, environment.clock, "resync", {"syncs": known})
    running = is_running(config.journal.path)
    _done(environment, plans, known, running=running)
    return ExitCode.OK


def _known(journal: Journal, names: Sequence[str]) -> list[str]:
    return [name for name in names if journal.sync_row(name) is not None]


def _plans(environment: Environment, config: Config, names: Sequence[str], *, lost: bool) -> list[SyncPlan]:
    """What would be done, told before anything is asked."""
    plans = []
    with open_sides(config) as sides:
        for name in names:
            with reading(environment, sides, config, config.sync(name), anew=True, lost=lost) as parts:
                plans.append(plan_of(environment, parts, config.notion.requests_per_minute))
            if not environment.json:
                show_plan(environment, plans[-1], _RECORDS)
    return plans


def _replace(environment: Environment, config: Config, damaged: JournalDamaged, yes: bool) -> ExitCode:
    """A file that cannot be read: whatever was agreed is lost, for every sync that it knew."""
    names = [sync.name for sync in config.syncs]
    if environment.sync and names != [environment.sync]:
        raise ConfigError(damaged.message, hint="All syncs are in it: run `notion-bridge resync` without --sync.")
    environment.say(damaged.message, "bold red")
    plans = _plans(environment, config, names, lost=True)
    if not environment.confirm("Set the damaged journal aside, and do this?", yes):
        return _nothing(environment, [], "nothing was changed")
    aside = set_aside(config.journal.path, f"{environment.clock.now():%Y%m%dT%H%M%S}")
    _done(environment, plans, names, aside=aside)
    return ExitCode.OK


def _nothing(environment: Environment, names: Sequence[str], why: str) -> ExitCode:
    """There is nothing to forget, or somebody said no."""
    if environment.json:
        environment.emit(_document([], []))
    first = "; the next `sync` or `run` compares both sides as in a first run anyway" if names else ""
    environment.say(f"{why}{first}")
    return ExitCode.OK


def _done(
    environment: Environment,
    plans: Sequence[SyncPlan],
    names: Sequence[str],
    *,
    running: bool = False,
    aside: Path | None = None,
) -> None:
    if environment.json:
        environment.emit(_document(plans, names, running=running, aside=aside))
        return
    if aside is not None:
        environment.print(f"the damaged journal is now {aside}")
    does = "the running bridge does it now" if running else "the next `sync` or `run` does it"
    environment.print(f"{', '.join(names)}: {does}")


def _document(
    plans: Sequence[SyncPlan], names: Sequence[str], *, running: bool = False, aside: Path | None = None
) -> dict[str, object]:
    return {
        "version": JSON_VERSION,
        "resync": list(names),
        "running": running,
        "set_aside": str(aside) if aside is not None else None,
        "syncs": [plan_json(found, _RECORDS) for found in plans],
    }
