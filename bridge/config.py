"""bridge.toml -> Config. Every error names the file, the line, what is wrong and the nearest right name."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.model import MIRROR, Deletes, Direction, Format, OnLeave, Policy, Side

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DELETE_RULES = ("mirror", "hold", "ignore")
_REQUESTS_MIN = 2
_JOINED = 2  # a join table references two others
DEFAULT_PATH = Path("bridge.toml")
NAME_HINT = "Use up to 40 letters, digits, _ . or -; it becomes part of the trigger's name."


def is_sync_name(text: str) -> bool:
    """Whether a sync may be called so."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}", text) is not None


class OutboxFull(StrEnum):
    """What the trigger does with a change when as many wait as may."""

    REREAD = "reread"  # it is not noted, and the bridge reads the whole table instead
    KEEP = "keep"  # it is noted all the same


@dataclass(frozen=True, slots=True)
class PostgresConfig:
    """How to reach the database."""

    dsn: str = field(default="${DATABASE_URL}", repr=False)
    notify: bool = True  # off: no NOTIFY from the trigger, for writers that use two-phase commit
    outbox_max: int = 1_000_000
    outbox_full: OutboxFull = OutboxFull.REREAD

    @property
    def outbox_limit(self) -> int | None:
        """How many changes of a sync may wait; None: as many as come."""
        return self.outbox_max if self.outbox_full is OutboxFull.REREAD else None


@dataclass(frozen=True, slots=True)
class NotionConfig:
    """How to reach Notion, and how politely."""

    token: str = field(default="${NOTION_TOKEN}", repr=False)
    base_url: str = "https://api.notion.com"
    requests_per_minute: int = 180
    poll_min: float = 1.0  # seconds between polls while there is activity
    poll_max: float = 15.0  # seconds between polls when nothing happens
    sweep_min: float = 20.0  # seconds between full listings of a small data source; a large one is listed less often
    overlap: float = 180.0  # seconds that every poll looks back behind the watermark
    query_lag: float = 2.0  # seconds by which a query may be behind the truth
    guard_window: float = 3.0  # seconds that may pass between the last look at a page and our write to it
    create_settle: float = 15.0  # seconds that a page whose creation got no answer is looked for before it is made anew
    connections: int = 8


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where the bridge keeps what it knows."""

    path: Path = Path("state/bridge.db")
    keep_days: int = 90  # settled events older than this are trimmed


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """One line of [sync.fields]."""

    column: str
    property: str
    direction: Direction = Direction.BOTH
    through: tuple[str, ...] = ()  # the column is a join table: its columns for this table's key and for the other
    format: Format = Format.PLAIN


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """One [[sync]]."""

    name: str
    table: str
    data_source: str
    key_property: str
    fields: tuple[FieldConfig, ...]
    key: tuple[str, ...] = ()
    policy: Policy = Policy.LAST_WRITER_WINS
    tie: Side = Side.POSTGRES
    first_sync: Side | None = Side.POSTGRES
    deletes: Deletes = MIRROR
    max_deletes: int = 20
    max_deletes_percent: float = 10.0
    where: str = ""
    on_leave: OnLeave = OnLeave.KEEP
    status_property: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that bridge.toml says, with variables filled in."""

    path: Path
    postgres: PostgresConfig
    notion: NotionConfig
    journal: JournalConfig
    syncs: tuple[SyncConfig, ...]

    def sync(self, name: str) -> SyncConfig:
        """The sync of that name. Raises ConfigError."""
        for sync in self.syncs:
            if sync.name == name:
                return sync
        known = ", ".join(sync.name for sync in self.syncs)
        raise ConfigError(f"there is no sync named {name!r} in {self.path}", hint=f"It has: {known}.")


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Reads and checks a configuration file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no configuration file {path}",
            hint="Run `notion-bridge init` to write one, or name another with --config FILE or NOTION_BRIDGE_CONFIG.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return parse(text, path, environment)


def parse(text: str, path: Path, environment: Mapping[str, str] = os.environ, *, may_be_empty: bool = False) -> Config:
    """Checks the text of a configuration file. Raises ConfigError. `may_be_empty`: a [[sync]] is yet to be added."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    reader = _Reader(text, path, environment)
    reader.check_keys(data, ("postgres", "notion", "journal", "sync"), "")
    postgres = reader.section(data.get("postgres", {}), PostgresConfig, "postgres")
    notion = reader.section(data.get("notion", {}), NotionConfig, "notion")
    if notion.requests_per_minute < _REQUESTS_MIN:
        hint = "Every guarded write is a read and a write close together."
        raise reader.fail(f"requests_per_minute must be at least {_REQUESTS_MIN}", "requests_per_minute", hint)
    journal = reader.section(data.get("journal", {}), JournalConfig, "journal")
    tables = data.get("sync", [])
    if not isinstance(tables, list) or not (tables or may_be_empty):
        raise ConfigError(
            f"{path} has no [[sync]]",
            hint="Each table that you keep in step needs one; `notion-bridge init` writes it.",
        )
    syncs = tuple(reader.sync(table, number) for number, table in enumerate(tables))
    reader.check_unique(syncs)
    if not journal.path.is_absolute():
        # Relative to the file, not to the shell: cron and systemd start elsewhere, and a second journal would
        # mean a second first run.
        journal = JournalConfig(path.parent / journal.path, journal.keep_days)
    return Config(path, postgres, notion, journal, syncs)


class _Reader:
    """Turns TOML tables into dataclasses; knows the text, to name lines."""

    def __init__(self, text: str, path: Path, environment: Mapping[str, str]) -> None:
        self._lines = text.splitlines()
        self._path = path
        self._environment = environment

    def fail(self, what: str, key: str = "", hint: str = "", sync: int | None = None) -> ConfigError:
        line = self.line_of(key, sync)
        where = f"{self._path}, line {line}" if line else str(self._path)
        return ConfigError(f"{where}: {what}", hint=hint)

    def line_of(self, key: str, sync: int | None = None) -> int:
        """The line where `key` is set (in the given [[sync]]), counted from 1; 0 when it cannot be told."""
        if not key:
            key_pattern = re.compile(r"^\s*\[\[\s*sync\s*\]\]")
        else:
            key_pattern = re.compile(rf"""^\s*(?:\[+\s*)?(?:[\w.]+\.)?["']?{re.escape(key)}["']?\s*(?:=|\.|\]|$)""")
        seen = -1
        for number, line in enumerate(self._lines, 1):
            if re.match(r"^\s*\[\[\s*sync\s*\]\]", line):
                seen += 1
            if (sync is None or seen == sync) and key_pattern.match(line):
                return number
        return 0

    def check_keys(self, table: Any, known: Iterable[str], section: str, sync: int | None = None) -> None:
        if not isinstance(table, dict):
            raise self.fail(f"[{section}] must be a table of keys and values", section)
        names = tuple(known)
        for key in table:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1, 0.5)
                where = f" in [{section}]" if section else ""
                hint = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(names)}."
                raise self.fail(f"unknown key {key!r}{where}", key, hint, sync)

    def section(self, table: Any, kind: type[Any], name: str) -> Any:
        """One of the plain sections: keys are the dataclass's fields, types those of the defaults."""
        defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
        self.check_keys(table, defaults, name)
        values = {key: self.typed(key, table.get(key, default), default, name) for key, default in defaults.items()}
        return kind(**values)

    def typed(self, key: str, value: Any, default: Any, section: str, sync: int | None = None) -> Any:
        if isinstance(value, str):
            value = self.expand(key, value, sync)
        if isinstance(default, StrEnum):
            return self.choice(type(default), key, {key: value}, default, sync)
        if isinstance(default, Path) and isinstance(value, str | Path):
            return Path(value)
        if isinstance(default, bool) or isinstance(value, bool):
            if isinstance(default, bool) and isinstance(value, bool):
                return value
        elif isinstance(default, int | float) and isinstance(value, int | float):
            if not math.isfinite(value):
                raise self.fail(f"{key} in [{section}] must be finite", key, sync=sync)
            if value < 0 or (value == 0 and key != "query_lag" and not key.startswith("max_deletes")):
                raise self.fail(f"{key} in [{section}] must be greater than zero", key, sync=sync)
            if isinstance(default, float) or isinstance(value, int):
                return type(default)(value)
        elif isinstance(default, str) and isinstance(value, str):
            return value
        words = {str: "text in quotes", bool: "true or false", int: "a whole number", float: "a number"}
        expected = words.get(type(default), "text in quotes")
        raise self.fail(f"{key} in [{section}] must be {expected}", key, sync=sync)

    def expand(self, key: str, value: str, sync: int | None = None) -> str:
        """Fills in ${NAME}. The value itself is never shown: it may be a secret."""

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            found = self._environment.get(name)
            if not found:
                hint = f"Set it (export {name}=...), or write the value of {key!r} into {self._path}."
                raise self.fail(f"the environment variable {name} is not set", key, hint, sync)
            return found

        return _VARIABLE.sub(replace, value)

    def sync(self, table: Any, number: int) -> SyncConfig:
        known = [f.name for f in fields(SyncConfig) if f.name != "line"]
        self.check_keys(table, known, "sync", number)
        for key in ("name", "table", "data_source", "key_property", "fields"):
            if key not in table:
                hint = "Add it, or let `notion-bridge init` write the section."
                raise self.fail(f"this [[sync]] has no {key!r}", "", hint, number)
        text = {
            key: self.typed(key, table[key], "", "sync", number)
            for key in ("name", "table", "data_source", "key_property")
        }
        if not is_sync_name(text["name"]):
            raise self.fail(f"{text['name']!r} is no name for a sync", "name", NAME_HINT, number)
        return SyncConfig(
            **text,
            fields=self.field_configs(table["fields"], number),
            key=self.key_columns(table.get("key", ()), number),
            policy=self.choice(Policy, "policy", table, Policy.LAST_WRITER_WINS, number),
            tie=self.choice(Side, "tie", table, Side.POSTGRES, number),
            first_sync=self.first_sync(table, number),
            deletes=self.deletes(table.get("deletes", "mirror"), number),
            max_deletes=self.typed("max_deletes", table.get("max_deletes", 20), 20, "sync", number),
            max_deletes_percent=self.typed(
                "max_deletes_percent", table.get("max_deletes_percent", 10.0), 10.0, "sync", number
            ),
            where=self.typed("where", table.get("where", ""), "", "sync", number).strip(),
            on_leave=self.choice(OnLeave, "on_leave", table, OnLeave.KEEP, number),
            status_property=self.typed("status_property", table.get("status_property", ""), "", "sync", number),
            line=self.line_of("", number),
        )

    def choice(self, kind: Any, key: str, table: dict[str, Any], default: Any, sync: int | None, at: str = "") -> Any:
        value = table.get(key, default)
        try:
            return kind(value)
        except ValueError:
            words = [member.value for member in kind]
            near = difflib.get_close_matches(str(value), words, 1, 0.4)
            hint = f"Did you mean {near[0]!r}?" if near else f"It can be: {', '.join(words)}."
            raise self.fail(f"{key} cannot be {value!r}", at or key, hint, sync) from None

    def first_sync(self, table: dict[str, Any], sync: int) -> Side | None:
        if table.get("first_sync") == "manual":
            return None
        side: Side = self.choice(Side, "first_sync", table, Side.POSTGRES, sync)
        return side

    def key_columns(self, value: Any, sync: int) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise self.fail("key must be a column name or a list of them", "key", sync=sync)
        return tuple(names)

    def deletes(self, value: Any, sync: int) -> Deletes:
        if isinstance(value, str):
            rule = self.delete_rule(value, sync)
            return Deletes(rule, rule)
        self.check_keys(value, ("to-notion", "to-postgres"), "deletes", sync)
        into = {key: self.delete_rule(rule, sync) for key, rule in value.items()}
        return Deletes(into.get("to-notion", "mirror"), into.get("to-postgres", "mirror"))

    def delete_rule(self, value: Any, sync: int) -> str:
        if isinstance(value, str) and (value in _DELETE_RULES or (value.startswith("column:") and value[7:])):
            return value
        hint = "It can be: mirror, hold, ignore, or column:NAME."
        raise self.fail(f"deletes cannot be {value!r}", "deletes", hint, sync)

    def field_configs(self, table: Any, sync: int) -> tuple[FieldConfig, ...]:
        if not isinstance(table, dict) or not table:
            raise self.fail("[sync.fields] must name at least one column", "fields", sync=sync)
        return tuple(self.field_config(column, value, sync) for column, value in table.items())

    def field_config(self, column: str, value: Any, sync: int) -> FieldConfig:
        if isinstance(value, str):
            return FieldConfig(column, value)
        if not isinstance(value, dict):
            hint = f'Write {column} = "Property", or {{ property = "...", direction = "both" }}.'
            raise self.fail(f"the field {column!r} is not a property's name", column, hint, sync)
        self.check_keys(value, ("property", "direction", "through", "format"), f"sync.fields.{column}", sync)
        if not isinstance(value.get("property"), str):
            raise self.fail(f"the field {column!r} does not say its property", column, sync=sync)
        direction = self.choice(Direction, "direction", value, Direction.BOTH, sync, column)
        through = value.get("through", ())
        two = isinstance(through, list) and len(through) == _JOINED and all(isinstance(name, str) for name in through)
        if through and not two:
            hint = 'Write the column with this table\'s key first: through = ["order_id", "tag_id"].'
            raise self.fail(f"through of {column!r} must name two columns of that table", column, hint, sync)
        form = self.choice(Format, "format", value, Format.PLAIN, sync, column)
        return FieldConfig(column, value["property"], direction, tuple(through), form)

    def check_unique(self, syncs: tuple[SyncConfig, ...]) -> None:
        for number, sync in enumerate(syncs):
            if any(other.name == sync.name for other in syncs[:number]):
                raise self.fail(f"two syncs are named {sync.name!r}", "name", "Names must differ.", number)
            used: dict[str, str] = {sync.key_property: "the key"}
            for item in sync.fields:
                if item.property in used:
                    what = f"property {item.property!r} is mapped twice: to {used[item.property]} and to {item.column}"
                    raise self.fail(what, item.column, "A property can carry one column.", number)
                used[item.property] = item.column
            if sync.status_property in used:
                what = f"property {sync.status_property!r} is mapped already: to {used[sync.status_property]}"
                raise self.fail(what, "status_property", "It needs a property of its own.", number)
