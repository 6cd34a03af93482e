"""What the user gave as options of `init`, and what goes with what."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.config import NAME_HINT, is_sync_name
from bridge.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options as they were given."""

    dsn: str | None
    token: str | None
    base_url: str | None
    table: str | None
    key: tuple[str, ...]
    data_source: str | None
    create_notion: str | None
    create_table: str | None  # "" names it after the data source
    enums: bool
    everything: bool
    schema: str
    below: str | None
    name: str | None
    key_property: str | None
    update: bool
    yes: bool
    print_sql: bool
    force: bool

    @property
    def none(self) -> bool:
        """Whether nothing was said about what to set up."""
        said = (self.table, self.data_source, self.create_notion, self.name, self.key_property)
        return not (any(said) or self.everything or self.create_table is not None)

    def check(self) -> None:
        """Raises ConfigError for options that contradict each other or say nothing where they stand."""
        for flags, meant in _TOGETHER.items():
            if all(getattr(self, flag) not in (None, False, ()) for flag in flags):
                raise ConfigError(f"{' and '.join(map(_option, flags))} do not go together", hint=meant)
        if self.everything and self.create_table:
            raise ConfigError(
                "--create-table takes no name with --all", hint="Each table is named after its data source."
            )
        for flag, needed in _NEEDS.items():
            if getattr(self, flag) and getattr(self, needed) in (None, False):
                raise ConfigError(f"{_option(flag)} says something only with {_option(needed)}")
        if self.name is not None and not is_sync_name(self.name):
            raise ConfigError(f"{self.name!r} is no name for a sync", hint=NAME_HINT)
        if self.update and not (self.none and not self.print_sql and not self.force):
            raise ConfigError("--update goes with nothing but --yes, --sync and --json")


_TOGETHER = {
    ("table", "create_table"): "A table that is there needs no making.",
    ("create_notion", "data_source"): "A database that is there needs no making.",
    ("create_notion", "create_table"): "One of both sides has to be there.",
    ("everything", "table"): "--all takes every table of --schema.",
    ("everything", "data_source"): "--all takes the data sources by their names.",
    ("everything", "name"): "Each sync is named after its table.",
    ("everything", "key"): "--all takes the tables that have a primary key.",
}
_NEEDS = {"enums": "create_table", "below": "everything"}


def _option(field: str) -> str:
    return "--all" if field == "everything" else f"--{field.replace('_', '-')}"
