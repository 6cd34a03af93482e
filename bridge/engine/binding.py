"""Configuration + the two catalogs -> a Sync, or a clear word about what does not fit.

A field that never fitted is a mistake in the configuration: an error. One that did, and whose column or property
is not what it was, is suspended: it waits, told loudly, while everything else goes on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.config import FieldConfig, SyncConfig
from bridge.engine.joins import join_column, join_of
from bridge.engine.relations import NOTHING_AROUND, Around, target_of
from bridge.errors import SetupError
from bridge.model import Direction, Field, Suspended, Sync
from bridge.shapes import Column, DataSource, Property, Table
from bridge.values.context import NO_CONTEXT, Context
from bridge.values.keys import check_key
from bridge.values.registry import bind as bind_codec


@dataclass(frozen=True, slots=True)
class Ends:
    """What a field was bound to: identities that survive a rename, and the types, which decide what values mean."""

    attnum: int
    kind: str
    property_id: str
    property_type: str
    format: str = ""  # "" in a journal of before formats were noted


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the journal kept of the last binding: ids by the properties' names, and the ends of each field."""

    properties: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Ends] = field(default_factory=dict)
    data_source: str = ""


NOTHING = Remembered()


def bind(
    config: SyncConfig,
    table: Table,
    source: DataSource,
    path: Path = Path("bridge.toml"),
    remembered: Remembered = NOTHING,
    context: Context = NO_CONTEXT,
    around: Around = NOTHING_AROUND,
) -> Sync:
    """Resolves every name of one [[sync]]. Raises SetupError.

    What is remembered decides by id: a property that was renamed in Notion since is the same property, and another
    one that took its name is not.
    """
    return _Binder(config, table, source, path, remembered, context, around).sync()


def bound_properties(config: SyncConfig, sync: Sync) -> dict[str, str]:
    """The id of each property that the configuration names and that is bound, to be remembered for the next start."""
    bound = {item.name: item.property.id for item in sync.fields}
    ids = {item.property: bound[item.column] for item in config.fields if item.column in bound}
    if sync.status_property is not None:
        ids[config.status_property] = sync.status_property.id
    return {config.key_property: sync.key_property.id, **ids}


def bound_fields(sync: Sync) -> dict[str, Ends]:
    """What each field is bound to."""
    return {
        item.name: Ends(item.column.attnum, item.codec.kind, item.property.id, item.property.type, item.format.value)
        for item in sync.fields
    }


def means_the_same(before: Sync, now: Sync) -> bool:
    """Whether all that was read with the one binding is what the other would read."""
    bound = (bound_fields(before), before.suspended) == (bound_fields(now), now.suspended)
    return bound and before.table.parts == now.table.parts and not _rewritten(before, now)


def _rewritten(before: Sync, now: Sync) -> bool:
    """Whether an ALTER may have given rows other values, which no trigger tells: a narrower type rounds or cuts, and a
    label has another name, a generated column another expression. A label that was added changed no row."""
    columns = {column.name: column for column in now.table.columns}
    return any(
        (then.type_sql, then.base_sql, then.expression) != (same.type_sql, same.base_sql, same.expression)
        or not {*then.labels} <= {*same.labels}
        for then in (*before.key, *(item.column for item in before.fields))
        if (same := columns.get(then.name)) is not None
    )


class _Misfit(Exception):
    """A field that cannot be bound; `hint` is what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class _Binder:
    def __init__(
        self,
        config: SyncConfig,
        table: Table,
        source: DataSource,
        path: Path,
        remembered: Remembered,
        context: Context,
        around: Around,
    ) -> None:
        self._context = context
        self._remembered = remembered
        self._around = around
        self._config = config
        self._table = table
        self._source = source
        self._where = f"{path}, [[sync]] {config.name!r}" + (f" (line {config.line})" if config.line else "")

    def sync(self) -> Sync:
        config = self._config
        try:
            key = tuple(self._column(name) for name in self._table.key)
            key_property = self._property(config.key_property, "key_property")
            tombstone = self._tombstone()
        except _Misfit as misfit:
            raise self._error(misfit) from None
        try:
            check_key(key, key_property)
        except SetupError as error:
            raise SetupError(f"{self._where}: {error.message}", hint=error.hint) from None
        found = [self._field(item, key_property) for item in config.fields]
        bound = tuple(item for item in found if isinstance(item, Field))
        status = self._status_property({key_property.id, *(item.property.id for item in bound)})
        return Sync(
            name=config.name,
            table=self._table,
            data_source=self._source,
            key=key,
            key_property=key_property,
            fields=bound,
            policy=config.policy,
            tie=config.tie,
            first_sync=config.first_sync,
            deletes=config.deletes,
            tombstone=tombstone,
            max_deletes=config.max_deletes,
            max_deletes_percent=config.max_deletes_percent,
            suspended=tuple(item for item in (*found, status) if isinstance(item, Suspended)),
            where=config.where,
            on_leave=config.on_leave,
            status_property=status if isinstance(status, Property) else None,
        )

    def _status_property(self, taken: set[str]) -> Property | Suspended | None:
        """The property for what the bridge has to tell. One that vanished only takes the telling along."""
        name = self._config.status_property
        if not name:
            return None
        try:
            prop = self._property(name, "status_property")
        except _Misfit as misfit:
            wrong = misfit
        else:
            if prop.id in taken:
                raise self._error(_Misfit(f"the status property {prop.name!r} is mapped already", _STATUS))
            if prop.type == "rich_text":
                return prop
            wrong = _Misfit(f"the status property {prop.name!r} is of type {prop.type}", "")
        hint = f"{_STATUS} {wrong.hint}".strip()
        if name not in self._remembered.properties:
            raise self._error(_Misfit(wrong.message, hint))
        return Suspended("status_property", wrong.message, hint)

    def _error(self, misfit: _Misfit) -> SetupError:
        return SetupError(f"{self._where}: {misfit.message}", hint=misfit.hint)

    def _field(self, item: FieldConfig, key_property: Property) -> Field | Suspended:
        before = self._remembered.fields.get(item.column)
        try:
            found = self._ends(item, before)
        except _Misfit as misfit:
            if before is None:
                raise self._error(misfit) from None
            return Suspended(item.column, misfit.message, misfit.hint)
        column, prop = found.column, found.property
        if prop.id == key_property.id:
            raise SetupError(
                f"{self._where}: {prop.name!r} is the key property and cannot carry {column.name!r} too",
                hint="Leave the line out of [sync.fields]: the bridge keeps the key property itself.",
            )
        return replace(found, direction=self._direction(item, column, prop, found.codec.computed))

    def _ends(self, item: FieldConfig, before: Ends | None) -> Field:
        """Both ends of a field. Raises _Misfit where one is missing, retyped, or does not go with the other."""
        column = self._column(item.column) if not item.through else None
        prop = self._property(item.property, item.column)
        if before is not None and prop.id == before.property_id and prop.type != before.property_type:
            # Notion converts what it can and empties the rest: none of that is an edit of a person's.
            raise _Misfit(
                f"the property {prop.name!r} is of type {prop.type} now, it was {before.property_type}", _ACCEPT
            )
        try:
            found = self._linked(item, prop) if column is None else self._plain(item, column, prop)
        except SetupError as error:
            raise _Misfit(error.message, error.hint) from None
        column, kind = found.column, found.codec.kind
        if before is not None and column.attnum == before.attnum and kind != before.kind:
            raise _Misfit(f"the column {column.name!r} holds {kind} now, it held {before.kind}", _ACCEPT)
        return found

    def _plain(self, item: FieldConfig, column: Column, prop: Property) -> Field:
        target = target_of(column, prop, self._table, self._around.targets)
        codec = bind_codec(column, prop, replace(self._context, target=target), item.format)
        return Field(column.name, column, prop, item.direction, codec, target, format=item.format)

    def _linked(self, item: FieldConfig, prop: Property) -> Field:
        """A join table in place of the column."""
        through = join_of(item, self._around.joins, self._table)
        target = target_of(through.other, prop, through.table, self._around.targets)
        column = join_column(item, through)
        codec = bind_codec(column, prop, replace(self._context, target=target, linked=through.other))
        return Field(column.name, column, prop, item.direction, codec, target, through)

    def _direction(self, item: FieldConfig, column: Column, prop: Property, computed: bool) -> Direction:
        """Some ends can never be written; a wish to write them is an error, not something to skip quietly."""
        if computed and item.direction is not Direction.TO_POSTGRES:
            raise SetupError(
                f"{self._where}: {prop.name!r} is a {prop.type} property, which Notion computes and nobody can write",
                hint=f'Write {item.column} = {{ property = "{prop.name}", direction = "to-postgres" }}.',
            )
        fixed = not column.writable or column.name in self._table.key
        if fixed and item.direction is not Direction.TO_NOTION:
            what = "part of the primary key" if column.name in self._table.key else "generated by the database"
            raise SetupError(
                f"{self._where}: the column {column.name!r} is {what} and cannot be changed from Notion",
                hint=f'Write {item.column} = {{ property = "{prop.name}", direction = "to-notion" }}.',
            )
        return item.direction

    def _tombstone(self) -> Column | None:
        rules = {rule[7:] for rule in (self._config.deletes.to_notion, self._config.deletes.to_postgres) if ":" in rule}
        if len(rules) > 1:
            raise SetupError(f"{self._where}: deletes names two different columns: {', '.join(sorted(rules))}")
        return self._column(rules.pop()) if rules else None

    def _column(self, name: str) -> Column:
        column = self._table.column(name)
        if column is not None:
            return column
        before = self._remembered.fields.get(name)
        renamed = next((c for c in self._table.columns if before is not None and c.attnum == before.attnum), None)
        if renamed is not None:
            raise _Misfit(
                f"the column {name!r} of {self._table.qualified} is named {renamed.name!r} now",
                f"Write {renamed.name} instead of {name} in [sync.fields]; `notion-bridge init --update` does it.",
            )
        names = [c.name for c in self._table.columns]
        hint = _nearest(name, names) if before is None else _GONE
        raise _Misfit(f"the table {self._table.qualified} has no column {name!r}", hint)

    def _property(self, name: str, used_for: str) -> Property:
        known = self._remembered.properties.get(name)
        prop = self._source.property(known) if known is not None else None
        prop = prop or self._source.property(name)
        if prop is None:
            names = [p.name for p in self._source.properties]
            raise _Misfit(
                f"the data source {self._source.title!r} has no property {name!r} (for {used_for})",
                _GONE if used_for in self._remembered.fields else _nearest(name, names),
            )
        return prop


_STATUS = "It needs a text property (rich_text) of its own in Notion."
_GONE = "It was removed: add it again, or let `notion-bridge init --update` take its line out."
_ACCEPT = (
    "Change it back; or, if it is meant, `notion-bridge init --update` takes it as it is now: equal values are agreed, "
    "empty ones filled, and where both sides differ first_sync decides."
)


def _nearest(name: str, names: Iterable[str]) -> str:
    known = list(names)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(known)}."
