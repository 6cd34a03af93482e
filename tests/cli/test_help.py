"""Proves: every command explains itself in one line and with an example, takes the shared options before and after its
name, and needs the extra only where it says so.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge import __version__
from bridge.cli import main

DESIGNED = {
    *("demo", "init", "check", "plan", "sync", "run", "status", "verify", "conflicts", "parked", "why", "history"),
    *("resync", "pause", "resume", "uninstall", "sandbox"),
}


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands())


def test_every_designed_command_is_there() -> None:
    assert set(main.commands) == DESIGNED


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_has_a_summary_an_example_and_the_shared_options(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    summary = (EVERY[path].help or "").splitlines()[0]
    assert 10 < len(summary) <= 60
    assert summary.endswith(".")
    assert re.search(rf"^ +notion-bridge {path[0]}", result.stdout, re.MULTILINE), "an example on a line of its own"
    for option in ("--config", "--sync", "--json"):
        assert option in result.stdout
    for parameter in EVERY[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).stdout


def test_shared_options_may_stand_before_the_command(tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere.toml"
    for args in (["--config", str(missing), "status"], ["status", "--config", str(missing)]):
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 2
        assert str(missing) in result.stderr


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_only_the_commands_that_need_the_extra_ask_for_it(command: str) -> None:
    """In a process where the extra's packages cannot be imported."""
    code = """
import sys
for name in ("starlette", "uvicorn"):
    sys.modules[name] = None
from bridge.cli import main
assert not any(name.startswith("bridge.sandbox") for name in sys.modules)
main([sys.argv[1]])
"""
    done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "pip install '.[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_python_m_bridge_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "bridge", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("notion-bridge")
