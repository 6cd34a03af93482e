"""What a page's status property says: why something of this record was not taken, for those who see only Notion."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.journal.store import Row
from bridge.model import Side, Sync
from bridge.values.canonical import show
from bridge.values.text import RUN_UNITS, units

_MORE = "…"


def status_text(sync: Sync, parked: Iterable[Row], conflicts: Iterable[Row]) -> str:
    """One line for each parked item and each conflict that waits, as the journal has them; "" when nothing does.

    At most RUN_UNITS long. What a person took off the list (dropped) is not told.
    """
    lines = [_of_parked(sync, row) for row in parked if row["state"] == "open"]
    lines += [_of_conflict(sync, row) for row in conflicts if row["state"] == "open"]
    return _cut("\n".join(map(show, lines)))


def _of_parked(sync: Sync, row: Row) -> str:
    word = "Waits"
    if row["kind"] == "refused" and row["side"] == Side.POSTGRES.value:
        word = "Not taken"
    elif row["side"] == Side.NOTION.value and row["kind"] in ("refused", "unfit"):
        word = "Not shown"
    return f"{word}: {_name(sync, row)}{row['reason']}"


def _of_conflict(sync: Sync, row: Row) -> str:
    return f"Waits: {_name(sync, row)}both sides have a value of their own, and a person decides (conflict {row['id']})"


def _name(sync: Sync, row: Row) -> str:
    """The field as people in Notion know it; nothing for the whole record."""
    item = sync.field(row["field"])
    name = item.property.name if item is not None else row["field"]
    return f"{name}: " if name else ""


def _cut(text: str) -> str:
    if units(text) <= RUN_UNITS:
        return text
    kept = text[: RUN_UNITS - len(_MORE)]
    while units(kept) > RUN_UNITS - len(_MORE):  # emoji are two units each
        kept = kept[:-1]
    return kept + _MORE
