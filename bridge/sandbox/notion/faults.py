"""Scripted faults: what goes wrong, with which request, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.notion.wire import Answer, Cut, Request, to_json

_RATE_LIMITED = 429
_CODES = {
    400: ("validation_error", "The request could not be processed."),
    401: ("unauthorized", "API token is invalid."),
    403: ("restricted_resource", "Insufficient permissions for this endpoint."),
    404: ("object_not_found", "Could not find the object."),
    409: ("conflict_error", "Conflict occurred while saving. Please try again."),
    _RATE_LIMITED: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
    500: ("internal_server_error", "Unexpected error occurred."),
    502: ("bad_gateway", "Bad gateway."),
    503: ("service_unavailable", "Public API service is temporarily unavailable, please try again later."),
    504: ("gateway_timeout", "Gateway timeout."),
    529: ("service_overload", "The service is overloaded. Please try again later."),
}


@dataclass(slots=True)
class Fault:
    """One scripted fault. It meets the requests that match `method`, `path` and `body`, after the first `skip`
    of them, `times` times (None = for ever); `hits` counts how often it did.

    `applies`: the request takes effect before it fails. `status` None: the real answer is sent, late, cut, after
    `hook` ran, or with its JSON changed by `rewrite`. `reveal`: a create that took effect names the page in
    `committed_resource_id`.
    """

    method: str | None = None
    path: str = ""
    body: str | Callable[[str], bool] | None = None
    skip: int = 0
    times: int | None = 1
    status: int | None = None
    code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    additional_data: dict[str, Any] | None = None
    raw: str | None = None
    applies: bool = False
    reveal: bool = False
    cut: Cut = Cut.NO
    delay_before_s: float = 0.0
    delay_after_s: float = 0.0
    hook: Callable[[Request], None] | None = None
    rewrite: Callable[[Any], Any] | None = None
    name: str = "fault"
    hits: int = 0

    def matches(self, request: Request) -> bool:
        """Whether the fault is about this request."""
        if self.method is not None and self.method.upper() != request.method:
            return False
        if re.search(self.path, request.path) is None:
            return False
        if self.body is None:
            return True
        return self.body(request.text) if callable(self.body) else re.search(self.body, request.text) is not None

    @property
    def reaches_the_api(self) -> bool:
        """Whether the request is carried out at all."""
        return self.applies or (self.status is None and self.cut is not Cut.INSTEAD and self.raw is None)

    def answer(self, real: Answer | None, request_id: str, created: str | None) -> Answer:
        """The answer in place of the real one (None = the request was not carried out)."""
        if self.status is None and self.raw is None:
            base = real or Answer(0, {}, b"")
            body = to_json(self.rewrite(base.json())) if self.rewrite else base.body
            return Answer(base.status, {**base.headers, **self.headers}, body, self.cut)
        status = self.status or (real.status if real else 200)
        if self.raw is not None:
            kind = "text/html" if self.raw.lstrip().startswith("<") else "application/json; charset=utf-8"
            return Answer(status, {"content-type": kind, **self.headers}, self.raw.encode(), self.cut)
        return Answer(
            status,
            {"content-type": "application/json; charset=utf-8", "x-notion-request-id": request_id, **self.headers},
            to_json(self._error(status, request_id, created)),
            self.cut,
        )

    def _error(self, status: int, request_id: str, created: str | None) -> dict[str, Any]:
        code, message = _CODES.get(status, ("internal_server_error", "Unexpected error occurred."))
        error: dict[str, Any] = {
            "object": "error",
            "status": status,
            "code": self.code or code,
            "message": self.message or message,
        }
        extra = dict(self.additional_data or {})
        if self.reveal and created is not None:
            extra["retry_guidance"] = ["The page was created. Do not repeat the write."]
            extra["committed_resource_id"] = created
        if extra:
            error["additional_data"] = extra
        return error | {"request_id": request_id}


class Faults:
    """The script. Each method adds one fault and returns it; keywords are the matching fields of `Fault`."""

    def __init__(self) -> None:
        self.script: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Add a fault of any make."""
        self.script.append(fault)
        return fault

    def fail(
        self, status: int, method: str | None = None, path: str = "", *, retry_after: object = None, **match: Any
    ) -> Fault:
        """Answer with an error and do nothing. `retry_after` is sent as it is: a number, a date, garbage."""
        headers = dict(match.pop("headers", {}))
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        if status == _RATE_LIMITED and "additional_data" not in match:
            match["additional_data"] = {"rate_limit_reason": "public_api_request_rate_limit"}
        return self.add(Fault(method, path, status=status, headers=headers, name=f"fail {status}", **match))

    def apply_then_fail(self, status: int, method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Carry the request out, then answer with an error as if it had failed."""
        return self.add(Fault(method, path, status=status, applies=True, name=f"apply, then fail {status}", **match))

    def drop(self, method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Close the connection without doing anything."""
        return self.add(Fault(method, path, cut=Cut.INSTEAD, name="drop", **match))

    def apply_then_drop(self, method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Carry the request out, then close the connection without an answer."""
        return self.add(Fault(method, path, cut=Cut.INSTEAD, applies=True, name="apply, then drop", **match))

    def truncate(self, method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Carry the request out, then send half of the answer and close the connection."""
        return self.add(Fault(method, path, cut=Cut.MIDWAY, applies=True, name="truncate", **match))

    def html(self, status: int, method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Answer with a proxy's page, which is not JSON and has no request id."""
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><p>cloud proxy</p></body></html>"
        return self.add(Fault(method, path, status=status, raw=page, name=f"html {status}", **match))

    def delay(
        self, method: str | None = None, path: str = "", *, before_s: float = 0.0, after_s: float = 0.0, **match: Any
    ) -> Fault:
        """Be slow before carrying the request out, or after it and before the answer."""
        return self.add(Fault(method, path, delay_before_s=before_s, delay_after_s=after_s, name="delay", **match))

    def hook(self, hook: Callable[[Request], None], method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Call `hook` just before the request is carried out: somebody else's edit comes first. It must not
        call the server over HTTP, which is waiting for it."""
        return self.add(Fault(method, path, hook=hook, name="hook", **match))

    def rewrite(self, rewrite: Callable[[Any], Any], method: str | None = None, path: str = "", **match: Any) -> Fault:
        """Change the JSON of the real answer: keys that are new, gone or of another kind."""
        return self.add(Fault(method, path, rewrite=rewrite, name="rewrite", **match))

    def take(self, request: Request) -> Fault | None:
        """The fault that this request meets; the first in the script that matches and is not used up."""
        for fault in self.script:
            if fault.times is not None and fault.hits >= fault.times:
                continue
            if not fault.matches(request):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            return fault
        return None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.script.clear()
