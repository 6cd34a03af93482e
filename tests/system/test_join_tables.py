"""A join table and a relation of many are the same links: made and removed on either side, at the same time too."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from bridge.crashpoints import CrashPoint, When
from bridge.engine.opening import open_sides
from bridge.errors import SetupError
from bridge.postgres.connection import Session
from bridge.postgres.findings import installed
from bridge.postgres.install import render_sql, uninstall
from tests.system.crashing import KILLED, run
from tests.system.shop import TAGS, Shop


def tagged(shop: Shop) -> tuple[str, list[str]]:
    """An order with the first two of three tags, in step."""
    tags = [shop.insert("tags", id=name, name=name.upper()) for name in ("a", "b", "c")]
    order = shop.insert("orders", title="1")
    shop.link(order, "a", "b")
    shop.sync()
    return order, tags


def shown(shop: Shop, order: str) -> list[str]:
    """The keys of the tags that the page of an order shows."""
    return sorted(shop.key_of("tags", page) for page in shop.linked("orders", order, "Tags"))


def agreed(shop: Shop) -> bool:
    return (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_links_are_carried_both_ways_when_records_are_made(shop: Shop) -> None:
    order, _ = tagged(shop)
    assert shown(shop, order) == ["a", "b"]
    new_tag = shop.person.create_row(shop.sources["tags"], {"Name": "new"})
    pages = [new_tag, shop.page_of("tags", "c")]
    new_order = shop.person.create_row(shop.sources["orders"], {"Title": "2", "Tags": pages})
    shop.sync()
    key, tag = shop.key_of("orders", new_order), shop.key_of("tags", new_tag)
    assert shop.links() == {order: ["a", "b"], key: sorted(["c", tag])}
    assert agreed(shop)


def test_links_are_made_and_removed_on_either_side(shop: Shop) -> None:
    order, _ = tagged(shop)
    shop.link(order, "c")
    shop.sql("DELETE FROM order_tags WHERE tag_id = 'a'")
    shop.sync()
    assert shown(shop, order) == ["b", "c"]
    page = shop.page_of("orders", order)
    shop.person.edit(page, {"Tags": [shop.page_of("tags", key) for key in ("a", "c")], "Title": "also"})
    shop.sync()
    assert shop.links() == {order: ["a", "c"]}
    assert shop.column("orders", "title") == {order: "also"}
    shop.person.edit(page, {"Tags": []})
    shop.sync()
    assert shop.links() == {}
    shop.link(order, "b")
    shop.sync()
    shop.sql("TRUNCATE order_tags")
    shop.sync()
    assert shown(shop, order) == []
    assert agreed(shop)


def test_the_order_of_the_links_is_no_edit(shop: Shop) -> None:
    order, _ = tagged(shop)
    page = shop.page_of("orders", order)
    shop.person.edit(page, {"Tags": [shop.page_of("tags", key) for key in ("b", "a")]})
    writes = len(shop.sandbox.log.find("PATCH"))
    shop.sync()
    assert len(shop.sandbox.log.find("PATCH")) == writes
    assert shop.links() == {order: ["a", "b"]}


def test_a_link_moves_to_another_order(shop: Shop) -> None:
    """One UPDATE of the join table is a change of both records."""
    order, _ = tagged(shop)
    other = shop.insert("orders", title="2")
    shop.sync()
    shop.sql("UPDATE order_tags SET order_id = %s WHERE tag_id = 'a'", other)
    shop.sync()
    assert (shown(shop, order), shown(shop, other)) == (["b"], ["a"])
    assert agreed(shop)


def test_two_transactions_that_link_one_order_at_the_same_time(shop: Shop) -> None:
    """Neither sees the other's link, and the first to write commits last."""
    order, _ = tagged(shop)
    shop.sql("DELETE FROM order_tags")
    shop.sync()
    with psycopg.connect(shop.dsn) as first, psycopg.connect(shop.dsn) as second:
        first.execute("INSERT INTO order_tags VALUES (%s, 'a')", [order])
        first.execute("UPDATE orders SET title = 'edited' WHERE id = %s", [order])
        second.execute("INSERT INTO order_tags VALUES (%s, 'b')", [order])
        second.commit()
        shop.sync()
        assert shown(shop, order) == ["b"]
        first.commit()
    shop.sync()
    assert shown(shop, order) == ["a", "b"]
    assert shop.person.read(shop.page_of("orders", order))["Title"] == "edited"
    assert agreed(shop)


def test_deleted_records_take_their_links_along(shop: Shop) -> None:
    order, _ = tagged(shop)
    shop.sql("DELETE FROM tags WHERE id = 'a'")
    shop.sync()
    assert shown(shop, order) == ["b"]
    shop.person.trash(shop.page_of("tags", "b"))
    shop.sync()
    shop.sync()
    assert (shop.links(), shown(shop, order)) == ({}, [])
    shop.link(order, "c")
    shop.sync()
    shop.person.trash(shop.page_of("orders", order))
    shop.sync()
    shop.sync()
    assert (shop.links(), shop.column("orders", "title")) == ({}, {})
    assert agreed(shop)


def test_a_tag_in_the_trash_whose_row_stays_keeps_its_links(shop: Shop) -> None:
    """What Notion hides was not removed by anybody; what is shown beside it can be changed."""
    shop.more["tags"] = 'deletes = "hold"'
    shop.write_config()
    order, _ = tagged(shop)
    shop.person.trash(shop.page_of("tags", "a"))
    shop.sync()
    shop.person.edit(shop.page_of("orders", order), {"Tags": [shop.page_of("tags", "c")]})
    shop.sync()
    assert shop.links() == {order: ["a", "c"]}
    assert [(sync, kind) for sync, _, kind, _ in shop.parked()] == [("tags", "held")]


def test_more_links_than_a_page_object_shows(shop: Shop) -> None:
    tags = [shop.insert("tags", id=f"t{n:03}", name=str(n)) for n in range(105)]
    order = shop.insert("orders", title="many")
    shop.link(order, *tags[:60])
    shop.sync()
    assert shown(shop, order) == tags[:60]
    page = shop.page_of("orders", order)
    shop.person.edit(page, {"Tags": [*shop.linked("orders", order, "Tags")[1:], shop.page_of("tags", tags[99])]})
    shop.sync()
    assert len(shop.links()[order]) == 60
    assert agreed(shop)
    shop.sql("INSERT INTO order_tags SELECT %s, id FROM tags ON CONFLICT DO NOTHING", order)
    shop.sync()
    [(_, field, kind, reason)] = shop.parked()
    assert (field, kind) == ("public.order_tags", "unfit")
    assert "105" in reason
    assert len(shown(shop, order)) == 60


def test_links_survive_a_lost_journal_and_a_changed_key(shop: Shop) -> None:
    tagged(shop)
    shop.sql("UPDATE tags SET id = 'z' WHERE id = 'a'")
    shop.sql("UPDATE orders SET id = 500")
    shop.sync()
    assert (shop.links(), shown(shop, "500")) == ({"500": ["b", "z"]}, ["b", "z"])
    assert agreed(shop)
    shop.forget()
    shop.sync()
    assert (shop.links(), shown(shop, "500")) == ({"500": ["b", "z"]}, ["b", "z"])
    assert agreed(shop)


def test_a_row_that_the_database_refuses_is_parked_for_its_field(shop: Shop) -> None:
    shop.sql("ALTER TABLE order_tags ADD COLUMN why text")
    order, _ = tagged(shop)
    shop.sql("ALTER TABLE order_tags ADD CHECK (tag_id <> 'c')")
    both = [shop.page_of("tags", key) for key in ("a", "c")]
    shop.person.edit(shop.page_of("orders", order), {"Tags": both, "Title": "goes on"})
    shop.sync()
    assert shop.links() == {order: ["a", "b"]}
    assert [(field, kind) for _, field, kind, _ in shop.parked()] == [("public.order_tags", "refused")]
    shop.sync()
    assert shop.column("orders", "title") == {order: "goes on"}


def test_the_second_trigger_is_checked_and_removed(shop: Shop) -> None:
    tagged(shop)
    config = shop.config()
    with open_sides(config) as sides, closing(Session(shop.dsn)) as session, session.use() as connection:
        sync = sides.bind(config.sync("orders"))
        assert installed(connection, sync) == []
        assert "order_tags" in render_sql(sync)
        shop.sql("ALTER TABLE order_tags DISABLE TRIGGER notion_bridge_links_1_orders")
        assert [finding.name for finding in installed(connection, sync)] == ["trigger-disabled"]
        shop.sql("DROP TRIGGER notion_bridge_links_1_orders ON order_tags")
        assert [finding.name for finding in installed(connection, sync)] == ["trigger-missing"]
        uninstall(connection, "orders")
        assert shop.sql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'notion_bridge_links%%orders%%'") == []
    shop.syncs["orders"].pop('"public.order_tags"')
    shop.write_config()
    shop.sync()
    assert shop.sql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'notion_bridge_links%%orders%%'") == []


@pytest.mark.parametrize(
    ("through", "reason"),
    [
        (TAGS.replace('"order_id", "tag_id"', '"tag_id", "order_id"'), "not the key of"),
        (TAGS.replace('"tag_id"', '"colour"'), "no column 'colour'"),
        (TAGS.replace('"Tags"', '"Customer"'), "references public.tags"),
    ],
)
def test_a_join_table_that_does_not_fit_is_refused_in_words(shop: Shop, through: str, reason: str) -> None:
    shop.syncs["orders"] = {"title": '"Title"', '"public.order_tags"': through}
    shop.write_config()
    with pytest.raises(SetupError, match=reason):
        shop.sync()


def test_both_sides_of_a_two_way_relation_are_not_mapped(dual_shop: Shop) -> None:
    shop = dual_shop
    source = shop.sandbox.world.data_sources[shop.sources["tags"]]
    mirror = next(prop.name for prop in source.properties.values() if prop.type == "relation")
    back = f'{{ property = "{mirror}", through = ["tag_id", "order_id"] }}'
    shop.syncs["tags"]['"public.order_tags"'] = back
    shop.write_config()
    with pytest.raises(SetupError, match="two sides of one relation"):
        shop.sync()


@pytest.mark.parametrize(
    ("point", "when"),
    [
        (CrashPoint.INTENTS_COMMITTED, "after"),
        (CrashPoint.ROWS_SETTLED, "before"),
        (CrashPoint.PAGES_WRITTEN, "before"),
        (CrashPoint.PAGE_SETTLED, "after"),
        (CrashPoint.ROWS_JOURNALED, "before"),
    ],
)
def test_a_killed_bridge_goes_on_with_the_links(shop: Shop, point: CrashPoint, when: When) -> None:
    """Both kinds of link at once, changed on both sides, and records that nobody has seen yet."""
    order, _ = tagged(shop)
    shop.insert("orders", title="new row", customer_id=shop.insert("customers", name="Ada"))
    shop.sql("DELETE FROM order_tags WHERE tag_id = 'a'")
    customer = shop.person.create_row(shop.sources["customers"], {"Name": "Bob"})
    tags = [shop.page_of("tags", key) for key in ("a", "b", "c")]
    shop.person.create_row(shop.sources["orders"], {"Title": "new page", "Customer": [customer], "Tags": tags})
    assert run(shop, "sync", crash=(point, when, 1)) == KILLED
    assert run(shop, "sync") == 0
    assert run(shop, "sync") == 0
    made = {title: key for key, title in shop.column("orders", "title").items()}
    customers = {name: key for key, name in shop.column("customers", "name").items()}
    references = shop.column("orders", "customer_id")
    assert references[made["new row"]] == customers["Ada"]
    assert references[made["new page"]] == customers["Bob"]
    assert shop.links() == {order: ["b"], made["new page"]: ["a", "b", "c"]}
    assert agreed(shop)


def test_check_and_plan_know_the_links(shop: Shop) -> None:
    order, _ = tagged(shop)
    shop.sql("DELETE FROM order_tags WHERE tag_id = 'a'")
    results = {}
    for command in ("check", "plan", "verify"):
        line = [sys.executable, "-m", "bridge", command, "--config", str(shop.config_path)]
        done = subprocess.run(line, capture_output=True, timeout=100, check=False, text=True)
        results[command] = done.stdout + done.stderr
    assert "every change of orders and order_tags is captured" in results["check"].replace("public.", "")
    assert "error" not in results["check"].lower()
    assert "public.order_tags = b" in results["plan"], results["plan"]
    assert order in results["verify"]
