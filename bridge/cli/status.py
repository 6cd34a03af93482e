"""`notion-bridge status`: in step or not, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import many, moment_shown, outbox_full, seconds_shown, unconfigured
from bridge.cli.program import shared_options
from bridge.config import Config
from bridge.engine.ratelog import spent
from bridge.engine.requests import is_running
from bridge.engine.status import NEVER_SYNCED, SyncStatus, sync_status
from bridge.errors import BridgeError, ConfigError, ExitCode
from bridge.journal import Journal
from bridge.journal.place import is_there
from bridge.postgres.connection import Session
from bridge.postgres.findings import not_captured, schema_version
from bridge.postgres.inventory import InstalledSync, others
from bridge.postgres.listener import is_heard
from bridge.postgres.outbox import Backlog, backlog


@click.command()
@shared_options
@click.pass_obj
def status(environment: Environment) -> ExitCode:
    """In step or not, and why.

    What waits, and since when. Reads the journal and asks the database how many captured changes it still holds, and
    whether it captures them; Notion is not asked. `verify` compares both sides. Exit code 0 only when every sync is in
    step; 5, 3 or 4 when a person is needed.

    \b
    Example:
      notion-bridge status --json | jq '.in_step'
    """
    config = environment.config()
    names = [sync.name for sync in environment.chosen(config)]
    database = _database(config)
    if database.why:
        environment.say(f"the database was not asked what waits there: {database.why}")
    with_journal = is_there(config.journal.path)
    if with_journal:
        journal = Journal.open_read_only(config.journal.path, environment.clock)
    else:
        journal = Journal.in_memory(environment.clock)
    with closing(journal):
        found = [_status(journal, name, environment, database) for name in names]
    running = with_journal and is_running(config.journal.path)
    woken = database.heard and config.postgres.notify if running and database.outbox is not None else None
    used = Requests(spent(config.journal.path, environment.clock), config.notion.requests_per_minute)
    _show(environment, found, Bridge(running, woken), used, database.others)
    for other in database.others:
        environment.say("\n  ".join(unconfigured(other, config.path)), "yellow")
    return exit_code(found)


def _status(journal: Journal, name: str, environment: Environment, database: _Database) -> SyncStatus:
    """What the journal says, never called in step when the database could not be asked, or notes no changes."""
    if database.outbox is None:
        return replace(sync_status(journal, name, environment.clock, None), in_step=False)
    found, uncaptured = database.outbox.get(name, Backlog(0, None)), database.not_captured.get(name, "")
    status = sync_status(journal, name, environment.clock, found.changes)
    in_step = status.in_step and not found.left_out and not uncaptured
    return replace(status, left_out=found.left_out, not_captured=uncaptured, in_step=in_step)


@dataclass(frozen=True, slots=True)
class _Database:
    """Captured changes that wait in the database, by sync (None, and why, when it could not be asked); and the syncs
    that are installed there and not configured."""

    outbox: dict[str, Backlog] | None
    why: str = ""
    heard: bool = False  # a bridge listens there
    others: Sequence[InstalledSync] = ()
    not_captured: Mapping[str, str] = field(default_factory=dict)  # why, by sync


@dataclass(frozen=True, slots=True)
class Bridge:
    """Whether one runs, and whether NOTIFY wakes it (None when none runs, or the database could not be asked)."""

    running: bool
    woken: bool | None

    def __str__(self) -> str:
        if not self.running:
            return "no bridge is running"
        return "a bridge is running" if self.woken is not False else "a bridge is running, and no NOTIFY wakes it"


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to Notion in the last minute, and how many there may be."""

    used: int
    budget: int


def _database(config: Config) -> _Database:
    try:
        with closing(Session(config.postgres.dsn)) as session, session.use() as connection:
            if schema_version(connection) is None:
                return _Database(None, "nothing is installed in it; `notion-bridge sync` installs the trigger")
            names = [sync.name for sync in config.syncs]
            there = connection.execute("SELECT name FROM notion_bridge.sync WHERE name = ANY (%s)", [names]).fetchall()
            waiting = {name: backlog(connection, name) for (name,) in there}
            uncaptured = {name: not_captured(connection, name) for name in names}
            return _Database(waiting, "", is_heard(connection), others(connection, names), uncaptured)
    except ConfigError:
        raise  # it is no database that might answer later
    except BridgeError as error:
        return _Database(None, error.message)


def exit_code(found: list[SyncStatus]) -> ExitCode:
    """What needs a person outranks what only needs time: breaker, conflicts, parked, anything else."""
    if any(sync.breaker for sync in found):
        return ExitCode.BREAKER
    if any(sync.conflicts for sync in found):
        return ExitCode.CONFLICTS
    if any(sync.parked for sync in found):
        return ExitCode.PARKED
    return ExitCode.OK if all(sync.in_step for sync in found) else ExitCode.FAILED


def _show(
    environment: Environment,
    found: list[SyncStatus],
    bridge: Bridge,
    requests: Requests,
    unnamed: Sequence[InstalledSync],
) -> None:
    if environment.json:
        environment.emit(
            {
                "version": JSON_VERSION,
                "in_step": all(sync.in_step for sync in found),
                **asdict(bridge),
                "requests": asdict(requests),
                "syncs": [sync.as_json() for sync in found],
                "unconfigured": [asdict(other) for other in unnamed],
            }
        )
        return
    headers = ("sync", "state", "records", "pending", "conflicts", "parked", "lag", "last change", "last full look")
    environment.out.print(listing(headers, [_row(sync) for sync in found]))
    for sync in found:
        for line in _remarks(sync):
            environment.print(f"{sync.name}: {line}")
    environment.print(f"{bridge}; {requests.used} of {requests.budget} requests to Notion in the last minute")


def _row(sync: SyncStatus) -> list[str]:
    counts = (sync.linked, sync.pending, sync.conflicts, sync.parked)
    times = (moment_shown(sync.last_event_at), moment_shown(sync.swept_at))
    return [sync.name, state_word(sync), *map(str, counts), seconds_shown(sync.lag_seconds), *times]


def state_word(sync: SyncStatus) -> str:
    """One word or two for a sync."""
    if sync.breaker:
        return "stopped"
    if sync.paused:
        return "paused"
    return "in step" if sync.in_step else "not in step"


def _remarks(sync: SyncStatus) -> list[str]:
    lines = []
    if sync.breaker:
        lines.append(sync.breaker)
    if sync.paused:
        lines.append("paused; `notion-bridge resume` goes on")
    if sync.not_captured:
        lines.append(
            f"changes of the table are not captured: {sync.not_captured}; `notion-bridge sync` or `run` installs what "
            "is missing and compares everything, and `notion-bridge check` tells whether it may"
        )
    if sync.left_out:
        lines.append(outbox_full(sync.left_out))
    if sync.resync:
        lines.append("a resync was asked for; the running bridge, or the next `notion-bridge sync`, makes it")
    if sync.conflicts:
        lines.append(f"{many(sync.conflicts, 'conflict')} to decide: `notion-bridge conflicts`")
    if sync.parked:
        lines.append(f"{many(sync.parked, 'item')} parked: `notion-bridge parked list`")
    lines += [f"the field {item.field!r} is suspended: {item.reason}. {item.hint}" for item in sync.suspended]
    if sync.last_error == NEVER_SYNCED:
        lines.append("not synced yet: `notion-bridge sync`")
    elif sync.last_error:
        lines.append(f"last error: {sync.last_error}")
    return lines
