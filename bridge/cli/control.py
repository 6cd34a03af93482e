"""`notion-bridge pause`, `resume` and `uninstall`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.program import shared_options
from bridge.config import Config
from bridge.engine.requests import is_running, submit
from bridge.errors import BridgeError, ConfigError, ExitCode, LockHeld
from bridge.journal import Journal
from bridge.journal.journal import SyncState
from bridge.journal.place import is_there
from bridge.postgres.connection import Session
from bridge.postgres.install import uninstall as remove_capture
from bridge.postgres.inventory import others
from bridge.postgres.lock import SyncLock


@click.command()
@shared_options
@click.pass_obj
def pause(environment: Environment) -> ExitCode:
    """Stop carrying changes over for a while.

    They are still captured, and wait.

    \b
    Example:
      notion-bridge pause --sync tasks
    """
    _tell(environment, "pause", {}, lambda _: "paused; changes wait until `notion-bridge resume`")
    return ExitCode.OK


@click.command()
@click.option("--allow-deletes", is_flag=True, help="The deletions that stopped the sync were meant.")
@click.option("--undo-deletes", is_flag=True, help="They were not meant: bring the records back.")
@shared_options
@click.pass_obj
def resume(environment: Environment, allow_deletes: bool, undo_deletes: bool) -> ExitCode:
    """Go on after a pause or a mass deletion.

    After a sync stopped itself before a mass deletion it needs a word: was that meant, or not?

    \b
    Example:
      notion-bridge resume --sync tasks --undo-deletes
    """
    if allow_deletes and undo_deletes:
        raise ConfigError("--allow-deletes and --undo-deletes mean the opposite", hint="Give one of them.")
    deletes = "allow" if allow_deletes else "undo" if undo_deletes else ""

    def done(before: SyncState) -> str:
        return "goes on" if before.paused or before.breaker else "was not paused or stopped; nothing was changed"

    _tell(environment, "resume", {"deletes": deletes}, done)
    return ExitCode.OK


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_obj
def uninstall(environment: Environment, yes: bool) -> ExitCode:
    """Remove the triggers from the database.

    What they captured goes too. Rows, pages, bridge.toml and the journal stay as they are. Changes made from now on are
    not captured; a later `sync` installs the trigger again and compares everything. With --sync it may also be one that
    bridge.toml does not name any more.

    \b
    Example:
      notion-bridge uninstall --sync tasks --yes
    """
    config = environment.config()
    names = _installed_names(environment, config)
    if is_running(config.journal.path):
        raise LockHeld("a bridge is running on this journal", hint="Stop it first: it would miss every later change.")
    if not environment.confirm(f"Remove the triggers of {', '.join(names)} from the database?", yes):
        environment.say("nothing was removed")
        return ExitCode.OK
    with closing(Session(config.postgres.dsn)) as session, session.use() as connection:
        for name in names:
            SyncLock(name, environment.clock, patience=0.0).take(connection)  # a bridge with another journal, too
        for name in names:
            remove_capture(connection, name)
    if environment.json:
        environment.emit({"version": JSON_VERSION, "uninstalled": names, "journal": str(config.journal.path)})
    else:
        environment.print(f"removed from the database: {', '.join(names)}")
        if is_there(config.journal.path):
            environment.print(f"kept: the journal {config.journal.path}; delete it to forget what was agreed")
    return ExitCode.OK


def _installed_names(environment: Environment, config: Config) -> list[str]:
    """The syncs that are meant. One that was renamed in bridge.toml, or taken out, is known to the database only."""
    configured = [sync.name for sync in config.syncs]
    if environment.sync and environment.sync not in configured:
        with closing(Session(config.postgres.dsn)) as session, session.use() as connection:
            if environment.sync in (other.name for other in others(connection, configured)):
                return [environment.sync]
    return [chosen.name for chosen in environment.chosen(config)]


def _tell(environment: Environment, kind: str, arguments: dict[str, Any], done: Callable[[SyncState], str]) -> None:
    """Has it done, and says for each sync what that meant for the state in which it was before."""
    config = environment.config()
    names = [chosen.name for chosen in environment.chosen(config)]
    before = _states(environment, config, names)
    answer = submit(config.journal.path, environment.clock, kind, {"syncs": names, **arguments})
    if environment.json:
        environment.emit({"version": JSON_VERSION, **answer})
    else:
        for name in names:
            environment.print(f"{name}: {done(before[name])}")


def _states(environment: Environment, config: Config, names: list[str]) -> dict[str, SyncState]:
    """How the syncs are now. Raises BridgeError for one that was never run."""
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        unknown = [name for name in names if journal.sync_row(name) is None]
        if unknown:
            raise BridgeError(
                f"the sync {unknown[0]!r} was never run",
                hint="There is nothing to pause or to resume; run `notion-bridge sync` first.",
            )
        return {name: journal.sync_state(name) for name in names}
