"""The edges of the bridge's steps at which a world may kill it. Those inside of the PostgreSQL end are not in it."""

from __future__ import annotations

from bridge.crashpoints import CrashPoint, When

MOMENTS: dict[tuple[CrashPoint, When], str] = {
    (CrashPoint.ROWS_JOURNALED, "before"): "outbox-read",
    (CrashPoint.ROWS_JOURNALED, "after"): "rows-journaled",
    (CrashPoint.OUTBOX_DELETED, "after"): "outbox-acknowledged",
    (CrashPoint.INTENTS_COMMITTED, "after"): "planned",
    (CrashPoint.PAGES_WRITTEN, "before"): "request-sent",
    (CrashPoint.ANSWER_DELIVERED, "before"): "answer-read",
    (CrashPoint.PAGE_SETTLED, "after"): "pages-settled",
    (CrashPoint.PAGES_JOURNALED, "before"): "pages-listed",
    (CrashPoint.PAGES_JOURNALED, "after"): "pages-journaled",
    (CrashPoint.WATERMARK_MOVED, "after"): "watermark-moved",
    (CrashPoint.ROWS_SETTLED, "before"): "rows-written",
    (CrashPoint.ROWS_SETTLED, "after"): "rows-settled",
}
