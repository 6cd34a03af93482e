"""The text of a bridge.toml that `init` writes: what is set, with a word on what else could be."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import private
from bridge.cli.proposal import Line, Proposal
from bridge.errors import ConfigError
from bridge.model import Direction
from bridge.postgres.names import quoted
from bridge.shapes import DataSource, Table
from bridge.values import canonical

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SIMPLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

_TEMPLATE = """\
# notion-bridge: keeps a table and a Notion data source the same, both ways.
# `notion-bridge check` tells whether all of this is right, `notion-bridge plan` what a sync would do.

[postgres]
dsn = "${{DATABASE_URL}}"          # from the environment: keep passwords out of this file

[notion]
token = "${{NOTION_TOKEN}}"
{base_url}requests_per_minute = 180        # 600 on Business and Enterprise plans

[journal]
path = "state/bridge.db"         # what the bridge knows; keep it with this file
"""
_SECTION = """\

[[sync]]
name = {name}
table = {table}
{key}data_source = {data_source}   # {about}
key_property = {key_property}   # holds the primary key; of a page that has one, leave it alone
policy = "last-writer-wins"      # or postgres-wins, notion-wins, manual
first_sync = "postgres"          # which side is right where both differ at first; or notion, manual
deletes = "mirror"               # or hold (asks you), ignore, column:NAME

[sync.fields]
{fields}
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What `init` found out. `key` is set when it is not the primary key."""

    name: str
    table: Table
    source: DataSource
    proposal: Proposal
    key: tuple[str, ...] = ()


def render(setups: Sequence[Setup], base_url: str = "") -> str:
    """The whole file."""
    address = f"base_url = {toml_string(base_url)}\n" if base_url else ""
    return _TEMPLATE.format(base_url=address) + "".join(map(_section, setups))


def appended(text: str, setups: Sequence[Setup]) -> str:
    """The file with more syncs at its end; what is there stays as it is."""
    end = "\r\n" if "\r\n" in text else "\n"
    added = "".join(map(_section, setups)).replace("\n", end)
    return (text if not text or text.endswith("\n") else text + end) + added


def _section(setup: Setup) -> str:
    """One [[sync]]. Names may contain anything; they are quoted, and in comments made harmless."""
    key = f"key = [{', '.join(map(toml_string, setup.key))}]\n" if setup.key else ""
    fields = [field_line(line) for line in setup.proposal.lines]
    left = [f"# not mapped: {item.side} {item.name}: {item.why}" for item in setup.proposal.left_out]
    return _SECTION.format(
        name=toml_string(setup.name),
        table=toml_string(table_text(setup.table)),
        key=key,
        data_source=toml_string(setup.source.id),
        about=_comment(f"{setup.source.title} {setup.source.url}".strip()),
        key_property=toml_string(setup.proposal.key_name),
        fields="\n".join([*fields, *map(_comment, left)]),
    )


def write(path: Path, text: str) -> Path | None:
    """Writes the file whole or not at all; an older one is kept under the name that is returned. Raises ConfigError."""
    kept = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept = _free(path)
            path.rename(kept)
    except OSError as error:
        raise _unwritten(path, error) from error
    replace(path, text)
    return kept


def replace(path: Path, text: str) -> None:
    """Writes the file whole or not at all, where it really is, with the rights that it has. Raises ConfigError."""
    try:
        target = path.resolve()
        temporary = target.with_name(f".{target.name}.new")
        with private.open_file(temporary, "wb") as file:  # somebody may write a secret into it later
            file.write(text.encode())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be written: {error.strerror}",
        hint="Run this as a user who may write there, or name another file with --config FILE.",
    )


def _free(path: Path) -> Path:
    """A name for the older file that no earlier one has."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}.bak")).exists():
        number += 1
    return kept


def table_text(table: Table) -> str:
    """The table as SQL, with quotes only where it needs them."""
    if _SIMPLE_NAME.fullmatch(table.schema) and _SIMPLE_NAME.fullmatch(table.name):
        return table.qualified
    return quoted(table.schema, table.name)


def toml_string(text: str) -> str:
    """A basic string of TOML."""
    return '"' + "".join(_ESCAPES.get(character) or _escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < ord(" ") or character == "\x7f" else character


def toml_key(name: str) -> str:
    """A key of TOML, with quotes only where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else toml_string(name)


def field_line(line: Line) -> str:
    """One line of [sync.fields]."""
    column = toml_key(line.column.name)
    prop = toml_string(line.property.name)
    more = ""
    if line.through:
        more += f", through = [{', '.join(map(toml_string, line.through))}]"
    if line.direction is not Direction.BOTH:
        more += f', direction = "{line.direction.value}"'
    if not more:
        return f"{column} = {prop}"
    return f"{column} = {{ property = {prop}{more} }}   # {_comment(line.why)}"


def _comment(text: str) -> str:
    """One line: a name with a line break in it must not become a line of the file."""
    return canonical.show(text)
