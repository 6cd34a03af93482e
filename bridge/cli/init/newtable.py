"""The table that a data source would have in PostgreSQL. Pure: a data source in, a plan out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass

from bridge.cli.proposal import KEY_NAMES, plain_name
from bridge.errors import SetupError
from bridge.notion.catalog import Survey
from bridge.postgres.create import NewColumn, NewTable
from bridge.shapes import DataSource, Property
from bridge.values.registry import suggest_column

_NAME_BYTES = 63  # PostgreSQL cuts longer names, and labels, off
_SYSTEM = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_TEXT_KEY = "gen_random_uuid()::text"
_TEXT_KEYS = ("rich_text", "title", "url", "email", "phone_number")
# By whether pages hold times, and ends; a column of days would refuse them.
_DATES = {
    (False, False): "date",
    (True, False): "timestamptz",
    (False, True): "daterange",
    (True, True): "tstzrange",
}
_CHOICES = ("select", "status")


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A table to be made for a data source, and what its columns are made from.

    `pairs` are property ids by column; `left_out` says of properties (by name) why they get no column.
    """

    source: DataSource
    table: NewTable
    pairs: Mapping[str, str]
    key_property: str | None
    left_out: Mapping[str, str]

    @property
    def key(self) -> NewColumn:
        return next(column for column in self.table.columns if column.name == self.table.key[0])


def blueprint(
    source: DataSource,
    schema: str,
    name: str,
    found: Survey,
    *,
    key_property: str | None = None,
    enums: bool = False,
) -> Blueprint:
    """One column for each property, of the type that holds it best; only the key is NOT NULL, by being the key.

    The key is `id bigint`, counted by the database, unless a property holds one: the named one, or one that is named
    as keys are. A relation gets no column here: what it refers to is known only among several tables.
    """
    holds_key = _key_property(source, key_property)
    key = _key_column(holds_key)
    columns, pairs, left = [key], {}, {}
    for prop in source.properties:
        if prop is holds_key or prop.type == "relation":
            continue
        try:
            made = _column(prop, column_name(prop.name, [column.name for column in columns]), found, enums)
        except SetupError as error:
            left[prop.name] = error.message
            continue
        columns.append(made)
        pairs[made.name] = prop.id
    table = NewTable(schema, name, (key.name,), tuple(columns))
    return Blueprint(source, table, pairs, holds_key.name if holds_key else key_property, left)


def column_name(name: str, taken: Container[str]) -> str:
    """A name as SQL likes it: lower case, words joined by _, not longer than PostgreSQL keeps, not yet taken."""
    text = unicodedata.normalize("NFKC", name).casefold()
    plain = _cut(re.sub(r"\W+", "_", text).strip("_") or "column", _NAME_BYTES)
    if plain in _SYSTEM:
        plain = f"{plain}_"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{_cut(plain, _NAME_BYTES - len(str(number)) - 1)}_{number}"
    return found


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _key_property(source: DataSource, wanted: str | None) -> Property | None:
    """Without a word, a property is the key only when it is named like one and can be one: its values are kept."""
    if wanted is not None:
        found = source.property(wanted)
        if found is not None and found.type not in (*_TEXT_KEYS, "number"):
            raise SetupError(
                f"The property {wanted!r} is of type {found.type}, which cannot hold a key.",
                hint="Name a property of text or numbers, or one that is to be added.",
            )
        return found
    fitting = (p for p in source.properties if p.type in ("rich_text", "number") and plain_name(p.name) in KEY_NAMES)
    return next(fitting, None)


def _key_column(prop: Property | None) -> NewColumn:
    name = column_name(prop.name, ()) if prop else "id"
    if prop is None or prop.type == "number":
        return NewColumn(name, "bigint", identity=True)
    # A page that is made without a key needs one that no other has.
    return NewColumn(name, "text", default=_TEXT_KEY)


def _column(prop: Property, name: str, found: Survey, enums: bool) -> NewColumn:
    kind = suggest_column(prop).type
    if prop.type == "date":
        kind = _DATES[prop.id in found.times, prop.id in found.ends]
    labels = tuple(option.name for option in prop.options)
    # A row that is made without a word about it is not ticked.
    default = "false" if kind == "boolean" else ""
    fits = labels and all(len(label.encode()) <= _NAME_BYTES for label in labels)
    if enums and fits and prop.type in _CHOICES:
        return NewColumn(name, "", labels)
    return NewColumn(name, kind, default=default)
