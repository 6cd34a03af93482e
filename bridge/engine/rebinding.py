"""The binding of a sync over time: what the journal remembers of it, and binding again when a catalog changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path
from typing import Protocol

from bridge.clock import Clock
from bridge.config import SyncConfig
from bridge.engine.binding import NOTHING, Ends, Remembered, bound_fields, bound_properties
from bridge.errors import SetupError
from bridge.journal import Journal
from bridge.journal.place import is_there
from bridge.journal.rows import suspended_text
from bridge.model import Field, FieldValue, Format, Key, Suspended, Sync, Unfit
from bridge.values.registry import MARKDOWN_COLUMNS, MARKDOWN_PROPERTIES, bind


class Catalogs(Protocol):
    """Both sides' catalogs, and the installation that follows from them."""

    def bind(self, config: SyncConfig, remembered: Remembered) -> Sync: ...

    def follow(self, sync: Sync) -> None: ...

    def ensure_installed(self, sync: Sync) -> bool: ...

    def rows(self, sync: Sync) -> Iterable[tuple[Key, Mapping[str, FieldValue]]]: ...


class Binding:
    """One [[sync]], bound to what its table and its data source are now."""

    def __init__(self, catalogs: Catalogs, journal: Journal, config: SyncConfig) -> None:
        self._catalogs = catalogs
        self._journal = journal
        self._config = config

    def remembered(self) -> Remembered:
        """What the journal kept. Main thread only, like everything that touches the journal."""
        return read_remembered(self._journal, self._config.name)

    def read(self, remembered: Remembered) -> Sync:
        """Reads both catalogs and fits them together; from any thread. Raises SetupError, Unavailable, AccessLost."""
        return self._catalogs.bind(self._config, remembered)

    def note(self, sync: Sync) -> bool:
        """Remembers the binding and makes the capture follow it; answers whether the capture was made anew.

        Raises SetupError, Unavailable, AccessLost.
        """
        installed = False
        self._catalogs.follow(sync)
        try:
            installed = self._catalogs.ensure_installed(sync)
        except SetupError:
            if not sync.suspended:
                raise
            # A role that may not install keeps the old capture: it notes what it cannot read, which is then scanned.
        self.take(sync)
        return installed

    def take(self, sync: Sync) -> None:
        """Makes the journal follow the binding. Raises SetupError, Unavailable, AccessLost."""
        name, now = sync.name, bound_fields(sync)
        with self._journal.transaction():
            self._journal.add_sync(name, sync.table.qualified, sync.data_source.id)
            before = self.remembered()
            told_in = sync.status_property
            if told_in is not None and before.properties.get(self._config.status_property) != told_in.id:
                self._journal.forget_told(name)
            self._restate(sync, before)
            waited = {item.field for item in self._journal.sync_state(name).suspended}
            for item, ends in now.items():
                if item in waited or (item in before.fields and _another(before.fields[item], ends)):
                    self._journal.forget_field(name, item)
            self._journal.update_sync(
                name,
                properties=json.dumps({**before.properties, **bound_properties(self._config, sync)}),
                columns=json.dumps({key: astuple(ends) for key, ends in {**before.fields, **now}.items()}),
                suspended=suspended_text(sync.suspended),
            )

    def _restate(self, sync: Sync, remembered: Remembered) -> None:
        """Another `format` in the file gives the texts of a column another meaning, and nobody edited them: where the
        column says what was agreed, it is agreed in its new meaning. So what Notion shows is carried over, as it
        is, and is no conflict with the same text read otherwise."""
        other = [item for item in sync.fields if _reformatted(remembered.fields.get(item.name), item)]
        if not other:
            return
        plain = {item.name: _with_format(item, Format.PLAIN) for item in other}
        before = {item.name: _with_format(item, Format(remembered.fields[item.name].format)).codec for item in other}
        for key, texts in self._catalogs.rows(replace(sync, fields=tuple(plain.values()))):
            pair = self._journal.pair_by_key(sync.name, key)
            if pair is None or pair.base is None:
                continue
            said = {
                item.name: item.codec.from_postgres(texts[item.name])
                for item in other
                if item.name in pair.base.values
                and before[item.name].from_postgres(texts[item.name]) == pair.base.values[item.name]
            }
            agreed = {name: value for name, value in said.items() if not isinstance(value, Unfit)}
            base = replace(pair.base, values={**pair.base.values, **agreed})
            row = replace(pair.postgres, values={**pair.postgres.values, **agreed})
            self._journal.save_pair(replace(pair, base=base, postgres=row))


def _reformatted(before: Ends | None, item: Field) -> bool:
    both = item.column.type_name in MARKDOWN_COLUMNS and item.property.type in MARKDOWN_PROPERTIES
    return before is not None and both and before.format not in ("", item.format)


def _with_format(item: Field, form: Format) -> Field:
    return replace(item, codec=bind(item.column, item.property, form=form))


def _another(before: Ends, now: Ends) -> bool:
    """Whether one end was made anew under the same name: its emptiness is no edit, so nothing was ever agreed on."""
    return (before.attnum, before.property_id) != (now.attnum, now.property_id)


def require_same(journal: Journal, sync: Sync) -> None:
    """What the journal knows of this name must be about this table and this data source. Raises SetupError."""
    row = journal.sync_row(sync.name)
    assert row is not None
    for column, now in (("table_name", sync.table.qualified), ("data_source", sync.data_source.id)):
        if row[column] != now:
            raise SetupError(
                f"the journal knows the sync {sync.name!r} with another {column.replace('_', ' ')}: "
                f"{row[column]}, and now it is {now}",
                hint="Give the new binding another name in [[sync]], or move the journal away to start anew.",
            )


def suspend(journal: Journal, sync: Sync, fields: Iterable[str]) -> None:
    """Notes that these fields wait for a new binding, which then forgets what was known of them, whatever it finds: a
    type may be given back before anybody looks, and what it emptied meanwhile nobody has edited."""
    waiting = journal.sync_state(sync.name).suspended
    known = {item.field for item in waiting}
    reason, hint = "its property had another type when it was last seen", "It is bound anew at once."
    new = [Suspended(name, reason, hint) for name in fields if name not in known]
    if new:
        journal.update_sync(sync.name, suspended=suspended_text((*waiting, *new)))


def read_remembered(journal: Journal, sync_name: str) -> Remembered:
    """What the journal kept of the sync's last binding."""
    row = journal.sync_row(sync_name)
    if row is None:
        return NOTHING
    fields = {name: Ends(*ends) for name, ends in json.loads(row["columns"]).items()}
    return Remembered(json.loads(row["properties"]), fields, row["data_source"])


def remembered_in(journal_path: Path, sync_name: str, clock: Clock) -> Remembered:
    """What the journal in that file keeps, read beside a bridge that may be running."""
    if not is_there(journal_path):
        return NOTHING
    with closing(Journal.open_read_only(journal_path, clock)) as journal:
        return read_remembered(journal, sync_name)
