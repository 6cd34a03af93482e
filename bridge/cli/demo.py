"""`notion-bridge demo`: everything on this machine, to see what the bridge does."""

from __future__ import annotations

import click

from bridge.cli.environment import Environment
from bridge.cli.program import shared_options
from bridge.cli.sandbox import missing_extra
from bridge.errors import SetupError


@click.command()
@click.option("--script", is_flag=True, help="Tell a fixed story and exit (always so without a terminal).")
@shared_options
@click.pass_obj
def demo(environment: Environment, script: bool) -> int:
    """See the bridge at work, on this machine.

    Starts an embedded PostgreSQL, a Notion sandbox and the bridge between them. Needs nothing but this program and its
    extra [sandbox]; nothing is kept. Exit code 0 when the story went as told.

    \b
    Example:
      notion-bridge demo --script
    """
    # The servers are an extra; every other command works without them.
    try:
        from bridge.sandbox.demo import run_demo  # noqa: PLC0415
        from bridge.sandbox.postgres import EmbeddedPostgresError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise missing_extra(error) from error
    try:
        return int(run_demo(console=environment.out, interactive=environment.has_screen and not script))
    except EmbeddedPostgresError as error:
        raise SetupError(str(error)) from error
