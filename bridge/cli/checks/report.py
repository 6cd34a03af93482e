"""The list of checks as it grows: each is told as soon as it is known, because the next may take a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.errors import BridgeError, ExitCode, Unavailable

_Found = TypeVar("_Found")


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"  # it works, and may not do what somebody expects
    WAIT = "wait"  # it does not work now, and may later
    WRONG = "wrong"  # it will not work until somebody changes something


_STYLES = {State.OK: "green", State.WARNING: "yellow", State.WAIT: "yellow", State.WRONG: "bold red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `name` is stable, for programs."""

    name: str
    state: State
    message: str
    hint: str = ""
    sync: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sync": self.sync or None,
            "state": self.state.value,
            "message": self.message,
            "hint": self.hint or None,
        }


class Report:
    """Collects the checks and prints them on the way."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._checks: list[Check] = []
        self.sync = ""  # the sync that the next checks are about

    def ok(self, name: str, message: str) -> None:
        self._add(Check(name, State.OK, message, sync=self.sync))

    def warn(self, name: str, message: str, hint: str = "") -> None:
        self._add(Check(name, State.WARNING, message, hint, self.sync))

    def wrong(self, name: str, message: str, hint: str = "") -> None:
        self._add(Check(name, State.WRONG, message, hint, self.sync))

    def attempt(
        self, name: str, work: Callable[[], _Found], said: Callable[[_Found], str] | None = None
    ) -> _Found | None:
        """Does the work; its error is the answer, and None comes back: the checks after it go on without.

        Without `said` only a failure is worth a line.
        """
        try:
            found = work()
        except BridgeError as error:
            self.failed(name, error)
            return None
        if said is not None:
            self.ok(name, said(found))
        return found

    def failed(self, name: str, error: BridgeError) -> None:
        state = State.WAIT if isinstance(error, Unavailable) else State.WRONG
        self._add(Check(name, state, error.message, error.hint, self.sync))

    def finish(self) -> ExitCode:
        """The whole answer: 2 when somebody must change something, 1 when a retry may help."""
        states = {check.state for check in self._checks}
        code = ExitCode.OK
        if State.WRONG in states:
            code = ExitCode.USAGE
        elif State.WAIT in states:
            code = ExitCode.FAILED
        if self.environment.json:
            checks = [check.as_json() for check in self._checks]
            self.environment.emit({"version": JSON_VERSION, "ok": code is ExitCode.OK, "checks": checks})
        return code

    def _add(self, check: Check) -> None:
        self._checks.append(check)
        if self.environment.json:
            return
        about = f"{check.sync}: " if check.sync else ""
        self.environment.print(f"{check.state.value:8} {about}{check.name}: {check.message}", _STYLES[check.state])
        if check.hint and check.state is not State.OK:
            self.environment.print(f"         {check.hint}")
