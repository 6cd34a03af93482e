"""The request log: what a test reads afterwards, and what every test may assert did not happen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. `at` is the sandbox's clock; `monotonic` is in seconds and only for differences."""

    seq: int
    at: datetime
    monotonic: float
    method: str
    path: str
    query: list[tuple[str, str]]
    version: str | None
    body: Any
    bot_id: str | None
    status: int = 0
    response: Any = None
    fault: str | None = None
    rate_violation: bool = False
    noop_patch: bool = False
    unguarded_patch: bool = False

    @property
    def violations(self) -> list[str]:
        """What a well-behaved client does not do."""
        return [name for name in ("rate_violation", "noop_patch", "unguarded_patch") if getattr(self, name)]

    def as_json(self) -> dict[str, Any]:
        """For the control interface."""
        return {
            "seq": self.seq,
            "at": self.at.isoformat(),
            "monotonic": self.monotonic,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "version": self.version,
            "body": self.body,
            "bot_id": self.bot_id,
            "status": self.status,
            "response": self.response,
            "fault": self.fault,
            "violations": self.violations,
        }

    def __str__(self) -> str:
        marks = "".join(f" [{name}]" for name in self.violations)
        fault = f" ({self.fault})" if self.fault else ""
        return f"#{self.seq} {self.method} {self.path} -> {self.status or 'cut'}{fault}{marks}"


class Log:
    """Every request since the start or the last `clear`."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._seq = 0
        self._seen: dict[tuple[str, str], float] = {}

    def open(self, **facts: Any) -> Entry:
        """Begin an entry."""
        self._seq += 1
        entry = Entry(seq=self._seq, **facts)
        self.entries.append(entry)
        return entry

    def read(self, bot_id: str, page_ids: Iterable[str], monotonic: float) -> None:
        """Remember that a token was shown these pages."""
        for page_id in page_ids:
            self._seen[bot_id, page_id] = monotonic

    def guarded(self, bot_id: str, page_id: str, monotonic: float, window_s: float) -> bool:
        """Whether a token was shown the page in the `window_s` seconds before."""
        seen = self._seen.get((bot_id, page_id))
        return seen is not None and monotonic - seen <= window_s

    def violations(self) -> list[Entry]:
        """The requests over the rate limit, the writes that changed nothing, the writes without a look before."""
        return [entry for entry in self.entries if entry.violations]

    def find(self, method: str | None = None, path: str = "") -> list[Entry]:
        """The requests with this method whose path matches a regular expression."""
        return [e for e in self.entries if method in (None, e.method) and re.search(path, e.path)]

    def since(self, seq: int) -> list[Entry]:
        """The requests after number `seq`."""
        return [entry for entry in self.entries if entry.seq > seq]

    def clear(self) -> None:
        """Forget the requests. Which pages were read lately is kept: a guard may lie just before."""
        self.entries.clear()
