"""The review of conflicts on a terminal: the whole screen, one key for each decision."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from bridge.console.frame import Frame
from bridge.console.keys import Keys
from bridge.console.review_draw import render_review
from bridge.console.reviewing import Review
from bridge.engine.cases import Case, Cases
from bridge.engine.namefile import NameFile
from bridge.journal import Journal

# A request to whoever writes the journal: its kind and its arguments. Raises BridgeError.
Submit = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

_LOOK_AGAIN_S = 1.0
_EDITORS = ("editor", "nano", "vi")


class JournalDesk:
    """Reads from the journal, decides through `submit`, edits in the person's editor."""

    def __init__(
        self,
        journal: Journal,
        names: NameFile,
        syncs: Sequence[str],
        submit: Submit,
        editor: Callable[[str], str | None],
    ) -> None:
        self._journal = journal
        self._cases = Cases(journal, names)
        self._syncs = syncs
        self._submit = submit
        self.edit = editor

    def cases(self) -> list[Case]:
        return self._cases.all(self._syncs)

    def case(self, number: int) -> Case | None:
        row = self._journal.conflict(number)
        return self._cases.of(row) if row is not None else None

    def resolve(self, choices: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return self._submit("resolve-many", {"choices": list(choices)})

    def undo(self, numbers: Sequence[int]) -> Mapping[str, Any]:
        return self._submit("undo-many", {"ids": list(numbers)})


class Screen:
    """The terminal during a review: shows it, reads its keys, and lends itself to an editor."""

    def __init__(self, console: Console, terminal: int, variables: Mapping[str, str]) -> None:
        self._console = console
        self._terminal = terminal
        self._variables = variables
        self._live: Live | None = None
        self._keys: Keys | None = None

    def run(self, review: Review) -> None:
        """Until the person has had enough. Raises BridgeError."""
        self._take()
        try:
            review.refresh()
            while not review.ended:
                self._draw(review)
                assert self._keys is not None
                key = self._keys.get(_LOOK_AGAIN_S)
                if key:
                    review.press(key)
                elif review.typing is None:
                    review.refresh()
        finally:
            self._give()

    def edit(self, text: str) -> str | None:
        """The text as the person's editor leaves it; None when it was left as it was, or there is no editor."""
        command = _editor(self._variables)
        if not command:
            return None
        self._give()
        try:
            return _edited(command, text)
        finally:
            self._take()

    def _draw(self, review: Review) -> None:
        assert self._live is not None
        width, height = self._console.size
        self._live.update(Frame(render_review(review, width, height)), refresh=True)

    def _take(self) -> None:
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._live.start()
        # Ctrl-C is a key here: the bridge whose console opened this review must not take it for itself.
        self._keys = Keys(self._terminal, signals=False)
        self._keys.__enter__()

    def _give(self) -> None:
        assert self._keys is not None
        assert self._live is not None
        self._keys.__exit__(None, None, None)
        self._live.stop()


def _editor(variables: Mapping[str, str]) -> list[str]:
    named = variables.get("VISUAL") or variables.get("EDITOR")
    if named:
        return shlex.split(named)
    return next(([found] for name in _EDITORS if (found := shutil.which(name))), [])


def _edited(command: Sequence[str], text: str) -> str | None:
    """Raises nothing: an editor that cannot be started, or fails, leaves the text as it was."""
    handle, name = tempfile.mkstemp(prefix="notion-bridge-", suffix=".txt")  # readable by nobody else
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        # Ctrl-C is the editor's: it goes to every process of the terminal, to this one, too.
        before = signal.signal(signal.SIGINT, lambda number, frame: None)
        try:
            code = subprocess.run([*command, name], check=False).returncode
        except OSError:
            return None
        finally:
            signal.signal(signal.SIGINT, before)
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            edited = file.read()
    finally:
        path.unlink(missing_ok=True)
    # Editors end a file with a line break, whether the value had one or not.
    if edited.endswith("\n") and not text.endswith("\n"):
        edited = edited[:-1]
    return edited if code == 0 and edited != text else None
