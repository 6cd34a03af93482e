"""Values that a person can find in the journal's conflicts and parked items."""

from __future__ import annotations

import re

from bridge.journal import Journal
from bridge.journal.rows import read_value
from bridge.model import FieldValue, Unfit
from tests.worlds.ledger import plain

_STATES = ("open", "dropped", "retried", "cleared", "approved", "rejected")


class Kept:
    """Filled from a journal at the end, and from each that is lost before."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._texts: set[str] = set()

    def read(self, journal: Journal) -> None:
        parked = [row for state in _STATES for row in journal.parked(state=state)]
        for row in [*journal.conflicts(), *parked]:
            for name in ("base", "postgres", "notion", "value"):
                if row.get(name) is not None:
                    self._add(read_value(row[name]))

    def _add(self, value: FieldValue) -> None:
        if isinstance(value, Unfit):
            self._texts.add(value.shown)
        else:
            self._values.add(plain(value))

    def holds(self, value: str) -> bool:
        bounded = re.compile(rf"(?<![\w.]){re.escape(value)}(?![\w.])")
        return value in self._values or any(bounded.search(text) for text in self._texts)
