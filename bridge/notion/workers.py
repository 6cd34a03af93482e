"""A small pool of threads for HTTP calls: one connection at 300-800 ms a call cannot use Notion's budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers:
    """`size` calls at a time. With size 1 everything runs in the caller's thread, in order: a run can be repeated."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="notion") if size > 1 else None

    def run(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """The results as they come. Nothing is left running when the iterator ends, is closed, or raises."""
        if self._pool is None or len(items) == 1:
            for item in items:
                yield work(item)
            return
        futures = [self._pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            wait(futures)

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results in the order of the items."""
        numbered = self.run(lambda entry: (entry[0], work(entry[1])), list(enumerate(items)))
        return [result for _, result in sorted(numbered, key=lambda entry: entry[0])]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
