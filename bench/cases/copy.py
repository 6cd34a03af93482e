"""A table is filled by COPY while no bridge runs; then one starts. Rows outside of a filter are nobody's business. The
others are to get a page each, for days to come: is the budget spent, and do people have to wait meanwhile?"""

from __future__ import annotations

import time

import psycopg

from bench.case import Case, Figure, Found, percentile
from bench.cases.backfill import BURST_S
from bench.cases.idle import cpu_seconds, resident_mb
from bench.stage import Place, Stage
from bench.watch import each, watching
from bench.watch import per_minute as rate

_COPY = "COPY items1 (title, status, amount, due, note) FROM STDIN"
_WAITING = "SELECT coalesce(sum(coalesce(key_count, 1)), 0)::bigint FROM notion_bridge.outbox"
_LOOK_S = 0.1
_IN_STEP = 50


def _run(
    place: Place, *, rows: int, spent_s: float, times: int, pause_s: float, per_minute: int, latency_s: float
) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.where("done")
        stage.process.command("sync")
        _fill(stage, rows)
        outside = _waiting(stage)
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(_IN_STEP)
        pages = stage.add_pages()
        stage.process.command("sync")
        _fill(stage, rows)
        waited = _waiting(stage)
        stage.process.start()
        drained = _drained(stage, waited)
        return Found(
            [
                Figure("events of rows outside of the filter", outside, "", 0),
                Figure("changes that waited", waited),
                *drained,
                *_afterwards(stage, pages, per_minute, spent_s, times, pause_s),
                Figure("journal, per row of these", stage.journal_path.stat().st_size / rows, "bytes"),
            ]
        )


def _drained(stage: Stage, waited: int) -> list[Figure]:
    """While the outbox is emptied."""
    left, moments, memory, computed = [waited], [time.monotonic()], [0.0], 0.0
    while left[-1]:
        time.sleep(_LOOK_S)
        stage.until(lambda: True, "the bridge runs")  # or it says why not
        now = _waiting(stage)
        if now == waited:
            moments[-1], computed = time.monotonic(), cpu_seconds(stage.process.pid)  # it is still starting
            continue
        left.append(now)
        moments.append(time.monotonic())
        memory.append(resident_mb(stage.process.pid))
    computed = cpu_seconds(stage.process.pid) - computed
    return [
        Figure("drained per second of one core", waited / computed, "", 20_000, "more"),
        Figure("drained per second, with disk and database", waited / (moments[-1] - moments[0])),
        Figure("most memory meanwhile", max(memory), "MB"),
        Figure("its growth from the first tenth on", max(memory) - memory[len(memory) // 10 + 1], "MB"),
    ]


def _afterwards(
    stage: Stage, pages: list[str], per_minute: int, spent_s: float, times: int, pause_s: float
) -> list[Figure]:
    """While pages are made of the rows, and somebody edits others."""
    started = time.monotonic()
    begun = stage.until(lambda: stage.pages() > _IN_STEP, "pages are made", 600)
    time.sleep(BURST_S * spent_s / _SPENT_S)
    since = time.monotonic()
    time.sleep(spent_s)
    sent = rate([entry.monotonic for entry in stage.requests(since=since)], since, time.monotonic())
    with watching(stage) as watch:
        took = each(
            watch,
            times,
            (pause_s, 3 * pause_s),
            lambda n: watch.row_to_wire(n % _IN_STEP + 1, pages[n % _IN_STEP]),
        )
    return [
        Figure("from then until pages are made", begun - started, "s"),
        # As for a first sync; what is spent of the budget is the limit's time by that of the requests.
        Figure("time / limit, from the second minute on", per_minute / sent, "x", 1.03),
        Figure("an edit of another row, to the request, p99", percentile(took, 99), "s", 4),
    ]


def _fill(stage: Stage, rows: int) -> None:
    with (
        psycopg.connect(stage.dsn, autocommit=True) as connection,
        connection.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        for number in range(rows):
            copy.write_row((f"row {number}", "todo", number, "2026-01-01", f"note {number}"))


def _waiting(stage: Stage) -> int:
    return int(stage.sql(_WAITING)[0][0])


_SPENT_S = 120.0

CASE = Case(
    "copy",
    "COPY of 1,000,000 rows while no bridge runs",
    _run,
    full={
        "rows": 1_000_000,
        "spent_s": _SPENT_S,
        "times": 20,
        "pause_s": 1.5,
        "per_minute": 180,
        "latency_s": 0.35,
    },
    tiny={"rows": 2000, "spent_s": 0.5, "times": 1, "pause_s": 0.05, "per_minute": 6000, "latency_s": 0.01},
)
