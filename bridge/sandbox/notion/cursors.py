"""Opaque cursors, each bound to the listing that gave it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.notion.errors import invalid
from bridge.sandbox.notion.ids import Ids


@dataclass(frozen=True, slots=True)
class Position:
    """Where a listing goes on. `seed` keeps what has no documented order in the same order from page to page."""

    fingerprint: str
    seed: int
    offset: int
    issued: datetime


class Cursors:
    """The cursors given out. There is no snapshot behind them: rows that move between pages are skipped or repeated."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._positions: dict[str, Position] = {}

    def issue(self, position: Position) -> str:
        """A cursor for this position."""
        token = self._ids.uuid()
        self._positions[token] = position
        return token

    def resume(self, token: Any, listing: str, now: datetime, lifetime_s: float) -> Position:
        """The position of a cursor; 400 when it is unknown, too old or from another listing."""
        position = self._positions.get(token) if isinstance(token, str) else None
        if position is None or position.fingerprint != listing:
            raise invalid(f"The start_cursor provided is invalid: {token}")
        if now - position.issued > timedelta(seconds=lifetime_s):
            del self._positions[token]
            raise invalid(f"The start_cursor provided is invalid: {token}")
        return position

    def forget(self) -> None:
        """Make every cursor invalid, as a restart over there does."""
        self._positions.clear()


def fingerprint(*parts: Any) -> str:
    """What a cursor is bound to: the listing's subject, filter and sorts."""
    return json.dumps(parts, sort_keys=True)
