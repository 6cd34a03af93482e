"""How a command speaks to a running bridge: a folder of small files beside the journal.

The journal has one writer, so a command that changes something leaves its wish as a file and waits for the
answer. A file is written whole and renamed, so that a half-written one is never read; it survives a crash
of either side. Without a running bridge the command takes the lock and does the same itself.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge import private
from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.engine.decisions import carry_out
from bridge.errors import BridgeError, ExitCode, LockHeld, Unavailable
from bridge.journal import Journal
from bridge.journal.place import is_there, unwritten
from bridge.journal.store import is_locked

_ANSWER_WAIT_S = 30.0
_ANSWER_POLL_S = 0.05
_ABANDONED_S = 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One wish: what to do, with what."""

    id: str
    kind: str
    arguments: Mapping[str, Any]


class RequestFailed(BridgeError):
    """The running bridge refused; carries its words and its exit code."""

    def __init__(self, message: str, hint: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = ExitCode(exit_code)


class Mailbox:
    """The folder of one journal, from both ends."""

    def __init__(self, journal_path: Path | None) -> None:
        self._journal_path = journal_path
        self._folder = None if journal_path is None else Path(f"{journal_path}.requests")

    def serve(self, journal: Journal) -> int:
        """Carries out what waits; answers how many. The bridge's end."""
        served = 0
        for path in self._waiting():
            taken = path.with_suffix(".taken")
            try:
                with crash_point(CrashPoint.REQUEST_TAKEN):
                    path.rename(taken)  # from here on nobody can withdraw it, and say that nothing was changed
            except FileNotFoundError:
                continue
            request = _read(taken)
            if request is not None:
                answer = self._answer(journal, request)
                with crash_point(CrashPoint.REQUEST_ANSWERED):
                    self._write(f"{path.stem}.answer", answer)
                served += 1
            taken.unlink(missing_ok=True)
        self._sweep()
        return served

    def _waiting(self) -> list[Path]:
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted(self._folder.glob("*.request"))

    def _sweep(self) -> None:
        """What nobody will come for: an answer whose asker gave up, a file that a crash left half done."""
        if self._folder is None or not self._folder.is_dir():
            return
        try:
            found = list(self._folder.iterdir())
        except PermissionError:
            return  # somebody else's folder: whoever asks in it is told that nobody answers
        for path in found:
            with suppress(FileNotFoundError):
                if path.suffix != ".request" and time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()

    def _answer(self, journal: Journal, request: Request) -> dict[str, Any]:
        try:
            return {"ok": carry_out(journal, request.kind, request.arguments)}
        except BridgeError as error:
            return {"error": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}

    def ask(self, kind: str, arguments: Mapping[str, Any], alive: Callable[[], bool]) -> dict[str, Any]:
        """Leaves a request and waits for the answer. The command's end.

        Raises RequestFailed, Unavailable, JournalError.
        """
        assert self._folder is not None
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        try:
            if not self._folder.is_dir():
                private.make_folder(self._folder)
                private.hand_over(self._folder, self._owner)
            self._write(f"{name}.request", {"id": name, "kind": kind, "arguments": dict(arguments)})
        except OSError as error:
            raise unwritten(self._folder / f"{name}.request", error) from error
        answer = self._folder / f"{name}.answer"
        deadline = time.monotonic() + _ANSWER_WAIT_S
        while time.monotonic() < deadline and alive():
            if answer.exists():
                return _result(answer)
            time.sleep(_ANSWER_POLL_S)
        withdrawn = _removed(self._folder / f"{name}.request")
        if answer.exists():  # it came with the bridge's last breath
            return _result(answer)
        raise Unavailable(
            f"the running bridge did not answer within {_ANSWER_WAIT_S:g} s",
            hint="Look at its log; `notion-bridge status` tells whether it is alive. "
            + ("Nothing was changed." if withdrawn else "It took the request, and may have carried it out."),
        )

    @property
    def _owner(self) -> Path:
        """What belongs to whoever runs the bridge."""
        assert self._journal_path is not None
        return self._journal_path if self._journal_path.exists() else self._journal_path.parent

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        assert self._folder is not None
        temporary = self._folder / f".{name}.{os.getpid()}"
        with private.open_file(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, ensure_ascii=False))
        private.hand_over(temporary, self._owner)
        temporary.replace(self._folder / name)


def _result(answer: Path) -> dict[str, Any]:
    """What the bridge answered, taken out of the folder. Raises RequestFailed."""
    found = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink()
    if "error" in found:
        raise RequestFailed(found["error"], found["hint"], found["exit_code"])
    result: dict[str, Any] = found["ok"]
    return result


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def submit(journal_path: Path, clock: Clock, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Does something to the journal: itself when no bridge runs, else through the one that does."""
    if not is_there(journal_path):
        Journal.open_read_only(journal_path, clock)  # raises, and says what to do
    try:
        journal = Journal.open(journal_path, clock)
    except LockHeld:
        return Mailbox(journal_path).ask(kind, arguments, lambda: is_running(journal_path))
    try:
        return carry_out(journal, kind, arguments)
    finally:
        journal.close()


def is_running(journal_path: Path) -> bool:
    """Whether a bridge holds the journal's lock."""
    return is_locked(journal_path)


def _read(path: Path) -> Request | None:
    """A request; None for rubbish, which is dropped: nobody waits for its answer."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Request(str(found["id"]), str(found["kind"]), dict(found["arguments"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
