"""The log of a bridge that runs without a live console: one line per event, as text or as JSON.

Lines are read from the journal after each round, so that they say what is stored and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from bridge.cli.output import clean, key_shown, key_text, moment_shown, value_shown
from bridge.clock import Clock
from bridge.engine.notices import Notice, Notices
from bridge.journal import Journal
from bridge.model import FieldValue, Suspended


class LogLines:
    """A stream of log lines, as text or as JSON."""

    def __init__(self, console: Console, clock: Clock, *, as_json: bool) -> None:
        self._console = console
        self._clock = clock
        self._as_json = as_json

    def tell(self, kind: str, sync: str, text: str) -> None:
        """A line about the bridge itself; `sync` is "" where it is about no single one."""
        now = self._clock.now()
        one_line = " ".join(text.split())
        facts = {"at": now.isoformat(), "kind": kind, "sync": sync, "text": one_line}
        self.line(facts, f"{moment_shown(now)} {sync}{' ' if sync else ''}{kind}: {one_line}")

    def line(self, facts: dict[str, Any], text: str) -> None:
        """Straight to the stream: a log line is never wrapped or coloured."""
        line = json.dumps(facts) if self._as_json else clean(text.replace("\n", " "))
        self._console.file.write(line + "\n")
        self._console.file.flush()


class EventLog:
    """Writes what is new in the journal since the last call."""

    def __init__(self, lines: LogLines, journal: Journal, names: Sequence[str]) -> None:
        self._lines = lines
        self._journal = journal
        self._notices = Notices(journal)
        self._trouble = dict.fromkeys(names, ("", ""))
        self._suspended: dict[str, tuple[Suspended, ...]] = dict.fromkeys(names, ())

    def write_new(self) -> None:
        """After each round of the loop."""
        for notice in self._notices.new():
            self._lines.line(_as_json(notice), f"{moment_shown(notice.at)} {notice.sync} {_text(notice)}")
        for name, before in self._trouble.items():
            state = self._journal.sync_state(name)
            now = (state.breaker, state.last_error)
            if now != before:
                self._trouble[name] = now
                self._tell_trouble(name, before, now)
            if state.suspended != self._suspended[name]:
                self._tell_suspended(name, state.suspended)

    def _tell_trouble(self, name: str, before: tuple[str, str], now: tuple[str, str]) -> None:
        (_, old_error), (breaker, error) = before, now
        if breaker and breaker != before[0]:
            self._lines.tell("stopped", name, breaker)
        if error and error != old_error:
            self._lines.tell("error", name, error)
        elif old_error and not error:
            self._lines.tell("recovered", name, "both sides answer again")

    def _tell_suspended(self, name: str, now: tuple[Suspended, ...]) -> None:
        before, self._suspended[name] = self._suspended[name], now
        for item in now:
            if item not in before:
                self._lines.tell("suspended", name, f"the field {item.field!r}: {item.reason}. {item.hint}")
        for field in sorted({item.field for item in before} - {item.field for item in now}):
            self._lines.tell("resumed", name, f"the field {field!r} is carried again")


def _as_json(notice: Notice) -> dict[str, Any]:
    return notice.as_json() | {"key": key_text(notice.key)}


def _text(notice: Notice) -> str:
    if notice.kind == "conflict":
        sides = (f"{f}: postgres {value_shown(o)} / notion {value_shown(n)}" for f, (o, n) in notice.changes.items())
        return f"conflict {key_shown(notice.key)}: {', '.join(sides)} ({notice.text})"
    what = f"{notice.side.value} {notice.kind} {key_shown(notice.key)}"
    changes = changes_shown(notice.changes)
    by = f" ({notice.text})" if notice.text else ""
    delay = f" after {notice.delay_seconds:.1f} s" if notice.delay_seconds is not None else ""
    return f"{what}{': ' if changes else ''}{changes}{delay}{by}"


def changes_shown(changes: Mapping[str, tuple[FieldValue, FieldValue]]) -> str:
    """All changes of one event on one line. What was empty and stays so, in a new record, is none."""
    return ", ".join(change_shown(name, *both) for name, both in changes.items() if both != (None, None))


def change_shown(name: str, old: Any, new: Any) -> str:
    """One field's change on one line."""
    return f"{value_shown(name)}: {value_shown(old)} -> {value_shown(new)}"
