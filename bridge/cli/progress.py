"""What is shown while the loop works: a bar on the terminal's last line for `sync`, and the hook for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bridge.cli.output import clean, seconds_shown
from bridge.clock import Clock
from bridge.console.progress import Backlog, Glances
from bridge.engine.opening import Bridge


class EachRound:
    """Called by the loop after each round; what is to be done is known only when there is a bridge to look at."""

    def __init__(self) -> None:
        self.then: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        self.then()


class SyncProgress:
    """A bar of records that are in step, with the pace and the time left. Shows nothing without a terminal."""

    def __init__(self, console: Console, clock: Clock, names: Sequence[str]) -> None:
        self._clock = clock
        self._names = names
        self._backlog = Backlog()
        self._glances = Glances()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("looking at both sides", total=None, pace="")

    def __enter__(self) -> SyncProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, bridge: Bridge) -> None:
        """After a round, unless that was just done: counts from the journal, as `status` gives them."""
        now = self._clock.monotonic()
        if self._progress.disable or not self._glances.due(now):
            return
        pending = sum(bridge.journal.counts(name)["pending"] for name in self._names)
        self._glances.took(now, self._clock.monotonic())
        found = self._backlog.follow(pending, now)
        if found is None:
            return
        limiter = bridge.sides.limiter
        pace = f"{limiter.used()} of {limiter.budget} requests"
        if found.per_second is not None and found.seconds_left is not None:
            pace = f"{found.per_second:.1f}/s, about {seconds_shown(found.seconds_left)} left, {pace}"
        names = escape(clean(", ".join(self._names)))
        self._progress.update(self._task, description=names, total=found.total, completed=found.done, pace=pace)
