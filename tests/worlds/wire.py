"""From the bridge's HTTP client into the sandbox, without a socket: `requests` with an adapter of ours."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from bridge.sandbox.notion import Answer, Cut, Request, Sandbox
from tests.worlds.clock import WorldClock

_TIMEOUT_S = 65.0  # the client's own, which it measures in real time


class WireTrouble(Protocol):
    """What goes wrong on the way to Notion and there."""

    def latency(self) -> float:
        """Seconds that one way takes."""

    def refused(self) -> bool:
        """Whether no connection can be made."""

    def meet(self, request: Request) -> None:
        """The request is about to arrive: faults may be scripted for it."""


class Around(Protocol):
    """Stands around the instant at which Notion carries a request out; `late` when the client has given it up."""

    def __call__(self, request: Request, answer: Callable[[], Answer], *, late: bool) -> Answer: ...


class _Broken(io.RawIOBase):
    """Half an answer."""

    def __init__(self, body: bytes) -> None:
        self._rest = body[: len(body) // 2]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            raise ConnectionResetError("the connection was cut")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class Wire(requests.adapters.BaseAdapter):
    """Carries requests in virtual time."""

    def __init__(
        self,
        sandbox: Sandbox,
        clock: WorldClock,
        trouble: WireTrouble,
        around: Around,
    ) -> None:
        super().__init__()
        self._sandbox, self._clock, self._trouble, self._around = sandbox, clock, trouble, around
        self.heard: dict[int, float] = {}  # when each answer came to the client whole, by its number in the log

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.mount("https://", self)
        return made

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self._trouble.refused():
            pool: Any = None
            cause = NewConnectionError(pool, "connection refused")
            raise requests.ConnectionError(MaxRetryError(pool, str(request.url), cause))
        began = self._clock.monotonic()
        self._clock.travel(self._trouble.latency())
        arrived = _arrived(request)
        self._trouble.meet(arrived)
        exchange = self._sandbox.arrive(arrived)

        def answered() -> Answer:
            return self._sandbox.answer(exchange)

        self._wait(began, exchange.delay_before_s, late=lambda: self._around(arrived, answered, late=True))
        answer = self._around(arrived, answered, late=False)
        self._wait(began, exchange.delay_after_s + self._trouble.latency())
        if answer.cut is Cut.INSTEAD:
            raise requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError("cut")))
        if answer.cut is Cut.NO:
            self.heard[exchange.entry.seq] = self._clock.seconds
        return _response(request, answer)

    def _wait(self, began: float, seconds: float, late: Callable[[], object] | None = None) -> None:
        """Waits as long as the client has patience; what Notion does after that, it does all the same."""
        left = began + _TIMEOUT_S - self._clock.monotonic()
        if seconds <= left:
            self._clock.travel(seconds)
            return
        if late is not None:
            self._clock.after(seconds, lambda: (late(), None)[1])
        self._clock.travel(left)
        raise requests.ReadTimeout("Read timed out.")

    def close(self) -> None:
        """Nothing is open."""


def _arrived(request: requests.PreparedRequest) -> Request:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    return Request(
        method=str(request.method),
        path=parts.path,
        query_string=parts.query,
        headers={name.lower(): str(value) for name, value in request.headers.items()},
        body=body.encode() if isinstance(body, str) else body,
    )


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    made = requests.Response()
    made.status_code = answer.status
    made.headers = requests.structures.CaseInsensitiveDict(answer.headers)
    made.url, made.request = str(request.url), request
    body = io.BufferedReader(_Broken(answer.body)) if answer.cut is Cut.MIDWAY else io.BytesIO(answer.body)
    made.raw = urllib3.HTTPResponse(body, headers=answer.headers, status=answer.status, preload_content=False)
    return made
