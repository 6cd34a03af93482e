"""Notion's rate limit: a fixed 60-second window per token, which may be spent in one burst.

An older text of Notion's says 3 per second on average, so a client must bear that, too: a bucket that holds a burst
and is filled all the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.notion.errors import NotionError

_WINDOW = timedelta(seconds=60)


@dataclass(slots=True)
class _Window:
    start: datetime
    spent: int = 0


@dataclass(slots=True)
class _Bucket:
    at: datetime
    left: float


class RateLimit:
    """Counts the requests of each token. A window opens with the first request after the last one ended."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, bot_id: str, now: datetime, limit: int | None, burst: int | None = None) -> float | None:
        """Count one request; returns the seconds to wait when it is one too many, else None.

        `limit` is per minute. With a `burst` so many may come at once, and the others one by one.
        """
        if limit is None or burst is None:
            return self._in_window(bot_id, now, limit)
        return self._from_bucket(bot_id, now, limit, burst)

    def _in_window(self, bot_id: str, now: datetime, limit: int | None) -> float | None:
        window = self._windows.get(bot_id)
        if window is None or not window.start <= now < window.start + _WINDOW:
            window = self._windows[bot_id] = _Window(now)
        if limit is not None and window.spent >= limit:
            return (window.start + _WINDOW - now).total_seconds()
        window.spent += 1
        return None

    def _from_bucket(self, bot_id: str, now: datetime, limit: int, burst: int) -> float | None:
        per_second = limit / _WINDOW.total_seconds()
        bucket = self._buckets.setdefault(bot_id, _Bucket(now, float(burst)))
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.at, bucket.left = now, min(float(burst), bucket.left + passed * per_second)
        if bucket.left < 1.0:
            return (1.0 - bucket.left) / per_second
        bucket.left -= 1.0
        return None

    def forget(self) -> None:
        """Start all windows anew."""
        self._windows.clear()
        self._buckets.clear()


def rate_limited(wait_s: float) -> NotionError:
    """The 429 that tells how long to wait, in whole seconds."""
    seconds = str(max(1, math.ceil(wait_s)))
    return NotionError(
        429,
        "rate_limited",
        "You have been rate limited. Please try again in a few minutes.",
        additional_data={"rate_limit_reason": "public_api_request_rate_limit", "retry_after": seconds},
        headers={"Retry-After": seconds},
    )
