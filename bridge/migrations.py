"""The SQL files that this program brings along, wherever it is installed.

A source checkout and an editable install have them in `migrations/` beside the package, where a DBA
finds them; the wheel has no such place and carries them inside, as `bridge/_migrations/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NUMBERED = re.compile(r"(?P<number>[0-9]+)_(?P<name>[a-z0-9_]+)\.sql")


class MigrationsBroken(Exception):
    """The SQL files of this installation are missing or misnamed; install the program again."""

    def __init__(self, where: Path, what: str) -> None:
        super().__init__(f"{where}: {what}; this installation is damaged: install notion-postgres-bridge again")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str


def read(folder: str) -> list[Migration]:
    """The numbered files of a folder (`postgres` or `journal`), in order. Raises MigrationsBroken.

    Files whose names do not begin with a digit (an uninstall script, say) are not migrations.
    """
    path = _root() / folder
    found: dict[int, Migration] = {}
    for file in sorted(path.glob("[0-9]*.sql")):
        match = _NUMBERED.fullmatch(file.name)
        if match is None:
            raise MigrationsBroken(file, "a migration is named NNNN_lower_case.sql")
        number = int(match["number"])
        if number in found:
            raise MigrationsBroken(file, f"there is another migration with the number {number}")
        found[number] = Migration(number, match["name"], file.read_text(encoding="utf-8"))
    if not found:
        raise MigrationsBroken(path, "there are no migrations")
    return [found[number] for number in sorted(found)]


def text(folder: str, name: str) -> str:
    """The text of one file of a folder, numbered or not. Raises MigrationsBroken."""
    path = _root() / folder / name
    if not path.is_file():
        raise MigrationsBroken(path, "the file is missing")
    return path.read_text(encoding="utf-8")


def _root() -> Path:
    packaged = _PACKAGE / "_migrations"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "migrations"
