"""Proves: `notion-bridge sandbox` serves a Notion and a PostgreSQL that `init` and `sync` work with, until a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from bridge.cli import main

DEADLINE_S = 120.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The facts that the command prints, while it runs."""
    out = tmp_path / "out"
    with out.open("wb") as stdout:
        process = subprocess.Popen([sys.executable, "-m", "bridge", "sandbox", "--postgres", "--json"], stdout=stdout)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not out.read_text().endswith("}\n"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield json.loads(out.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()


def test_it_serves_both_sides(served: dict[str, str], tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": served["dsn"], "NOTION_TOKEN": served["token"]}
    environment["NOTION_BRIDGE_CONFIG"] = str(tmp_path / "bridge.toml")
    runner = CliRunner(env=environment)
    args = ["init", "--table", "tasks", "--data-source", served["data_source"], "--base-url", served["address"]]
    made = runner.invoke(main, args)
    assert made.exit_code == 0, made.stderr
    done = runner.invoke(main, ["sync", "--json"])
    assert json.loads(done.stdout)["to_postgres"]["created"] == 2
    assert "psql" in served["psql"]
    assert requests.get(served["browser"], timeout=30).headers["content-type"].startswith("text/html")


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(main, ["sandbox", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "--port" in result.stderr
