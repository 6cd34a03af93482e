"""All syncs of a configuration in one loop: one pass until nothing is left, or for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bridge.clock import Clock
from bridge.crashpoints import CrashPoint, crash_point
from bridge.engine.parents import in_order
from bridge.engine.requests import Mailbox
from bridge.engine.tasks import Tasks
from bridge.engine.worker import Worker
from bridge.journal import Journal

_ROUND_MAX_S = 1.0  # a request from the command line is answered within this
_ONE_PASS_FAILURES_MAX = 5
_TRIM_EVERY_S = 3600.0


class Loop:
    """Runs the workers. `each_round` is called after every round, for a console or a log."""

    def __init__(
        self,
        workers: Sequence[Worker],
        journal: Journal,
        mailbox: Mailbox,
        *,
        tasks: Tasks,
        clock: Clock,
        stop: threading.Event,
        each_round: Callable[[], None] = lambda: None,
        trim: Callable[[], None] = lambda: None,
    ) -> None:
        self.workers = workers
        self._journal = journal
        self._mailbox = mailbox
        self._tasks = tasks
        self._clock = clock
        self._stop = stop
        self._each_round = each_round
        self._trim = trim

    def wake(self) -> None:
        """Ends the wait between two rounds. From any thread."""
        self._tasks.wake()

    def run(self) -> None:
        """Until asked to stop. Raises JournalError, and what is a bug."""
        with self._no_new_work_afterwards():
            self._start()
            next_trim = self._clock.monotonic()
            while not self._stop.is_set():
                self._round()
                if self._clock.monotonic() >= next_trim:
                    self._trim()
                    next_trim = self._clock.monotonic() + _TRIM_EVERY_S
        self._drain()

    def run_once(self) -> None:
        """Until nothing is left to do, a person must decide, or a side stays away. Raises that side's error."""
        with self._no_new_work_afterwards():
            self._start()
            while not self._stop.is_set() and not all(self._finished(worker) for worker in self.workers):
                self._round()
                self._give_up_if_down()
            self._trim()
        self._drain()

    def _start(self) -> None:
        for worker in self.workers:
            worker.start()

    def _round(self) -> None:
        self._journal.store.require_file()
        self._mailbox.serve(self._journal)
        for worker in self.workers:
            worker.tick()
        self._each_round()
        wait = min([_ROUND_MAX_S, *(worker.due_in() for worker in self.workers)])
        self._tasks.take(0 if self._stop.is_set() else wait)

    def _finished(self, worker: Worker) -> bool:
        state = self._journal.sync_state(worker.sync.name)
        stopped = bool(state.paused or state.breaker) and worker.swept and not worker.dispatch.busy and not state.resync
        return stopped or worker.settled()

    def _give_up_if_down(self) -> None:
        for worker in self.workers:
            error = worker.health.lasting_failure(_ONE_PASS_FAILURES_MAX)
            if error is not None:
                self._drain()
                raise error

    @contextmanager
    def _no_new_work_afterwards(self) -> Iterator[None]:
        """However the block ends: answers that come later are taken, and must not begin anything."""
        try:
            yield
        finally:
            self._begin_nothing()

    def _begin_nothing(self) -> None:
        for worker in self.workers:
            worker.draining = True

    def _drain(self) -> None:
        """No new work; what is under way ends and is settled, or stays journaled as unknown."""
        self._begin_nothing()
        if self._tasks.running():
            self._each_round()  # what is under way may take a while, and somebody looks on
        with crash_point(CrashPoint.DRAINED):
            self._tasks.close()
        for worker in self.workers:
            worker.dispatch.forget_proofs()
        self._each_round()


def let_wait(workers: Sequence[Worker]) -> None:
    """Tells each worker which others keep the records that its relations link to."""
    by_name = {worker.sync.name: worker for worker in workers}
    for worker in workers:
        names = {item.target for item in worker.sync.fields if item.target} - {worker.sync.name}
        worker.targets = [by_name[name] for name in sorted(names) if name in by_name]


def referenced_first(workers: Sequence[Worker]) -> list[Worker]:
    """The workers so that records are made before those that link to them. Tells each of them which of those that it
    links to come before it."""
    by_name = {worker.sync.name: worker for worker in workers}
    order = in_order({name: [target.sync.name for target in worker.targets] for name, worker in by_name.items()})
    for place, name in enumerate(order):
        worker = by_name[name]
        worker.parents = [target for target in worker.targets if target.sync.name in order[:place]]
    return [by_name[name] for name in order]
