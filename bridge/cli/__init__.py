"""The command line. Thin: what a command does is done by the engine; here it is asked for and shown."""

from __future__ import annotations

import click

from bridge import __version__
from bridge.cli.checks import check
from bridge.cli.conflicts import conflicts
from bridge.cli.control import pause, resume, uninstall
from bridge.cli.demo import demo
from bridge.cli.history import history
from bridge.cli.init import init
from bridge.cli.parked import parked
from bridge.cli.plan import plan
from bridge.cli.program import NAME, Program, shared_options
from bridge.cli.records import why
from bridge.cli.resync import resync
from bridge.cli.run import run
from bridge.cli.sandbox import sandbox
from bridge.cli.status import status
from bridge.cli.sync import sync
from bridge.cli.verify import verify

_COMMANDS = (
    *(demo, init, check, plan, sync, run, status, verify),
    *(conflicts, parked, why, history, resync, pause, resume, uninstall, sandbox),
)


@click.group(NAME, cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=NAME)
@shared_options
def main() -> None:
    """Keeps a PostgreSQL table and a Notion data source the same, both ways, without losing an edit.

    \b
    Exit codes: 0 in step or done, 1 failed and a retry may help, 2 usage or set-up, 3 conflicts wait for a person,
    4 something is parked, 5 a sync stopped itself, 6 another bridge is at work.
    """


for _command in _COMMANDS:
    main.add_command(_command)

__all__ = ["main"]
