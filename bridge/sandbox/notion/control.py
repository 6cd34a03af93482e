"""The control interface under /_sandbox: persons, faults, clock, log and options for tests in any language.

Every request is JSON and needs no Notion headers. It answers only to this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.sandbox.notion.clock import ManualClock, OffsetClock
from bridge.sandbox.notion.errors import NotionError
from bridge.sandbox.notion.faults import Fault
from bridge.sandbox.notion.sandbox import Sandbox
from bridge.sandbox.notion.state import ALL_CAPABILITIES
from bridge.sandbox.notion.wire import Cut

Handler = Callable[[dict[str, Any]], Any]

_PERSON_ACTS = (
    "create_database", "add_data_source", "add_property", "rename_property", "retype_property", "delete_property",
    "add_option", "rename_option", "remove_option", "trash_database", "create_row", "edit",
    "read", "rows", "trash", "restore", "archive", "duplicate", "move", "write_body", "share", "unshare",
    "change_email", "become_guest", "leave",
)  # fmt: skip
# What cannot be said in JSON, and what the sandbox counts itself.
_NOT_IN_JSON = ("hook", "rewrite", "hits")


class Control:
    """The commands; each takes the JSON body (or the query parameters) and returns what is to be sent."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def person(self, given: dict[str, Any]) -> Any:
        """`{"as": "Ada", "do": "edit", "args": {...}}`: any method of `Person`."""
        act = given.get("do")
        if act not in _PERSON_ACTS:
            raise ValueError(f"a person cannot {act!r}; there are {', '.join(_PERSON_ACTS)}")
        return {"result": getattr(self._sandbox.person(given.get("as", "Owner")), act)(**given.get("args", {}))}

    def add_fault(self, given: dict[str, Any]) -> Any:
        """The fields of `Fault`; `cut` is instead or midway."""
        known = {field.name for field in fields(Fault)} - set(_NOT_IN_JSON)
        strange = sorted(given.keys() - known)
        if strange:
            raise ValueError(f"a fault has no {', '.join(strange)}; there are {', '.join(sorted(known))}")
        fault = self._sandbox.faults.add(Fault(**given | {"cut": Cut(given.get("cut", "no"))}))
        return {"script": len(self._sandbox.faults.script), "name": fault.name}

    def faults(self, given: dict[str, Any]) -> Any:
        """The script and how often each fault was met."""
        script = self._sandbox.faults.script
        return [{"name": f.name, "method": f.method, "path": f.path, "hits": f.hits} for f in script]

    def clear_faults(self, given: dict[str, Any]) -> Any:
        """Nothing goes wrong any more."""
        self._sandbox.faults.clear()
        return {}

    def clock(self, given: dict[str, Any]) -> Any:
        """The sandbox's time."""
        return {"now": self._sandbox.clock.now().isoformat()}

    def set_clock(self, given: dict[str, Any]) -> Any:
        """`{"now": "..."}` or `{"advance_s": 60}` for a manual clock, `{"offset_s": -90}` for a shifted one."""
        clock = self._sandbox.clock
        if "offset_s" in given:
            if not isinstance(clock, OffsetClock):
                clock = self._sandbox.clock = OffsetClock(clock)
            clock.offset_s = float(given["offset_s"])
            return self.clock({})
        if not isinstance(clock, ManualClock):
            clock = self._sandbox.clock = ManualClock(clock.now())
        if "now" in given:
            clock.set(datetime.fromisoformat(given["now"]))
        clock.advance(float(given.get("advance_s", 0)))
        return self.clock({})

    def log(self, given: dict[str, Any]) -> Any:
        """The requests after number `since`."""
        return [entry.as_json() for entry in self._sandbox.log.since(int(given.get("since", 0)))]

    def violations(self, given: dict[str, Any]) -> Any:
        """The requests that a well-behaved client would not make."""
        return [entry.as_json() for entry in self._sandbox.log.violations()]

    def clear_log(self, given: dict[str, Any]) -> Any:
        """Forget the requests."""
        self._sandbox.log.clear()
        return {}

    def options(self, given: dict[str, Any]) -> Any:
        """All switches."""
        return asdict(self._sandbox.options)

    def set_options(self, given: dict[str, Any]) -> Any:
        """Change some switches."""
        self._sandbox.options.update(**given)
        return self.options({})

    def stale(self, given: dict[str, Any]) -> Any:
        """`{"page_id": "...", "seconds": 30}`; null ends it."""
        self._sandbox.stale(given["page_id"], given["seconds"])
        return {}

    def add_token(self, given: dict[str, Any]) -> Any:
        """`{"token": "...", "name": "...", "capabilities": ["read"], "share_root": true}`"""
        rights = frozenset(given.get("capabilities", ALL_CAPABILITIES))
        shared = bool(given.get("share_root", True))
        bot = self._sandbox.add_token(given["token"], given.get("name", "bot"), rights, share_root=shared)
        return {"bot_id": bot.id}

    def expire_cursors(self, given: dict[str, Any]) -> Any:
        """Make every cursor invalid."""
        self._sandbox.cursors.forget()
        return {}

    def reset(self, given: dict[str, Any]) -> Any:
        """An empty workspace."""
        self._sandbox.reset()
        return {"root_page_id": self._sandbox.root_page_id}


def control_routes(sandbox: Sandbox) -> list[Route]:
    """The routes under /_sandbox."""
    control = Control(sandbox)
    table: list[tuple[str, str, Handler]] = [
        ("POST", "person", control.person),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_fault),
        ("DELETE", "faults", control.clear_faults),
        ("GET", "clock", control.clock),
        ("POST", "clock", control.set_clock),
        ("GET", "log", control.log),
        ("DELETE", "log", control.clear_log),
        ("GET", "violations", control.violations),
        ("GET", "options", control.options),
        ("PATCH", "options", control.set_options),
        ("POST", "stale", control.stale),
        ("POST", "tokens", control.add_token),
        ("DELETE", "cursors", control.expire_cursors),
        ("POST", "reset", control.reset),
    ]
    return [Route(f"/_sandbox/{path}", json_endpoint(sandbox, run), methods=[method]) for method, path, run in table]


def json_endpoint(sandbox: Sandbox, run: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A command as an HTTP endpoint, for this machine only."""

    async def endpoint(request: Request) -> Response:
        refusal = foreign(request)
        if refusal is not None:
            return JSONResponse({"error": refusal}, status_code=403)
        try:
            given = await request.json() if await request.body() else dict(request.query_params)
            with sandbox.lock if request.method == "GET" else sandbox.changing():
                return JSONResponse(run(given))
        except NotionError as error:
            return JSONResponse({"error": error.message}, status_code=400)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (TypeError, KeyError, AttributeError) as error:
            # The call does not have the shape of the command: say which word it tripped over.
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return endpoint


def foreign(request: Request) -> str | None:
    """Why a request may not control the sandbox; None when it may.

    The peer must be this machine. The Host must be an address or localhost, so that a web page cannot reach it
    through a name that it makes resolve to 127.0.0.1, and a browser must come from the sandbox's own page. (A link
    from elsewhere may be followed: that shows something to the person, and not to who made the link.) A body must
    be JSON by its type, which no page can send elsewhere without asking first.
    """
    if request.client is None or not _loopback(request.client.host):
        return "the control interface answers only to this machine"
    host = request.url.hostname or ""
    if host != "localhost" and not _loopback(host):
        return f"the control interface does not answer to the name {host}"
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        return f"the control interface does not answer to pages from {origin}"
    headers = request.headers
    followed = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not followed:
        return "the control interface does not answer to other pages"
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if request.method != "GET" and kind != "application/json":
        return f"the control interface takes application/json, not {kind}"
    return None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
