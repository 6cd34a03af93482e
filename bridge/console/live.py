"""The dashboard of a running bridge, refreshed by its loop.

It reads the journal in the loop's own thread: the journal belongs to the loop. Only the keys are read beside it,
and they wake the loop. A review of conflicts is a program of its own that gets the terminal for a while; the loop
goes on meanwhile, and carries out what is decided there.
"""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import TracebackType

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.live import Live

from bridge.clock import Clock
from bridge.console.draw import farewell, render
from bridge.console.frame import WRAP_ON, Frame
from bridge.console.keys import KeyThread
from bridge.console.progress import Backlog, Glances
from bridge.console.view import (
    SyncView,
    View,
    change_views,
    conflict_views,
    parked_views,
    rate_view,
    sync_view,
    total_pending,
)
from bridge.engine.decisions import carry_out
from bridge.engine.notices import Notice, recent_writes
from bridge.engine.opening import Bridge
from bridge.engine.worker import Worker
from bridge.errors import BridgeError
from bridge.model import Side

_RECENT = 40
_LEAVE = f"{WRAP_ON}\x1b[?1049l\x1b[?25h".encode()
_STOPPING = "stopping: what is under way is finished first; Ctrl-C stops at once"


class LiveConsole:
    """Takes over the screen inside the `with` block. `notes` are (label, text) lines below the title.

    `keyboard` is the terminal's file descriptor, None where there are no keys to read; `review` the command that
    reviews conflicts.
    """

    def __init__(
        self,
        bridge: Bridge,
        console: Console,
        clock: Clock,
        notes: Sequence[tuple[str, str]] = (),
        *,
        keyboard: int | None = None,
        review: Sequence[str] = (),
    ) -> None:
        self.notes = tuple(notes)
        self._bridge = bridge
        self._clock = clock
        self._console = console
        self._backlog = Backlog()
        self._writes: dict[int, Notice] = {}
        self._known: tuple[int, View] | None = None  # as of so many changes of the journal
        self._glances = Glances()
        self._drawn: tuple[View, ConsoleDimensions] | None = None
        self._live = self._screen()
        self._keyboard = keyboard
        self._keys: KeyThread | None = None
        self._pressed: deque[str] = deque()
        self._review = tuple(review)
        self._reviewing: subprocess.Popen[bytes] | None = None
        self._message = ""

    def __enter__(self) -> LiveConsole:
        self._take_screen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reviewing is not None:
            self._reviewing.terminate()
            self._reviewing.wait()
        else:
            self._give_screen()
        if error is None:
            self._console.print(farewell(self.view()))

    def refresh(self) -> None:
        """Obeys the keys, and draws again, at most four times a second. For the loop, after each round."""
        if self._reviewing is not None:
            if self._reviewing.poll() is None:
                return
            self._reviewing = None
            self._take_screen()
        while self._pressed and self._reviewing is None:
            self._obey(self._pressed.popleft())
        now = self._clock.monotonic()
        if (self._glances.due(now) or self._stopping) and self._reviewing is None:
            self._draw()
            self._glances.took(now, self._clock.monotonic())

    def _draw(self) -> None:
        """Only what would look different: a console that idles draws the seconds of its clock, and costs little."""
        view = self.view()
        look = None if view.next_look is None else float(int(view.next_look))
        view = replace(view, at=view.at.replace(microsecond=0), next_look=look)
        if (view, self._console.size) != self._drawn:
            self._drawn = (view, self._console.size)
            self._live.update(Frame(_Sized(view)), refresh=True)

    def restore(self) -> None:
        """The terminal as it was, for a process that ends at once."""
        if self._keys is not None:
            self._keys.keys.restore()
        if self._reviewing is None:
            # Straight to the file: this may be called in the middle of a frame.
            os.write(self._console.file.fileno(), _LEAVE)

    def lent(self) -> bool:
        """Whether a review has the terminal now."""
        return self._reviewing is not None and self._reviewing.poll() is None

    def view(self) -> View:
        """What there is to see now."""
        changes = self._bridge.journal.changes
        if self._known is None or self._known[0] != changes or self._waits(self._known[1]):
            self._known = (changes, self._read())
        known = self._known[1]
        now = self._clock.monotonic()
        looks = [worker.pacing.next_poll - now for worker in self._bridge.loop.workers if worker.swept]
        return replace(
            known,
            at=self._clock.now().astimezone(),
            syncs=tuple(self._as_now(s, w) for s, w in zip(known.syncs, self._bridge.loop.workers, strict=True)),
            rate=rate_view(self._bridge.sides.limiter, known.syncs),
            progress=self._backlog.follow(total_pending(known.syncs), now),
            notes=self.notes,
            keys=self._offered(known),
            message=_STOPPING if self._stopping else self._message,
            next_look=max(0.0, min(looks)) if looks and min(looks) != float("inf") else (0.0 if looks else None),
        )

    @property
    def _stopping(self) -> bool:
        return self._bridge.sides.stop.is_set()

    def _waits(self, known: View) -> bool:
        """Whether something in the view grows older by itself."""
        return any(sync.behind is not None for sync in known.syncs)

    def _as_now(self, sync: SyncView, worker: Worker) -> SyncView:
        return replace(sync, swept=sync.swept and worker.swept, down=_down(worker))

    def _read(self) -> View:
        journal, now = self._bridge.journal, self._clock.now()
        workers = self._bridge.loop.workers
        names = [worker.sync.name for worker in workers]
        return View(
            at=now,
            syncs=tuple(sync_view(journal, w.sync, now, swept=w.swept, down=_down(w)) for w in workers),
            rate=rate_view(self._bridge.sides.limiter),
            changes=change_views(self._latest()),
            conflicts=conflict_views(journal, names),
            parked=parked_views(journal, names),
        )

    def _latest(self) -> list[Notice]:
        """The newest writes, newest first. Kept, because a burst of edits pushes them out of a bounded look back."""
        found = {notice.id: notice for notice in recent_writes(self._bridge.journal, _RECENT)}
        newest = sorted({**self._writes, **found}.items(), reverse=True)[:_RECENT]
        self._writes = dict(newest)
        return list(self._writes.values())

    # The terminal

    def _screen(self) -> Live:
        return Live(console=self._console, screen=True, auto_refresh=False)

    def _take_screen(self) -> None:
        self._live = self._screen()
        self._live.start()
        if self._keyboard is not None:
            self._keys = KeyThread(self._keyboard, self._press)
            self._keys.open()
        self._glances.at_once()
        self._drawn = None
        self.refresh()

    def _give_screen(self) -> None:
        if self._keys is not None:
            self._keys.close()
            self._keys = None
        self._live.stop()

    def _press(self, key: str) -> None:
        """From the thread that reads the keys."""
        self._pressed.append(key)
        self._bridge.loop.wake()

    # The keys

    def _offered(self, view: View) -> tuple[tuple[str, str], ...]:
        if self._keyboard is None:
            return (("Ctrl-C", "stops"),)
        pause = ("p", "resume" if all(sync.paused for sync in view.syncs) else "pause")
        review = (("c", "review conflicts"),) if self._review else ()
        return (pause, *review, ("q", "quit"))

    def _obey(self, key: str) -> None:
        self._message = ""
        self._glances.at_once()
        if key == "p":
            self._pause_or_resume()
        elif key == "c" and self._review:
            self._give_screen()
            self._reviewing = subprocess.Popen(self._review)
        elif key == "q":
            self._bridge.sides.stop.set()

    def _pause_or_resume(self) -> None:
        names = [worker.sync.name for worker in self._bridge.loop.workers]
        kind = "resume" if all(sync.paused for sync in self.view().syncs) else "pause"
        try:
            carry_out(self._bridge.journal, kind, {"syncs": names})
        except BridgeError as error:
            self._message = error.message.splitlines()[0]


class _Sized:
    """Draws a view at the size that the terminal has when it is drawn."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield render(self._view, options.max_width, options.height or console.height)


def _down(worker: Worker) -> Side | None:
    """A side that does not answer now."""
    return next(iter(worker.health.failing()), None)
