"""Nothing happens: what does the bridge use meanwhile?"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.case import Case, Figure, Found
from bench.stage import Place


def _run(place: Place, *, rows: int, calm_s: float, watch_s: float, per_minute: int, latency_s: float) -> Found:
    with place.stage(requests_per_minute=per_minute, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.add_pages()
        stage.process.start()
        stage.quiet(600)
        time.sleep(calm_s)
        used, began = cpu_seconds(stage.process.pid), time.monotonic()
        time.sleep(watch_s)
        passed = time.monotonic() - began
        per_core = (cpu_seconds(stage.process.pid) - used) * 100 / passed
        requests = stage.requests(since=began)
        return Found(
            [
                Figure("requests per minute", len(requests) * 60 / passed, "", 4),
                Figure("of a core", per_core, "%", 1),
                Figure("memory", resident_mb(stage.process.pid), "MB", 80),
            ]
        )


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """What a process holds in memory (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


CASE = Case(
    "idle",
    "Nothing has happened for ten minutes, 100 rows",
    _run,
    full={"rows": 100, "calm_s": 660, "watch_s": 300, "per_minute": 180, "latency_s": 0.35},
    tiny={"rows": 5, "calm_s": 0, "watch_s": 1, "per_minute": 6000, "latency_s": 0.01},
)
