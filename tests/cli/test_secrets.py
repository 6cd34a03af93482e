"""Proves S28: the token and the database's password are in no output, no error, no journal and no other file, whichever
command is typed and whatever is wrong. The server of the tests asks for no password, so that a marked one can be given.
"""

from __future__ import annotations

import traceback

import pytest
from psycopg.conninfo import make_conninfo

from bridge.config import load
from tests.cli.conftest import World

PASSWORD = "pw-6f1d0c-marked"
TOKEN = "ntn_6f1d0cMarked"
GOOD = f"{TOKEN}Good"
COMMANDS = (
    ("check",),
    ("plan",),
    ("sync",),
    ("resync", "--yes"),
    ("status",),
    ("verify",),
    ("conflicts", "list"),
    ("parked", "list"),
    ("history", "1"),
    ("history", "--since", "1h"),
    ("why", "1"),
    ("pause",),
    ("resume",),
    ("run", "--no-live"),
    ("init", "--update", "--yes"),
    ("init", "--table", "tasks", "--data-source", "00000000-0000-4000-8000-000000000000", "--yes"),
    ("init", "--print-sql", "--table", "tasks", "--data-source", "00000000-0000-4000-8000-000000000000"),
    ("uninstall", "--yes"),
)
WAITING = ("nothing", "the database's address")  # with these `run` goes on for ever

# What is wrong, as (token, DSN); "" is what works. None of it must show what it could not use.
WRONG = {
    "nothing": ("", ""),
    "the token": (TOKEN, ""),
    "a line end in the token": (f"{TOKEN}\n", ""),
    "a letter in the token that no header takes": (f"{TOKEN}\u2026", ""),
    "the database's address": ("", f"postgresql://me:{PASSWORD}@127.0.0.1:1/shop"),
    "the database's port": ("", f"postgresql://me:{PASSWORD}@127.0.0.1:port/shop"),
    "an @ in the password": ("", f"postgresql://me:p@{PASSWORD}@127.0.0.1:1/shop"),
    "a slash in the password": ("", f"postgresql://me:p/{PASSWORD}@127.0.0.1:1/shop"),
    "the form of the DSN": ("", f"host=127.0.0.1 password={PASSWORD} oops"),
    "an option of the DSN": ("", f"host=127.0.0.1 password={PASSWORD} sslmode=perhaps"),
    "the database's name": ("", "another"),
}


def typed(world: World, command: tuple[str, ...]) -> str:
    """All that a command says; of one that breaks, what Python says."""
    try:
        result = world.type(*command)
    except Exception as error:  # noqa: BLE001 - a bug's traceback is output, too
        return "".join(traceback.format_exception(error))
    return result.output + result.stderr


@pytest.mark.parametrize("wrong", WRONG)
def test_no_secret_is_ever_told(world: World, wrong: str) -> None:
    token, dsn = WRONG[wrong]
    works = make_conninfo(world.dsn, password=PASSWORD)
    world.sandbox.add_token(GOOD, "marked")
    world.token, world.dsn = GOOD, works
    world.sql("INSERT INTO tasks (title) VALUES ('one')")
    assert world.type("sync").exit_code == 0
    world.token = token or GOOD
    world.dsn = make_conninfo(works, dbname="another") if dsn == "another" else dsn or works
    told = ""
    for command in COMMANDS:
        if wrong not in WAITING or command[0] != "run":
            for more in ((), ("--json",)):
                told += typed(world, (*command, *more))
    assert "Traceback" not in told
    written = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    for secret in (PASSWORD, TOKEN):
        assert secret not in told
        assert secret.encode() not in written


def test_what_is_read_from_the_file_does_not_show_its_secrets(world: World) -> None:
    shown = repr(load(world.config, {"DATABASE_URL": f"host=h password={PASSWORD}", "NOTION_TOKEN": TOKEN}))
    assert PASSWORD not in shown
    assert TOKEN not in shown
