"""Proves: an edit of bridge.toml changes the one line that is meant, however the file is formatted, or is refused."""

from __future__ import annotations

import tomllib

import pytest

from bridge.cli.tomledit import add_line, comment_out, mentioned, rename_column
from bridge.errors import ConfigError

FILE = """\
# mine
[postgres]
dsn = "x"

[[sync]]   # the first
name = "one"
  [sync.fields]
  title = "Name"     # kept
  "due date" = { property = "Due", direction = "both" }
  # notes = "Notes"

[[ sync ]]
name = 'two'
[ sync . fields ]
title='Name'
'due date'   = "x"
[notion]
token = "title = y"
"""


def changed(before: str, after: str) -> list[str]:
    """The lines of the file after the edit that were not there."""
    known = before.splitlines()
    return [line for line in after.splitlines() if line not in known]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_line_is_renamed(end: str) -> None:
    text = FILE.replace("\n", end)
    after = rename_column(text, "one", "due date", "until")
    assert changed(text, after) == ['  until = { property = "Due", direction = "both" }']
    assert after.count(end) == text.count(end)
    assert changed(text, rename_column(text, "two", "title", "a.b \\")) == ["\"a.b \\\\\"='Name'"]


def test_one_line_becomes_a_comment_that_says_why() -> None:
    after = comment_out(FILE, "one", "title", "it is\ngone")
    assert changed(FILE, after) == ["  # it is\\ngone:", '  # title = "Name"     # kept']
    assert list(tomllib.loads(after)["sync"][0]["fields"]) == ["due date"]
    assert mentioned(after, "one", "title")


def test_a_line_is_added_to_the_fields_of_its_sync() -> None:
    after = add_line(FILE, "two", 'mail = "Mail"')
    assert tomllib.loads(after)["sync"][1]["fields"] == {"title": "Name", "due date": "x", "mail": "Mail"}
    assert changed(FILE, after) == ['mail = "Mail"']
    bare = '[[sync]]\nname = "a"\n[sync.fields]\nx = "X"'
    assert add_line(bare, "a", 'y = "Y"') == f'{bare}\ny = "Y"\n'


def test_what_somebody_left_out_is_seen() -> None:
    assert mentioned(FILE, "one", "notes")
    assert not mentioned(FILE, "two", "notes")
    assert not mentioned(FILE, "one", "title")


INLINE = 'sync = [{ name = "one", fields = { title = "Name", x = "X" } }]\n'
DOTTED = '[[sync]]\nname = "one"\nfields.title = "Name"\nfields.x = "X"\n'
TABLES = '[[sync]]\nname = "one"\n[sync.fields.title]\nproperty = "Name"\n[sync.fields.x]\nproperty = "X"\n'
LONG = '[[sync]]\nname = "one"\n[sync.fields]\nx = "X"\ntitle = { property = "Name", through = [\n"a"] }\n'
HIDDEN = '[[sync]]\nname = "one"\nnote = """\n[sync.fields]\ntitle = 1\n"""\n[sync.fields]\ntitle = "Name"\nx = "X"\n'


@pytest.mark.parametrize("text", [INLINE, DOTTED, TABLES, LONG, HIDDEN])
def test_a_file_that_is_written_otherwise_is_not_touched(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        comment_out(text, "one", "title", "gone")
    assert "By hand: take the line of title out" in caught.value.hint


def test_what_is_not_there_cannot_be_edited() -> None:
    for sync, column in (("one", "colour"), ("three", "title")):
        with pytest.raises(ConfigError):
            rename_column(FILE, sync, column, "x")
    with pytest.raises(ConfigError):
        rename_column(FILE, "one", "title", "due date")
