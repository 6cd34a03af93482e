"""Proves: an output that is not UTF-8 gets every character, spelled out where it has none, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.cli.conftest import World


def test_what_an_output_cannot_show_is_spelled_out(world: World) -> None:
    world.sql("INSERT INTO tasks (title) VALUES ('na\u00efve \u2192 \u732b')")
    environment = {**os.environ, **world.environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    for command in ("plan", "check", "sync", "status"):
        done = subprocess.run(
            [sys.executable, "-m", "bridge", command], env=environment, capture_output=True, check=False, timeout=120
        )
        assert b"Traceback" not in done.stderr, done.stderr
        assert done.stdout.isascii()
        assert command != "plan" or b"\\u732b" in done.stdout
