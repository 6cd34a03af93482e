"""The end of every set-up: the file is written, read back as later commands will, and the triggers are installed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from bridge.cli import tomlfile
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.init.ground import Ground
from bridge.cli.init.wishes import Wishes
from bridge.cli.tomlfile import Setup
from bridge.config import Config, parse
from bridge.engine.opening import Sides, capture_settings
from bridge.engine.requests import is_running
from bridge.errors import ConfigError, ExitCode
from bridge.model import Sync
from bridge.postgres.catalog import table_sequences, veiled_tables
from bridge.postgres.connection import Session
from bridge.postgres.dsn import parts_of
from bridge.postgres.install import grants_sql, render_sql
from bridge.postgres.links import throughs
from bridge.postgres.names import SCHEMA, counter


def finish(
    environment: Environment, wishes: Wishes, ground: Ground, sides: Sides, setups: Sequence[Setup], answer: Any
) -> ExitCode:
    """Writes first, then installs: when the role may not install, the file is there for the one who may.

    `answer` is the JSON document of the command.
    """
    path = environment.config_path
    text = tomlfile.render(setups, ground.base_url) if ground.text is None else tomlfile.appended(ground.text, setups)
    config = parse(text, path, ground.variables)
    sides.config = config
    # What is written must bind: it is what every later command will read.
    syncs = [sides.bind(config.sync(setup.name)) for setup in setups]
    if ground.text is None:
        kept = tomlfile.write(path, text)
        environment.say(f"wrote {path}" + (f"; the older one is {kept}" if kept else ""))
    else:
        tomlfile.replace(path, text)
        environment.say(f"added {', '.join(setup.name for setup in setups)} to {path}")
    for name, value in ground.given.items():
        if environment.variables.get(name) != value:
            environment.say(f"set {name} in the environment of every later command: the file does not hold it")
    if wishes.print_sql:
        return print_capture(environment, config, syncs)
    for sync in syncs:
        sides.ensure_installed(sync)
    tables = ", ".join(sync.table.qualified for sync in syncs)
    triggers = "trigger on {} is" if len(syncs) == 1 else "triggers on {} are"
    environment.say(f"the {triggers.format(tables)} installed")
    if environment.json:
        environment.emit(answer)
    _tell_next(environment, config, added=ground.text is not None)
    return ExitCode.OK


def print_capture(environment: Environment, config: Config, syncs: Sequence[Sync]) -> ExitCode:
    """The script for a DBA: what would be installed, and the rights that the bridge needs."""
    with closing(Session(config.postgres.dsn)) as session, session.use() as connection:
        [(role, asking)] = connection.execute("SELECT current_user::text, session_user::text").fetchall()
        if (later := _later_role(environment)) not in (None, asking):
            role = later
        joined = [through.table for sync in syncs for through in throughs(sync)]
        tables = [*(sync.table for sync in syncs), *joined]
        sequences = table_sequences(connection, tables)
        veiled = veiled_tables(connection, tables, role)
    sequences += [(SCHEMA, counter(sync.name)) for sync in syncs]
    script = "\n".join(render_sql(sync, capture_settings(config)) for sync in syncs)
    script += "\n-- What the bridge's own role needs.\n" + grants_sql(role, tables, sequences, veiled)
    environment.say(f"the grants name the role {role}: put another one there if the bridge is to run as another")
    return print_script(environment, script)


def _later_role(environment: Environment) -> str | None:
    """The role of the commands to come, where the environment names one: a DBA may have given --dsn for this one."""
    try:
        return parts_of(environment.config().postgres.dsn).get("user")
    except ConfigError:
        return None  # the variables are not set here


def print_script(environment: Environment, script: str) -> ExitCode:
    """The script is the result, so it is all there is on stdout; not cleaned: it is to be run as it is."""
    if environment.json:
        environment.emit({"version": JSON_VERSION, "sql": script})
    else:
        environment.out.file.write(script)
    return ExitCode.OK


def _tell_next(environment: Environment, config: Config, *, added: bool) -> None:
    if added and is_running(config.journal.path):
        environment.say("next: start `notion-bridge run` anew: the running one reads the file only at its start")
        return
    plan, run = environment.command("plan"), environment.command("run")
    environment.say(f"next: `{plan}` shows what the first sync would do, `{run}` does it")
