"""Proves: what the documentation says about keys, commands and types is what the program does; none is left out."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from bridge.console import picture
from bridge.errors import ExitCode
from bridge.values.registry import COLUMN_TYPES, PROPERTY_TYPES
from docs import generate
from docs.manpage import man_page

_MACROS = (".TH", ".SH", ".SS", ".B", ".I", ".PP", ".TP", ".nf", ".fi", ".RS", ".RE")
STALE = "out of date: run `make docs`"


def read(name: str) -> str:
    return (generate.ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_generated_parts_are_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert generate.current(text) == text, f"{path.name} is {STALE}"


def test_a_stale_part_would_be_noticed() -> None:
    stale = "before\n<!-- generated: config -->\nstale words\n<!-- end of config -->\nafter\n"
    made = generate.current(stale)
    assert "stale words" not in made
    assert made.startswith("before\n")
    assert made.endswith("after\n")
    assert "`requests_per_minute`" in made


@pytest.mark.parametrize("block", generate.BLOCKS)
def test_every_generated_part_is_shown_somewhere(block: str) -> None:
    assert any(f"<!-- generated: {block} -->" in path.read_text(encoding="utf-8") for path in generate.pages())


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    assert set(generate.MEANINGS) == set(generate.config_keys())


@pytest.mark.parametrize("name", [name for name, _ in generate.commands()])
def test_every_command_is_in_the_readme_and_in_the_reference(name: str) -> None:
    assert f"`notion-bridge {name}" in read("README.md")
    assert f"## notion-bridge {name}\n" in read("docs/commands.md")


def test_every_type_is_listed() -> None:
    text = read("docs/types.md")
    assert not [name for name in (*COLUMN_TYPES, *PROPERTY_TYPES) if f"`{name}`" not in text]


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_told(page: str, code: ExitCode) -> None:
    assert f"\n| {int(code)} | " in read(page)


def test_the_picture_is_current(tmp_path: Path) -> None:
    picture.save(tmp_path / "console.svg")
    assert (tmp_path / "console.svg").read_text(encoding="utf-8") == read("docs/console.svg"), STALE


def test_the_man_page_is_current_and_names_every_command() -> None:
    page = read("docs/notion-bridge.1")
    assert page == man_page(), f"notion-bridge.1 is {STALE}"
    for name, command in generate.commands():
        assert f".SS {name}".replace("-", "\\-") in page
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[0].replace("-", "\\-") in page


def test_nothing_in_the_man_page_is_taken_for_a_command_of_the_formatter() -> None:
    for line in man_page().splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in _MACROS, line
