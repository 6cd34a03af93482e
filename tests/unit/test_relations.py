"""Which sync a relation links to, and every way in which a mapping of it cannot be right, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.config import FieldConfig, SyncConfig
from bridge.engine.joins import join_of
from bridge.engine.relations import Target, find_targets, target_of
from bridge.errors import SetupError
from bridge.shapes import Column, DataSource, ForeignKey, Property, Table

DS = "11111111-1111-1111-1111-111111111111"
DB = "22222222-2222-2222-2222-222222222222"
MIRROR = {"synced_property_id": "m", "synced_property_name": "Orders"}
PROP = Property("p-customer", "Customer", "relation", config={"data_source_id": DS, "database_id": DB})
ID = Column("id", "bigint", "bigint", 1, not_null=True)
CODE = Column("code", "text", "text", 2, not_null=True)
CUSTOMER = Column("customer_id", "bigint", "bigint", 2)
CUSTOMERS = Table("public", "customers", 1, (ID, CODE), ("id",))
KEY = ForeignKey("fk", ("customer_id",), "public", "customers", ("id",))
ORDERS = Table("public", "orders", 2, (ID, CUSTOMER), ("id",), foreign_keys=(KEY,))
SYNC = SyncConfig("customers", "public.customers", DS, "ID", (FieldConfig("name", "Name"),))
HERE = Target(SYNC, CUSTOMERS)


def refused(*targets: Target, table: Table = ORDERS, column: Column = CUSTOMER, prop: Property = PROP) -> SetupError:
    with pytest.raises(SetupError) as raised:
        target_of(column, prop, table, {prop.id: targets})
    assert raised.value.hint
    return raised.value


def test_the_target_is_the_sync_of_the_referenced_table() -> None:
    assert target_of(CUSTOMER, PROP, ORDERS, {PROP.id: (HERE,)}) == "customers"
    other = Target(replace(SYNC, name="others"), replace(CUSTOMERS, name="others"))
    assert target_of(CUSTOMER, PROP, ORDERS, {PROP.id: (other, HERE)}) == "customers"
    assert target_of(CUSTOMER, replace(PROP, type="number"), ORDERS, {}) == ""


def test_without_a_foreign_key_the_data_source_tells() -> None:
    plain = replace(ORDERS, foreign_keys=())
    assert target_of(CUSTOMER, PROP, plain, {PROP.id: (HERE,)}) == "customers"
    two = refused(HERE, Target(replace(SYNC, name="others"), CUSTOMERS), table=plain)
    assert "several syncs" in two.message


def test_the_data_source_is_found_however_it_is_written() -> None:
    source = DataSource("ds", "db", "Orders", (PROP, replace(PROP, id="unmapped", name="Unmapped")))
    orders = SyncConfig("orders", "public.orders", "x", "ID", (FieldConfig("customer_id", "Customer"),))
    refs = [DS, DS.replace("-", ""), f"https://www.notion.so/{DB.replace('-', '')}", "https://example.com/nothing"]
    syncs = [replace(SYNC, name=str(number), data_source=ref) for number, ref in enumerate(refs)]
    found = find_targets(orders, source, syncs, {}, lambda table, key: CUSTOMERS)
    assert {prop: [target.config.name for target in kept] for prop, kept in found.items()} == {PROP.id: ["0", "1", "2"]}


def test_a_renamed_relation_is_still_found() -> None:
    source = DataSource("ds", "db", "Orders", (replace(PROP, name="Buyer"),))
    orders = SyncConfig("orders", "public.orders", "x", "ID", (FieldConfig("customer_id", "Customer"),))
    assert find_targets(orders, source, [SYNC], {"Customer": PROP.id}, lambda table, key: CUSTOMERS)[PROP.id]


def test_mappings_that_cannot_be_right() -> None:
    assert "no [[sync]]" in refused().message
    elsewhere = refused(Target(SYNC, replace(CUSTOMERS, name="people")))
    assert "references public.customers" in elsewhere.message
    by_code = replace(ORDERS, foreign_keys=(replace(KEY, references=("code",)),))
    assert 'key = ["code"]' in refused(HERE, table=by_code).hint
    assert "several columns" in refused(Target(SYNC, replace(CUSTOMERS, key=("id", "code")))).message
    words = replace(CUSTOMER, type_name="text")
    assert "cannot hold the key" in refused(HERE, column=words, table=replace(ORDERS, foreign_keys=())).message


@pytest.mark.parametrize("named", ["Orders", "m"])
def test_both_sides_of_a_two_way_relation(named: str) -> None:
    dual = replace(PROP, config={"data_source_id": DS, "type": "dual_property", "dual_property": MIRROR})
    twice = Target(replace(SYNC, fields=(FieldConfig("orders", named),)), CUSTOMERS)
    assert "two sides of one relation" in refused(twice, prop=dual).message


JOIN = Table(
    "public",
    "order_tags",
    3,
    (Column("order_id", "bigint", "bigint", 1), Column("tag_id", "text", "text", 2)),
    ("tag_id", "order_id"),
    foreign_keys=(ForeignKey("a", ("order_id",), "public", "orders", ("id",)),),
)
FIELD = FieldConfig("public.order_tags", "Tags", through=("order_id", "tag_id"))


def test_a_join_table_is_seen_from_its_first_column() -> None:
    through = join_of(FIELD, {FIELD.column: JOIN}, ORDERS)
    assert (through.own.name, through.other.name) == ("order_id", "tag_id")


@pytest.mark.parametrize(
    ("table", "own", "reason"),
    [
        (replace(JOIN, key=("order_id",)), ORDERS, "no join table"),
        (JOIN, replace(ORDERS, key=("id", "customer_id")), "several columns"),
        (JOIN, CUSTOMERS, "not the key of public.customers"),
        (replace(JOIN, columns=JOIN.columns[:1]), ORDERS, "no column 'tag_id'"),
        (replace(JOIN, foreign_keys=()), replace(CUSTOMERS, key=("code",)), "cannot hold the key"),
    ],
)
def test_join_tables_that_do_not_fit(table: Table, own: Table, reason: str) -> None:
    with pytest.raises(SetupError, match=reason.replace("[", r"\[")) as raised:
        join_of(FIELD, {FIELD.column: table}, own)
    assert raised.value.hint
