"""Notion refuses everything for a while, or somebody else uses the same token: how soon is it back at the limit?"""

from __future__ import annotations

import threading
import time

import httpx

from bench.case import Case, Figure, Found, Line, Picture, cumulated
from bench.stage import Place, Stage
from bench.watch import per_minute
from bridge.sandbox.notion import DEFAULT_TOKEN
from bridge.sandbox.notion.log import Entry

_THROTTLED = 429


def _run(
    place: Place,
    *,
    rows: int,
    before_s: float,
    retry_after: int,
    after_s: float,
    others: int,
    per_minute_limit: int,
    latency_s: float,
) -> Found:
    with place.stage(requests_per_minute=per_minute_limit, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.process.start()
        stage.until(lambda: stage.pages() > 0, "the copy has begun")
        time.sleep(before_s)
        early, back, picture = _storm(stage, retry_after, after_s)
    with place.stage(requests_per_minute=per_minute_limit, latency_s=latency_s) as stage:
        stage.insert(rows)
        stage.process.start()
        stage.until(lambda: stage.pages() > 0, "the copy has begun")
        shared, refused = _shared(stage, others, after_s)
    left = per_minute_limit - others
    return Found(
        [
            Figure("requests before Retry-After had passed", early, "", 0),
            Figure("from one minute after the storm, of the limit", back * 100 / per_minute_limit, "%", 95, "more"),
            Figure(f"where another sends {others} a minute, of what is left", shared * 100 / left, "%", 95, "more"),
            Figure("429 a minute, where another sends", refused),
        ],
        picture,
    )


def _storm(stage: Stage, retry_after: int, after_s: float) -> tuple[int, float, Picture]:
    """Everything is refused, with a Retry-After, as often as it is asked in a minute's time."""
    fault = stage.sandbox.faults.fail(_THROTTLED, retry_after=retry_after, times=None)
    stage.until(lambda: fault.hits, "a request is refused")
    time.sleep(3.5 * retry_after)
    refused = _refused(stage)
    stage.sandbox.faults.script.remove(fault)
    ended = stage.until(lambda: stage.requests()[-1].status != _THROTTLED, "it goes on")
    time.sleep(after_s)
    requests = stage.requests()
    # Those that were under way when the first was refused are no disobedience.
    early = sum(
        1 for one in refused for other in requests if _UNDER_WAY_S < other.monotonic - one.monotonic < retry_after
    )
    sent = [entry.monotonic for entry in requests if entry.status != _THROTTLED]
    lasting = after_s / 2
    picture = Picture(
        f"Everything is refused from second {refused[0].monotonic - sent[0]:.0f} on",
        "seconds",
        "requests that were not refused",
        [Line("bridge", cumulated(sent))],
    )
    return early, per_minute(sent, ended + lasting, ended + after_s), picture


def _refused(stage: Stage) -> list[Entry]:
    return [entry for entry in stage.requests() if entry.status == _THROTTLED]


def _shared(stage: Stage, others: int, after_s: float) -> tuple[float, float]:
    """Another program sends requests with the same token, evenly."""
    stop = threading.Event()
    began = time.monotonic()
    other = threading.Thread(target=_other, args=(stage.url, 60.0 / others, stop))
    other.start()
    time.sleep(after_s / 2)
    lasting = time.monotonic()
    time.sleep(after_s / 2)
    ended = time.monotonic()
    stop.set()
    other.join()
    own = [entry for entry in stage.requests(since=began) if entry.path != _OTHERS_PATH]
    passed = [entry.monotonic for entry in own if entry.status != _THROTTLED]
    refused = [entry.monotonic for entry in own if entry.status == _THROTTLED]
    return per_minute(passed, lasting, ended), per_minute(refused, began, ended)


def _other(url: str, every_s: float, stop: threading.Event) -> None:
    headers = {"Authorization": f"Bearer {DEFAULT_TOKEN}", "Notion-Version": "2026-03-11"}
    with httpx.Client(base_url=url, headers=headers) as client:
        while not stop.wait(every_s):
            client.get(_OTHERS_PATH)


_OTHERS_PATH = "/v1/users/me"
_UNDER_WAY_S = 2.0

CASE = Case(
    "storm",
    "Everything is refused for a while; somebody else uses the token",
    _run,
    full={
        "rows": 5000,
        "before_s": 90.0,
        "retry_after": 20,
        "after_s": 120.0,
        "others": 60,
        "per_minute_limit": 180,
        "latency_s": 0.35,
    },
    tiny={
        "rows": 400,
        "before_s": 0.2,
        "retry_after": 1,
        "after_s": 1.0,
        "others": 600,
        "per_minute_limit": 6000,
        "latency_s": 0.01,
    },
)
