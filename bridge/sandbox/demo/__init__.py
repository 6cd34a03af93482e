"""`notion-bridge demo`: a PostgreSQL server, a Notion sandbox and the bridge between them, on this machine only."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.sandbox.demo.live import run_live
from bridge.sandbox.demo.script import tell
from bridge.sandbox.demo.signals import ENDING, leave, on_signals
from bridge.sandbox.demo.world import REQUESTS_PER_MINUTE, build, write_config
from bridge.sandbox.notion import Options, Sandbox, SandboxServer
from bridge.sandbox.postgres import EmbeddedPostgres, EmbeddedPostgresError

__all__ = ["run_demo"]


def run_demo(*, console: Console, interactive: bool, workdir: Path | None = None) -> int:
    """Runs the demo: live until Ctrl-C when `interactive`, else the scripted story. Answers the exit code.

    `interactive`: a person looks at a terminal that can be drawn on.
    Everything is thrown away at the end, unless `workdir` names a folder for the configuration and the journal.
    Raises BridgeError.
    """
    with ExitStack() as opened:
        opened.enter_context(on_signals(leave, *ENDING))
        folder = workdir or Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="notion-bridge-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        console.print(Text("Starting a PostgreSQL server and a Notion sandbox on this machine ...", "dim"))
        try:
            postgres = opened.enter_context(EmbeddedPostgres())
        except EmbeddedPostgresError as error:
            raise BridgeError(f"the demo needs a PostgreSQL server of its own: {error}") from error
        sandbox = Sandbox(options=Options(requests_per_minute=REQUESTS_PER_MINUTE))
        server = opened.enter_context(SandboxServer(sandbox))
        world = build(sandbox, postgres.dsn)
        config = folder / "bridge.toml"
        write_config(config, world, server.url)
        if interactive:
            return run_live(world, config, server.url, postgres.psql_command(), console)
        page = f"{server.url}/d/{world.data_source}"
        console.print(Text.assemble(("Open it in a browser to look on: ", "dim"), page), soft_wrap=True)
        return tell(world, config, console, SystemClock())
