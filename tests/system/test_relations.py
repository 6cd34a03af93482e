"""A foreign key and a relation are one link: made, changed and removed on either side, in any order of creation.

And what must never happen: a link erased because Notion does not show where it leads.
"""

from __future__ import annotations

import pytest

from tests.system.shop import Shop


def test_rows_that_reference_each_other_become_pages_that_link(shop: Shop) -> None:
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    first, second = (shop.insert("orders", title=title, customer_id=key) for title, key in (("1", ada), ("2", bob)))
    alone = shop.insert("orders", title="3")
    shop.sync()
    assert shop.linked("orders", first, "Customer") == [shop.page_of("customers", ada)]
    assert shop.linked("orders", second, "Customer") == [shop.page_of("customers", bob)]
    assert shop.linked("orders", alone, "Customer") == []
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_first_fill_makes_each_page_with_its_links_at_once(shop: Shop) -> None:
    customers = [shop.insert("customers", name=f"customer {n}") for n in range(10)]
    tags = [shop.insert("tags", name=f"tag {n}") for n in range(3)]
    orders = [shop.insert("orders", title=str(n), customer_id=customers[n % 10]) for n in range(20)]
    for number, order in enumerate(orders):
        shop.link(order, tags[number % 3], tags[(number + 1) % 3])
    shop.sync()
    made = [entry for entry in shop.sandbox.log.find("POST") if entry.path == "/v1/pages"]
    assert (len(made), shop.sandbox.log.find("PATCH")) == (33, [])
    assert [shop.linked("orders", key, "Customer") for key in orders[:10]] == [
        [shop.page_of("customers", key)] for key in customers
    ]
    assert len(shop.linked("orders", orders[0], "Tags")) == 2
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_pages_that_link_become_rows_that_reference_each_other(shop: Shop) -> None:
    ada = shop.person.create_row(shop.sources["customers"], {"Name": "Ada"})
    order = shop.person.create_row(shop.sources["orders"], {"Title": "1", "Customer": [ada]})
    shop.sync()
    key = shop.key_of("orders", order)
    assert shop.column("orders", "customer_id") == {key: shop.key_of("customers", ada)}
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_link_is_changed_and_removed_on_either_side(shop: Shop) -> None:
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    page = shop.page_of("orders", order)
    shop.person.edit(page, {"Customer": [shop.page_of("customers", bob)]})
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: bob}
    shop.sql("UPDATE orders SET customer_id = %s", ada)
    shop.sync()
    assert shop.linked("orders", order, "Customer") == [shop.page_of("customers", ada)]
    shop.person.edit(page, {"Customer": []})
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: None}
    shop.sql("UPDATE orders SET customer_id = %s", bob)
    shop.sync()
    shop.sql("UPDATE orders SET customer_id = NULL")
    shop.sync()
    assert shop.linked("orders", order, "Customer") == []
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_circle_of_references(shop: Shop) -> None:
    boss = shop.insert("employees", name="boss")
    clerk = shop.insert("employees", name="clerk", manager_id=boss)
    shop.sql("UPDATE employees SET manager_id = %s WHERE id = %s", clerk, boss)
    first = shop.person.create_row(shop.sources["employees"], {"Name": "first"})
    second = shop.person.create_row(shop.sources["employees"], {"Name": "second", "Manager": [first]})
    shop.person.edit(first, {"Manager": [second]})
    shop.sync()
    assert shop.linked("employees", boss, "Manager") == [shop.page_of("employees", clerk)]
    assert shop.linked("employees", clerk, "Manager") == [shop.page_of("employees", boss)]
    keys = [shop.key_of("employees", page) for page in (first, second)]
    managers = shop.column("employees", "manager_id")
    assert [managers[key] for key in keys] == keys[::-1]
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_running_bridge_follows_with_the_link_as_soon_as_there_is_a_page(shop: Shop) -> None:
    """The order is known before its customer: the page is made at once, and linked when it can be."""
    with shop.running():
        shop.sql(
            "WITH made AS (INSERT INTO customers (name) VALUES ('Ada') RETURNING id)"
            " INSERT INTO orders (title, customer_id) SELECT 'x', id FROM made"
        )
        shop.until(lambda: shop.linked("orders", "1", "Customer") == [shop.page_of("customers", "1")], "linked")
        ada = shop.page_of("customers", "1")
        order = shop.person.create_row(shop.sources["orders"], {"Title": "y", "Customer": [ada]})
        key = shop.until(lambda: shop.person.read(order)["ID"], "a row for the page")
        shop.until(lambda: shop.column("orders", "customer_id")[key] == "1", "the row's reference")
        new = shop.person.create_row(shop.sources["customers"], {"Name": "new"})
        shop.person.edit(order, {"Customer": [new]})
        new_key = shop.until(lambda: shop.person.read(new)["ID"], "a row for the customer")
        shop.until(lambda: shop.column("orders", "customer_id")[key] == new_key, "the new reference")
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_links_survive_a_lost_journal_without_a_conflict(shop: Shop) -> None:
    ada = shop.insert("customers", name="Ada")
    orders = [shop.insert("orders", title=str(n), customer_id=ada) for n in range(3)]
    shop.sync()
    shop.forget()
    writes = len(shop.sandbox.log.find("PATCH"))
    shop.sync()
    assert shop.column("orders", "customer_id") == dict.fromkeys(orders, ada)
    assert len(shop.sandbox.log.find("PATCH")) == writes
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_one_sync_alone_knows_the_pages_of_the_others(shop: Shop) -> None:
    """The journal remembers syncs that this run was not asked to keep."""
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    shop.sql("UPDATE orders SET customer_id = %s", bob)
    new = shop.insert("customers", name="unknown so far")
    waiting = shop.insert("orders", title="2", customer_id=new)
    shop.sync_only("orders")
    assert shop.linked("orders", order, "Customer") == [shop.page_of("customers", bob)]
    assert shop.linked("orders", waiting, "Customer") == []
    [(_, field, kind, reason)] = shop.parked()
    assert (field, kind) == ("customer_id", "link")
    assert f"customers {new}" in reason
    shop.sync()
    assert shop.linked("orders", waiting, "Customer") == [shop.page_of("customers", new)]
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_second_page_in_a_relation_waits_and_erases_nothing(shop: Shop) -> None:
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    both = [shop.page_of("customers", key) for key in (ada, bob)]
    shop.person.edit(shop.page_of("orders", order), {"Customer": both, "Title": "edited"})
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: ada}
    assert shop.column("orders", "title") == {order: "edited"}
    [(_, field, kind, reason)] = shop.parked()
    assert (field, kind) == ("customer_id", "unfit")
    assert "2 pages" in reason
    shop.person.edit(shop.page_of("orders", order), {"Customer": both[1:]})
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: bob}
    assert (shop.parked(), shop.differences()) == ([], [])


def test_a_changed_key_keeps_its_links(shop: Shop) -> None:
    ada = shop.insert("customers", name="Ada")
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    customer = shop.page_of("customers", ada)
    shop.sql("UPDATE customers SET id = 77")
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: "77"}
    assert shop.linked("orders", order, "Customer") == [customer]
    assert shop.page_of("customers", "77") == customer
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


@pytest.mark.parametrize("hides", [True, False])
def test_a_deleted_row_empties_the_links_to_it(shop: Shop, hides: bool) -> None:
    """ON DELETE SET NULL comes through the outbox like every other change."""
    shop.sandbox.options.trashed_targets_hide = hides
    ada = shop.insert("customers", name="Ada")
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    shop.sql("DELETE FROM customers")
    shop.sync()
    assert shop.linked("orders", order, "Customer") == []
    assert shop.person.rows(shop.sources["customers"]) == {}
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


@pytest.mark.parametrize("hides", [True, False])
def test_a_trashed_page_takes_its_row_and_the_database_empties_the_references(shop: Shop, hides: bool) -> None:
    shop.sandbox.options.trashed_targets_hide = hides
    ada = shop.insert("customers", name="Ada")
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    shop.person.trash(shop.page_of("customers", ada))
    shop.sync()
    shop.sync()
    assert shop.column("customers", "name") == {}
    assert shop.column("orders", "customer_id") == {order: None}
    assert shop.linked("orders", order, "Customer") == []
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_rows_that_go_with_their_parent_take_their_pages_along(shop: Shop) -> None:
    shop.sql("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey")
    shop.sql("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE")
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    for key in (ada, ada, bob):
        shop.insert("orders", title="x", customer_id=key)
    shop.sync()
    shop.person.trash(shop.page_of("customers", ada))
    shop.sync()
    shop.sync()
    assert list(shop.column("orders", "customer_id").values()) == [bob]
    assert len(shop.person.rows(shop.sources["orders"])) == 1
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


@pytest.mark.parametrize("hides", [True, False])
def test_a_page_that_must_not_go_leaves_every_reference(shop: Shop, hides: bool) -> None:
    """ON DELETE RESTRICT: the row stays, the deletion is parked with the database's reason; nothing is unlinked."""
    shop.sandbox.options.trashed_targets_hide = hides
    shop.sql("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey")
    shop.sql("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers ON DELETE RESTRICT")
    ada = shop.insert("customers", name="Ada")
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync()
    customer = shop.page_of("customers", ada)
    shop.person.trash(customer)
    shop.person.edit(shop.page_of("orders", order), {"Title": "edited meanwhile"})
    shop.sync()
    shop.sync()
    assert shop.column("orders", "customer_id") == {order: ada}
    assert shop.column("orders", "title") == {order: "edited meanwhile"}
    assert [(sync, kind) for sync, _, kind, _ in shop.parked()] == [("customers", "refused")]
    shop.person.restore(customer)
    shop.sync()
    assert shop.linked("orders", order, "Customer") == [customer]
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_targets_that_are_no_longer_shared_unlink_nothing(shop: Shop) -> None:
    ada, bob = (shop.insert("customers", name=name) for name in ("Ada", "Bob"))
    orders = [shop.insert("orders", title=str(n), customer_id=ada) for n in range(3)]
    shop.sync()
    shop.person.unshare(shop.sources["customers"])
    for order in orders:
        shop.person.edit(shop.page_of("orders", order), {"Title": f"edited {order}"})
    shop.sql("UPDATE orders SET customer_id = %s WHERE id = %s", bob, orders[0])
    shop.sync_only("orders")
    assert shop.column("orders", "title") == {order: f"edited {order}" for order in orders}
    assert shop.column("orders", "customer_id") == {orders[0]: bob, orders[1]: ada, orders[2]: ada}
    [(_, field, kind, reason)] = shop.parked()
    assert (field, kind) == ("customer_id", "refused")
    assert "not shared" in reason
    shop.person.share(shop.sources["customers"])
    shop.retry_parked()
    shop.sync()
    assert shop.linked("orders", orders[0], "Customer") == [shop.page_of("customers", bob)]
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])


def test_a_new_page_does_not_wait_for_a_target_that_is_not_shared(shop: Shop) -> None:
    ada = shop.insert("customers", name="Ada")
    shop.sync()
    shop.person.unshare(shop.sources["customers"])
    order = shop.insert("orders", title="1", customer_id=ada)
    shop.sync_only("orders")
    assert shop.linked("orders", order, "Customer") == []
    assert shop.column("orders", "customer_id") == {order: ada}
    assert [(field, kind) for _, field, kind, _ in shop.parked()] == [("customer_id", "refused")]


def test_a_two_way_relation_is_carried_once(dual_shop: Shop) -> None:
    """Linked from the other side of the relation: Notion moves no stamp of the pages that it mirrors into."""
    shop = dual_shop
    ada = shop.insert("customers", name="Ada")
    orders = [shop.insert("orders", title=str(n)) for n in range(2)]
    shop.sync()
    source = shop.sandbox.world.data_sources[shop.sources["customers"]]
    mirror = next(prop.name for prop in source.properties.values() if prop.type == "relation")
    pages = [shop.page_of("orders", order) for order in orders]
    shop.person.edit(shop.page_of("customers", ada), {mirror: pages})
    shop.sync()
    assert shop.column("orders", "customer_id") == dict.fromkeys(orders, ada)
    shop.sql("UPDATE orders SET customer_id = NULL WHERE id = %s", orders[0])
    shop.sync()
    assert shop.person.read(shop.page_of("customers", ada))[mirror] == pages[1:]
    assert (shop.parked(), shop.conflicts(), shop.differences()) == ([], [], [])
