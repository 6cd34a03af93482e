"""150 rows, where Notion counts windows (a burst is allowed) and where it paces (3 per second, 10 at once)."""

from __future__ import annotations

from bench.case import Case, Figure, Found, Line, Picture, cumulated
from bench.stage import Place, Stage, creates

_BURST = 10
_THROTTLED = 429


def _run(place: Place, *, rows: int, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        whole_s, burst = _fill(stage, rows)
    with place.stage(requests_per_minute=per_minute, request_burst=_BURST, latency_s=latency_s) as stage:
        paced_s, paced = _fill(stage, rows)
        requests = stage.requests()
        refused = [entry.monotonic for entry in requests if entry.status == _THROTTLED]
    limit_s = (rows - _BURST) * 60.0 / per_minute
    return Found(
        [
            Figure("seconds, where windows are counted", whole_s, "s", 15.0),
            Figure("time / limit, where it paces", paced_s / limit_s, "x", 1.1),
            Figure("429 in the worst minute, where it paces", _worst_minute(refused), "", 1),
        ],
        Picture(f"First sync of {rows} rows", "seconds", "pages made", [Line("windows", burst), Line("paced", paced)]),
    )


def _fill(stage: Stage, rows: int) -> tuple[float, list[tuple[float, float]]]:
    stage.insert(rows)
    stage.process.start()
    ended = stage.until(lambda: stage.pages() >= rows, "all pages are made", 600)
    requests = stage.requests(until=ended)
    began = requests[0].monotonic
    return ended - began, cumulated([entry.monotonic - began for entry in creates(requests)])


def _worst_minute(moments: list[float]) -> int:
    return max((sum(1 for other in moments if 0 <= other - one < 60.0) for one in moments), default=0)


CASE = Case(
    "small_fill",
    "First sync of 150 rows",
    _run,
    full={"rows": 150, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 20, "per_minute": 6000, "latency_s": 0.01},
)
