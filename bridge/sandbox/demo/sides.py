"""What both sides of the demo hold, read past the bridge: the table with SQL, the pages as a person sees them.

The comparison shares no code with the bridge, which is the thing on trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from rich.table import Table
from rich.text import Text

from bridge.console.layout import shown
from bridge.sandbox.demo.world import FIELDS, KEY_PROPERTY, World

Record = Mapping[str, Any]
_MOMENTS = ("last_call", "noted_at")
_CELL = 36


@dataclass(frozen=True, slots=True)
class Page:
    """One page outside the trash; `key` None: it has no row yet."""

    id: str
    key: int | None
    values: Record


class Sides:
    """Both sides. `read` is made again for every look."""

    def __init__(self, world: World, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._world = world
        self._connection = connection

    def rows(self) -> dict[int, Record]:
        """The rows by key."""
        found = self._connection.execute("SELECT * FROM deals ORDER BY id").fetchall()
        return {row["id"]: {column: _neutral(column, row[column]) for column in FIELDS} for row in found}

    def pages(self) -> list[Page]:
        """The pages that are not in the trash."""
        found = self._world.sandbox.person("Ada").rows(self._world.data_source)
        return [
            Page(
                page_id,
                None if shows[KEY_PROPERTY] is None else int(shows[KEY_PROPERTY]),
                {column: _neutral(column, shows[prop]) for column, prop in FIELDS.items()},
            )
            for page_id, shows in found.items()
        ]

    def page(self, key: int) -> Page:
        """The page of a row. KeyError when there is none."""
        for page in self.pages():
            if page.key == key:
                return page
        raise KeyError(key)

    def differences(self) -> list[str]:
        """Every way in which the sides are not the same, in words; nothing when they agree."""
        rows, pages = self.rows(), self.pages()
        found = [f"a page without a key: {page.values['title']}" for page in pages if page.key is None]
        by_key = {page.key: page.values for page in pages if page.key is not None}
        keys = Counter(page.key for page in pages if page.key is not None)
        found += [f"{count} pages for row {key}" for key, count in keys.items() if count > 1]
        found += [f"row {key} has no page" for key in rows.keys() - by_key.keys()]
        found += [f"the page of {key} has no row" for key in by_key.keys() - rows.keys()]
        for key in sorted(rows.keys() & by_key.keys()):
            row, page = rows[key], by_key[key]
            found += [
                f"row {key}, {column}: {row[column]!r} in PostgreSQL, {page[column]!r} in Notion"
                for column in FIELDS
                if row[column] != page[column]
            ]
        return found

    def agree(self) -> bool:
        """Whether both sides are the same, record for record and field for field."""
        return not self.differences()

    def table(self, keys: Sequence[int], columns: Sequence[str]) -> Table:
        """What both sides show of some records, side by side."""
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for heading in ("id", "field", "PostgreSQL", "Notion", ""):
            table.add_column(heading, no_wrap=True)
        rows = self.rows()
        pages = {page.key: page.values for page in self.pages()}
        for key in keys:
            row, page = rows.get(key), pages.get(key)
            if row is None and page is None:
                table.add_row(str(key), "", Text("no row", "dim"), Text("no page", "dim"), Text("same", "green"))
                continue
            for column in columns:
                same = row is not None and page is not None and row[column] == page[column]
                left = _cell(row, column, "no row")
                right = _cell(page, column, "no page")
                mark = Text("same", "green") if same else Text("differ", "yellow")
                table.add_row(str(key), Text(column), left, right, mark)
        return table


def _cell(record: Record | None, column: str, missing: str) -> Text:
    if record is None:
        return Text(missing, "dim")
    return Text(shown(words(record[column]), _CELL))


def words(value: Any) -> str:
    """A value as a person would say it."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _neutral(column: str, value: Any) -> Any:
    """A value in one form, whichever side it came from. An empty text and an empty list are nothing in Notion."""
    if value in (None, "") or value == []:
        return None
    if isinstance(value, str) and column in _MOMENTS:
        value = datetime.fromisoformat(value)
    match value:
        case bool():
            return value
        case int() | float() | Decimal():
            return Decimal(str(value)).normalize()
        case datetime():
            return value.astimezone(UTC)
        case date():
            return value.isoformat()
        case list():
            return tuple(value)
        case UUID():
            return str(value)
    return value
