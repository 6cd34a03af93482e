"""Proves: `init --all` sets up a whole schema in an empty workspace and back again, links, circles and all: both sides
are equal afterwards, stay so under edits, and the second database holds what the first one held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bridge.sandbox.notion import Options, Sandbox, SandboxServer
from tests.cli.conftest import World

TABLES = (
    *("customers", "employees", "categories", "suppliers", "products", "tags"),
    *("orders", "order_lines", "shipments", "payments"),
)
NUMBERS = {"price", "weight", "amount", "fee"}
SHOP = Path(__file__).with_name("shop.sql")


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[World]:
    """The shop in PostgreSQL, and a workspace without a database in it."""
    sandbox = Sandbox(options=Options(requests_per_minute=6000))
    with SandboxServer(sandbox) as server:
        made = World(tmp_path, database, sandbox, server, sandbox.person("Ada"), "")
        with psycopg.connect(database) as connection:
            connection.execute(SHOP.read_bytes())
        yield made


@pytest.fixture
def empty(shop: World) -> Iterator[str]:
    """A second database, with nothing in it."""
    name = sql.Identifier(shop.dsn.rpartition("/")[2].partition("?")[0] + "_back")
    with psycopg.connect(shop.dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        yield psycopg.conninfo.make_conninfo(shop.dsn, dbname=name.as_string(None).strip('"'))
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def set_up(shop: World, *more: str, **variables: str) -> str:
    wishes = ("--all", *more, "--yes", "--base-url", shop.server.url)
    result = shop.type("init", *wishes, **variables)
    assert result.exit_code == 0, result.stderr
    written = shop.config.read_text()
    shop.config.write_text(written.replace("requests_per_minute = 180 ", "requests_per_minute = 6000 ", 1))
    return result.stderr


def in_step(shop: World, **variables: str) -> None:
    synced = shop.type("sync", **variables)
    assert synced.exit_code == 0, synced.stderr
    verified = shop.type("verify", **variables)
    assert verified.exit_code == 0, verified.stdout


def sources(shop: World) -> dict[str, str]:
    """Data source ids by title."""
    found = shop.sandbox.world.data_sources.values()
    return {"".join(run["plain_text"] for run in shop_title(source)): source.id for source in found}


def shop_title(source: Any) -> list[dict[str, Any]]:
    return list(source.title)


def content(dsn: str, table: str, columns: dict[str, str]) -> list[tuple[Any, ...]]:
    """Some columns of a table, as text, in order of the key; `columns` are their names there. 2.50 is 2.5."""
    names = sql.SQL(", ").join(
        sql.SQL("trim_scale({}::numeric)::text" if name in NUMBERS else "{}::text").format(sql.Identifier(name))
        for name in columns.values()
    )
    with psycopg.connect(dsn) as connection:
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1, 2").format(names, sql.Identifier(table))
        return connection.execute(query).fetchall()


def test_a_shop_goes_to_notion_and_comes_back_into_an_empty_database(shop: World, empty: str) -> None:
    said = set_up(shop, "--create-notion", shop.sandbox.root_page_id)
    assert "audit: it has no primary key" in said
    assert "password_hash" in said
    assert sorted(sources(shop)) == sorted(name.replace("_", " ").capitalize() for name in TABLES)
    in_step(shop)
    tags = {values["name"] for values in shop.ada.rows(sources(shop)["Tags"]).values()}
    assert tags == {"New", "Organic", "On sale"}
    product = next(v for v in shop.ada.rows(sources(shop)["Products"]).values() if v["name"] == "Product 1")
    assert len(product["tags"]) == 2
    shop.sql("UPDATE employees SET manager_id = 3 WHERE id = 4; DELETE FROM product_tags WHERE tag_id = 'new'")
    order = next(page for page, v in shop.ada.rows(sources(shop)["Orders"]).items() if v["reference"] == "A-1")
    customer = next(page for page, v in shop.ada.rows(sources(shop)["Customers"]).items() if v["name"] == "Customer 6")
    shop.ada.edit(order, {"customer": [customer], "state": "sent"})
    payment = next(page for page, v in shop.ada.rows(sources(shop)["Payments"]).items() if v["reference"] == "P-1")
    shop.ada.edit(payment, {"amount": 20.05, "fee": 0.3})
    in_step(shop)
    assert shop.sql("SELECT amount::text, fee::text FROM payments WHERE reference = 'P-1'") == [("20.05", "0.3")]
    assert shop.sql("SELECT customer_id, state::text FROM orders WHERE reference = 'A-1'") == [(6, "sent")]

    shop.config.rename(shop.folder / "there.toml")
    (shop.folder / "state").rename(shop.folder / "state-there")
    set_up(shop, "--create-table", DATABASE_URL=empty)
    in_step(shop, DATABASE_URL=empty)
    assert content(empty, "products_tags", {"a": "products_id", "b": "tags_id"}) == content(
        shop.dsn, "product_tags", {"a": "product_id", "b": "tag_id"}
    )
    same: dict[str, dict[str, str]] = {
        "customers": {"id": "id", "name": "name", "email": "email", "since": "since"},
        "employees": {n: n for n in ("id", "name", "active", "manager_id", "home_category_id")},
        "categories": {n: n for n in ("id", "name", "parent_id", "keeper_id")},
        "suppliers": {n: n for n in ("id", "name", "website")},
        "products": {n: n for n in ("id", "name", "price", "category_id", "supplier_id")},
        "shipments": {n: n for n in ("id", "code", "order_id", "weight", "sent_on")},
        "payments": {n: n for n in ("id", "reference", "order_id", "amount", "fee", "received_at")},
        "tags": {"id": "id", "name": "name"},
        "orders": {n: n for n in ("id", "reference", "customer_id", "seller_id", "state", "placed_at")},
        "order_lines": {n: n for n in ("id", "order_id", "product_id", "quantity", "note")},
    }
    for table, columns in same.items():
        assert content(empty, table, columns) == content(shop.dsn, table, columns), table


def test_a_schema_is_matched_with_the_databases_that_are_there(shop: World) -> None:
    page = shop.sandbox.root_page_id
    set_up(shop, "--create-notion", page)
    first = shop.config.read_text()
    shop.ada.create_database("Wishes", {"Name": "title"})
    shop.config.unlink()
    said = set_up(shop)
    assert "Wishes: no table is named so" in said
    assert shop.config.read_text().count("\n[[sync]]\n") == len(TABLES)
    assert '"public.product_tags" = { property = "tags", through = ["product_id", "tag_id"] }' in first
    assert sorted(uncommented(shop.config.read_text())) == sorted(uncommented(first))
    in_step(shop)


def uncommented(text: str) -> list[str]:
    return [line.partition("   #")[0] for line in text.splitlines() if not line.startswith("# not mapped")]


def test_a_new_table_is_added_to_the_file(shop: World) -> None:
    page = shop.sandbox.root_page_id
    set_up(shop, "--create-notion", page)
    before = shop.config.read_text()
    shop.sql("CREATE TABLE reviews (id int PRIMARY KEY, words text, product_id bigint REFERENCES products)")
    result = shop.type("init", "--all", "--create-notion", page, "--yes")
    assert result.exit_code == 0, result.stderr
    assert shop.config.read_text().startswith(before)
    assert list(sources(shop)).count("Reviews") == 1
    assert "product_id = " in shop.config.read_text()[len(before) :], "it links to what has a sync already"
    in_step(shop)


def test_the_script_for_tables_is_the_same_each_time_and_makes_nothing(shop: World, empty: str) -> None:
    set_up(shop, "--create-notion", shop.sandbox.root_page_id)
    shop.config.unlink()
    args = ("init", "--all", "--create-table", "--print-sql", "--base-url", shop.server.url)
    first = shop.type(*args, DATABASE_URL=empty)
    assert first.exit_code == 0, first.stderr
    assert first.stdout == shop.type(*args, DATABASE_URL=empty).stdout
    assert not shop.config.exists()
    with psycopg.connect(empty, autocommit=True) as dba:
        dba.execute(first.stdout.encode())
    set_up(shop, DATABASE_URL=empty)
    in_step(shop, DATABASE_URL=empty)


def test_only_what_is_below_a_page(shop: World, empty: str) -> None:
    set_up(shop, "--create-notion", shop.sandbox.root_page_id)
    shop.config.unlink()
    other = shop.ada.create_row(sources(shop)["Tags"], {"name": "a page to put databases below"})
    args = ("--create-table", "--print-sql", "--base-url", shop.server.url)
    nothing = shop.type("init", "--all", "--below", other, *args, DATABASE_URL=empty)
    assert nothing.exit_code == 2
    everything = shop.type("init", "--all", "--below", shop.sandbox.root_page_id, *args, DATABASE_URL=empty)
    assert everything.stdout.count("CREATE TABLE") == len(TABLES) + 1
