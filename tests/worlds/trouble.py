"""What goes wrong on the two ways, by seeded choice at each request and each statement."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from bridge.errors import Unavailable
from bridge.sandbox.notion import Fault, Request, Sandbox
from bridge.sandbox.notion.wire import Cut
from tests.worlds.clock import WorldClock
from tests.worlds.dials import ORPHANED, Dials
from tests.worlds.rows import RowTrouble
from tests.worlds.situations import Situations

_RETRY_AFTER = ("0", "1", "5", "30", "90", "soon", None)


class Luck:
    """Seeded choices; none of them is bad once `over` is set."""

    def __init__(self, rates: Mapping[str, float], rng: random.Random) -> None:
        self._rates, self.rng = rates, rng
        self.over = False

    def strikes(self, fault: str) -> bool:
        rate = self._rates.get(fault)
        # Drawn only for faults that the world has, so that a fault can be taken out of a failing world by hand.
        return rate is not None and self.rng.random() < rate and not self.over


class NotionTrouble:
    """Implements `WireTrouble`. `edit_page` is a person's hand, for an edit between the look and the write."""

    def __init__(
        self, dials: Dials, sandbox: Sandbox, luck: Luck, situations: Situations, edit_page: Callable[[str], str]
    ) -> None:
        self._dials, self._sandbox, self._luck = dials, sandbox, luck
        self._situations, self._edit_page = situations, edit_page

    def latency(self) -> float:
        return self._dials.latency * self._luck.rng.uniform(0.2, 1.0)

    def refused(self) -> bool:
        return self._luck.strikes("refuse")

    def meet(self, request: Request) -> None:
        self._sandbox.faults.clear()
        self._sandbox.options.send_date = not self._luck.strikes("undated")
        if self._luck.strikes("cursors"):
            self._sandbox.cursors.forget()
            if b"start_cursor" in request.body:
                self._situations["cursor expired"] += 1
        fault = self._choose(request)
        if fault is not None:
            self._sandbox.faults.add(fault)

    def _choose(self, request: Request) -> Fault | None:  # noqa: C901, PLR0911 - one line a fault
        rng, write = self._luck.rng, request.method == "PATCH" or request.path.endswith("/pages")
        strikes = self._luck.strikes
        if self._dials.orphans and request.path.endswith("/pages") and not self._luck.over and rng.random() < ORPHANED:
            return Fault(cut=Cut.INSTEAD, applies=True, name="orphan")
        if strikes("fail"):
            return Fault(status=rng.choice([500, 502, 503, 504]), name="fail")
        if strikes("throttle"):
            self._situations["throttled"] += 1
            return self._throttled()
        if strikes("html"):
            return Fault(status=502, raw="<html><title>502</title></html>", name="html")
        if strikes("drop"):
            return Fault(cut=Cut.INSTEAD, name="drop")
        if write and strikes("conflict"):
            return Fault(status=409, name="conflict")
        if strikes("apply-drop"):
            return Fault(cut=Cut.INSTEAD, applies=True, name="apply, then drop")
        if write and strikes("apply-fail"):
            return Fault(status=503, applies=True, reveal=rng.random() < 0.3, name="apply, then fail")
        if strikes("truncate"):
            self._situations["half an answer"] += 1
            return Fault(cut=Cut.MIDWAY, applies=True, name="truncate")
        if strikes("slow-before"):
            return Fault(delay_before_s=rng.choice([2.0, 10.0, 61.0, 80.0]), name="slow before")
        if strikes("slow-after"):
            return Fault(delay_after_s=rng.choice([2.0, 10.0, 61.0, 80.0]), name="slow after")
        if request.method == "PATCH" and "/pages/" in request.path and strikes("gap"):
            return Fault(hook=self._slip_in, name="gap")
        return None

    def _throttled(self) -> Fault:
        wait = self._luck.rng.choice(_RETRY_AFTER)
        headers = {"Retry-After": wait} if wait is not None else {}
        reason = {"rate_limit_reason": "public_api_request_rate_limit"}
        status = self._luck.rng.choice([429, 429, 529])
        return Fault(status=status, headers=headers, additional_data=reason, name="throttle")

    def _slip_in(self, request: Request) -> None:
        page_id = request.path.rsplit("/", 1)[1]
        page = self._sandbox.world.pages.get(page_id)
        if page is not None and not page.state.in_trash and page.state.data_source_id:
            self._edit_page(page_id)
            self._situations["edit between the look and the write"] += 1


class PostgresTrouble(RowTrouble):
    """The network to the database, and what a COMMIT may come to."""

    def __init__(self, clock: WorldClock, luck: Luck, situations: Situations) -> None:
        self._clock, self._luck, self._situations = clock, luck, situations

    def visit(self, what: str) -> None:
        self._clock.travel(self._luck.rng.choice([0.001, 0.003, 0.02]))
        if self._luck.strikes("slow"):
            self._clock.travel(self._luck.rng.choice([0.5, 3.0]))
        if self._luck.strikes("down"):
            raise Unavailable(f"PostgreSQL does not answer ({what})")

    def answer(self, what: str) -> None:
        self._clock.travel(0.001)
        if self._luck.strikes("unanswered"):
            raise Unavailable(f"PostgreSQL's answer was lost ({what})")

    def locked(self) -> None:
        self._situations["row locked by a person"] += 1

    def happened(self, what: str) -> None:
        self._situations[what] += 1

    def commit(self) -> str:
        for end in ("before", "applied", "undone", "late"):
            if self._luck.strikes(f"commit-{end}"):
                name = {"late": "commit late"}.get(end, f"commit answered by nothing, {end}")
                self._situations[name] += 1
                return end
        return ""
