"""Which page belongs to which row: what a relation needs to be carried as keys.

Pages are named by their ids, rows by their keys, and both by the sync that keeps them: two syncs may share a table, and
then one key alone does not say which page is meant.
"""

from __future__ import annotations

from typing import Protocol

from bridge.model import Key


class Links(Protocol):
    """The engine's knowledge of pairs. Read by several threads at a time."""

    def key_of(self, target: str, page_id: str) -> Key | None:
        """The key of the row that is the same record as this page; None while there is no such row."""

    def page_of(self, target: str, key: Key) -> str | None:
        """The page that is the same record as this row; None while there is none that can be linked to."""

    def linked(self, sync: str, page_id: str, field: str) -> tuple[str, ...]:
        """The pages that a relation of a page was last known to show."""


class NoLinks:
    """Nothing is known of any pair."""

    def key_of(self, target: str, page_id: str) -> Key | None:
        return None

    def page_of(self, target: str, key: Key) -> str | None:
        return None

    def linked(self, sync: str, page_id: str, field: str) -> tuple[str, ...]:
        return ()


NO_LINKS = NoLinks()


def for_page(target: str, key: Key) -> str:
    """Names the wait for the page of a row."""
    return f"page of {target}: {'|'.join(key)}"


def page_meant(target: str, wanted: str) -> Key:
    """The key of the row whose page is waited for under this name: a relation's target has a key of one part."""
    return (wanted.removeprefix(for_page(target, ("",))),)


def for_row(target: str, page_id: str) -> str:
    """Names the wait for the row of a page."""
    return f"row of {target}: {page_id}"
