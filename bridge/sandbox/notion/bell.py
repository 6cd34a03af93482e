"""Tells those who watch the workspace that it may look different now: a page in a browser shows changes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Ear = Callable[[], None]
"""Called in the thread that made the change, which holds the sandbox's lock: it must not wait for anything."""


class Bell:
    """What changed is not said: who hears it looks again, so that nothing is lost when a ring was missed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ears: list[Ear] = []

    def ring(self) -> None:
        """Something may have changed."""
        with self._lock:
            ears = list(self._ears)
        for ear in ears:
            ear()

    @contextmanager
    def heard_by(self, ear: Ear) -> Iterator[None]:
        """Within the block `ear` is called at each ring."""
        with self._lock:
            self._ears.append(ear)
        try:
            yield
        finally:
            with self._lock:
                self._ears.remove(ear)
