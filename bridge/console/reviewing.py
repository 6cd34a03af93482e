"""The review of conflicts as a machine of keys: what is on the screen, and what a key makes of it. No I/O of its own.

What is decided goes through a `Desk`, which asks the journal or the running bridge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bridge.console.keys import CTRL_C, END
from bridge.console.layout import count, shown
from bridge.engine.cases import LAPSED, RESOLVED, RESOLVING, UNDONE, WORDS, Case
from bridge.errors import BridgeError
from bridge.model import Side, Unfit
from bridge.values.canonical import JOINERS, plain

_TAKES = {"p": "postgres", "n": "notion", "b": "base"}
_MOVES = {"up": -1, "down": 1, "page up": -10, "page down": 10, "home": -(10**9), "end": 10**9}
_LONG = 60  # characters; what is longer, or has lines, is edited in an editor
HELP = (
    "p, n and b give both sides PostgreSQL's value, Notion's, or the one before; e a value of yours. k keeps what won. "
    "a: how much such a key decides. u undoes the last one. s goes on to the next, l and Escape to the list, q back."
)


class Desk(Protocol):
    """Where cases come from and decisions go."""

    def cases(self) -> list[Case]:
        """Every conflict that can be decided, as it is now. Raises BridgeError."""

    def case(self, number: int) -> Case | None:
        """One conflict as it is now, resolved or not."""

    def resolve(self, choices: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The request `resolve-many`. Raises BridgeError."""

    def undo(self, numbers: Sequence[int]) -> Mapping[str, Any]:
        """The request `undo-many`. Raises BridgeError."""

    def edit(self, text: str) -> str | None:
        """Lets the person change a long text in their editor; None when they have none, or left it as it was."""


class Scope(StrEnum):
    """What a decision is about."""

    ONE = "this conflict"
    RECORD = "the whole record"
    KIND = "all of this kind"


@dataclass(slots=True)
class Review:
    """What is on the screen. `place` is the conflict that is looked at or marked in the list."""

    desk: Desk
    cases: list[Case] = field(default_factory=list)
    place: int = 0
    open: bool = False  # one conflict is shown; otherwise the list
    scope: Scope = Scope.ONE
    typing: str | None = None  # what was typed so far as a new value
    scroll: int = 0
    message: str = ""
    failed: bool = False  # the message is about something that did not go as wished
    done: list[tuple[int, ...]] = field(default_factory=list)  # decisions, oldest first
    ended: bool = False

    @property
    def case(self) -> Case | None:
        """The conflict that is looked at."""
        return self.cases[self.place] if self.cases else None

    @property
    def decided(self) -> int:
        """How many conflicts were decided in this review."""
        return sum(map(len, self.done))

    def in_scope(self) -> list[Case]:
        """What the next decision is about; what is decided already stays so."""
        case = self.case
        if case is None or self.scope is Scope.ONE:
            return [case] if case is not None else []
        if self.scope is Scope.RECORD:
            return [other for other in self.cases if other.pair == case.pair and other.to_decide and other.field]
        return [other for other in self.cases if other.kind == case.kind and other.to_decide]

    def refresh(self) -> None:
        """Takes what is new. The order of what is on the screen stays, and what was decided here stays to be seen."""
        found = {case.id: case for case in self.desk.cases()}
        mine = {number for numbers in self.done for number in numbers}
        kept = []
        for case in self.cases:
            now = found.pop(case.id, None) or self.desk.case(case.id)
            if now is not None and (now.to_decide or now.state == RESOLVING or now.id in mine):
                kept.append(now)
        looked_at = self.case.id if self.case is not None else None
        self.cases = [*kept, *found.values()]
        place = next((n for n, case in enumerate(self.cases) if case.id == looked_at), self.place)
        self.place = max(0, min(place, len(self.cases) - 1))

    def press(self, key: str) -> None:
        """Obeys one key."""
        if self.typing is not None:
            self._type(key)
            return
        self.message, self.failed = "", False
        if key in (END, CTRL_C, "q") or (key == "escape" and not self.open):
            self.ended = True
        elif key == "?":
            self.message = HELP
        elif key in _MOVES:
            self._move(_MOVES[key])
        elif self.case is not None:
            self._press(key)

    def _press(self, key: str) -> None:
        if key == "enter" and not self.open:
            self._show(self.place)
        elif key in ("escape", "l", "backspace"):
            self.open = False
        elif key in ("s", " ", "right", "enter"):
            self._skip(1)
        elif key == "left":
            self._skip(-1)
        elif key == "a":
            scopes = list(Scope)
            self.scope = scopes[(scopes.index(self.scope) + 1) % len(scopes)]
        elif key == "u":
            self._undo()
        elif key in {*_TAKES, "k"} and self.case is not None and not self.case.to_decide:
            # Whatever the scope: a key that decided others, and not the one that is looked at, would surprise.
            self._fail("it is decided already; u takes the last decision back")
        elif key in _TAKES:
            self._take(_TAKES[key])
        elif key == "k":
            self._keep()
        elif key == "e":
            self._edit()
        else:
            self._fail(f"{shown(key)!r} is not one of these keys")

    def _fail(self, message: str) -> None:
        self.message, self.failed = message, True

    def _move(self, by: int) -> None:
        if self.open:
            self.scroll = max(0, self.scroll + by)
        else:
            self.place = max(0, min(self.place + by, len(self.cases) - 1))

    def _show(self, place: int) -> None:
        self.place, self.open, self.scroll, self.scope = place, True, 0, Scope.ONE

    def _skip(self, by: int) -> None:
        """To the next one that can be decided, or back to the one before."""
        places = range(self.place + 1, len(self.cases)) if by > 0 else range(self.place - 1, -1, -1)
        place = next((n for n in places if by < 0 or self.cases[n].to_decide), None)
        if place is not None:
            self._show(place)
        elif by > 0 and any(case.waits for case in self.cases):
            self._show(next(n for n, case in enumerate(self.cases) if case.waits))
        elif by > 0:
            self.open = False
            self.message = self.message or "that was the last one"

    # Decisions

    def _take(self, take: str) -> None:
        if self.scope is Scope.ONE and self.case is not None and not self.case.field:
            self._fail("a whole record was kept because it had been edited; to delete it after all, delete it there")
            return
        choices = [{"id": case.id, "take": take, "seen": case.seen()} for case in self.in_scope()]
        self._decide(choices, f"{WORDS[take]} taken")

    def _keep(self) -> None:
        """The rule's winner stays; the conflict needs no more looking at."""
        if self.case is not None and self.case.winner is None:
            self._fail("it has no winner yet: both sides keep their own until you decide")
            return
        found = [case for case in self.in_scope() if case.winner is not None]
        choices: list[dict[str, Any]] = []
        for case in found:
            seen = {"seen": case.seen()} if case.field else {}
            choices.append({"id": case.id, "take": str(case.winner), **seen})
        self._decide(choices, "winner kept")

    def _decide(self, choices: list[dict[str, Any]], words: str) -> None:
        if not choices:
            return
        try:
            answer = self.desk.resolve(choices)
        except BridgeError as error:
            self._fail(_one_line(error.message, error.hint))
            return
        taken = tuple(item["id"] for item in answer["resolved"])
        if taken:
            self.done.append(taken)
        self.refresh()
        refused = answer["refused"]
        if refused:
            self._show_again(refused, len(taken))
            return
        what = f"#{taken[0]}" if len(taken) == 1 else count(len(taken), "conflict")
        self.message = f"{what}: {words}; u undoes"
        if self.open:
            self._skip(1)

    def _show_again(self, refused: Sequence[Mapping[str, Any]], taken: int) -> None:
        """What moved on is looked at once more, as it is now."""
        first = refused[0]
        more = f"; {taken} others were taken" if taken else ""
        self._fail(_one_line(f"{first['message']}{more}", first["hint"]))
        place = next((n for n, case in enumerate(self.cases) if case.id == first["id"]), None)
        if place is not None:
            self.place, self.open, self.scroll = place, True, 0

    def _undo(self) -> None:
        if not self.done:
            self._fail("nothing was decided in this review yet")
            return
        numbers = self.done[-1]
        try:
            answer = self.desk.undo(numbers)
        except BridgeError as error:
            self._fail(_one_line(error.message, error.hint))
            return
        self.done.pop()
        self.refresh()
        if answer["refused"]:
            self._fail(_one_line(answer["refused"][0]["message"], answer["refused"][0]["hint"]))
            return
        undone = answer["undone"]
        self.message = "taken back: it is as it was"
        if any(item["take"] == UNDONE and item["state"] == RESOLVING for item in undone):
            self.message = "taken back: both sides get their own value again"
        elif any(item["state"] == RESOLVING for item in undone):
            self.message = "taken back: what had won is written again"
        elif any(item["take"] for item in undone):
            self.message = "both sides hold it already; take what they shall have instead"
        place = next((n for n, case in enumerate(self.cases) if case.id == numbers[0]), None)
        if place is not None and self.open:
            self._show(place)

    # A value of one's own

    def _edit(self) -> None:
        case = self.case
        if case is None or not case.field or not case.to_decide:
            self._fail("there is no value to edit")
            return
        start = case.now.get(case.winner or Side.POSTGRES, case.values[case.winner or Side.POSTGRES])
        text = "" if isinstance(start, Unfit) else plain(start)
        if len(text) <= _LONG and "\n" not in text:
            self.open, self.scope, self.typing = True, Scope.ONE, text
            return
        edited = self.desk.edit(text)
        if edited is None:
            self._fail("nothing was changed in the editor")
        else:
            self._take_text(edited)

    def _type(self, key: str) -> None:
        assert self.typing is not None
        if key in ("escape", CTRL_C, END):
            self.typing = None
        elif key == "enter":
            text, self.typing = self.typing, None
            self._take_text(text)
        elif key == "backspace":
            self.typing = self.typing[:-1]
        elif key == "\x15":  # Ctrl-U, as in a shell
            self.typing = ""
        elif len(key) == 1 and (key.isprintable() or key in JOINERS):
            self.typing += key

    def _take_text(self, text: str) -> None:
        case = self.case
        assert case is not None
        self.scope = Scope.ONE
        choice = {"id": case.id, "take": "value", "value": text, "seen": case.seen()}
        self._decide([choice], "your value taken" if text else "nothing (empty) taken")


def state_words(case: Case) -> str:
    """How far a conflict is."""
    if case.waits:
        return "waits for you"
    if case.state == RESOLVING:
        return "gets both values back" if case.take == UNDONE else f"{_taken(case)} is being written"
    if case.state == RESOLVED:
        return LAPSED.get(case.take, f"{_taken(case)} taken")
    return f"{case.winner} won" if case.winner else "taken back"


def _taken(case: Case) -> str:
    return WORDS.get(case.take, case.take)


def _one_line(message: str, hint: str) -> str:
    return " ".join(f"{message}. {hint}".split())
