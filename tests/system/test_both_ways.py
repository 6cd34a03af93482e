"""The main job on real parts: a real PostgreSQL, real HTTP to the sandbox, both directions."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from psycopg import sql

from tests.system.world import World


def insert(world: World, title: str, **columns: object) -> str:
    [(key,)] = world.sql("INSERT INTO tasks (title) VALUES (%s) RETURNING id", title)
    for name, value in columns.items():
        world.sql(sql.SQL("UPDATE tasks SET {} = %s WHERE id = %s").format(sql.Identifier(name)), value, key)
    return str(key)


def test_rows_and_pages_that_exist_on_one_side_are_made_on_the_other(world: World) -> None:
    key = insert(world, "from the database", amount="12.50", tags=["a", "b"])
    world.person.create_row(world.data_source, {"Name": "from Notion", "Stage": "Doing", "Amount": 3})
    world.sync()
    assert world.page(key)["Name"] == "from the database"
    assert world.page(key)["Tags"] == ["a", "b"]
    rows = world.rows()
    assert len(rows) == 2
    (made,) = [row for row in rows.values() if row["title"] == "from Notion"]
    assert (made["stage"], made["amount"]) == ("Doing", 3)
    assert world.page(str(made["id"]))["Name"] == "from Notion"
    assert world.in_step()


def test_a_changed_row_changes_its_page_and_nothing_else(world: World) -> None:
    key = insert(world, "old", amount="1", mail="a@example.com")
    world.sync()
    page = world.page(key)
    world.person.write_body(page["_id"], "a body that is nobody's business")
    world.sql("UPDATE tasks SET title = 'new', tags = '{x,y}' WHERE id = %s", int(key))
    world.sync()
    after = world.page(key)
    assert after == {**page, "Name": "new", "Tags": ["x", "y"]}
    (patch,) = [entry for entry in world.sandbox.log.find("PATCH") if "properties" in entry.body]
    assert len(patch.body["properties"]) == 2


def test_an_edited_page_changes_its_row_and_nothing_else(world: World) -> None:
    key = insert(world, "old", amount="1.50", secret="never leaves")
    world.sync()
    before = world.rows()[key]
    world.person.edit(world.page(key)["_id"], {"Name": "new", "Due": "2026-12-24", "Done": True, "Tags": ["x"]})
    world.sync()
    changed = {"title": "new", "due": date(2026, 12, 24), "done": True, "tags": ["x"]}
    assert world.rows()[key] == {**before, **changed}
    assert "never leaves" not in world.journal_path.read_bytes().decode("latin-1")


def test_edits_of_different_fields_of_one_record_both_survive(world: World) -> None:
    key = insert(world, "t")
    world.sync()
    world.sql("UPDATE tasks SET mail = 'db@example.com' WHERE id = %s", int(key))
    world.person.edit(world.page(key)["_id"], {"Amount": 7})
    world.sync()
    assert world.page(key)["Mail"] == "db@example.com"
    assert world.rows()[key]["amount"] == 7
    assert world.journal().conflicts() == []


def test_edits_of_one_field_are_a_conflict_that_keeps_the_loser(world: World) -> None:
    world.options = 'policy = "postgres-wins"'
    world.write_config()
    key = insert(world, "t")
    world.sync()
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(key))
    world.person.edit(world.page(key)["_id"], {"Name": "theirs"})
    world.sync()
    (conflict,) = world.journal().conflicts()
    assert (conflict["field"], conflict["winner"], conflict["rule"], conflict["state"]) == (
        "title",
        "postgres",
        "policy",
        "decided",
    )
    assert (conflict["base"], conflict["postgres"], conflict["notion"]) == ('"t"', '"ours"', '"theirs"')
    assert world.page(key)["Name"] == world.rows()[key]["title"] == "ours"
    world.decide("resolve", id=conflict["id"], take="notion")
    world.sync()
    assert world.page(key)["Name"] == world.rows()[key]["title"] == "theirs"
    assert [row["state"] for row in world.journal().conflicts()] == ["resolved"]


def test_the_later_of_two_edits_wins(world: World) -> None:
    key = insert(world, "t")
    with world.running():
        world.until(lambda: world.page(key)["Name"] == "t", "the first sync")
        page_id = world.page(key)["_id"]
        for number in range(3):
            world.person.edit(page_id, {"Name": f"theirs {number}"})
            world.until(lambda n=number: world.rows()[key]["title"] == f"theirs {n}", "an edit in Notion")  # type: ignore[misc]
            world.sql("UPDATE tasks SET title = %s WHERE id = %s", f"ours {number}", int(key))
            world.until(lambda n=number: world.page(key)["Name"] == f"ours {n}", "an edit in PostgreSQL")  # type: ignore[misc]
    assert world.journal().conflicts() == []


def test_deletions_restores_and_second_births(world: World) -> None:
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    page_one, page_two = world.page(one)["_id"], world.page(two)["_id"]
    world.sql("DELETE FROM tasks WHERE id = %s", int(one))
    world.person.trash(page_two)
    world.sync()
    assert world.rows() == {}
    assert world.pages() == []
    assert {page["_id"] for page in world.pages(trashed=True)} == {page_one, page_two}
    world.person.restore(page_two)
    world.sql("INSERT INTO tasks (id, title) VALUES (%s, 'one again')", int(one))
    world.sync()
    assert {key: row["title"] for key, row in world.rows().items()} == {one: "one again", two: "two"}
    assert world.page(one)["_id"] == page_one
    assert world.page(one)["Name"] == "one again"
    assert world.in_step()


def test_idle_means_idle(world: World) -> None:
    for number in range(5):
        insert(world, f"row {number}", amount="1.10", starts="2026-11-22 10:00:30.123456+02")
    world.person.create_row(world.data_source, {"Name": "page", "Tags": ["a"], "Starts": "2026-11-22T10:00:00Z"})
    world.sync()
    before = len(world.sandbox.log.entries)
    changed = [
        world.sql("SELECT pg_current_wal_lsn()"),
        world.rows(),
        world.pages(),
    ]
    for _ in range(10):
        world.sync()
    writes = [e for e in world.sandbox.log.entries[before:] if e.method == "PATCH" or e.path.endswith("/pages")]
    assert writes == []
    assert [world.rows(), world.pages()] == changed[1:]
    assert world.sql("SELECT count(*) FROM notion_bridge.applied")[0][0] <= 10
    assert world.in_step()


def test_a_first_sync_of_two_full_sides_links_and_records(world: World) -> None:
    same, other, only = insert(world, "same"), insert(world, "ours"), insert(world, "only here")
    for key, title in ((same, "same"), (other, "theirs")):
        world.person.create_row(world.data_source, {"Name": title, "ID": key, "Stage": "Todo"})
    world.person.create_row(world.data_source, {"Name": "only there", "ID": "77"})
    world.sync()
    assert {key: row["title"] for key, row in world.rows().items()} == {
        same: "same",
        other: "ours",
        only: "only here",
        "77": "only there",
    }
    assert sorted(page["ID"] for page in world.pages()) == sorted([same, other, only, "77"])
    (conflict,) = world.journal().conflicts()
    assert (conflict["field"], conflict["rule"], conflict["notion"]) == ("title", "first-sync", '"theirs"')
    assert world.in_step()


def test_a_lost_journal_loses_and_deletes_nothing(world: World) -> None:
    keys = [insert(world, f"row {number}") for number in range(3)]
    world.sync()
    world.forget()
    world.sql("UPDATE tasks SET title = 'changed while nobody remembered' WHERE id = %s", int(keys[0]))
    world.person.trash(world.page(keys[1])["_id"])
    world.sync()
    assert len(world.rows()) == 3
    assert sorted(page["ID"] for page in world.pages()) == sorted(keys)
    assert world.in_step()


def test_a_duplicated_page_becomes_a_new_row(world: World) -> None:
    key = insert(world, "original", tags=["a"])
    world.sync()
    original = world.page(key)["_id"]
    copy = world.person.duplicate(original)
    world.sync()
    assert len(world.rows()) == 2
    assert world.page(key)["_id"] == original
    new_key = world.person.read(copy)["ID"]
    assert new_key != key
    assert world.rows()[new_key]["title"] == "original"
    assert world.in_step()


def test_an_edited_key_property_is_put_back(world: World) -> None:
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    page_one, page_two = world.page(one)["_id"], world.page(two)["_id"]
    world.person.edit(page_one, {"ID": two})
    world.person.edit(page_two, {"ID": None})
    world.sync()
    assert (world.page(one)["_id"], world.page(two)["_id"]) == (page_one, page_two)
    assert world.in_step()


def test_a_changed_primary_key_moves_with_its_page(world: World) -> None:
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    page_one, page_two = world.page(one)["_id"], world.page(two)["_id"]
    world.sql("UPDATE tasks SET id = 500 WHERE id = %s", int(one))
    world.sql("UPDATE tasks SET id = id + 1000, title = 'moved' WHERE id = %s", int(two))
    world.sync()
    assert world.page("500")["_id"] == page_one
    assert world.page(str(int(two) + 1000))["_id"] == page_two
    assert len(world.pages()) == 2
    assert world.in_step()


def test_two_keys_are_swapped_in_one_transaction(world: World) -> None:
    world.sql("ALTER TABLE tasks DROP CONSTRAINT tasks_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED")
    one, two = insert(world, "one"), insert(world, "two")
    world.sync()
    page_one, page_two = world.page(one)["_id"], world.page(two)["_id"]
    world.sql("UPDATE tasks SET id = %s - id", int(one) + int(two))
    world.sync()
    assert (world.page(one)["_id"], world.page(two)["_id"]) == (page_two, page_one)
    assert {key: row["title"] for key, row in world.rows().items()} == {one: "two", two: "one"}
    assert world.in_step()


def test_a_composite_key(world: World) -> None:
    world.sql(
        "DROP TABLE tasks; CREATE TABLE tasks (region text, number int, title text, PRIMARY KEY (region, number))"
    )
    world.fields = {"title": "Name"}
    world.write_config()
    world.sql("INSERT INTO tasks VALUES ('eu', 1, 'one'), ('eu|x', 2, 'two')")
    world.sync()
    world.person.create_row(world.data_source, {"Name": "three", "ID": "us|3"})
    world.person.edit(next(p["_id"] for p in world.pages() if p["Name"] == "two"), {"Name": "two!"})
    world.sync()
    assert sorted(world.sql("SELECT region, number, title FROM tasks")) == [
        ("eu", 1, "one"),
        ("eu|x", 2, "two!"),
        ("us", 3, "three"),
    ]
    assert world.in_step()


def test_a_time_with_seconds_is_kept_though_notion_shows_minutes(world: World) -> None:
    key = insert(world, "t", starts="2026-11-22 10:00:30.5+00")
    world.sync()
    assert world.journal().parked() == []
    assert world.page(key)["Starts"].startswith("2026-11-22T10:00:00")
    assert world.rows()[key]["starts"].second == 30
    world.person.edit(world.page(key)["_id"], {"Starts": "2026-11-22T11:15:00Z"})
    world.sync()
    assert world.rows()[key]["starts"].isoformat().startswith("2026-11-22T11:15:00")
    assert world.in_step()


def test_other_seconds_of_the_minute_that_a_page_shows_cost_no_request(world: World) -> None:
    """As a trigger sets them that notes when a row was touched."""
    key = insert(world, "t", starts="2026-11-22 10:00:10+00")
    world.sync()
    world.sql("UPDATE tasks SET starts = '2026-11-22 10:00:50+00'")
    world.sync()
    assert world.sandbox.log.find("PATCH") == []
    assert world.in_step()
    world.person.edit(world.page(key)["_id"], {"Name": "edited"})
    world.sync()
    assert world.rows()[key]["starts"].second == 50
    world.sql("UPDATE tasks SET starts = '2026-11-22 10:01:10+00'")
    world.sync()
    assert world.page(key)["Starts"].startswith("2026-11-22T10:01:00")
    world.person.edit(world.page(key)["_id"], {"Starts": "2026-11-22T10:00:00Z"})
    world.sync()
    assert world.rows()[key]["starts"].isoformat().startswith("2026-11-22T10:00:00")
    assert world.in_step()


def test_what_notion_stores_otherwise_is_parked_with_the_page_linked(world: World) -> None:
    """A proxy, a plan or a new rule changes what we send: neither side is overwritten, and no second page is made."""

    def shout(answer: dict[str, Any]) -> dict[str, Any]:
        world.person.edit(answer["id"], {"Name": "QUIET"})
        found: dict[str, Any] = json.loads(json.dumps(answer).replace("quiet", "QUIET"))
        return found

    world.sandbox.faults.rewrite(shout, "POST", r"/pages$")
    key = insert(world, "quiet")
    world.sync()
    (parked,) = world.journal().parked()
    assert (parked["field"], parked["kind"]) == ("title", "refused")
    assert world.rows()[key]["title"] == "quiet"
    assert len(world.pages()) == 1
    world.sql("UPDATE tasks SET amount = 3 WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Amount"] == 3
