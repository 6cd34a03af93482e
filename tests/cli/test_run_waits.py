"""Proves: `run` waits for a side that is down when it starts, says so, goes on by itself when it is there, and can be
stopped meanwhile; wrong credentials end it at once.
"""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from bridge.sandbox.notion import SandboxServer
from tests.cli.conftest import World
from tests.cli.test_run import DEADLINE_S, logged, running, until


@pytest.fixture
def port() -> int:
    """A port where nobody listens yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def move_notion(world: World, port: int) -> None:
    text = world.config.read_text().replace(world.server.url, f"http://127.0.0.1:{port}")
    world.config.write_text(text)


def test_it_waits_for_notion_and_goes_on(world: World, port: int) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('one')")
    move_notion(world, port)
    with running(world, until_said="waiting: Notion cannot be reached"):
        assert "tasks started" not in logged(world)
        with SandboxServer(world.sandbox, port=port):
            until(lambda: len(world.ada.rows(world.source)) == 1, "the row has its page")
            until(lambda: "tasks started" in logged(world), "the start is logged")


@pytest.mark.parametrize(("option", "stream"), [("--no-live", "err"), ("--json", "out")])
def test_it_waits_for_the_database_and_can_be_stopped(world: World, port: int, option: str, stream: str) -> None:
    world.dsn = f"postgresql://nobody@127.0.0.1:{port}/none"
    with running(world, option, until_said="does not answer") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    said = Path(world.folder / stream).read_text()
    if option == "--json":
        assert [json.loads(line)["kind"] for line in said.splitlines()] == ["waiting"]
    assert said.count("does not answer") == 1


def test_wrong_credentials_end_it(world: World) -> None:
    world.token = "ntn_wrong"
    with running(world, until_said="error: ") as process:
        assert process.wait(DEADLINE_S) == 2
    assert "waiting" not in logged(world)


def test_a_database_that_is_not_there_ends_it(world: World) -> None:
    world.dsn = world.dsn.rpartition("/")[0] + "/no_such_database"
    with running(world, until_said="error: ") as process:
        assert process.wait(DEADLINE_S) == 2
