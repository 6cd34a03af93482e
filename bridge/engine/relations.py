"""Which sync keeps the records that a relation links to, and whether the column fits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.config import SyncConfig
from bridge.errors import SetupError
from bridge.notion.catalog import parse_ref
from bridge.shapes import Column, DataSource, ForeignKey, Property, Table
from bridge.values.registry import column_type


@dataclass(frozen=True, slots=True)
class Target:
    """A sync whose data source a relation points to."""

    config: SyncConfig
    table: Table


# By the id of the relation property.
Targets = Mapping[str, Sequence[Target]]


@dataclass(frozen=True, slots=True)
class Around:
    """What a mapping refers to beyond its own table and data source.

    `targets` are the syncs that each relation property may link to; `joins` are the join tables, as the fields name
    them.
    """

    targets: Targets = field(default_factory=dict)
    joins: Mapping[str, Table] = field(default_factory=dict)


NOTHING_AROUND = Around()


def find_targets(
    config: SyncConfig,
    source: DataSource,
    syncs: Sequence[SyncConfig],
    known: Mapping[str, str],
    read: Callable[[str, Sequence[str]], Table],
) -> Targets:
    """The configured syncs that each mapped relation may link to; `read` gives their tables by name and key.

    One whose table cannot be read is none: the relation's field waits, or is the mistake.
    """
    named = {name for item in config.fields for name in (item.property, known.get(item.property))}
    found: dict[str, list[Target]] = {}
    for prop in source.properties:
        if prop.type == "relation" and named & {prop.id, prop.name}:
            kept = found[prop.id] = []
            for sync in syncs:
                if _keeps(sync, prop):
                    with suppress(SetupError):
                        kept.append(Target(sync, read(sync.table, sync.key)))
    return found


def _keeps(sync: SyncConfig, prop: Property) -> bool:
    """Whether the sync's data source is the one that the relation points to, whichever way it is written."""
    config = prop.config if isinstance(prop.config, Mapping) else {}
    try:
        ref = parse_ref(sync.data_source)
    except SetupError:
        return False  # said when that sync is bound itself
    return ref in (config.get("data_source_id"), config.get("database_id"))


def target_of(column: Column, prop: Property, table: Table, targets: Targets) -> str:
    """The name of the sync whose records the column references through the relation; "" for other properties.

    Raises SetupError when there is none, when the column references another table, or by something else than its key.
    """
    if prop.type != "relation":
        return ""
    candidates = targets.get(prop.id, ())
    if not candidates:
        raise SetupError(
            f'The relation "{prop.name}" points to a data source that no [[sync]] of this file keeps.',
            hint=f'Add a [[sync]] for it and for the table that "{column.name}" references.',
        )
    reference = next((key for key in table.foreign_keys if key.columns == (column.name,)), None)
    found = _referenced(column, prop, candidates, reference) if reference else _only(column, prop, candidates)
    _check_key(column, found, reference)
    _check_mirror(prop, found)
    return found.config.name


def _referenced(column: Column, prop: Property, candidates: Sequence[Target], reference: ForeignKey) -> Target:
    name = f"{reference.schema}.{reference.table}"
    for target in candidates:
        if target.table.qualified == name:
            return target
    kept = ", ".join(f"{target.config.name!r} ({target.table.qualified})" for target in candidates)
    raise SetupError(
        f'The column "{column.name}" references {name}, and the relation "{prop.name}" points to pages of {kept}.',
        hint=f"Map it to a relation to the data source of {name}, or let the relation point there.",
    )


def _only(column: Column, prop: Property, candidates: Sequence[Target]) -> Target:
    """Without a foreign key the data source alone says what is meant."""
    if len(candidates) > 1:
        kept = ", ".join(f"{target.config.name!r}" for target in candidates)
        raise SetupError(
            f'The relation "{prop.name}" points to a data source that several syncs keep: {kept}.',
            hint=f'Add a foreign key to "{column.name}", so that it is clear which table it references.',
        )
    return candidates[0]


def _check_key(column: Column, target: Target, reference: ForeignKey | None) -> None:
    """What the column holds must be the whole key by which the target's records are known."""
    table, name = target.table, target.config.name
    keys = [found for part in table.key if (found := table.column(part)) is not None]
    if len(keys) != 1:
        raise SetupError(
            f'The sync {name!r} knows its records by {", ".join(table.key)}; the column "{column.name}" cannot '
            "reference several columns.",
            hint="A relation needs a target whose key is one column.",
        )
    if reference is not None and reference.references != table.key:
        raise SetupError(
            f'The column "{column.name}" references {table.qualified} by {", ".join(reference.references)}, and the '
            f"sync {name!r} knows its records by {table.key[0]}.",
            hint=f'Write key = ["{reference.references[0]}"] in the [[sync]] {name!r}, if it is unique and not null.',
        )
    if column_type(column).kind is not column_type(keys[0]).kind:
        raise SetupError(
            f'The column "{column.name}" ({column.type_name}) cannot hold the key of {table.qualified} '
            f"({keys[0].type_name}).",
            hint="Map a column that references that table.",
        )


def _check_mirror(prop: Property, target: Target) -> None:
    """Notion keeps both sides of a two-way relation the same by itself; mapped twice, one edit would be two."""
    config = prop.config if isinstance(prop.config, Mapping) else {}
    mirror = config.get("dual_property") or {}
    names = {mirror.get("synced_property_id"), mirror.get("synced_property_name")}
    twice = next((item for item in target.config.fields if item.property in names), None)
    if twice is not None:
        raise SetupError(
            f'The relation "{prop.name}" and the property {twice.property!r} of the sync {target.config.name!r} are '
            "the two sides of one relation.",
            hint="Map one of them: Notion carries what changes there to the other.",
        )
