"""The command itself: its options, and which way it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.init.finish import print_capture
from bridge.cli.init.ground import DSN, TOKEN, prepare
from bridge.cli.init.one import set_up_one
from bridge.cli.init.update import update
from bridge.cli.init.whole import set_up_all
from bridge.cli.init.wishes import Wishes
from bridge.cli.program import shared_options
from bridge.engine.opening import open_sides
from bridge.engine.ratelog import forget
from bridge.errors import ExitCode


@click.command()
@click.option("--dsn", help=f"The database, as postgresql://user@host/name (default: ${DSN}).")
@click.option("--token", help=f"The token of the Notion integration (default: ${TOKEN}).")
@click.option("--base-url", help="Another address than Notion's own: that of the sandbox.")
@click.option("--table", help="The table, as in SQL: tasks, public.tasks.")
@click.option("--key", multiple=True, metavar="COLUMN", help="A column of another key than the primary; once for each.")
@click.option("--data-source", help="The Notion database: its address, its id, or the id of one data source in it.")
@click.option("--create-notion", metavar="PAGE", help="Make the Notion database below this page, from the table.")
@click.option(
    "--create-table",
    metavar="[NAME]",
    is_flag=False,
    flag_value="",
    help="Make the table from the data source, named NAME or after the data source.",
)
@click.option("--enums", is_flag=True, help="With --create-table: select and status become enum types, not text.")
@click.option("--all", "everything", is_flag=True, help="All tables of the schema, each with its data source.")
@click.option("--schema", default="public", show_default=True, help="The schema of --all and --create-table.")
@click.option("--below", metavar="PAGE", help="With --all: only the Notion databases below this page.")
@click.option("--name", help="What the sync is called (default: the table's name).")
@click.option("--key-property", help="The property that holds the primary key; it is added when it is not there.")
@click.option("--update", "update_", is_flag=True, help="Mend the file where columns or properties have changed.")
@click.option("--yes", is_flag=True, help="Do not ask before something is made, added or mended.")
@click.option("--print-sql", is_flag=True, help="Print what a DBA has to run; install nothing, make no table.")
@click.option("--force", is_flag=True, help="Write a new bridge.toml; the old one is kept, as bridge.toml.1.bak.")
@shared_options
@click.pass_obj
def init(environment: Environment, /, update_: bool, **options: Any) -> ExitCode:
    """Set up syncs between tables and data sources.

    Looks at both sides, proposes the mapping, writes bridge.toml and installs the trigger. Asks for what is not given,
    on a terminal. Where there is a bridge.toml already, the new [[sync]] is added to it, and without a table or a data
    source named, the triggers that the file asks for are installed (with --print-sql: printed).

    Can make what is missing on one side: --create-notion from a table, --create-table from a data source. Foreign keys
    and join tables become relations to what has a sync in the file. With --all it does so for a whole schema.
    --update mends the file after a column was renamed, removed or retyped.

    \b
    Examples:
      notion-bridge init
      notion-bridge init --table tasks --data-source https://www.notion.so/... --yes
      notion-bridge init --data-source https://www.notion.so/... --create-table
      notion-bridge init --all --create-notion https://www.notion.so/...
      notion-bridge init --update
      notion-bridge init --print-sql > for-the-dba.sql
    """
    wishes = Wishes(update=update_, **options)
    wishes.check()
    if wishes.update:
        return update(environment, wishes.yes)
    if wishes.none and environment.config_path.exists() and not wishes.force:
        return _install_configured(environment, wishes)
    ground = prepare(environment, wishes)
    with _leaving_nothing(environment, ground.config.journal.path), open_sides(ground.config) as sides:
        go = set_up_all if wishes.everything else set_up_one
        return go(environment, wishes, ground, sides)


@contextmanager
def _leaving_nothing(environment: Environment, journal: Path) -> Iterator[None]:
    """What was noted of the requests to Notion stays only where a bridge will use it: after a no there is no folder."""
    there = journal.parent.exists()
    try:
        yield
    finally:
        if not there and not environment.config_path.exists():
            forget(journal)


def _install_configured(environment: Environment, wishes: Wishes) -> ExitCode:
    config = environment.config()
    environment.say(f"{config.path} is kept as it is")
    with open_sides(config) as sides:
        syncs = [sides.bind(chosen) for chosen in environment.chosen(config)]
        if wishes.print_sql:
            return print_capture(environment, config, syncs)
        installed = {sync.name: sides.ensure_installed(sync) for sync in syncs}
    if environment.json:
        environment.emit({"version": JSON_VERSION, "config": str(config.path), "installed": installed})
    for name, done in installed.items():
        environment.say(f"{name}: the trigger {'is installed now' if done else 'was installed already'}")
    return ExitCode.OK
