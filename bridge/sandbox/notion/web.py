"""The page for people: its files, the JSON that it shows, and a stream that tells it when to look again.

What the page shows is fetched as JSON and put into the document as text, never as markup; it edits as a person,
through the control interface. It is one document without any data in it, whatever its address.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bridge.sandbox.notion import views
from bridge.sandbox.notion.control import foreign, json_endpoint
from bridge.sandbox.notion.sandbox import Sandbox

Endpoint = Callable[[Request], Awaitable[Response]]

# Nothing comes from elsewhere, nothing is sent elsewhere, no text can become markup or code, and no other
# page can show this one in a frame and let somebody click in it unknowingly.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE = "index.html"
_RETRY_MS = 1000


def web_routes(sandbox: Sandbox, stopping: asyncio.Event) -> list[Route]:
    """The page, its files, and the JSON behind it. `stopping` ends the streams, which have no end of their own."""

    def home(given: dict[str, Any]) -> Any:
        return views.home(sandbox)

    def table(given: dict[str, Any]) -> Any:
        limit = max(int(given.get("limit", views.ROWS_SHOWN)), 1)
        return views.table(sandbox, given["data_source_id"], in_trash=given.get("trash") == "1", limit=limit)

    def choices(given: dict[str, Any]) -> Any:
        return views.choices(sandbox, given["data_source_id"], given.get("find", ""))

    content = dict(_files(files(__package__) / "static", PurePosixPath()))
    return [
        Route("/", _file(content, _PAGE)),
        Route("/d/{data_source_id}", _file(content, _PAGE)),
        Route("/_sandbox/static/{name:path}", _file(content)),
        Route("/_sandbox/home", json_endpoint(sandbox, home)),
        Route("/_sandbox/table", json_endpoint(sandbox, table)),
        Route("/_sandbox/choices", json_endpoint(sandbox, choices)),
        Route("/_sandbox/changes", _changes(sandbox, stopping)),
        # Asked for by every browser; without an answer here it would end up in the log of API requests.
        Route("/favicon.ico", _file(content, "icon.svg")),
    ]


def _files(folder: Traversable, below: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = below / entry.name
        if entry.is_dir():
            yield from _files(entry, name)
        elif name.suffix in _KINDS:
            yield str(name), entry.read_bytes()


def _file(content: dict[str, bytes], fixed: str | None = None) -> Endpoint:
    """Only what was found at the start is served, so that no name can lead out of the folder."""

    async def endpoint(request: Request) -> Response:
        refusal = foreign(request)
        if refusal is not None:
            return Response(refusal, 403, HEADERS, "text/plain")
        name = fixed or request.path_params["name"]
        if name not in content:
            return Response(f"there is no {name} here", 404, HEADERS, "text/plain")
        kind = _KINDS[PurePosixPath(name).suffix]
        return Response(content[name], headers=HEADERS, media_type=kind)

    return endpoint


def _changes(sandbox: Sandbox, stopping: asyncio.Event) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        refusal = foreign(request)
        if refusal is not None:
            return Response(refusal, 403, HEADERS, "text/plain")
        return StreamingResponse(_rings(sandbox, stopping), headers=HEADERS, media_type="text/event-stream")

    return endpoint


async def _rings(sandbox: Sandbox, stopping: asyncio.Event) -> AsyncIterator[str]:
    """Server-sent events without content: one at the start, and one after each change or several in a row."""
    loop = asyncio.get_running_loop()
    rung = asyncio.Event()
    rung.set()
    ended = asyncio.create_task(stopping.wait())

    def hear() -> None:
        loop.call_soon_threadsafe(rung.set)

    try:
        with sandbox.bell.heard_by(hear):
            yield f"retry: {_RETRY_MS}\n\n"
            while not ended.done():
                heard = asyncio.create_task(rung.wait())
                await asyncio.wait({heard, ended}, return_when=asyncio.FIRST_COMPLETED)
                heard.cancel()
                if rung.is_set():
                    rung.clear()
                    yield "data: look\n\n"
    finally:
        ended.cancel()
