"""The command itself: runs the checks in order, and goes on after one that fails wherever the next can do without."""

from __future__ import annotations

from contextlib import ExitStack, closing

import click

from bridge.cli.checks import database, machine, notion
from bridge.cli.checks.report import Report
from bridge.cli.environment import Environment
from bridge.cli.output import many
from bridge.cli.program import shared_options
from bridge.config import Config, SyncConfig
from bridge.engine.opening import Sides, open_sides
from bridge.engine.rebinding import remembered_in
from bridge.engine.requests import is_running
from bridge.errors import BridgeError, ExitCode
from bridge.postgres.connection import Session
from bridge.shapes import Table


@click.command()
@shared_options
@click.pass_obj
def check(environment: Environment) -> ExitCode:
    """Check everything that a sync needs.

    Each check says ok, or why not and what to do. Changes nothing. Exit code 0 when a sync can run, 1 when something
    does not answer now, 2 when somebody has to change something.

    \b
    Example:
      notion-bridge check
    """
    report = Report(environment)
    config = report.attempt("config", environment.config, _about)
    chosen = None
    if config is not None:
        found: Config = config
        chosen = report.attempt("syncs", lambda: environment.chosen(found), lambda s: ", ".join(one.name for one in s))
        machine.check_journal(report, config.journal.path, environment.clock)
        machine.check_private(report, config)
    if config is not None and chosen is not None:
        _check_sides(report, config, chosen)
    return report.finish()


def _about(config: Config) -> str:
    return f"{config.path}, {many(len(config.syncs), 'sync')}"


def _check_sides(report: Report, config: Config, chosen: list[SyncConfig]) -> None:
    with ExitStack() as opened:
        session = report.attempt("database", lambda: opened.enter_context(closing(Session(config.postgres.dsn))))
        if session is None:
            return  # both sides are opened together, and Notion is not to blame
        sides = report.attempt("notion", lambda: opened.enter_context(open_sides(config)))
        if sides is None:
            return
        rows = session if database.check_server(report, session, config.postgres.dsn) else None
        pages = sides if notion.check_token(report, sides, config) else None
        tables = [table for sync in chosen if (table := _check_sync(report, config, sync, rows, pages)) is not None]
        report.sync = ""
        if rows is not None:
            database.check_others(report, rows, config)
        report.attempt("clock", lambda: machine.check_clocks(report, sides.clock, rows))
        notion.check_rate(report, sides, tables)


def _check_sync(
    report: Report, config: Config, chosen: SyncConfig, session: Session | None, sides: Sides | None
) -> Table | None:
    """One sync, as far as its sides answer."""
    report.sync = chosen.name
    try:
        if session is not None:
            running = is_running(config.journal.path)
            database.check_bridge(report, session, chosen.name, running=running)
        remembered = remembered_in(config.journal.path, chosen.name, report.environment.clock)
        table = database.check_table(report, session, chosen) if session is not None else None
        if session is not None and table is not None:
            database.check_rights(report, session, table, chosen)
        source = notion.check_data_source(report, sides, chosen, remembered) if sides is not None else None
        if session is not None and sides is not None and table is not None and source is not None:
            notion.check_keeper(report, chosen, table, source, sides, session)
            sync = notion.check_fields(report, chosen, table, source, sides, session, remembered)
            if sync is not None:
                notion.check_people(report, sides, sync)
                database.check_capture(report, session, sync)
    except BridgeError as error:  # a side that answered a moment ago, and no more
        report.failed("check", error)
        return None
    return table
