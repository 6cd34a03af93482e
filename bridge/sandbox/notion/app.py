"""The sandbox over HTTP: Notion's API under /v1, the control interface under /_sandbox, pages for people at /."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from bridge.sandbox.notion.control import control_routes
from bridge.sandbox.notion.sandbox import Sandbox
from bridge.sandbox.notion.web import web_routes
from bridge.sandbox.notion.wire import Answer, Cut, Request

Abort = Callable[[Scope], None]
"""Cuts the TCP connection of a request, at once and without a word."""


class Api:
    """Everything that is not for people or for tests: Notion itself, strange addresses included."""

    def __init__(self, sandbox: Sandbox, abort: Abort, stopping: asyncio.Event) -> None:
        self._sandbox = sandbox
        self._abort = abort
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the sandbox speaks HTTP only, not {scope['type']}")
        try:
            body = await HttpRequest(scope, receive).body()
        except ClientDisconnect:
            return  # a client that was killed while it sent: nothing arrived, and nobody waits for an answer
        exchange = self._sandbox.arrive(_request(scope, body))
        if await self._stopped_within(exchange.delay_before_s):
            # What had not begun when the server stops is not done.
            answer = Answer(0, {}, b"", Cut.INSTEAD)
        else:
            answer = self._sandbox.answer(exchange)
            await self._stopped_within(exchange.delay_after_s)
        await self._send(answer, scope, receive, send)

    async def _stopped_within(self, seconds: float) -> bool:
        """Wait; True when the server is told to stop meanwhile, which a scripted delay of an hour must not prevent."""
        if seconds <= 0:
            return False
        try:
            return await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if answer.cut is not Cut.INSTEAD:
            headers = answer.headers | {"content-length": str(len(answer.body))}
            raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": answer.status, "headers": raw})
            body = answer.body if answer.cut is Cut.NO else answer.body[: len(answer.body) // 2]
            if scope["method"] == "HEAD":
                body = b""
            await send({"type": "http.response.body", "body": body, "more_body": answer.cut is Cut.MIDWAY})
        if answer.cut is not Cut.NO:
            self._abort(scope)
            # The server sees an unanswered request as a mistake unless it knows that the client is gone.
            while (await receive())["type"] != "http.disconnect":
                pass


def _request(scope: Scope, body: bytes) -> Request:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


def make_app(sandbox: Sandbox, abort: Abort, stopping: asyncio.Event) -> Starlette:
    """The ASGI application. `abort` cuts a connection, which only the server that runs this can do."""
    api = Api(sandbox, abort, stopping)
    routes: list[Route | Mount] = [*control_routes(sandbox), *web_routes(sandbox, stopping), Mount("", app=api)]
    return Starlette(routes=routes)
