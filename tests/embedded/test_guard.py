"""Proves: a server ends, and its temporary folder goes, when the program that started it is gone, be it
killed with SIGKILL; Ctrl-C does not reach it; its guard goes when it is stopped in the usual way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = """
import sys
from bridge.sandbox.postgres import EmbeddedPostgres
with EmbeddedPostgres(settings={"fsync": "off"}) as server:
    print(server.pid, server.data_dir.parent, flush=True)
    sys.stdin.read()
"""

# Generous, for a loaded machine; the condition comes true within a fraction of a second.
DEADLINE_SECONDS = 60


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """A zombie is not alive: whether somebody collects it is the business of the machine's init."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return done.stdout.strip()[:1] not in {"", "Z"}


def guards(home: str) -> list[str]:
    done = subprocess.run(["ps", "-A", "-ww", "-o", "args="], check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if f"{home}/guard.sh" in line]


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        yield child
        child.kill()


def started(program: subprocess.Popen[str]) -> tuple[int, str]:
    assert program.stdout is not None
    pid, home = program.stdout.readline().split(maxsplit=1)
    assert alive(int(pid))
    assert guards(home.strip())
    return int(pid), home.strip()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_goes_with_its_parent(program: subprocess.Popen[str], how: signal.Signals) -> None:
    pid, home = started(program)
    program.send_signal(how)
    program.wait(DEADLINE_SECONDS)
    until(lambda: not alive(pid))
    until(lambda: not Path(home).exists())
    until(lambda: not guards(home))


def test_a_stopped_server_leaves_no_guard(program: subprocess.Popen[str]) -> None:
    pid, home = started(program)
    # Ctrl-C in the terminal is not for the server: the program decides when that may go.
    assert os.getsid(pid) != os.getsid(program.pid)

    program.communicate(timeout=DEADLINE_SECONDS)
    assert program.returncode == 0
    assert not alive(pid)
    until(lambda: not guards(home))
