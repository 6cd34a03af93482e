"""The bridge as a program of its own, so that the demo can kill it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = (sys.executable, "-m", "bridge")
_COMMAND_S = 60.0
_STOP_S = 30.0
_LOG_TAIL = 3_000


class CommandFailed(Exception):
    """A command of the bridge ended otherwise than it should have."""


class BridgeProcess:
    """`notion-bridge run` on one configuration. Killed at the end of the `with` block if it still runs."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._log_path = config.with_name("bridge.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._may_end = True

    def __enter__(self) -> BridgeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
            self._process.wait()

    def start(self) -> None:
        """Starts it; what it says goes to a log file."""
        self._may_end = False
        with self._log_path.open("ab") as log:
            command = [*PROGRAM, "run", "--no-live", "--config", str(self._config)]
            # A session of its own: Ctrl-C in the terminal is for the demo, which then ends the bridge.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, for who measures what it uses."""
        assert self._process is not None
        return self._process.pid

    def trouble(self) -> str:
        """Why nothing more can be expected of it; nothing while it runs, or has ended because it was made to."""
        if self._may_end or self._process is None or self._process.poll() is None:
            return ""
        return f"the bridge ended by itself, with {self._process.returncode}"

    def kill(self) -> None:
        """As a power cut would: no clean-up, no last words."""
        assert self._process is not None
        self._may_end = True
        self._process.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Waits for its end; answers the exit code, negative for a signal."""
        assert self._process is not None
        return self._process.wait(_STOP_S)

    def stop(self) -> int:
        """Asks it to finish what is under way and leave; answers the exit code."""
        assert self._process is not None
        self._may_end = True
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def command(self, *arguments: str) -> str:
        """Runs one command of the bridge on the same configuration; its output. Raises CommandFailed."""
        done = subprocess.run(
            [*PROGRAM, *arguments, "--config", str(self._config)],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_COMMAND_S,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-_LOG_TAIL:]
            raise CommandFailed(f"notion-bridge {' '.join(arguments)} left with {done.returncode}: {said}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """The JSON document that a command prints. Raises CommandFailed."""
        return json.loads(self.command(*arguments, "--json"))

    def log(self) -> str:
        """The end of what it said."""
        try:
            return self._log_path.read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        except FileNotFoundError:
            return ""
