"""Commands in processes of their own, which die where a test says.

The processes are forked from one that has imported the program already: a start costs milliseconds instead of
most of a second, and a matrix of a hundred crashes stays a matter of a minute.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.crashpoints import CrashPoint, When
from tests.system.world import World

DEADLINE_S = 100.0
KILLED = -signal.SIGKILL

_numbers = itertools.count(1)
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["bridge.cli", "bridge.engine.opening", "tests.system.crashing"])


class Command:
    """`notion-bridge` with some words, started. What `crash_at` says is read again and again: it may come later.

    `largest_file`: a file that would become larger cannot be written, as on a full disk.
    """

    def __init__(self, world: World, words: Sequence[str], largest_file: int | None = None) -> None:
        self._file = world.folder / f"{world.name}.crash"
        self._log = world.folder / f"{world.name}.{next(_numbers)}.log"
        arguments = [*words, "--config", str(world.config_path)]
        self._process = _fork.Process(
            target=_run, args=(arguments, str(self._file), str(self._log), largest_file), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid or 0

    def crash_at(self, point: CrashPoint, when: When, hit: int = 1) -> None:
        """Dies there, counted from now on."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(f"{point.value}:{when}:{hit}", encoding="utf-8")
        temporary.replace(self._file)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> int:
        self._process.kill()
        return self.ended()

    def running(self) -> bool:
        return self._process.is_alive()

    def ended(self) -> int:
        """Waits for the end; the exit code, negative for a signal."""
        self._process.join(DEADLINE_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        assert code is not None, f"no end within {DEADLINE_S:g} s:\n{self.said()}"
        self._file.unlink(missing_ok=True)
        self._process.close()
        return code

    def said(self) -> str:
        """What it has written so far."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""


def run(world: World, *words: str, crash: tuple[CrashPoint, When, int] | None = None) -> int:
    """Runs a command to its end. Its exit code: 0 to 6, or KILLED when it died at the point."""
    if crash is not None:
        (world.folder / f"{world.name}.crash").write_text(f"{crash[0].value}:{crash[1]}:{crash[2]}", encoding="utf-8")
    command = Command(world, words)
    code = command.ended()
    assert code in (0, 3, 4, 5, KILLED), f"exit code {code}:\n{command.said()}"
    return code


def _run(arguments: list[str], crash_file: str, log: str, largest_file: int | None) -> None:
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    os.environ["NOTION_BRIDGE_CRASH"] = crash_file
    with Path(log).open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    from bridge.cli import main  # noqa: PLC0415 - imported by the server that this process was forked from

    sys.argv = ["notion-bridge", *arguments]
    main()
