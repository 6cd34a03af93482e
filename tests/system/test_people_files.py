"""Proves on real parts: people and files travel both ways, and neither a partial user nor an address that is signed
anew for every answer looks like an edit. What only Notion has (verification, a future type) disturbs nothing."""

from __future__ import annotations

import pytest

from tests.system.test_both_ways import insert
from tests.system.world import World

ADA, BOB, PDF = "ada@example.com", "bob@example.com", "https://example.com/papers/a.pdf"


@pytest.fixture
def team(world: World) -> World:
    """The tasks, with an owner, several readers, files, and properties of types that carry nothing."""
    for name, kind in (("Owner", "people"), ("Readers", "people"), ("Papers", "files"), ("State", "verification")):
        world.person.add_property(world.data_source, name, kind)
    for name, kind in (("Run", "button"), ("Seen", "last_visited_time"), ("Where", "place")):
        world.person.add_property(world.data_source, name, kind)
    world.sandbox.person("Bob")
    world.sql("ALTER TABLE tasks ADD owner text, ADD readers text[], ADD papers text[], ADD checked text")
    world.fields |= {"owner": "Owner", "readers": "Readers", "papers": "Papers"}
    world.write_config()
    text = world.config_path.read_text(encoding="utf-8")
    world.config_path.write_text(
        text + 'checked = { property = "State", direction = "to-postgres" }\n', encoding="utf-8"
    )
    return world


def test_people_both_ways_and_the_same_person_is_the_same_however_known(team: World) -> None:
    key = insert(team, "one", owner="Bob", readers=["ADA@example.com", BOB])
    team.sync()
    page = team.page(key)
    assert (page["Owner"], page["Readers"]) == (["Bob"], ["Ada", "Bob"])
    assert team.rows()[key]["owner"] == "Bob", "the spelling in the column is left alone"
    team.person.edit(page["_id"], {"Owner": ["Ada"], "Readers": ["Bob"]})
    team.sync()
    assert (team.rows()[key]["owner"], team.rows()[key]["readers"]) == (ADA, [BOB])
    team.sandbox.person("Bob").leave()
    team.sync()
    assert team.rows()[key]["readers"] == [BOB], "who left is no edit"
    assert team.in_step()


def test_without_the_right_to_read_users_an_address_that_was_known_stays(team: World) -> None:
    key = insert(team, "one", owner=ADA)
    team.sync()
    bot = team.sandbox.bot()
    bot.capabilities = bot.capabilities - {"users", "emails"}
    team.person.edit(team.page(key)["_id"], {"Name": "two"})
    team.sync()
    row = team.rows()[key]
    assert (row["title"], row["owner"]) == ("two", ADA)
    assert team.in_step()


def test_nobody_and_several_wait_and_the_rest_goes_on(team: World) -> None:
    key = insert(team, "one", owner="stranger@example.com")
    team.sync()
    assert team.page(key)["Owner"] == []
    team.person.edit(team.page(key)["_id"], {"Owner": ["Ada", "Bob"], "Name": "two"})
    team.sync()
    row = team.rows()[key]
    assert (row["title"], row["owner"]) == ("two", "stranger@example.com")
    journal = team.journal()
    (told,) = [parked for parked in journal.parked("tasks") if parked["state"] == "open"]
    journal.close()
    assert "2 people" in told["reason"]


def test_a_person_who_joins_is_found_with_the_next_listing(team: World) -> None:
    key = insert(team, "one", owner="eve@example.com")
    team.sync()
    team.sandbox.person("Eve")
    team.sync()
    assert team.page(key)["Owner"] == ["Eve"]


def test_more_people_than_a_page_object_shows(team: World) -> None:
    names = [f"P{number:02}" for number in range(40)]
    for name in names:
        team.sandbox.person(name)
    page_id = team.person.create_row(team.data_source, {"Name": "all", "Readers": names})
    team.sync()
    (row,) = team.rows().values()
    assert row["readers"] == [f"{name.lower()}@example.com" for name in names]
    team.sql("UPDATE tasks SET readers = readers[2:]")
    team.sync()
    assert team.person.read(page_id)["Readers"] == names[1:]


def test_files_both_ways_and_hosted_ones_stay(team: World) -> None:
    page_id = team.person.create_row(team.data_source, {"Name": "one", "Papers": ["scan 1.png", PDF]})
    team.sync()
    ((key, row),) = team.rows().items()
    assert row["papers"] == ["notion-file:scan 1.png", PDF]
    writes = len(team.sandbox.log.find("PATCH"))
    team.sync()
    assert team.rows()[key]["papers"] == row["papers"]
    assert len(team.sandbox.log.find("PATCH")) == writes, "an address that is signed anew is no edit"
    more = [PDF, "notion-file:scan 1.png", "https://example.com/b.pdf"]
    team.sql("UPDATE tasks SET papers = %s", more)
    team.sync()
    assert team.person.read(page_id)["Papers"] == [PDF, "scan 1.png", "https://example.com/b.pdf"]
    assert team.in_step()
    team.sql("UPDATE tasks SET papers = %s", ["notion-file:other.png"])
    team.sync()
    assert team.person.read(page_id)["Papers"][1] == "scan 1.png", "a file that is not there replaces nothing"


def test_a_verification_reaches_the_column_and_is_never_written(team: World) -> None:
    key = insert(team, "one")
    team.sync()
    team.person.edit(team.page(key)["_id"], {"State": "verified"})
    team.sync()
    assert team.rows()[key]["checked"] == "verified"
