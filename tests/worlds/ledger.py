"""What people wrote, and what they replaced knowing it: the oracle's own book, which the bridge never sees."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Shown = Any  # a value as a person sees it: text, a number, an option, a list
UNIQUE = ("title", "mail", "note", "amount")  # fields in which every write has a value of its own


@dataclass(frozen=True, slots=True)
class Written:
    """One value that somebody wrote."""

    field: str
    side: str
    at: float
    page_id: str = ""
    after: int = 0  # the number of the last request that the sandbox had logged


def plain(value: Shown) -> str:
    """One spelling for a value of either side."""
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        return format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize(), "f")
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


class Ledger:
    """Values by their plain text. A value is replaced for as long as there is a reason to call it so."""

    def __init__(self) -> None:
        self.written: dict[str, Written] = {}
        self.withdrawn: set[str] = set()  # rolled back: nobody may ever see them
        self.copied: set[str] = set()  # of pages that were duplicated, rows that were restored: may show twice
        self.trace: list[str] = []
        self.edits: Counter[str] = Counter()  # by side
        self._reasons: dict[str, set[str]] = defaultdict(set)
        self._typed_over: dict[str, str] = {}  # what a page showed, and what somebody wrote there instead
        self._numbers = itertools.count(1)

    def note(self, line: str) -> None:
        self.trace.append(line)

    def make(self, field: str, side: str) -> Any:
        """A value that nobody has written before."""
        number = next(self._numbers)
        match field:
            case "amount":
                return Decimal(700_000 + number)  # like no other number in an answer of Notion's
            case "mail":
                return f"{side}{number}@example.com"
        return f"{side}{number}"

    def wrote(self, field: str, value: Shown, written: Written) -> None:
        self.edits[written.side] += 1
        if field in UNIQUE and value is not None:
            self.written[plain(value)] = written

    def replaced(self, values: Iterable[Shown], *, deleted: str = "") -> None:
        """Somebody who saw these values put others in their place, or `deleted` the row or page that showed them."""
        for value in values:
            self._reasons[plain(value)].add(f"{deleted} deleted" if deleted else "edited")

    def typed_over(self, before: Iterable[Shown], after: Iterable[Shown]) -> None:
        """Somebody who saw these values in a page wrote others in their place."""
        old, new = list(before), list(after)
        self.replaced(old)
        self._typed_over |= dict(zip(map(plain, old), map(plain, new), strict=True))

    def brought_back(self, values: Iterable[Shown], *, own: bool = False) -> None:
        """Somebody took a page out of the trash: what it shows is wanted again, unless it was edited elsewhere.

        `own`: a person had put it there. Nobody who looks before and after has seen that it was away, so that a
        deletion of its row stands.
        """
        undone = {"page deleted"} if own else {"page deleted", "row deleted"}
        for text in map(plain, values):
            self._reasons[text] -= undone
            self.copied.add(text)

    def emptied(self, values: Iterable[Shown]) -> None:
        """These values went without anybody putting others in their place. What they had been typed over may show
        again: perhaps nobody has seen them."""
        gone = set(map(plain, values))
        self.replaced(gone)
        while gone:
            self.copied |= gone
            gone = {old for old, new in self._typed_over.items() if new in gone} - self.copied

    def may_show(self, values: Iterable[Shown]) -> None:
        """What shows these values has a reason of its own: a copy, a choice, a journal that was lost."""
        self.copied.update(map(plain, values))

    def restored(self, before: Iterable[Shown], after: Iterable[Shown], seen: Callable[[str], bool]) -> None:
        """A database went back to a dump. What was typed into it since is gone with it; Notion's edits are not, and one
        that the bridge has not `seen` yet is for it an edit of what came back."""
        back = {plain(value) for value in after}
        for text in back:
            if text not in self._typed_over or seen(self._typed_over[text]):
                self._reasons[text].discard("edited")
        for text in {plain(value) for value in before} - back:
            if text in self.written and self.written[text].side == "row":
                self._reasons[text].add("edited")
        self.copied |= back | {plain(value) for value in before}

    def is_replaced(self, value: str) -> bool:
        return bool(self._reasons.get(value))

    def wanted(self) -> set[str]:
        """What must still be found somewhere."""
        return {value for value in self.written if not self.is_replaced(value) and value not in self.withdrawn}
