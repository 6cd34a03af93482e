"""A small pool of threads for HTTP calls: one connection at 300-800 ms a call cannot use Notion's budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers:
    """`size` calls at a time, for all syncs together. With size 1 everything runs in the caller's thread, in order: a
    run can be repeated."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="notion") if size > 1 else None
        self._callers = 0
        self._lock = threading.Lock()

    @property
    def share(self) -> int:
        """So many calls at a time one more caller can count on."""
        return max(1, self._size // (self._callers + 1))

    def run(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """The results as they come. Nothing is left running when the iterator ends, is closed, or raises."""
        if self._pool is None or len(items) == 1:
            for item in items:
                yield work(item)
            return
        self._count(1)
        futures = [self._pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            wait(futures)
            self._count(-1)

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results in the order of the items."""
        numbered = self.run(lambda entry: (entry[0], work(entry[1])), list(enumerate(items)))
        return [result for _, result in sorted(numbered, key=lambda entry: entry[0])]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def _count(self, more: int) -> None:
        with self._lock:
            self._callers += more
