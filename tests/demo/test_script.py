"""The scripted demo tells its whole story and ends well; and it can fail, and then says what is wrong."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bridge.sandbox.demo import process, run_demo

_DEADLINE_S = 300


def test_the_whole_story() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "demo", "--script"],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "All as it should be." in done.stdout
    assert re.search(r"browser to look on: http://127\.0\.0\.1:\d+/d/[0-9a-f-]{36}\n", done.stdout)
    assert "✗" not in done.stdout
    assert not re.search(r" differ *$", done.stdout, re.MULTILINE)
    for step in range(1, 11):
        assert f"\n{step:>2}  " in done.stdout
    for proof in (
        "no conflict: the sides differed in nothing that both knew",
        "one conflict in all, the one above",
        "nothing is lost, nothing is doubled: 95 rows, 95 pages",
        "no key was ever created twice",
        "verify says: they agree (95 rows, 95 pages",
        "requests over the rate limit: 0",
        "writes that changed nothing: 0",
        "writes without a look before: 0",
        "the unmapped column never left the database",
    ):
        assert proof in done.stdout, proof


def test_a_story_that_is_cut_short_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "bridge", "demo", "--script"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        told = iter(demo.stdout)
        assert any("✓ every row has its page" in line for line in told)
        (bridge,) = running_bridges(tmp_path)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(_DEADLINE_S) == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("notion-bridge-demo-*"))
    assert bridge not in running_bridges(tmp_path)


def running_bridges(folder: Path) -> list[int]:
    """Processes that work on a configuration in this folder."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], check=True, capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if " run --no-live " in line and str(folder) in line]


def test_a_bridge_that_ends_spoils_the_story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", "import sys; sys.exit('out of luck')"))
    screen = io.StringIO()
    console = Console(file=screen, width=100, color_system=None)
    assert run_demo(console=console, interactive=False, workdir=tmp_path) == 1
    told = screen.getvalue()
    assert "✗ the bridge ended by itself, with 1; what was expected: every row has its page" in told
    assert "row 30 has no page" in told
    assert "a page without a key: 三河屋: renewal" in told
    assert "out of luck" in told
    assert "All as it should be." not in told
    assert (tmp_path / "bridge.toml").exists(), "a folder that was named is kept"
