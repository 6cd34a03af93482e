"""Proves: `init` makes nothing in Notion before the whole mapping was shown and agreed on; what a set-up that fails
later has made is named, with the command that takes it up.
"""

from __future__ import annotations

import io
import re
import shlex

import pytest
from click.testing import CliRunner
from rich.console import Console

from bridge.cli import main
from bridge.cli.environment import Environment
from bridge.clock import SystemClock
from bridge.sandbox.notion.faults import Fault
from tests.cli.conftest import World

SHOP = """
CREATE SCHEMA shop;
CREATE TYPE shop.size AS ENUM ('small', 'large');
CREATE TABLE shop.customers (id int PRIMARY KEY, name text);
CREATE TABLE shop.orders (id int PRIMARY KEY, title text, size shop.size, customer_id int REFERENCES shop.customers);
CREATE TABLE shop."Orders" (id int PRIMARY KEY, title text);
CREATE TABLE shop.odd (words tsvector PRIMARY KEY, title text);
"""


@pytest.fixture
def shop(world: World) -> World:
    """Three tables that can go to Notion; no file."""
    world.config.unlink()
    for statement in SHOP.split(";")[:-1]:
        world.sql(statement)
    return world


def databases(world: World) -> list[str]:
    return sorted(source.title[0]["plain_text"] for source in world.sandbox.world.data_sources.values())


def answered(world: World, answer: str, *wishes: str) -> str:
    """What a terminal shows when the one question gets this answer."""
    shown = io.StringIO()
    console = Console(file=shown, markup=False, width=200)
    variables = world.environment
    environment = Environment(console, console, SystemClock(), variables, interactive=True, config_path=world.config)
    result = CliRunner().invoke(main, ["init", *wishes, "--base-url", world.server.url], input=answer, obj=environment)
    assert result.exit_code == 0, shown.getvalue() + result.output
    assert (shown.getvalue() + result.output).count("[Y/n]") == 1
    return shown.getvalue() + result.output


def wishes_of(world: World, which: str) -> tuple[str, ...]:
    table = ("--all", "--schema", "shop") if which == "all" else ("--table", "shop.customers")
    return (*table, "--create-notion", world.sandbox.root_page_id)


@pytest.mark.parametrize("which", ["all", "one"])
def test_a_no_makes_nothing(shop: World, which: str) -> None:
    before = databases(shop)
    shown = answered(shop, "n\n", *wishes_of(shop, which))
    assert "nothing was made in Notion" in shown
    assert "shop.customers <-> Customers" in shown
    if which == "all":
        assert re.search(r"customer_id +integer +both +customer +relation", shown)
        assert "Make 3 databases in Notion ('Orders', 'Customers', 'Orders')" in shown
        assert "left out: shop.odd" in shown
    assert databases(shop) == before
    assert not shop.config.exists()


@pytest.mark.parametrize("which", ["all", "one"])
def test_without_a_terminal_the_mapping_is_shown_and_a_word_is_asked_for(shop: World, which: str) -> None:
    before = databases(shop)
    asked = shop.type("init", *wishes_of(shop, which), "--base-url", shop.server.url)
    assert asked.exit_code == 2
    assert "shop.customers <-> Customers" in asked.stderr
    assert "--yes" in asked.stderr
    assert databases(shop) == before


@pytest.mark.parametrize("which", ["all", "one"])
def test_what_was_shown_is_what_is_made(shop: World, which: str) -> None:
    shown = answered(shop, "y\n", *wishes_of(shop, which))
    assert "Customers" in databases(shop)
    assert shop.type("sync").exit_code == 0
    assert "made in Notion, and not in" not in shown


@pytest.mark.parametrize("fault", [{"path": "^/v1/databases$", "skip": 2}, {"method": "PATCH", "path": "data_sources"}])
def test_what_a_failed_set_up_has_made_is_named_and_taken_up(shop: World, fault: dict[str, str]) -> None:
    shop.sandbox.faults.add(Fault(**{"method": "POST", **fault}, status=400))  # type: ignore[arg-type]
    failed = shop.type("init", *wishes_of(shop, "all"), "--yes", "--base-url", shop.server.url)
    assert failed.exit_code != 0
    assert "made in Notion, and not in" in failed.stderr
    assert not shop.config.exists()
    made = databases(shop)
    [command] = re.findall("`notion-bridge (init --all .*)`", failed.stderr)
    taken = shop.type(*shlex.split(command), "--yes")
    assert taken.exit_code == 0, taken.stderr
    assert databases(shop) == made
    assert 'table = "shop.customers"' in shop.config.read_text()


def test_a_name_is_looked_at_before_anything_is_made(shop: World) -> None:
    before = databases(shop)
    wishes = (*wishes_of(shop, "one"), "--yes", "--base-url", shop.server.url)
    bad = shop.type("init", *wishes, "--name", "bad name!")
    assert bad.exit_code == 2
    assert "is no name for a sync" in bad.stderr
    shop.configure()
    taken = shop.type("init", *wishes, "--name", "tasks")
    assert taken.exit_code == 2
    assert "has a sync named 'tasks' already" in taken.stderr
    assert databases(shop) == before
