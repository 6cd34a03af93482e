"""How a story is told: a heading, who did what, what must come of it, and what both sides then hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.clock import Clock
from bridge.sandbox.demo.sides import Sides

_DEADLINE_S = 90.0  # generous: a story must not fail because a machine is slow
_LOOK_EVERY_S = 0.1
_WHO = 8


class StoryFailed(Exception):
    """Something that had to happen did not."""


class Story:
    """Prints and checks. Each expectation is waited for, never slept for.

    `trouble` tells why waiting any longer is in vain; nothing while it is not.
    """

    def __init__(self, console: Console, clock: Clock, sides: Sides, trouble: Callable[[], str]) -> None:
        self._console = console
        self._clock = clock
        self._sides = sides
        self._trouble = trouble
        self._steps = 0
        self._since = clock.monotonic()

    def step(self, title: str) -> None:
        """A heading."""
        self._steps += 1
        self._console.print()
        self._console.print(Text.assemble((f"{self._steps:>2}  ", "bold cyan"), (title, "bold")))

    def did(self, who: str, what: str) -> None:
        """What somebody did. The time of the next expectation counts from here."""
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=_WHO)
        line.add_row(Text(who, "cyan"), Text(what))
        self._console.print(Padding(line, (0, 0, 0, 4), expand=False))
        self._since = self._clock.monotonic()

    def expect(self, what: str, condition: Callable[[], bool]) -> None:
        """Waits until something is so, and says how long that took. Raises StoryFailed at the deadline."""
        deadline = self._clock.monotonic() + _DEADLINE_S
        while not condition():
            if trouble := self._trouble():
                raise StoryFailed(f"{trouble}; what was expected: {what}")
            if self._clock.monotonic() >= deadline:
                raise StoryFailed(f"not so after {_DEADLINE_S:.0f} s: {what}")
            self._clock.sleep(_LOOK_EVERY_S)
        took = self._clock.monotonic() - self._since
        self._console.print(Text.assemble("    ", ("✓ ", "green"), what, (f"  {took:.1f} s", "dim")))

    def check(self, what: str, so: bool) -> None:
        """Something that must be so now. Raises StoryFailed."""
        if not so:
            raise StoryFailed(f"not so: {what}")
        self._console.print(Text.assemble("    ", ("✓ ", "green"), what))

    def show(self, keys: Sequence[int], *columns: str) -> None:
        """What both sides hold of some records."""
        self._console.print(Padding(self._sides.table(keys, columns), (0, 0, 0, 6), expand=False))

    def say(self, text: str) -> None:
        """A remark."""
        self._console.print(Text(f"    {text}", "dim"))
