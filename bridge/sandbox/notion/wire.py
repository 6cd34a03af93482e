"""A request and an answer, free of any HTTP library."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is as it came over the wire, still percent-encoded; header names are in lower case."""

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters, in order."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def token(self) -> str | None:
        """The bearer token, None when the header is missing or not of that form."""
        scheme, _, token = self.headers.get("authorization", "").strip().partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class Cut(Enum):
    """What becomes of the connection."""

    NO = "no"
    INSTEAD = "instead"
    """Closed without an answer."""
    MIDWAY = "midway"
    """Closed in the middle of the body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: Cut = Cut.NO

    def json(self) -> Any:
        """The parsed body, None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class ConnectionCut(Exception):
    """What an in-process client gets in place of an answer when the connection was cut."""


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8, as the API sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
