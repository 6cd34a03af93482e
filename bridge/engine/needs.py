"""What the engine asks of its two ends besides the common interface, and of the one who binds a sync anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bridge.ends import End, Made
from bridge.engine.binding import Remembered
from bridge.model import Sync


class RowEnd(End, Protocol):
    """The PostgreSQL end, which keeps a proof of each of our writes until it is told that it may forget."""

    def trim(self, settled: Sequence[str]) -> None: ...

    def made(self) -> Sequence[Made]: ...


class PostgresSide(RowEnd, Protocol):
    """What a worker asks of the PostgreSQL end besides the common interface."""

    def identity(self) -> str: ...

    def adopt(self, sync: Sync) -> None: ...

    def drifted(self) -> bool: ...


class NotionSide(End, Protocol):
    """What a worker asks of the Notion end besides the common interface."""

    def trash_hints(self) -> list[str]: ...

    def adopt(self, sync: Sync) -> None: ...

    def drifted(self) -> bool: ...

    def silence(self) -> float: ...

    def now(self) -> datetime | None: ...

    def look_back(self) -> None: ...

    def expect(self, pages: int) -> None: ...

    @property
    def watermark(self) -> datetime | None: ...


class Rebinder(Protocol):
    """Binds the sync anew when a catalog has changed; see `bridge.engine.rebinding`."""

    def remembered(self) -> Remembered: ...

    def read(self, remembered: Remembered) -> Sync: ...

    def note(self, sync: Sync) -> bool: ...
