"""A table is filled by COPY while no bridge runs; then one starts. Rows outside of a filter are nobody's business."""

from __future__ import annotations

import time

import psycopg

from bench.case import Case, Figure, Found
from bench.cases.idle import cpu_seconds, resident_mb
from bench.stage import Place, Stage

_COPY = "COPY items1 (title, status, amount, due, note) FROM STDIN"
_WAITING = "SELECT coalesce(sum(coalesce(key_count, 1)), 0)::bigint FROM notion_bridge.outbox"
_LOOK_S = 0.1


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.where("done")
        stage.process.command("sync")
        _fill(stage, rows)
        outside = _waiting(stage)
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.process.command("sync")
        _fill(stage, rows)
        waited = _waiting(stage)
        stage.process.start()
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
        return Found(
            [
                Figure("events of rows outside of the filter", outside, "", 0),
                Figure("changes that waited", waited),
                Figure("drained per second of one core", waited / computed, "", 20_000, "more"),
                Figure("drained per second, with disk and database", waited / (moments[-1] - moments[0])),
                Figure("most memory meanwhile", max(memory), "MB"),
                Figure("its growth from the first tenth on", max(memory) - memory[len(memory) // 10 + 1], "MB"),
            ]
        )


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


CASE = Case(
    "copy",
    "COPY of 1,000,000 rows while no bridge runs",
    _run,
    full={"rows": 1_000_000, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 2000, "per_minute": 6000, "latency_s": 0.01},
)
