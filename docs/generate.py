"""Writes the parts of the documentation that follow from the code: `make docs`.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; the rest of a file is
written by hand. tests/docs holds that what is in the files is what this program would write.
"""

from __future__ import annotations

import ast
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from bench import report
from bench.registry import CASES
from bridge.cli import main as program
from bridge.config import FieldConfig, JournalConfig, NotionConfig, PostgresConfig, SyncConfig
from bridge.model import Deletes, Direction, Format, Policy, Side
from bridge.sandbox.notion import control, options
from bridge.sandbox.notion.person import Person
from bridge.values import registry
from bridge.values.halves import Kind
from docs.manpage import man_page

ROOT = Path(__file__).resolve().parent.parent
SHARED = ("config_path", "sync", "json", "help")
_BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)

# What each key of bridge.toml means. Types and defaults are read from the code; the test asks for every key.
MEANINGS = {
    "postgres.dsn": "The database, as `postgresql://user@host/name` or a libpq connection string.",
    "postgres.notify": "The trigger wakes the bridge with `NOTIFY`. Set it to `false` where programs use "
    "`PREPARE TRANSACTION`; the bridge then looks into the outbox every second.",
    "postgres.outbox_max": "How many changes of a sync may wait in the database while no bridge reads them, about.",
    "postgres.outbox_full": "What happens with a change when as many wait: it is not noted, and the bridge reads the "
    "whole table when it comes (`reread`), or it is noted all the same and the outbox grows (`keep`); see "
    "[docs/operations.md](docs/operations.md#the-outbox-while-no-bridge-runs).",
    "notion.token": "The token of the Notion integration.",
    "notion.base_url": "Where Notion's API is. Only tests change it, to the address of the sandbox.",
    "notion.requests_per_minute": "Never more requests than this in any 60 seconds. Notion allows 180, and 600 on "
    "Business and Enterprise plans. The smallest is 2.",
    "notion.poll_min": "Seconds between two polls while something changes.",
    "notion.poll_max": "Seconds between two polls after a while without changes; twice as many after ten minutes.",
    "notion.sweep_min": "Seconds between two full listings of a small data source. A large one is listed less often, "
    "so that listings take at most a tenth of the budget; all much less often when nothing has changed for ten "
    "minutes.",
    "notion.overlap": "Seconds that a poll looks back behind the last one (while the bridge writes much, only some of "
    "them do). Notion rounds the time of an edit down to the minute, so less than 120 is unwise.",
    "notion.query_lag": "Seconds by which a query may be behind the truth. It widens the interval in which an edit is "
    "known to have happened. 0 is allowed.",
    "notion.guard_window": "Seconds that may pass between the bridge's last look at a page and its write. After that "
    "it looks again.",
    "notion.create_settle": "Seconds for which a page whose creation got no answer is looked for by its key before it "
    "is made again. Smaller is quicker after a lost answer, and risks a second page.",
    "notion.connections": "Pages that are read or written at the same time, each over a connection of its own; polls "
    "and listings come on top of these.",
    "journal.path": "The journal file, relative to bridge.toml. A local disk, not a network file system.",
    "journal.keep_days": "Days after which settled events and writes are deleted from the journal. Conflicts "
    "and parked items are kept.",
    "sync.name": "What the sync is called: up to 40 letters, digits, `_`, `.` or `-`. It is part of the trigger's "
    "name and the journal knows the records by it, so do not change it later.",
    "sync.table": "The table, written as in SQL.",
    "sync.data_source": "The Notion database or data source: its address or its id. Where a database has several data "
    "sources, the id of one of them. It belongs to one sync.",
    "sync.key_property": "The property that holds the key. The bridge writes it; what people type there is put back.",
    "sync.fields": 'The mapped fields, as `column = "Property"`; see below.',
    "sync.key": "The key columns, where they are not the primary key. They must be unique and not null.",
    "sync.policy": "Who wins when both sides changed one field: the later edit, always one side, or nobody until a "
    "person decides.",
    "sync.tie": "The side that wins when it cannot be told which edit was later.",
    "sync.first_sync": "The side that wins where both sides differ and never agreed; `manual` waits for a person.",
    "sync.deletes": "What a deletion does on the other side: follow (`mirror`), wait for a yes (`hold`), nothing "
    "(`ignore`), or a time in a column means deleted (`column:NAME`). Per direction: "
    '`{ to-notion = "mirror", to-postgres = "hold" }`.',
    "sync.max_deletes": "The breaker: so many deletions within a minute are made without asking.",
    "sync.max_deletes_percent": "The breaker: so many percent of the records are. It trips when both are exceeded, or "
    "when a side with 10 records or more is emptied.",
    "sync.where": "Only rows that fulfil this SQL condition are in the sync, such as `archived = false`; see "
    "[docs/filters.md](docs/filters.md).",
    "sync.on_leave": "What happens to the page of a row that stops fulfilling `where`: it stays as it was (`keep`), or "
    "goes to the trash as if the row had been deleted (`delete`).",
    "sync.status_property": "A text property in Notion where the bridge writes why an edit of the page was not taken; "
    "see [docs/operations.md](docs/operations.md#told-in-notion).",
    "field.property": "The property's name, or its id.",
    "field.direction": "Which way changes are carried.",
    "field.through": "The column's name is that of a join table, and these are its columns: first the one that "
    "references this table, then the one that references what the relation links to.",
    "field.format": "What a column of text says about a property of rich text: its text, or its text and formatting "
    "as Markdown.",
}
SECTIONS: dict[str, tuple[str, type[Any]]] = {
    "postgres": ("`[postgres]`", PostgresConfig),
    "notion": ("`[notion]`", NotionConfig),
    "journal": ("`[journal]`", JournalConfig),
    "sync": ("`[[sync]]`", SyncConfig),
    "field": ("one line of `[sync.fields]`", FieldConfig),
}
# Not keys of the file: the line where a section stands, and the column that a line begins with.
_NOT_KEYS = {"sync.line", "field.column"}


def config_keys() -> list[str]:
    """Every key of bridge.toml as `section.key`, in the order of the code."""
    found = [f"{name}.{item.name}" for name, (_, kind) in SECTIONS.items() for item in fields(kind)]
    return [key for key in found if key not in _NOT_KEYS]


def config_table() -> Iterator[str]:
    """The reference of bridge.toml."""
    for name, (title, kind) in SECTIONS.items():
        hints = typing.get_type_hints(kind)
        yield f"{title}\n"
        yield "| key | type | default | meaning |"
        yield "|---|---|---|---|"
        for item in fields(kind):
            key = f"{name}.{item.name}"
            if key not in _NOT_KEYS:
                yield f"| `{item.name}` | {_type(hints[item.name])} | {_default(item)} | {MEANINGS[key]} |"
        yield ""


def _type(hint: Any) -> str:
    words = {str: "text", bool: "true or false", int: "whole number", float: "number", Path: "path"}
    if hint in words:
        return words[hint]
    if hint is Deletes:
        return "text, or a table"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ", ".join(f"`{member.value}`" for member in hint)
    if typing.get_origin(hint) is types.UnionType:
        return f"{_type(Side)}, `manual`"
    return "table" if FieldConfig in typing.get_args(hint) else "list of text"


def _default(item: Field[Any]) -> str:
    match item.default:
        case default if default is MISSING:
            return "required"
        case ():
            return "the primary key" if item.name == "key" else "none"
        case "":
            return "none"
        case bool(flag):
            return f"`{str(flag).lower()}`"
        case Deletes() as rule:
            return f'`"{rule.to_notion}"`'
        case Policy() | Side() | Direction() | Format() | Path() | str() as word:
            return f'`"{word}"`'
        case number:
            return f"`{number}`"


def commands(group: click.Group = program, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, subcommands after their group."""
    for name, command in group.commands.items():
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")


def command_table() -> Iterator[str]:
    """One line for each command."""
    yield "| command | does | options |"
    yield "|---|---|---|"
    for name, command in commands():
        words = ", ".join(f"`{'/'.join(p.opts)}`" for p in _own_options(command))
        yield f"| `notion-bridge {name}{_arguments(command)}` | {command.get_short_help_str(200)} | {words} |"
    yield ""


def command_reference() -> Iterator[str]:
    """All that `--help` says."""
    for name, command in commands():
        yield f"## notion-bridge {name}\n"
        prose, _, example = inspect.cleandoc(command.help or "").partition("\b\n")
        yield from (f"{' '.join(paragraph.split())}\n" for paragraph in prose.split("\n\n") if paragraph.strip())
        lines = [line.strip() for line in example.splitlines()[1:]]
        yield "```sh\n" + "\n".join(line for line in lines if line) + "\n```\n"
        rows = [record for option in _own_options(command) if (record := option.get_help_record(_context(command)))]
        if rows:
            yield "| option | meaning |\n|---|---|"
            for option, meaning in rows:
                yield f"| `{option.replace('|', chr(92) + '|')}` | {' '.join(meaning.split())} |"
            yield ""


def _context(command: click.Command) -> click.Context:
    return click.Context(command)


def _own_options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and p.name not in SHARED]


def _arguments(command: click.Command) -> str:
    return "".join(f" {p.make_metavar(_context(command))}" for p in command.params if isinstance(p, click.Argument))


def column_table() -> Iterator[str]:
    """What each column type holds, and what of Notion carries that."""
    types_of: dict[str, list[str]] = {}
    for name, kind in registry.column_kinds().items():
        types_of.setdefault(kind, []).append(f"`{name}`")
    yield "| holds | PostgreSQL types | properties, both ways | computed properties, to PostgreSQL |"
    yield "|---|---|---|---|"
    for kind, names in types_of.items():
        yield f"| {kind} | {', '.join(names)} | {_carriers(kind, computed=False)} | {_carriers(kind, computed=True)} |"
    yield ""


def property_table() -> Iterator[str]:
    """What each property type carries."""
    yield "| Notion type | carries columns that hold | written by the bridge |"
    yield "|---|---|---|"
    for name, kinds in registry.property_kinds().items():
        carried = "anything, as text" if len(kinds) == len(Kind) else ", ".join(kinds)
        computed = registry.PROPERTY_TYPES[name].computed
        shown = carried.replace("anything, as text", "anything that fits the result") if computed else carried
        yield f"| `{name}` | {shown} | {'no: Notion computes it' if computed else 'yes'} |"
    yield ""


def _carriers(kind: str, *, computed: bool) -> str:
    found = [
        f"`{name}`"
        for name, kinds in registry.property_kinds().items()
        if kind in kinds and registry.PROPERTY_TYPES[name].computed == computed
    ]
    return ", ".join(found)


def option_table() -> Iterator[str]:
    """The sandbox's switches; their meaning is the text below each attribute."""
    body = ast.parse(inspect.getsource(options.Options)).body[0]
    assert isinstance(body, ast.ClassDef)
    yield "| option | default | meaning |"
    yield "|---|---|---|"
    for item, told in zip(body.body, body.body[1:], strict=False):
        if isinstance(item, ast.AnnAssign) and isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant):
            default = getattr(options.Options(), ast.unparse(item.target))
            yield f"| `{ast.unparse(item.target)}` | `{default!r}` | {' '.join(str(told.value.value).split())} |"
    yield ""


def person_table() -> Iterator[str]:
    """What a person can do."""
    yield "| `do` | `args` | what it does |"
    yield "|---|---|---|"
    for act in control._PERSON_ACTS:  # noqa: SLF001 - the list is private to keep others from calling by it
        method = getattr(Person, act)
        names = [name for name in inspect.signature(method).parameters if name != "self"]
        told = " ".join((inspect.getdoc(method) or "").split())
        yield f"| `{act}` | {', '.join(f'`{name}`' for name in names)} | {told} |"
    yield ""


def bench_table() -> Iterator[str]:
    """The figures that `make bench` has measured."""
    return report.table([case.name for case in CASES])


MAN_PAGE = ROOT / "docs" / "notion-bridge.1"

BLOCKS: dict[str, Callable[[], Iterator[str]]] = {
    "config": config_table,
    "commands": command_table,
    "reference": command_reference,
    "columns": column_table,
    "properties": property_table,
    "options": option_table,
    "persons": person_table,
    "bench": bench_table,
}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def current(text: str) -> str:
    """A page with its generated parts made anew."""
    return _BLOCK.sub(lambda match: match[1] + "\n".join(BLOCKS[match[2]]()) + match[3], text)


def main() -> None:
    """Writes every page whose generated parts are out of date, and the man page."""
    MAN_PAGE.write_text(man_page(), encoding="utf-8")
    for path in pages():
        text = path.read_text(encoding="utf-8")
        made = current(text)
        if made != text:
            path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
