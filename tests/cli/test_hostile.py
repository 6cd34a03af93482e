"""Proves: what a stranger wrote into a table, a page or a name never reaches the terminal as a command to it, and no
secret is ever printed.
"""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bridge.cli.log import LogLines
from bridge.clock import SystemClock
from tests.cli.conftest import PROPERTIES, World

ESCAPE = "\x1b[31mred\x1b]0;owned\x07"
MARKUP = "[bold red]x[/] [link=file:///etc/passwd]y[/link] :smile:"
OVERRIDE = "\u202eevil"
HOSTILE = f"{ESCAPE}{MARKUP}{OVERRIDE}"
COMMANDS = (
    ("plan",),
    ("sync",),
    ("status",),
    ("verify",),
    ("check",),
    ("conflicts",),
    ("conflicts", "list", "--all"),
    ("conflicts", "show", "1"),
    ("parked",),
    ("parked", "list", "--all"),
    ("parked", "show", "1"),
    ("history", "1"),
    ("history", "--since", "1h"),
    ("why", "1"),
)
MISTAKES = (
    ("why", HOSTILE),
    ("history", HOSTILE),
    ("history", "--since", HOSTILE),
    ("history", "--side", HOSTILE, "1"),
    ("conflicts", "resolve", "1", "--take", HOSTILE),
    ("conflicts", "show", HOSTILE),
    ("status", "--sync", HOSTILE),
    ("status", "--config", HOSTILE),
    ("run", "--log-format", HOSTILE),
    (HOSTILE,),
    ("conflicts", HOSTILE),
    ("status", f"--{HOSTILE}"),
)


@pytest.fixture
def hostile(world: World) -> World:
    world.sql('CREATE TABLE "od\x1b[5md [red]" (id integer PRIMARY KEY, "ti\x1b[31mtle" text, amount numeric)')
    world.source = world.ada.create_database(f"Ta{ESCAPE}", {**PROPERTIES, f"Na{HOSTILE}": "rich_text"})[1]
    name, column, prop = (json.dumps(text) for text in ('"od\x1b[5md [red]"', "ti\x1b[31mtle", f"Na{HOSTILE}"))
    world.configure(table=name, policy='"manual"')
    text = world.config.read_text().partition("[sync.fields]")[0]
    world.config.write_text(f'{text}[sync.fields]\n{column} = {prop}\namount = "Estimate"\n')
    world.sql('INSERT INTO "od\x1b[5md [red]" VALUES (1, %s, 9007199254740993)', HOSTILE)
    assert world.type("sync").exit_code == 4
    world.sql('UPDATE "od\x1b[5md [red]" SET "ti\x1b[31mtle" = %s', f"ours {HOSTILE}")
    world.ada.edit(world.page(1), {f"Na{HOSTILE}": f"theirs {HOSTILE}"})
    assert world.type("sync").exit_code == 3
    return world


def assert_harmless(text: str) -> None:
    unwanted = {character for character in text if character != "\n" and not character.isprintable()}
    assert not unwanted, unwanted


def test_no_command_prints_what_a_terminal_obeys(hostile: World) -> None:
    shown = ""
    for command in COMMANDS:
        result = hostile.type(*command)
        assert_harmless(result.stdout + result.stderr)
        shown += result.stdout
    assert "\\x1b[31mred" in shown
    assert "[bold red]x[/]" in shown, "markup is what somebody wrote, and stays"
    assert ":smile:" in shown


@pytest.mark.parametrize("width", ["60", "80", "400"])
def test_keys_options_and_people_are_as_harmless_as_texts(world: World, width: str) -> None:
    """At every width, for a list that has no room is drawn in another form; a title may be a book."""
    stranger = world.sandbox.person(f"Eve{HOSTILE}")
    world.sql("CREATE TABLE odd (id text PRIMARY KEY, title text, stage text)")
    world.sql("ALTER TABLE odd ADD CONSTRAINT \"no\x1b[31m [red]\" CHECK (title <> 'no')")
    made = {"Name": "title", "Key": "rich_text", "Stage": {"select": {"options": [{"name": HOSTILE}]}}}
    world.source = world.ada.create_database("Odd", made)[1]
    fields = {"title": "Name", "stage": "Stage"}
    world.configure(table='"odd"', key_property='"Key"', policy='"manual"', fields=fields)
    key, book = f"k{HOSTILE}", f"{HOSTILE} " * 200
    world.sql("INSERT INTO odd VALUES (%s, %s, NULL), ('2', 'two', NULL)", key, book)
    assert world.type("sync").exit_code == 0
    pages = {values["Key"]: page for page, values in world.ada.rows(world.source).items()}
    world.sql("UPDATE odd SET title = %s, stage = 'x' WHERE id = %s", f"ours {book}", key)
    stranger.edit(pages[key], {"Name": f"theirs {HOSTILE}", "Stage": HOSTILE})
    stranger.edit(pages["2"], {"Name": "no"})
    assert world.type("sync").exit_code == 3
    shown = ""
    for command in (*COMMANDS, ("conflicts", "show", "2"), ("why", "2"), ("why", pages[key]), ("history", pages[key])):
        if command in (("why", "1"), ("history", "1")):
            continue  # there is no such key here
        result = world.type(*command, COLUMNS=width)
        assert_harmless(result.stdout + result.stderr)
        assert "show" in command or len(result.stdout) < 12_000, f"{command}: a book is cut where it is not asked for"
        shown += result.stdout
    whole = "".join(shown.split())
    assert "Eve\\x1b[31m" in whole, "who edited"
    assert "no\\x1b[31m[red]" in whole, "the database's own words"


def test_a_mistake_is_told_harmlessly(hostile: World) -> None:
    for command in MISTAKES:
        result = hostile.type(*command)
        assert result.exit_code in (1, 2), command
        assert_harmless(result.stdout + result.stderr)
        assert_harmless(hostile.type(*command, "--json").output)


def test_json_is_exact_and_harmless(hostile: World) -> None:
    result = hostile.type("conflicts", "list", "--json")
    assert_harmless(result.stdout)
    [conflict] = json.loads(result.stdout)
    assert conflict["postgres"] == f"ours {HOSTILE}"
    assert conflict["notion"] == f"theirs {HOSTILE}"
    assert conflict["key"] == "1"


def test_a_line_of_the_log_is_harmless() -> None:
    """What Notion or PostgreSQL said in an error may quote what a stranger wrote."""
    log = io.StringIO()
    LogLines(Console(file=log), SystemClock(), as_json=False).tell("error", "tasks", f"Notion said: {HOSTILE}")
    assert_harmless(log.getvalue())
    assert "\\x1b[31mred" in log.getvalue()


def test_init_shows_and_writes_hostile_names_harmlessly(hostile: World) -> None:
    hostile.config.unlink()
    result = hostile.type(
        *("init", "--table", '"od\x1b[5md [red]"', "--data-source", hostile.source),
        *("--base-url", hostile.server.url, "--name", "tasks"),
    )
    assert result.exit_code == 0, result.stderr
    assert_harmless(result.stdout + result.stderr)
    assert_harmless(hostile.config.read_text())
    assert hostile.type("check").exit_code == 0


def test_no_secret_is_printed_or_stored(world: World) -> None:
    dsn = "postgresql://someone:hunter2hunter2@127.0.0.1:1/none"
    world.sandbox.add_token("ntn_verysecret", "mine")
    said = ""
    for command in ("check", "plan", "sync", "status", "verify", "init"):
        result = world.type(command, DATABASE_URL=dsn, NOTION_TOKEN="ntn_verysecret")
        said += result.stdout + result.stderr
    world.token = "ntn_verysecret"
    world.config.unlink()
    made = world.type("init", "--table", "tasks", "--data-source", world.source, "--base-url", world.server.url)
    assert made.exit_code == 0
    said += made.stdout + made.stderr + world.type("check", "--json").stdout + world.type("sync").stdout
    for file in world.folder.rglob("*"):
        said += file.read_bytes().decode("latin-1") if file.is_file() else ""
    assert "hunter2" not in said
    assert "ntn_verysecret" not in said
