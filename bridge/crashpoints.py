"""Named steps at whose edges a test may kill the process: just before one, or just after it.

`NOTION_BRIDGE_CRASH` names a file that holds `planned:after:2`: the process ends itself with SIGKILL the second time
that it has planned. A file and not the value itself, so that a test can let a bridge run first; the visits count from
when the file is there. The names are listed here so that a test can require that every one was reached and survived.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Literal

When = Literal["before", "after"]


class CrashPoint(StrEnum):
    """What is done between two edges. Where the step is a commit, its edges are on either side of the promise."""

    # PostgreSQL -> Notion
    OUTBOX_READ = "outbox-read"
    TABLE_READ = "table-read"
    ROWS_JOURNALED = "rows-journaled"
    OUTBOX_DELETED = "outbox-deleted"
    PLANNED = "planned"  # inside of the transaction that journals the intents
    INTENTS_COMMITTED = "intents-committed"
    PAGES_WRITTEN = "pages-written"  # one hand-over of a few
    PAGE_CREATED = "page-created"
    PAGE_UPDATED = "page-updated"
    PAGE_TRASHED = "page-trashed"
    PAGE_RESTORED = "page-restored"
    ANSWER_READ = "answer-read"  # the answer to a write has begun
    ANSWER_DELIVERED = "answer-delivered"  # to the thread that may journal it
    PAGE_SETTLED = "page-settled"

    # Notion -> PostgreSQL
    PAGES_LISTED = "pages-listed"
    PAGES_JOURNALED = "pages-journaled"
    WATERMARK_MOVED = "watermark-moved"
    ROW_BEGUN = "row-begun"
    ROW_PROVEN = "row-proven"  # the intent's id, in the transaction of the write
    ROW_CREATED = "row-created"
    ROW_UPDATED = "row-updated"
    ROW_DELETED = "row-deleted"
    ROW_COMMITTED = "row-committed"
    ROWS_SETTLED = "rows-settled"
    ECHO_TAKEN = "echo-taken"

    # Records, and what people are told and decide
    PAIR_MADE = "pair-made"
    PAIR_LINKED = "pair-linked"
    CONFLICT_RECORDED = "conflict-recorded"
    PARKED = "parked"
    UNPARKED = "unparked"
    DECIDED = "decided"
    REQUEST_TAKEN = "request-taken"
    REQUEST_ANSWERED = "request-answered"

    # The house
    JOURNAL_LOCKED = "journal-locked"
    JOURNAL_MIGRATED = "journal-migrated"
    JOURNAL_COMMITTED = "journal-committed"
    JOURNAL_RELEASED = "journal-released"
    TRIGGER_INSTALLED = "trigger-installed"
    SYNC_LOCKED = "sync-locked"
    SYNC_RELEASED = "sync-released"
    PROOFS_TRIMMED = "proofs-trimmed"
    HISTORY_TRIMMED = "history-trimmed"
    DRAINED = "drained"


_visits: Counter[str] = Counter()
_counting = threading.Lock()


@contextmanager
def crash_point(point: CrashPoint) -> Iterator[None]:
    """The block is the step. The process may end before it, or after it if it did not raise."""
    reached(point, "before")
    yield
    reached(point, "after")


def reached(point: CrashPoint, when: When) -> None:
    """Ends the process here if the environment asks for it."""
    asking = os.environ.get("NOTION_BRIDGE_CRASH")
    if asking is None or not Path(asking).exists():
        return
    edge = f"{point.value}:{when}"
    with _counting:  # pages are written by several threads: each visit has a number of its own
        _visits[edge] += 1
        visit = _visits[edge]
    if Path(asking).read_text(encoding="utf-8") == f"{edge}:{visit}":
        os.kill(os.getpid(), signal.SIGKILL)
