"""Every failure that a user may meet, as a type with a way out.

A message has three parts: what happened, where, and what to do (`hint`). The command line prints the
message and the hint and leaves with `exit_code`; a traceback is shown only for what is not listed here,
because that is a bug.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Process exit codes; part of the command line's contract."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFLICTS = 3
    PARKED = 4
    BREAKER = 5
    LOCKED = 6


class BridgeError(Exception):
    """Something the bridge cannot do, told so that a person can act on it."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigError(BridgeError):
    """The configuration file is missing, unreadable, or says something that cannot be."""

    exit_code = ExitCode.USAGE


class SetupError(BridgeError):
    """The table, the data source or the mapping between them does not fit."""

    exit_code = ExitCode.USAGE


class Unavailable(BridgeError):
    """One side does not answer now; a retry may help. `retry_after` is in seconds, when the side named it."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Replaced(Unavailable):
    """The database that answers is not the one that was recognised: a replica took its place, or a backup was put back.
    What it holds may be older than what is known of it, so that everything is compared anew."""


class Stopped(Unavailable):
    """The bridge was asked to stop; what was not sent by then is not sent. No fault of either side."""


class AccessLost(BridgeError):
    """A side answers but refuses us: a bad token, revoked rights, a data source that is not shared.

    Nobody but a person can change that, so that it is a mistake of the set-up: no retry helps.
    """

    exit_code = ExitCode.USAGE


class BreakerTripped(BridgeError):
    """The sync stopped itself because going on could destroy data; a person must decide. `deletes` records would have
    been deleted on `side`."""

    exit_code = ExitCode.BREAKER

    def __init__(self, message: str, *, hint: str, side: str, deletes: int) -> None:
        super().__init__(message, hint=hint)
        self.side, self.deletes = side, deletes


class LockHeld(BridgeError):
    """Another bridge works on this sync or holds this journal."""

    exit_code = ExitCode.LOCKED


class JournalError(BridgeError):
    """The journal, or a file beside it, cannot be read or written. Nothing new is written to either side; what was
    under way is looked for by the next start."""


class JournalMisplaced(JournalError):
    """The journal's place cannot be used: rights are missing, or something else is there. No retry helps."""

    exit_code = ExitCode.USAGE


class JournalDamaged(JournalError):
    """The journal's file is broken, or no journal at all."""


class Refused(Exception):
    """A value that the other side cannot hold exactly; the field waits, parked, with this reason.

    `waits_for` names what has to appear for the refusal to end by itself (a related record); "" = nothing does.
    """

    def __init__(self, reason: str, *, waits_for: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.waits_for = waits_for
