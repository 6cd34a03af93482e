"""Edits of single lines of [sync.fields]; everything else in the file, comments and spacing too, stays as it is.

A file can say the same in many ways, and only the usual one (a line of its own for each column) is edited here.
Every edit is proved: what the file says afterwards differs from before in the one point that was meant, else the edit
is refused and the person is told what to write.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable
from typing import Any

from bridge.cli.tomlfile import toml_key
from bridge.errors import ConfigError
from bridge.values import canonical

_KEY = re.compile(r"""(\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(\s*=)""")
_SYNC = re.compile(r"\s*\[\[\s*sync\s*\]\]")
_FIELDS = re.compile(r"\s*\[\s*sync\s*\.\s*fields\s*\]")
_TABLE = re.compile(r"\s*\[")


def rename_column(text: str, sync: str, column: str, new: str) -> str:
    """The line of `column` is about `new` from now on. Raises ConfigError when it cannot be edited."""

    def change(lines: list[str]) -> None:
        number = _line_of(lines, text, sync, column)
        lines[number] = _KEY.sub(lambda found: found[1] + toml_key(new) + found[3], lines[number], count=1)

    def meant(fields: dict[str, Any]) -> dict[str, Any]:
        return {new if name == column else name: value for name, value in fields.items()}

    return _edited(text, sync, change, meant, f"write {new} instead of {column} in [sync.fields]")


def comment_out(text: str, sync: str, column: str, why: str) -> str:
    """The line of `column` becomes a comment that says why. Raises ConfigError when it cannot be edited."""

    def change(lines: list[str]) -> None:
        number = _line_of(lines, text, sync, column)
        line = lines[number]
        indent = line[: len(line) - len(line.lstrip())]
        lines[number] = f"{indent}# {canonical.show(why)}:{_end(line)}{indent}# {line.lstrip()}"

    def meant(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if name != column}

    return _edited(text, sync, change, meant, f"take the line of {column} out of [sync.fields]")


def add_line(text: str, sync: str, line: str) -> str:
    """One more line at the end of the sync's fields. Raises ConfigError when it cannot be edited."""

    def change(lines: list[str]) -> None:
        first, end = _section(lines, text, sync)
        last = max(n for n in range(first, end) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
        ending = _end(lines[last]) or _end(text) or "\n"
        if not _end(lines[last]):
            lines[last] += ending
        lines.insert(last + 1, line + ending)

    def meant(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | tomllib.loads(line)

    return _edited(text, sync, change, meant, f"add the line {line} to [sync.fields]")


def mentioned(text: str, sync: str, column: str) -> bool:
    """Whether a comment among the sync's fields has a line for the column: somebody left it out on purpose."""
    lines = text.splitlines(keepends=True)
    try:
        first, end = _section(lines, text, sync)
    except ConfigError:
        return False
    comments = (line.lstrip().lstrip("#") for line in lines[first:end] if line.lstrip().startswith("#"))
    return any(_key_of(comment) == column for comment in comments)


def _edited(
    text: str,
    sync: str,
    change: Callable[[list[str]], None],
    meant: Callable[[dict[str, Any]], dict[str, Any]],
    by_hand: str,
) -> str:
    wanted = copy.deepcopy(tomllib.loads(text))
    for table in wanted["sync"]:
        if table.get("name") == sync:
            table["fields"] = meant(table["fields"])
    lines = text.splitlines(keepends=True)
    refusal = ConfigError(f"the [[sync]] {sync!r} is not written as init writes it", hint=f"By hand: {by_hand}.")
    try:
        change(lines)
        after = "".join(lines)
        said = tomllib.loads(after)
    except (ConfigError, tomllib.TOMLDecodeError):
        raise refusal from None
    if said != wanted:
        raise refusal
    return after


def _section(lines: list[str], text: str, sync: str) -> tuple[int, int]:
    """The place of the sync's [sync.fields], and of the first line after it."""
    place = next((n for n, table in enumerate(tomllib.loads(text)["sync"]) if table.get("name") == sync), -1)
    headers = [number for number, line in enumerate(lines) if _SYNC.match(line)]
    if not 0 <= place < len(headers):
        raise ConfigError(f"the file has no line [[sync]] for {sync!r}")
    limit = headers[place + 1] if place + 1 < len(headers) else len(lines)
    first = next((n for n in range(headers[place], limit) if _FIELDS.match(lines[n])), None)
    if first is None:
        raise ConfigError(f"the sync {sync!r} has no line [sync.fields]")
    return first, next((n for n in range(first + 1, limit) if _TABLE.match(lines[n])), limit)


def _line_of(lines: list[str], text: str, sync: str, column: str) -> int:
    first, end = _section(lines, text, sync)
    for number in range(first + 1, end):
        if _key_of(lines[number]) == column:
            return number
    raise ConfigError(f"the sync {sync!r} has no line for {column!r}")


def _key_of(line: str) -> str | None:
    found = _KEY.match(line)
    try:
        return next(iter(tomllib.loads(f"{found[2]} = 0"))) if found else None
    except tomllib.TOMLDecodeError:
        return None


def _end(text: str) -> str:
    return "\r\n" if text.endswith("\r\n") else "\n" if text.endswith("\n") else ""
