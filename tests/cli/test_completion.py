"""Proves: Tab in bash, zsh and fish offers commands, options and what may stand after them; asking costs nothing and
never fails.

What the program answers is tested for each shell; bash itself, which is everywhere, completes a line as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main

VARIABLE = "_NOTION_BRIDGE_COMPLETE"
CONFIG = """
[[sync]]
name = "tasks"
[[sync]]
name = "team"
[[sync]]
name = "deals"
"""


def asked(shell: str, line: str, **variables: str) -> list[list[str]]:
    """What the program tells a shell of that line, whose last word is being typed: kind, word, and perhaps help."""
    words = line.split(" ")
    last = {"bash": str(len(words) - 1), "zsh": str(len(words) - 1), "fish": words[-1]}[shell]
    typed = line if shell != "fish" else line.removesuffix(words[-1])
    told = {VARIABLE: f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": last, **variables}
    result = CliRunner(env=told).invoke(main, [])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.rstrip().splitlines()
    if shell == "zsh":
        return [lines[start : start + 3] for start in range(0, len(lines), 3)]
    return [line.replace("\t", ",", 1).split(",", 2) for line in lines]


def offered(shell: str, line: str, **variables: str) -> list[str]:
    return [found[1] for found in asked(shell, line, **variables)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("notion-bridge con", ["conflicts"]),
        ("notion-bridge pa", ["parked", "pause"]),
        ("notion-bridge conflicts ", ["list", "show", "resolve", "undo"]),
        ("notion-bridge history ", ["show", "undo"]),
        ("notion-bridge history show --side ", ["postgres", "notion"]),
        ("notion-bridge conflicts resolve 7 --ta", ["--take"]),
        ("notion-bridge conflicts resolve 7 --take ", ["postgres", "notion", "base", "winner", "value="]),
        ("notion-bridge run --log-format j", ["json"]),
        ("notion-bridge nothing-such", []),
    ],
)
def test_what_is_offered(shell: str, line: str, words: list[str]) -> None:
    assert sorted(offered(shell, line)) == sorted(words)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_offered(shell: str) -> None:
    assert set(offered(shell, "notion-bridge ")) == set(main.commands)


def test_zsh_and_fish_say_what_it_is() -> None:
    assert asked("zsh", "notion-bridge conf") == [["plain", "conflicts", "Review what both sides changed differently."]]
    [(kind, word, text)] = asked("fish", "notion-bridge conf")
    assert (kind, word) == ("plain", "conflicts")
    assert text.startswith("Review what both sides changed")


def test_names_of_syncs_come_from_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(CONFIG)
    here = {"NOTION_BRIDGE_CONFIG": str(config)}
    assert offered("bash", "notion-bridge status --sync ", **here) == ["tasks", "team", "deals"]
    assert offered("bash", "notion-bridge status --sync t", **here) == ["tasks", "team"]


@pytest.mark.parametrize("content", [None, "rubbish [", "[[sync]]", "sync = 3", "[sync]\nname = 'x'"])
def test_a_configuration_that_is_none_offers_nothing(tmp_path: Path, content: str | None) -> None:
    config = tmp_path / "bridge.toml"
    if content is not None:
        config.write_text(content)
    assert offered("bash", "notion-bridge status --sync ", NOTION_BRIDGE_CONFIG=str(config)) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_calls_the_program(shell: str, tmp_path: Path) -> None:
    script = CliRunner(env={VARIABLE: f"{shell}_source"}).invoke(main, []).stdout
    assert f"{VARIABLE}={shell}_complete" in script
    assert "notion-bridge" in script
    if shutil.which(shell):
        path = tmp_path / "script"
        path.write_text(script)
        done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_a_line(tmp_path: Path) -> None:
    """As after Tab: bash calls the function that the script has registered, and takes what it leaves in COMPREPLY."""
    command = tmp_path / "notion-bridge"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m bridge "$@"\n')
    command.chmod(0o700)
    typed = """
eval "$(_NOTION_BRIDGE_COMPLETE=bash_source notion-bridge)"
registered=$(complete -p notion-bridge)
[[ $registered == *"-F _notion_bridge_completion"* ]] || exit 9
COMP_WORDS=(notion-bridge conflicts re)
COMP_CWORD=2
_notion_bridge_completion notion-bridge re conflicts
echo "${COMPREPLY[@]}"
"""
    told = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, env=told, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "resolve\n", "")
