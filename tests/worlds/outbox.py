"""The modelled outbox as the bridge reads it: as much at a time as it asks for. Bundles are expanded by the code of
`bridge.postgres.bundles`, which here asks the model for rows and for later notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol
from unittest.mock import patch

from bridge.model import Key
from bridge.postgres import bundles
from bridge.postgres.notes import Note
from bridge.postgres.wire import Row


class View(Protocol):
    """The database as one reader sees it."""

    def rows(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Those that exist."""

    def notes(self) -> Sequence[Note]:
        """What waits in the outbox, in the order of the numbers."""

    def time(self) -> datetime:
        """The server's clock."""


def oldest(notes: Sequence[Note], changes: int) -> tuple[list[Note], bool]:
    """The oldest notes of so many changes, and whether there are others; as `bridge.postgres.notes` asks for them."""
    candidates = notes[:changes]
    found: list[Note] = []
    before = 0
    for note in candidates:
        if before >= changes:
            break
        found.append(note)
        before += note.size
    return found, len(candidates) == changes or len(found) < len(candidates)


@contextmanager
def expanding(view: View, *, looked_through: int, between: Callable[[], None]) -> Iterator[None]:
    """Meanwhile bundles are expanded from `view`. `between`: what may happen after the rows were read, and before the
    later notes are."""

    def read_rows(conn: object, sync: object, keys: Sequence[Key]) -> dict[Key, Row]:
        found = view.rows(keys)
        between()
        return found

    def others_since(conn: object, sync: object, notes: Sequence[Note], changes: int) -> tuple[list[Note], bool]:
        known = {note.id for note in notes}
        others = [note for note in view.notes() if note.id > notes[0].id and note.origin is None]
        return oldest([note for note in others if note.id not in known], changes)

    def server_time(conn: object) -> datetime:
        return view.time()

    with (
        patch.object(bundles, "read_rows", read_rows),
        patch.object(bundles, "server_time", server_time),
        patch.object(bundles, "others_since", others_since),
        patch.object(bundles, "_LOOKED_THROUGH", looked_through),
    ):
        yield
