"""What Notion, or the way to it, can answer instead of yes.

The types divide by the one question a writer must ask: was the request applied? `Invalid`, `NotFound`,
`AccessDenied`, `Conflict`, `RateLimited` and `NotSent` say no; `Ambiguous` says that nobody knows.
Branch on types and `code`, never on Notion's messages: their wording changes without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from bridge.errors import AccessLost, BridgeError, SetupError, Stopped, Unavailable

_SHARING = (
    "Open it in Notion, menu '...' -> Connections, and add the integration; "
    "or it was deleted or moved out of what the integration may see."
)
_SOMETHING_ELSE = "A proxy in between, or a connection that broke; the bridge looks before it tries again."
THROTTLED = (429, 529)
_SHOWN = 300  # characters of a message that is not Notion's own


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. `sent` and `received` are monotonic readings of this machine."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    sent: float
    received: float


class NotionError(BridgeError):
    """Notion said no, or could not be asked. `status` is 0 when there was no HTTP answer."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        code: str = "",
        request_id: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body: Mapping[str, Any] = body or {}

    @property
    def said(self) -> str:
        """Notion's own words, without ours around them."""
        said = self.body.get("message")
        return said if isinstance(said, str) and said else self.message

    @property
    def additional(self) -> Mapping[str, Any]:
        data = self.body.get("additional_data")
        return data if isinstance(data, Mapping) else {}


class NotSent(NotionError, Unavailable):
    """The request certainly never reached Notion: no such host, connection refused, no slot."""


class Paused(NotSent):
    """The limiter does not let anything out for a while."""


class Stopping(Paused, Stopped):
    """The bridge is stopping: nothing new is sent."""

    def __init__(self) -> None:
        super().__init__("The bridge is stopping; the request was not sent.")


class RateLimited(NotionError, Unavailable):
    """429 or 529, again and again: not applied, and not before `retry_after` seconds."""


class Ambiguous(NotionError, Unavailable):
    """No answer, half an answer, one that is not Notion's, or a 5xx: a write may have been applied. For a read it only
    means later."""

    @property
    def committed_resource_id(self) -> str | None:
        """The page that was created all the same, when the answer names it."""
        named = self.additional.get("committed_resource_id")
        return named if isinstance(named, str) and named else None


class Conflict(NotionError, Unavailable):
    """409: someone else was saving in the same place. Not applied; read again, then try again."""


class AccessDenied(NotionError, AccessLost):
    """401 or 403."""


class NotFound(NotionError):
    """404: missing, deleted for good, or not shared with the integration; Notion does not say which."""


class Invalid(NotionError):
    """400 and the other 4xx, in Notion's own words: the same request will be refused again."""


_KINDS: Mapping[HTTPStatus, tuple[type[NotionError], str]] = {
    HTTPStatus.UNAUTHORIZED: (
        AccessDenied,
        "Check [notion] token: it is wrong, was revoked, or has expired.",
    ),
    HTTPStatus.FORBIDDEN: (
        AccessDenied,
        "Give the integration the capabilities to read, update and insert content.",
    ),
    HTTPStatus.NOT_FOUND: (NotFound, _SHARING),
    HTTPStatus.CONFLICT: (Conflict, "Someone else was saving at the same moment; a retry may help."),
}


def parse(answer: Answer) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises Ambiguous when it is cut off or not Notion's: whatever Notion
    answers with says what it is (`object`)."""
    body = _json(answer.content)
    if body is None or body.get("object") in (None, "error"):
        raise Ambiguous(
            f"Notion answered {answer.status} to {answer.method} {answer.path}, but {_instead(answer)}.",
            hint=_SOMETHING_ELSE,
            status=answer.status,
        )
    return body


def classify(answer: Answer) -> BridgeError:
    """The error for an answer that is not a success."""
    body = _json(answer.content) or {}
    code, request_id = str(body.get("code", "")), str(body.get("request_id", ""))
    said = str(body.get("message") or _instead(answer))
    where = f"{answer.method} {answer.path}"
    message = f"Notion answered {answer.status} {code or 'without a code'} to {where}: {said}"
    if request_id:
        message += f" (request {request_id})"
    if answer.status < HTTPStatus.BAD_REQUEST:
        return SetupError(
            f"{where} was answered with a redirect ({answer.status}), which is not followed: "
            "the token is sent to the configured address only.",
            hint="Set [notion] base_url to the address that answers by itself, e.g. https://api.notion.com.",
        )
    if code == "missing_version":
        return SetupError(message, hint="Notion no longer speaks this bridge's API version: update the bridge.")
    if code == "invalid_request_url":  # of the whole address; an id that is none is another code
        hint = "Check [notion] base_url: it is the address without /v1, such as https://api.notion.com."
        return SetupError(message, hint=hint)
    kind, hint = _kind(answer.status, body)
    return kind(message, hint=hint, status=answer.status, code=code, request_id=request_id, body=body)


def _kind(status: int, body: Mapping[str, Any]) -> tuple[type[NotionError], str]:
    if body.get("code") == "row_limit_exceeded":
        return Invalid, "The data source is full; Notion takes no more rows."
    if status in _KINDS:
        kind, hint = _KINDS[HTTPStatus(status)]
        data = body.get("additional_data")
        if kind is AccessDenied and isinstance(data, Mapping) and "block_limit" in data:
            hint = "The workspace reached the block limit of its plan; upgrade it or delete blocks."
        return kind, hint
    if status in THROTTLED:
        return RateLimited, "The bridge waits as long as Notion asks."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Ambiguous, "Notion has trouble; the bridge looks what was stored before it tries again."
    if "code" not in body:
        return Ambiguous, _SOMETHING_ELSE  # each refusal of Notion's has one; a gateway's says nothing of the request
    return Invalid, "Notion refuses this request; the same request will be refused again."


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds to wait that a 429 or 529 names, or None when it names none that makes sense.

    The header may be seconds or a date; a date is measured against the answer's own Date, because this
    machine's clock may be wrong. `now` is the fallback, in seconds since the epoch.
    """
    from_body = ((_json(answer.content) or {}).get("additional_data") or {}).get("retry_after")
    for text in (answer.headers.get("Retry-After"), from_body):
        if text is None:
            continue
        seconds = _seconds(str(text), answer, now)
        if seconds is not None and seconds > 0:
            return seconds
    return None


def _seconds(text: str, answer: Answer, now: float) -> float | None:
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    until = http_date(text)
    if until is None:
        return None
    return until - (http_date(answer.headers.get("Date", "")) or now)


def http_date(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date, or None when it is not one."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _json(content: bytes) -> dict[str, Any] | None:
    # Floats become Decimal here, once: a double would already have changed the digits a person typed.
    try:
        body = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _instead(answer: Answer) -> str:
    """What came in place of Notion's JSON, for people."""
    text = answer.content.decode("utf-8", "replace").strip()
    if not text:
        return "the body was empty"
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        return f"the body was a web page{f' ({title.group(1).strip()[:_SHOWN]})' if title else ''}"
    what = "no JSON object" if _json(answer.content) is None else "none of Notion's"
    return f"the body was {what}: {text[:80]!r}"
