"""Proves: where files cannot be written, or something else is in their place, every command says which and what to do;
2 where only a person can change that. An output that takes no more, and Ctrl-C at any moment, end without a traceback.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import private
from tests.cli.conftest import World

WORKING = ("check", "plan", "sync", "run", "init --table tasks --name more --data-source {source} --yes")
ASKING = ("status", "verify", "conflicts list", "parked list", "history 1", "why 1", "pause", "resync --yes")


def said(world: World, command: str) -> tuple[int, str]:
    result = world.type(*command.format(source=world.source).split())  # a traceback would come out of this
    return result.exit_code, result.stdout + result.stderr


@pytest.fixture
def unwritable(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder that the bridge may not write into. The user of a test may be root, who may write everywhere."""

    def refuse(path: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(private, "make_folder", refuse)
    return world


@pytest.mark.parametrize("command", WORKING)
def test_a_folder_that_may_not_be_written(unwritable: World, command: str) -> None:
    code, text = said(unwritable, command)
    assert code == 2, text
    assert f"{unwritable.journal}" in text
    assert "Permission denied" in text
    assert "Let the user who runs the bridge write into" in text


@pytest.mark.parametrize("command", [*WORKING, *ASKING])
def test_a_file_in_place_of_the_folder(world: World, command: str) -> None:
    world.journal.parent.touch()
    code, text = said(world, command)
    assert code == 2, text
    assert f"{world.journal.parent} is not a folder" in text
    assert "[journal] path" in text


@pytest.mark.parametrize("command", [*WORKING[:-1], *ASKING])
def test_a_folder_in_place_of_the_journal(world: World, command: str) -> None:
    world.journal.mkdir(parents=True)
    code, text = said(world, command)
    assert code == 2, text
    assert f"{world.journal} is not a file" in text
    assert "out of the way" in text
    assert "chmod" not in text


@pytest.mark.parametrize("companion", ["rate", "names"])
def test_a_folder_in_place_of_a_file_beside_the_journal(world: World, companion: str) -> None:
    Path(f"{world.journal}.{companion}").mkdir(parents=True)
    code, text = said(world, "sync")
    assert code == 2, text
    assert f"bridge.db.{companion} is not a file" in text


def test_a_configuration_that_cannot_be_written(world: World) -> None:
    world.config.unlink()
    (world.folder / "taken").touch()
    command = ("init", "--table", "tasks", "--data-source", world.source, "--base-url", world.server.url, "--yes")
    result = world.type(*command, NOTION_BRIDGE_CONFIG=str(world.folder / "bridge.toml.d" / "bridge.toml"))
    assert result.exit_code == 0, result.stderr
    result = world.type(*command, NOTION_BRIDGE_CONFIG=str(world.folder / "taken" / "bridge.toml"))
    assert result.exit_code == 2
    assert "taken" in result.stderr


def started(world: World, *command: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    variables = {**os.environ, **world.environment, **more.pop("variables", {})}
    return subprocess.run(
        [sys.executable, "-m", "bridge", *command],
        env=variables,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
        **more,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("command", [("status",), ("status", "--json"), ("--help",), ("check",)], ids=" ".join)
def test_an_output_that_is_full(world: World, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = started(world, *command, stdout=full)
    assert done.returncode == 1
    assert b"error: the output cannot be written: No space left on device\n" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_ctrl_c_while_the_modules_load(world: World, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "click.py").write_text("raise KeyboardInterrupt\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "slow"), *sys.path])
    done = started(world, "status", stdout=subprocess.PIPE, variables={"PYTHONPATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"stopped\n")
