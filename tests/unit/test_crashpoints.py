"""The named edges at which tests end the process."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from bridge import crashpoints
from bridge.crashpoints import CrashPoint, reached

DEADLINE_S = 20.0


def test_of_two_threads_that_come_at_once_one_is_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pages are written by several threads. Both had counted before either of them looked which visit it was."""
    asking = tmp_path / "crash"
    asking.write_text(f"{CrashPoint.PAGE_CREATED.value}:before:1", encoding="utf-8")
    killed: list[int] = []
    both = threading.Barrier(2, timeout=DEADLINE_S)
    read = Path.read_text

    def read_together(self: Path, *args: Any, **kwargs: Any) -> str:
        both.wait()
        return read(self, *args, **kwargs)

    monkeypatch.setenv("NOTION_BRIDGE_CRASH", str(asking))
    monkeypatch.setattr(crashpoints, "_visits", type(crashpoints._visits)())
    monkeypatch.setattr(Path, "read_text", read_together)
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    threads = [threading.Thread(target=reached, args=(CrashPoint.PAGE_CREATED, "before")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert killed == [os.getpid()]
