"""A fixed script of edits on both sides, made while no program runs, and a count of what is wrong afterwards.

Twelve records are in step. Then: one is edited in Notion, one in the table, one on both sides in different fields, one
on both sides in the same field; one row is deleted, one page trashed; a row and a page are new, and the answer to the
first creation of a page is lost on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.stage import Stage

RECORDS = 12
EDITS = 8  # whose values have to be somewhere in the end
_IN_NOTION, _IN_THE_TABLE, _FIELDS, _SAME_FIELD, _DELETED, _TRASHED = 1, 2, 3, 4, 5, 6
_NEW_ROW, _NEW_PAGE = "only in the table", "only in Notion"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong. `lost`: edits that are neither on both sides nor kept as the losing side of a conflict."""

    lost: int
    duplicates: int
    resurrected: int


def make(stage: Stage) -> None:
    """Makes the edits."""
    ada, pages = stage.sandbox.person("Ada"), _pages(stage)
    page_of = {shown["id"]: page for page, shown in pages.items()}
    ada.edit(page_of[_IN_NOTION], {"Note": "by Ada"})
    stage.sql("UPDATE items1 SET note = 'by SQL' WHERE id = %s", _IN_THE_TABLE)
    ada.edit(page_of[_FIELDS], {"Status": "done"})
    stage.sql("UPDATE items1 SET amount = 33 WHERE id = %s", _FIELDS)
    ada.edit(page_of[_SAME_FIELD], {"Note": "the page's"})
    stage.sql("UPDATE items1 SET note = 'the row''s' WHERE id = %s", _SAME_FIELD)
    stage.sql("DELETE FROM items1 WHERE id = %s", _DELETED)
    ada.trash(page_of[_TRASHED])
    stage.sql("INSERT INTO items1 (title) VALUES (%s)", _NEW_ROW)
    ada.create_row(stage.sources[0], {"Name": _NEW_PAGE})
    stage.sandbox.faults.apply_then_drop("POST", "^/v1/pages$")


def wrong(stage: Stage, kept: str = "") -> Wrong:
    """Counts it. `kept` is the text of what the program has kept of conflicts."""
    pages = list(_pages(stage).values())
    page_of = {shown["id"]: shown for shown in pages}
    rows = {row[0]: row for row in stage.sql("SELECT id, title, status, amount, note FROM items1")}

    def on_both(number: int, column: int, name: str, value: Any) -> bool:
        return number in rows and number in page_of and rows[number][column] == page_of[number][name] == value

    found = [
        on_both(_IN_NOTION, 4, "Note", "by Ada"),
        on_both(_IN_THE_TABLE, 4, "Note", "by SQL"),
        on_both(_FIELDS, 2, "Status", "done"),
        on_both(_FIELDS, 3, "Amount", 33),
        *(on_both(_SAME_FIELD, 4, "Note", value) or value in kept for value in ("the row's", "the page's")),
        *(_held(title, rows, pages) for title in (_NEW_ROW, _NEW_PAGE)),
    ]
    assert len(found) == EDITS
    titles = [shown["Name"] for shown in pages], [row[1] for row in rows.values()]
    return Wrong(
        lost=found.count(False),
        duplicates=sum(len(held) - len(set(held)) for held in titles),
        resurrected=sum(number in rows or number in page_of for number in (_DELETED, _TRASHED)),
    )


def _held(title: str, rows: dict[Any, tuple[Any, ...]], pages: list[dict[str, Any]]) -> bool:
    """Whether the record is on both sides."""
    return any(row[1] == title for row in rows.values()) and any(shown["Name"] == title for shown in pages)


def _pages(stage: Stage) -> dict[str, dict[str, Any]]:
    return stage.sandbox.person("Ada").rows(stage.sources[0])
