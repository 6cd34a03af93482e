"""What has to be changed in one [[sync]] after its table or its data source was: found, not made.

A field that still fits needs nothing, a renamed property neither: it is known by its id. What is left is a column
that has another name, an end that is gone, and a type that means something else now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.config import FieldConfig, SyncConfig
from bridge.engine.binding import Remembered
from bridge.errors import SetupError
from bridge.model import Sync
from bridge.shapes import DataSource, Table


class Mend(StrEnum):
    """What mends a field."""

    RENAME = "rename"  # its line names the column as it is called now
    REMOVE = "remove"  # its line becomes a comment
    ACCEPT = "accept"  # both ends are taken as they are now
    ADD = "add"  # a line for a column and a property of one name
    BY_HAND = "by hand"  # only a person knows


@dataclass(frozen=True, slots=True)
class Finding:
    """One field that needs a mend. `new` is the column's new name, or the line to be added."""

    sync: str
    field: str
    mend: Mend
    why: str
    new: str = ""


# Binds a [[sync]] that differs from the file's, to what both catalogs are now. Raises SetupError.
Bind = Callable[[SyncConfig, Remembered], Sync]


def findings(
    config: SyncConfig, table: Table, source: DataSource, remembered: Remembered, bind: Bind
) -> tuple[list[Finding], SyncConfig]:
    """What each field needs, and the [[sync]] as it would be with the mends of its lines."""
    found, kept = [], []
    names = {item.column for item in config.fields}
    for item in config.fields:
        mend = _of_line(config.name, item, table, source, remembered, names)
        if mend is not None:
            found.append(mend)
        if mend is None or mend.mend is Mend.RENAME:
            kept.append(replace(item, column=mend.new) if mend else item)
    if not kept:
        # A sync without a field is none: whether it goes, or is mapped anew, is more than a mend.
        return [replace(item, mend=Mend.BY_HAND) for item in found], config
    mended = replace(config, fields=tuple(kept))
    return found + _of_types(mended, remembered, bind), mended


def _of_line(
    sync: str, item: FieldConfig, table: Table, source: DataSource, remembered: Remembered, names: set[str]
) -> Finding | None:
    """What a line needs that names something that is not there."""
    known = remembered.properties.get(item.property)
    if source.property(item.property) is None and (known is None or source.property(known) is None):
        why = f"the data source {source.title!r} has no property {item.property!r} any more"
        return Finding(sync, item.column, Mend.REMOVE, why)
    if table.column(item.column) is not None:
        return None
    before = remembered.fields.get(item.column)
    renamed = next((c for c in table.columns if before is not None and c.attnum == before.attnum), None)
    if renamed is not None and renamed.name not in names:
        why = f"the column {item.column!r} is named {renamed.name!r} now"
        return Finding(sync, item.column, Mend.RENAME, why, renamed.name)
    why = f"the table {table.qualified} has no column {item.column!r} any more"
    return Finding(sync, item.column, Mend.REMOVE, why)


def _of_types(config: SyncConfig, remembered: Remembered, bind: Bind) -> list[Finding]:
    """The fields that wait because an end means something else now."""
    try:
        suspended = bind(config, remembered).suspended
    except SetupError as error:
        return [Finding(config.name, "", Mend.BY_HAND, str(error))]
    items = {item.column: item for item in config.fields}
    found = []
    for waiting in suspended:
        alone = replace(config, fields=(items[waiting.field],))
        fields = {name: ends for name, ends in remembered.fields.items() if name != waiting.field}
        try:
            bind(alone, replace(remembered, fields=fields))
        except SetupError as error:
            found.append(Finding(config.name, waiting.field, Mend.BY_HAND, str(error)))
        else:
            found.append(Finding(config.name, waiting.field, Mend.ACCEPT, waiting.reason))
    return found
