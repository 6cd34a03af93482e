"""Proves: `init --update` finds what has changed on both sides and mends exactly that: one line of the file, or one
field of the journal; it shows what it would do, does nothing without a word, and adds nothing that somebody left out.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World


@pytest.fixture
def synced(world: World) -> World:
    world.sql("INSERT INTO tasks (title, status, estimate) VALUES ('first', 'open', 3)")
    assert world.type("sync").exit_code == 0
    return world


def changes(world: World, *more: str, code: int = 0) -> list[tuple[str, str]]:
    found: Any = world.json("init", "--update", *more, code=code)
    return [(change["field"], change["change"]) for change in found["changes"]]


def lines(world: World) -> list[str]:
    return world.config.read_text().splitlines()


def in_step(world: World) -> None:
    assert world.type("sync").exit_code == 0
    assert world.type("verify").exit_code == 0
    assert world.json("status")["syncs"][0]["suspended"] == []


def test_nothing_has_changed(synced: World) -> None:
    before = synced.config.read_bytes()
    synced.ada.rename_property(synced.source, "Status", "State")
    assert changes(synced, "--yes") == []
    assert synced.config.read_bytes() == before


def test_a_renamed_column_is_renamed_in_its_line_only(synced: World) -> None:
    before = lines(synced)
    synced.sql("ALTER TABLE tasks RENAME COLUMN status TO state")
    shown = synced.type("init", "--update")
    assert shown.exit_code == 2
    assert "is named 'state' now" in shown.stderr
    assert "--yes" in shown.stderr
    assert lines(synced) == before
    assert changes(synced, "--yes") == [("status", "rename")]
    assert lines(synced) == [line.replace("status =", "state =") for line in before]
    in_step(synced)


def test_a_removed_end_becomes_a_comment(synced: World) -> None:
    synced.sql("ALTER TABLE tasks DROP COLUMN estimate")
    synced.ada.delete_property(synced.source, "Status")
    assert changes(synced, "--yes") == [("status", "remove"), ("estimate", "remove")]
    assert '# status = "Status"' in lines(synced)
    assert any("has no column 'estimate' any more" in line for line in lines(synced))
    in_step(synced)
    assert changes(synced) == []


def test_a_retyped_property_is_taken_as_it_is_now(synced: World) -> None:
    before = lines(synced)
    synced.ada.retype_property(synced.source, "Status", "rich_text")
    assert synced.type("sync").exit_code == 0
    assert changes(synced, code=2) == [("status", "accept")]
    assert synced.json("status", code=1)["syncs"][0]["suspended"] != []
    assert changes(synced, "--yes") == [("status", "accept")]
    assert lines(synced) == before
    in_step(synced)
    assert synced.ada.read(synced.page(1))["Status"] == "open"
    assert changes(synced) == []


def test_a_change_that_no_bridge_has_seen_yet_is_mended_too(synced: World) -> None:
    synced.ada.retype_property(synced.source, "Estimate", "rich_text")
    assert changes(synced, "--yes") == [("estimate", "accept")]
    in_step(synced)


def test_what_fits_no_more_is_left_to_a_person(synced: World) -> None:
    synced.ada.retype_property(synced.source, "Estimate", "checkbox")
    assert changes(synced, "--yes", code=2) == [("estimate", "by hand")]


def test_a_new_column_and_a_new_property_of_one_name_are_proposed(synced: World) -> None:
    synced.sql("ALTER TABLE tasks ADD COLUMN due_date date, ADD COLUMN notes text, ADD COLUMN api_token text")
    for name in ("Due Date", "Notes", "API Token"):
        synced.ada.add_property(synced.source, name, "date" if name == "Due Date" else "rich_text")
    synced.config.write_text(synced.config.read_text() + '# notes = "Notes"   not for Notion\n')
    assert changes(synced, "--yes") == [("due_date", "add")]
    assert 'due_date = "Due Date"' in lines(synced)
    in_step(synced)


def test_a_file_that_cannot_be_edited_is_left_with_a_word_on_what_to_write(synced: World) -> None:
    text = synced.config.read_text()
    fields = text.partition("[sync.fields]\n")[2]
    inline = ", ".join(fields.split("\n")).strip(", ")
    synced.config.write_text(text.replace(f"[sync.fields]\n{fields}", f"fields = {{ {inline} }}\n"))
    synced.sql("ALTER TABLE tasks RENAME COLUMN status TO state")
    before = synced.config.read_bytes()
    result = synced.type("init", "--update", "--yes")
    assert result.exit_code == 2
    assert "By hand: write state instead of status" in result.stderr
    assert synced.config.read_bytes() == before


def test_a_sync_that_would_lose_every_field_is_left_to_a_person(synced: World) -> None:
    before = synced.config.read_bytes()
    synced.sql("ALTER TABLE tasks DROP COLUMN title, DROP COLUMN status, DROP COLUMN estimate, DROP COLUMN done")
    assert {mend for _, mend in changes(synced, "--yes", code=2)} == {"by hand"}
    assert synced.config.read_bytes() == before


def test_a_relation_is_proposed_where_what_it_links_to_has_a_sync(synced: World) -> None:
    """And where it has none it is left out: its line could not be bound."""
    synced.sql("CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (7, 'Ada')")
    synced.sql("ALTER TABLE tasks ADD boss int REFERENCES people, ADD owner_id int REFERENCES people")
    people, others = (synced.ada.create_database(name, {"Name": "title", "id": "number"})[1] for name in ("P", "Q"))
    for name, target in (("Boss", others), ("Owner", people)):
        relation = {"data_source_id": target, "type": "single_property", "single_property": {}}
        synced.ada.add_property(synced.source, name, {"relation": relation})
    assert changes(synced) == []
    added = synced.type("init", "--table", "people", "--data-source", people, "--yes")
    assert added.exit_code == 0, added.stderr
    assert changes(synced, "--yes") == [("owner_id", "add")]
    synced.sql("UPDATE tasks SET owner_id = 7")
    in_step(synced)
    assert len(synced.ada.read(synced.page(1))["Owner"]) == 1
