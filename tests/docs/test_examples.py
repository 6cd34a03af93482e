"""Proves: what the documentation shows works: TOML, SQL, Python and commands in it are accepted by the program, and
what it links to or names is there."""

from __future__ import annotations

import ast
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import click
import psycopg
import pytest

from bridge import migrations
from bridge.cli import main as program
from bridge.cli.history import DEFAULT, History
from bridge.config import parse
from bridge.engine.status import SyncStatus
from bridge.model import Unfit
from bridge.shapes import Column
from docs import generate

TEXTS = {path.name: path.read_text(encoding="utf-8") for path in generate.pages()}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]+`")  # a link in it is an example
# Files of the repository as they are named in running text.
NAMED = re.compile(r"`((?:bridge|docs|migrations|tests)/[\w./-]*)`")
TEST_NAME = re.compile(r"`(test_\w+)`")
ENVIRONMENT = {"DATABASE_URL": "postgresql://user@host/name", "NOTION_TOKEN": "ntn_1"}


def fences(language: str) -> list[tuple[str, str]]:
    return [(name, block) for name, text in TEXTS.items() for found, block in FENCE.findall(text) if found == language]


def command_lines() -> Iterator[str]:
    """Every call of the program: in lines to type, and in running text."""
    for name, text in TEXTS.items():
        typed = [block for language, block in FENCE.findall(text) if language in ("sh", "console")]
        lines = [line.strip().removeprefix("$ ") for block in typed for line in block.splitlines()]
        quoted = re.findall(r"`(notion-bridge [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        found = [line for line in (*lines, *quoted) if line.startswith("notion-bridge ")]
        assert found or name in ("CHANGELOG.md", "contributing.md", "reliability.md", "types.md"), name
        yield from found


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def refusal(line: str) -> str:
    """Why the program would not take a command line as documented; nothing where it would."""
    words = shlex.split(re.split(r" (?:\||&&|>|2>>)", line.replace("\\|", "|"))[0], comments=True)[1:]
    command: click.Command = program
    options = {name for p in command.params for name in p.opts} | {"--help", "--version"}
    for word in words:
        if isinstance(command, History) and word not in command.commands:
            command = command.commands[DEFAULT]  # `history KEY` is short for it
            options |= {name for p in command.params for name in p.opts}
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word in ("COMMAND", "..."):
                return ""
            if word not in command.commands:
                return f"there is no {word!r} in {line!r}"
            command = command.commands[word]
            options |= {name for p in command.params for name in p.opts}
        elif word.startswith("-") and word.split("=")[0] not in options:
            return f"there is no {word!r} in {line!r}"
    return ""


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_every_command_line_is_one(line: str) -> None:
    assert not refusal(line)


@pytest.mark.parametrize("line", ["notion-bridge synk", "notion-bridge run --for-ever", "notion-bridge parked mend 3"])
def test_a_wrong_command_line_would_be_noticed(line: str) -> None:
    assert refusal(line)


@pytest.mark.parametrize(("page", "text"), fences("toml"))
def test_configurations_are_accepted(page: str, text: str) -> None:
    assert parse(text, Path("bridge.toml"), ENVIRONMENT).syncs


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    folder = generate.ROOT if page in ("README.md", "CHANGELOG.md") else generate.ROOT / "docs"
    for target in LINK.findall(CODE.sub("code", FENCE.sub("", TEXTS[page]))):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        assert not path or (folder / path).exists(), f"{page} links to {target}"
        if anchor:
            where = Path(path).name or page
            assert anchor in anchors(TEXTS[where]), f"{page} links to {target}"


@pytest.mark.parametrize("page", TEXTS)
def test_named_files_and_tests_exist(page: str) -> None:
    example = "bridge/values/logplace.py"  # contributing.md tells to write it
    for name in NAMED.findall(TEXTS[page]):
        assert (generate.ROOT / name).exists() or name == example, f"{page} names {name}"
    sources = [path.read_text(encoding="utf-8") for path in (generate.ROOT / "tests").rglob("test_*.py")]
    defined = set(re.findall(r"def (test_\w+)\(", "\n".join(sources)))
    assert set(TEST_NAME.findall(TEXTS[page])) <= defined, page


def test_questions_to_the_journal_are_answered() -> None:
    asked = [block for page, block in fences("sql") if page == "journal.md"]
    assert asked
    with closing(sqlite3.connect(":memory:")) as journal:
        for step in migrations.read("journal"):
            journal.executescript(step.sql)
        for question in asked:
            journal.execute(question).fetchall()


def test_every_table_of_the_journal_is_explained() -> None:
    made = re.findall(r"CREATE TABLE (\w+)", "".join(step.sql for step in migrations.read("journal")))
    assert not [name for name in made if f"\n| `{name}` |" not in TEXTS["journal.md"]]


def test_sql_for_the_dba_runs(database: str) -> None:
    """The roles of a server outlive a database, so the role goes with the transaction."""
    with psycopg.connect(database) as connection:
        for step in migrations.read("postgres"):
            connection.execute(step.sql.encode())
        connection.execute("CREATE ROLE bridge_role")
        connection.execute("CREATE TABLE public.tasks (id serial PRIMARY KEY)")
        connection.execute("CREATE SEQUENCE notion_bridge.noted_tasks")
        scripts = [block for page, block in fences("sql") if page in ("how-it-works.md", "security.md")]
        assert len(scripts) > 1
        for script in scripts:
            connection.execute(script.encode())
        connection.rollback()


def test_the_example_of_a_new_type_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    [module] = [
        block for page, block in fences("python") if page == "contributing.md" and "class LogPlaceColumn" in block
    ]
    made = ModuleType("bridge.values.logplace")
    monkeypatch.setitem(sys.modules, made.__name__, made)  # a dataclass looks for the module that it is in
    exec(compile(module, "contributing.md", "exec", dont_inherit=True), made.__dict__)  # noqa: S102 - our own page
    bound = made.LogPlaceColumn(Column("place", "pg_lsn", "pg_lsn", 1))
    assert bound.parse(" 016/0b374d8 ") == bound.read("16/B374D8") == "16/B374D8"
    assert isinstance(bound.parse("nonsense"), Unfit)
    assert bound.suggest().type == "rich_text"


@pytest.mark.parametrize(("page", "block"), fences("python"))
def test_python_is_python(page: str, block: str) -> None:
    ast.parse("{" + block + "}" if block.startswith('"pg_lsn"') else block)


def test_the_sandbox_starts_as_shown() -> None:
    [shown] = [block for page, block in fences("python") if page == "sandbox.md"]
    exec(compile(shown, "sandbox.md", "exec", dont_inherit=True), {})  # noqa: S102 - our own page


def test_the_keys_of_status_are_all_told() -> None:
    status = SyncStatus("tasks", True, 0, 0, 0, 0, "", False, 0.0, None, "", 0, None)
    [told] = [line for line in TEXTS["README.md"].splitlines() if line.startswith("| `status` | `version`")]
    assert not [key for key in status.as_json() if f"`{key}`" not in told]
