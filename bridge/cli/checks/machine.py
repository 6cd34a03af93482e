"""Checks of this machine: the journal's folder and file, and how far the three clocks are apart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bridge.cli.checks.report import Report
from bridge.cli.exposure import exposures
from bridge.clock import Clock, CommonClock, Skew
from bridge.config import Config
from bridge.errors import LockHeld
from bridge.journal import Journal
from bridge.journal.place import is_there
from bridge.postgres.connection import Session

_CLOCKS_APART_S = 60.0


def check_journal(report: Report, path: Path, clock: Clock) -> None:
    """Whether the journal can be opened, written durably, and is whole. Makes none where there was none."""

    def open_it() -> str:
        if not is_there(path):
            return _check_folder(path, clock)
        try:
            Journal.open(path, clock).close()
        except LockHeld:
            return f"{path}, in use by a running bridge"
        return f"{path} is whole, writable and durable"

    report.attempt("journal", open_it, lambda said: said)


def _check_folder(path: Path, clock: Clock) -> str:
    """A journal that is made, and removed again, tells what the folder's file system can do."""
    trial = path.with_name(f".{path.name}.check")
    try:
        Journal.open(trial, clock).close()
    finally:
        for left in path.parent.glob(f"{trial.name}*"):
            left.unlink()
    return f"{path} does not exist yet; its folder can hold a durable one"


def check_private(report: Report, config: Config) -> None:
    """Whether others may read the journal, or a configuration with secrets in it."""
    found = list(exposures(config))
    for message, hint in found:
        report.warn("private", message, hint)
    if not found:
        report.ok("private", "nobody else may read the journal and the secrets")


def check_clocks(report: Report, clock: CommonClock, session: Session | None) -> None:
    """How far the clocks are apart. The bridge measures that and allows for it; people who read logs do not."""
    if session is not None:
        with session.use() as connection:
            sent = clock.local.monotonic()
            [(now,)] = connection.execute("SELECT clock_timestamp()").fetchall()
            clock.postgres.sample(sent, clock.local.monotonic(), now, now)
    _say(report, "the database", _offset(clock, clock.postgres))
    _say(report, "Notion", _offset(clock, clock.notion))


def _offset(clock: CommonClock, skew: Skew) -> timedelta | None:
    """How far a server's clock is ahead of this machine's; None when it was not heard."""
    if not skew.known:
        return None
    low, high = skew.bounds()
    local = clock.local.now().timestamp() - clock.local.monotonic()
    return timedelta(seconds=(low + high) / 2 - local)


def _say(report: Report, who: str, ahead: timedelta | None) -> None:
    if ahead is None:
        return
    seconds = ahead.total_seconds()
    text = f"{who} is {abs(seconds):.1f} s {'ahead of' if seconds >= 0 else 'behind'} this machine"
    if abs(seconds) < _CLOCKS_APART_S:
        report.ok("clock", text)
    else:
        report.warn("clock", text, "The bridge allows for it; times in logs will look wrong. Set the clocks by NTP.")
