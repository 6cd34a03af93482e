"""The dozen calls of Notion's API that the bridge makes, each behind the limiter.

What is retried here, and what never is:
  - 429 and 529 are retried for every call: they were not applied, and the limiter makes everything wait;
  - a read (GET, query, search) is retried after a lost connection, a 5xx or a 409;
  - a write is sent once. After an ambiguous outcome the caller looks first: a repeated POST is a second page.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests
import tenacity

from bridge.clock import CommonClock, backoff
from bridge.notion.errors import (
    THROTTLED,
    Ambiguous,
    Answer,
    Conflict,
    NotSent,
    Paused,
    RateLimited,
    classify,
    http_date,
    parse,
    retry_after,
)
from bridge.notion.limiter import Limiter, Permit, Priority
from bridge.notion.transport import Params, Transport

_ATTEMPTS = 5
_ATTEMPTS_THROTTLED = 30  # each waits as long as Notion asks, so many are no burden
_FIRST_WAIT = 0.5  # seconds, doubled after each failed read
_LONGEST_WAIT = 8.0
_BLOCKED = "public_api_request_blocked"  # the one reason of a 429 that no waiting cures
PAGE_SIZE = 100  # the most that one answer lists, of whatever
_FRESH_S = 1.0  # after its check a write leaves so soon, or not at all

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: its JSON object and when it was asked for and came, by this machine's monotonic clock."""

    body: dict[str, Any]
    sent: float
    received: float


class NotionClient:
    """Thread-safe. Raises the types of `bridge.notion.errors`. `rng` and `session` are there for tests."""

    def __init__(
        self,
        token: str,
        *,
        limiter: Limiter,
        clock: CommonClock,
        base_url: str = "https://api.notion.com",
        rng: random.Random | None = None,
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self.limiter = limiter
        self._clock = clock
        self._rng = rng or random.SystemRandom()
        self._transport = Transport(base_url, token, clock.local, session)

    def close(self) -> None:
        self._transport.close()

    def silence(self) -> float:
        """For how many seconds Notion has owed an answer and given none."""
        return self._transport.silence()

    def me(self) -> Reply:
        """The integration's own user."""
        return self._read("GET", "users/me")

    def users(self, priority: Priority = Priority.INTERACTIVE) -> Iterator[dict[str, Any]]:
        """Every member and bot of the workspace; guests are not listed. AccessDenied without the capability."""
        return self._items("users", priority)

    def user(self, user_id: str, priority: Priority = Priority.INTERACTIVE) -> Reply:
        return self._read("GET", f"users/{user_id}", priority=priority)

    def retrieve_database(self, database_id: str) -> Reply:
        return self._read("GET", f"databases/{database_id}")

    def retrieve_data_source(self, data_source_id: str, priority: Priority = Priority.INTERACTIVE) -> Reply:
        return self._read("GET", f"data_sources/{data_source_id}", priority=priority)

    def create_database(self, body: Json) -> Reply:
        return self._write("POST", "databases", body)

    def update_data_source(self, data_source_id: str, body: Json) -> Reply:
        return self._write("PATCH", f"data_sources/{data_source_id}", body)

    def query(
        self,
        data_source_id: str,
        body: Json,
        priority: Priority = Priority.POLL,
        permit: Permit | None = None,
        params: Params = (),
    ) -> Reply:
        """One page of rows."""
        path = f"data_sources/{data_source_id}/query"
        return self._read("POST", path, body, params=params, priority=priority, permit=permit)

    def search(self, body: Json, priority: Priority = Priority.POLL) -> Reply:
        return self._read("POST", "search", body, priority=priority)

    def retrieve_page(
        self,
        page_id: str,
        priority: Priority = Priority.INTERACTIVE,
        permit: Permit | None = None,
        params: Params = (),
    ) -> Reply:
        return self._read("GET", f"pages/{page_id}", params=params, priority=priority, permit=permit)

    def property_items(
        self, page_id: str, property_id: str, priority: Priority = Priority.INTERACTIVE
    ) -> list[dict[str, Any]] | None:
        """Every item of a long value, past the 25 references that a page object shows. None when it was edited while
        several answers brought it: together they show a value that nobody has ever written."""
        # The id is URL-encoded as Notion returned it; encoding it again would name another property.
        path = f"pages/{page_id}/properties/{property_id}"
        found = list(self._lists(path, priority))
        if len(found) > 1 and found != list(self._lists(path, priority)):
            return None
        return [item for some in found for item in some]

    def _items(self, path: str, priority: Priority) -> Iterator[dict[str, Any]]:
        """Every item of a list that is read with GET."""
        for some in self._lists(path, priority):
            yield from some

    def _lists(self, path: str, priority: Priority) -> Iterator[list[dict[str, Any]]]:
        """The same, one list for each answer."""
        cursor: str | None = None
        while True:
            params = [("page_size", str(PAGE_SIZE))] + ([("start_cursor", cursor)] if cursor else [])
            reply = self._read("GET", path, params=params, priority=priority)
            yield list(reply.body.get("results", ()))
            cursor = next_cursor(reply)
            if cursor is None:
                return

    def create_page(
        self,
        body: Json,
        priority: Priority = Priority.INTERACTIVE,
        permit: Permit | None = None,
        check: Callable[[], None] | None = None,
    ) -> Reply:
        """Raises Ambiguous when the page may exist: look before asking again. `check` as in `update_page`."""
        return self._write("POST", "pages", body, priority, permit, check)

    def update_page(
        self,
        page_id: str,
        body: Json,
        priority: Priority = Priority.INTERACTIVE,
        permit: Permit | None = None,
        check: Callable[[], None] | None = None,
    ) -> Reply:
        """`check` runs right before each sending, after every wait; what it raises calls the request off."""
        return self._write("PATCH", f"pages/{page_id}", body, priority, permit, check)

    def _read(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        params: Params = (),
        priority: Priority = Priority.INTERACTIVE,
        permit: Permit | None = None,
    ) -> Reply:
        def once(held: Permit) -> Reply:
            with held.flight():
                return self._judge(self._transport.send(method, path, body, params, writes=False))

        return self._repeat(once, _read_may_repeat, priority, permit)

    def _write(
        self,
        method: str,
        path: str,
        body: Json,
        priority: Priority = Priority.INTERACTIVE,
        permit: Permit | None = None,
        check: Callable[[], None] | None = None,
    ) -> Reply:
        def once(held: Permit) -> Reply:
            asked = float("inf")

            def fresh() -> None:
                nonlocal asked
                asked = self._checked(check or _nothing)

            with held.flight(fresh):
                return self._judge(self._transport.send(method, path, body, not_after=asked + _FRESH_S))

        return self._repeat(once, _write_may_repeat, priority, permit)

    def _checked(self, check: Callable[[], None]) -> float:
        """When the check was asked that has just passed. What it learned may be old: a process that was stopped reads
        afterwards what it was answered before. Raises NotSent, and what the check raises."""
        for _ in range(_ATTEMPTS):
            asked = self._clock.local.monotonic()
            check()
            if self._clock.local.monotonic() - asked <= _FRESH_S:
                return asked
        raise NotSent("Whether the bridge may still write takes too long to find out.")

    def _repeat(
        self,
        once: Callable[[Permit], Reply],
        may_repeat: Callable[[BaseException], bool],
        priority: Priority,
        permit: Permit | None,
    ) -> Reply:
        retrying = tenacity.Retrying(
            stop=_tried_enough,
            wait=self._wait,
            retry=tenacity.retry_if_exception(may_repeat),
            sleep=self._clock.local.sleep,
            reraise=True,
        )
        with nullcontext(permit) if permit is not None else self.limiter.reserve(priority) as held:
            return retrying(once, held)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, RateLimited):
            return 0.0  # the limiter holds everyone back, this request too
        longest = backoff(state.attempt_number, _FIRST_WAIT, _LONGEST_WAIT)
        return self._rng.uniform(longest / 2, longest)

    def _judge(self, answer: Answer) -> Reply:
        if answer.status in THROTTLED:
            raise self._throttled(answer)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise classify(answer)
        body = parse(answer)
        self.limiter.went_well(answer.sent)
        self._sample(answer)
        return Reply(body, answer.sent, answer.received)

    def _throttled(self, answer: Answer) -> Exception:
        wait = retry_after(answer, self._clock.local.now().timestamp())
        self.limiter.throttled(answer.sent, wait)
        error = classify(answer)
        if isinstance(error, RateLimited):
            error.retry_after = self.limiter.blocked_for()
        return error

    def _sample(self, answer: Answer) -> None:
        """Learns Notion's clock from the Date header, which counts whole seconds and may be missing."""
        seconds = http_date(answer.headers.get("Date", ""))
        if seconds is not None:
            said = datetime.fromtimestamp(seconds, UTC)
            self._clock.notion.sample(answer.sent, answer.received, said, said + timedelta(seconds=1))


def _nothing() -> None:
    """There is nothing to check."""


def next_cursor(reply: Reply) -> str | None:
    """Where a listing goes on, or None at its end. Raises Ambiguous when Notion says neither."""
    if not reply.body.get("has_more"):
        return None
    cursor = reply.body.get("next_cursor")
    if not isinstance(cursor, str) or not cursor:
        raise Ambiguous(
            "Notion says that a listing has more results, but not where they begin.",
            hint="The listing is not used, because it is incomplete; the bridge asks again.",
        )
    return cursor


def _tried_enough(state: tenacity.RetryCallState) -> bool:
    throttled = state.outcome is not None and isinstance(state.outcome.exception(), RateLimited)
    return state.attempt_number >= (_ATTEMPTS_THROTTLED if throttled else _ATTEMPTS)


def _write_may_repeat(error: BaseException) -> bool:
    return isinstance(error, RateLimited) and error.additional.get("rate_limit_reason") != _BLOCKED


def _read_may_repeat(error: BaseException) -> bool:
    if isinstance(error, NotSent):
        return not isinstance(error, Paused)
    return isinstance(error, Ambiguous | Conflict) or _write_may_repeat(error)
