"""The sandbox's clock: Notion's, not the client's, and never the same one as the database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time that Notion would tell."""

    def now(self) -> datetime:
        """The present moment, with a time zone."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move; for tests and for simulated worlds."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)) -> None:
        self._now = _aware(start)

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to `moment`, backwards too: a server's clock may be corrected."""
        self._now = _aware(moment)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self._now += timedelta(seconds=seconds)


class OffsetClock:
    """Another clock, shifted: a server whose clock is ahead or behind. `offset_s` may be changed while it runs."""

    def __init__(self, clock: Clock, offset_s: float = 0.0) -> None:
        self.clock = clock
        self.offset_s = offset_s

    def now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.offset_s)


def minute(moment: datetime) -> datetime:
    """`moment` rounded down to the minute, as Notion shows every stamp of a page."""
    return moment.replace(second=0, microsecond=0)


def minute_text(moment: datetime) -> str:
    """The form of a page's stamps: `2026-11-22T10:00:00.000Z`."""
    return minute(moment.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:00.000Z")


def exact_text(moment: datetime) -> str:
    """The form of a database container's stamps: milliseconds and `+00:00`."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}+00:00"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"the sandbox's clock needs a time with a zone, not {moment!r}; add tzinfo=UTC")
    return moment
