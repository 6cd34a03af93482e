"""Looks over the shoulder of both sides: what the bridge really wrote there, and what it had been shown before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.notion import Answer, Cut, Request, Sandbox
from bridge.sandbox.notion.log import Entry
from tests.worlds.clock import WorldClock
from tests.worlds.ledger import Ledger, plain
from tests.worlds.rows import BRIDGE
from tests.worlds.situations import Situations
from tests.worlds.table import Server, Transaction


@dataclass(frozen=True, slots=True)
class Overwritten:
    """A value of a page that a write of the bridge replaced, and the log number of that write."""

    value: str
    page_id: str
    seq: int


_TAKEN_S = 2.0  # so long an answer may wait until it is written down: for the rest of its listing, for the next round


class Watch:
    """Notes every write of the bridge, with what it overwrote."""

    def __init__(
        self, sandbox: Sandbox, server: Server, clock: WorldClock, ledger: Ledger, situations: Situations
    ) -> None:
        self._sandbox, self._server, self._clock = sandbox, server, clock
        self._ledger, self._situations = ledger, situations
        self.overwritten: list[Overwritten] = []
        self.writes_when_silent: list[str] = []
        self.silent = False
        self.page_writes = 0
        self.row_writes = 0
        self.created: dict[str, dict[str, str]] = {}  # pages that the bridge made, with what they were made with
        self.trashed_unheard: set[str] = set()  # pages that it has trashed, without an answer and a look since
        self.disturbed: set[str] = set()  # of pages that came long after their time, and of suspended fields
        self.heard: Mapping[int, float] = {}  # when answers reached the bridge, by their number in the log
        self.deaths: list[float] = []  # when its process was killed
        self.born_unheard: Callable[[str], None] = lambda page_id: None  # told of pages whose creation nobody answered
        self.unseen: Callable[[str, float], bool] = lambda field, at: False  # whether a row's value came to no page
        self._highest = 0
        self._listed_at = 0  # how many edits of pages there had been when the last listing began
        server.committed = self.commit

    def request(self, request: Request, answer: Callable[[], Answer], *, late: bool) -> Answer:
        """Around the instant at which Notion carries a request out; `late` when the client has given it up."""
        fault = self._sandbox.faults.script[0] if self._sandbox.faults.script else None
        page_id = request.path.rsplit("/", 1)[1]
        write = request.method == "PATCH" or request.path.endswith("/pages")
        hooked = fault is not None and fault.hook is not None
        if hooked and fault is not None and fault.hook is not None:
            hook, fault.hook = fault.hook, None
            hook(request)  # before we look at what is overwritten
        if request.path.endswith("/query"):
            self._list(begins=b"start_cursor" not in request.body)
        before = self._values(page_id) if write else {}
        known = set(self._sandbox.world.pages)
        answered = answer()
        seq = self._sandbox.log.entries[-1].seq if self._sandbox.log.entries else 0
        if write:
            self._wrote(request, page_id, before, known, answered, seq)
            if self.silent and not late:  # what Notion does long after it was asked is nothing that the bridge does now
                self.writes_when_silent.append(f"{request.method} {request.path} {request.text[:300]}")
        if request.method == "GET" and answered.status < 300 and answered.cut is Cut.NO:
            self.trashed_unheard.discard(page_id)
        if late and write:
            self._came_late(page_id, sorted(set(self._sandbox.world.pages) - known), before)
        self._note(request, answered)
        return answered

    def _list(self, *, begins: bool) -> None:
        edits = self._ledger.edits["page"]
        if begins:
            self._listed_at = edits
        elif edits != self._listed_at:
            self._situations["page edited between two parts of a listing"] += 1

    def _wrote(
        self, request: Request, page_id: str, before: dict[str, str], known: set[str], answer: Answer, seq: int
    ) -> None:
        self.page_writes += 1
        after = self._values(page_id)
        for name, value in before.items():
            if value and after.get(name) != value:
                self.overwritten.append(Overwritten(value, page_id, seq))
        made = sorted(set(self._sandbox.world.pages) - known)
        for one in made:
            self.created[one] = {name.rstrip("'"): value for name, value in self._values(one).items()}
        lost = answer.cut is not Cut.NO or answer.status >= 500
        if lost and made:
            self._situations["answer lost after Notion applied a create"] += 1
            for one in made:
                self.born_unheard(one)
        elif lost and before != after:
            trashing = b'"in_trash": true' in request.body
            if trashing:
                self.trashed_unheard.add(page_id)
            what = "a trashing" if trashing else "an update"
            self._situations[f"answer lost after Notion applied {what}"] += 1

    def _came_late(self, page_id: str, made: list[str], before: dict[str, str]) -> None:
        shown = {value for one in (page_id, *made) for value in self._values(one).values()}
        if shown != set(before.values()):
            self._situations["Notion applied a write after the client gave up"] += 1
        if made:  # its row may be gone, and a person may have edited it since: then it is a record of its own
            self.disturbed |= shown

    def _values(self, page_id: str) -> dict[str, str]:
        page = self._sandbox.world.pages.get(page_id)
        if page is None or page.state.data_source_id is None:
            return {}
        shown = self._sandbox.person("Ada").read(page_id)
        trashed = {"in_trash": str(page.state.in_trash)}
        return {name: plain(value) for name, value in shown.items()} | trashed

    def _note(self, request: Request, answer: Answer) -> None:
        body = _sorted(request.body)
        cut = "" if answer.cut is Cut.NO else f" {answer.cut.value}"
        line = f"{request.method} {request.path} {body} -> {answer.status}{cut}"
        self._ledger.note(f"{self._clock.seconds:9.3f} {line}")

    def commit(self, transaction: Transaction) -> None:
        """A transaction was committed, by whomever."""
        numbers = [note.number for note in transaction.notes]
        if numbers and min(numbers) < self._highest:
            self._situations["commits out of number order"] += 1
        self._highest = max([self._highest, *numbers])
        if any(note.keys is not None for note in transaction.notes):
            self._situations["keys of many rows noted in a bundle"] += 1
        for op in transaction.left_out:
            self._situations[f"{op} left out of a full outbox"] += 1
        if transaction.author == BRIDGE:
            # Their pages were trashed; what a suspended column held went along.
            for text in {plain(value) for row in transaction.deleted for value in row.values()}:
                written = self._ledger.written.get(text)
                if written is not None and self.unseen(written.field, written.at):
                    self._situations["row deleted with what a suspended field held"] += 1
                    self.disturbed.add(text)
        if transaction.author == BRIDGE and transaction.notes:
            self.row_writes += 1
            notes = transaction.notes
            told = [(note.op, note.key, _sorted(json.dumps(note.values, default=str).encode())) for note in notes]
            self._ledger.note(f"{self._clock.seconds:9.3f} bridge: {told}")
            if self.silent:
                self.writes_when_silent.append(str(told))

    def excused(self, value: str) -> bool:
        """Whether the bridge overwrote a page's value that no answer had shown it before, or one with which it died."""
        return any(lost.value == value and not self._shown_before(value, lost.seq) for lost in self.overwritten)

    def shown(self, value: str) -> bool:
        """Whether an answer has shown it to the bridge."""
        return self._shown_before(value, self._sandbox.log.entries[-1].seq + 1 if self._sandbox.log.entries else 0)

    def _shown_before(self, value: str, seq: int) -> bool:
        entries = [e for e in self._sandbox.log.entries if e.seq < seq and self._taken(e)]
        bounded = re.compile(rf"(?<![\w.]){re.escape(value)}(?![\w.])")
        return any(bounded.search(json.dumps(entry.response)) for entry in entries)

    def _taken(self, entry: Entry) -> bool:
        heard = self.heard.get(entry.seq)
        if heard is None or entry.response is None:
            return False
        return not any(heard <= death < heard + _TAKEN_S for death in self.deaths)


def _sorted(body: bytes) -> str:
    if not body:
        return ""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return json.dumps(content, sort_keys=True)
