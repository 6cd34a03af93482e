"""The person who decides: resolves conflicts, answers held deletions and a tripped breaker, retries what is parked."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from bridge.engine.decisions import carry_out
from bridge.engine.requests import Mailbox
from bridge.errors import BridgeError
from bridge.journal import Journal
from bridge.journal.rows import read_value
from tests.worlds.ledger import Ledger
from tests.worlds.process import NAME
from tests.worlds.situations import Situations
from tests.worlds.trouble import Luck


class Boss(Mailbox):
    """Sits at the bridge's own letter box, so that every decision comes between two rounds."""

    def __init__(
        self,
        ledger: Ledger,
        rng: random.Random,
        situations: Situations,
        eagerness: float,
        *,
        whims: Luck,
        compared_anew: Callable[[], None],
        takes: Callable[[str], bool],
    ) -> None:
        super().__init__(None)
        self._takes = takes
        self._taken: set[str] = set()
        self._whims, self._compared_anew = whims, compared_anew
        self._asked_anew = False
        self._ledger, self._rng, self._situations = ledger, rng, situations
        self.eagerness = eagerness
        self._at_home = False

    def go_home(self) -> None:
        """From now on only what stops the whole sync is answered."""
        self._at_home = True

    def serve(self, journal: Journal) -> int:
        if self._asked_anew and not journal.sync_state(NAME).resync:
            self._asked_anew = False
            self._situations["compared anew"] += 1
            self._compared_anew()
        done = self._whim(journal) or self._take(journal)
        if done:
            return done
        if self._rng.random() >= self.eagerness:
            return 0
        state = journal.sync_state(NAME)
        if state.breaker:
            self._situations["breaker tripped"] += 1
            return self._ask(journal, "resume", syncs=[NAME], deletes=self._rng.choice(["allow", "undo"]))
        if self._at_home:
            return 0
        conflicts = journal.conflicts(NAME, "open")
        if conflicts:
            return self._resolve(journal, self._rng.choice(conflicts))
        parked = [row for row in journal.parked(NAME) if row["kind"] in ("held", "refused", "failing")]
        if not parked:
            return 0
        row = self._rng.choice(parked)
        if row["kind"] == "held":
            self._situations["deletion held"] += 1
            return self._ask(journal, self._rng.choice(["approve", "reject"]), id=row["id"])
        return self._ask(journal, "retry", id=row["id"]) if self._rng.random() < 0.1 else 0

    def _whim(self, journal: Journal) -> int:
        """What nothing asks for."""
        if self._whims.strikes("resync") and self._ask(journal, "resync", syncs=[NAME]):
            self._asked_anew = True
            self._compared_anew()
            return 1
        if not self._whims.strikes("undo"):
            return 0
        decided = [row for row in journal.conflicts(NAME) if row["state"] in ("resolving", "resolved") and row["field"]]
        if not decided:
            return 0
        row = self._whims.rng.choice(decided)
        asked = self._ask(journal, "undo", id=row["id"])
        if asked:
            self._situations["decision taken back"] += 1
            self._ledger.may_show(read_value(row[name]) for name in ("base", "postgres", "notion"))
        return asked

    def _take(self, journal: Journal) -> int:
        """A suspended field is taken as it is now: once for each time that it is suspended."""
        waiting = {item.field for item in journal.sync_state(NAME).suspended}
        self._taken &= waiting
        for field in sorted(filter(self._takes, waiting - self._taken)):
            self._taken.add(field)
            self._situations["suspended field taken as it is now"] += 1
            return self._ask(journal, "accept", sync=NAME, fields=[field])
        return 0

    def _resolve(self, journal: Journal, row: dict[str, Any]) -> int:
        take = self._rng.choice(["postgres", "notion", "base"]) if row["field"] else row["winner"]
        asked = self._ask(journal, "resolve", id=row["id"], take=take)
        if asked and row["field"]:
            self._situations["resolved by a person"] += 1
            self._ledger.may_show([read_value(row[take])])
        return asked

    def _ask(self, journal: Journal, kind: str, **arguments: Any) -> int:
        try:
            carry_out(journal, kind, arguments)
        except BridgeError as error:
            self._ledger.note(f"boss: {kind} refused: {error.message}")
            return 0
        self._ledger.note(f"boss: {kind} {arguments}")
        return 1
