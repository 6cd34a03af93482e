"""Proves that a data source is found by whatever a user copies, and that what cannot be found is told with the way
out."""

from __future__ import annotations

import pytest

from bridge.errors import AccessLost, SetupError
from bridge.notion.catalog import (
    create_data_source,
    find_data_source,
    list_data_sources,
    parse_ref,
    read_data_source,
    survey,
)
from tests.notion.conftest import World

ID = "393abc1e-edcd-8138-85a7-fac7f6c92a45"
HEX = ID.replace("-", "")


@pytest.mark.parametrize(
    "ref",
    [
        ID,
        HEX,
        HEX.upper(),
        f"  {ID}\n",
        f"https://app.notion.com/p/{HEX}",
        f"https://app.notion.com/p/Some-Title-dead-beef-{HEX}?v=11111111222233334444555555555555",
        f"https://www.notion.so/team/Some-Title-{HEX}?v=11111111222233334444555555555555&pvs=4",
        f"https://www.notion.so/{ID}#top",
        f"https://team.notion.site/{HEX}/",
        f"collection://{ID}",
    ],
)
def test_an_id_is_found_in_whatever_is_copied(ref: str) -> None:
    assert parse_ref(ref) == ID


@pytest.mark.parametrize("ref", ["", "tasks", "https://www.notion.so/", "https://app.notion.com/p/Title", HEX[:-1]])
def test_what_names_nothing_is_told(ref: str) -> None:
    with pytest.raises(SetupError, match="names no Notion database"):
        parse_ref(ref)


def test_database_and_data_source_lead_to_the_same(world: World) -> None:
    database = world.database_id.replace("-", "")
    refs = (world.database_id, world.source_id, f"https://app.notion.com/p/Tasks-{database}?v={database}")
    found = [find_data_source(world.client, ref) for ref in refs]
    assert {source.id for source in found} == {world.source_id}
    assert {(source.title, source.database_id) for source in found} == {("Tasks", world.database_id)}


def test_an_id_as_init_writes_it_costs_one_request(world: World) -> None:
    before = len(world.sandbox.log.entries)
    find_data_source(world.client, world.source_id)
    assert [entry.path for entry in world.sandbox.log.entries[before:]] == [f"/v1/data_sources/{world.source_id}"]


def test_properties_come_with_id_type_and_options(world: World) -> None:
    select = {"select": {"options": [{"name": "High"}, {"name": "Low"}]}}
    world.person.add_property(world.source_id, "Priority", select)
    source = read_data_source(world.client, world.source_id)
    assert [(p.name, p.type) for p in source.properties[:2]] == [("Key", "rich_text"), ("Name", "title")]
    priority = source.property("Priority")
    assert priority is not None
    assert [option.name for option in priority.options] == ["High", "Low"]
    assert all(option.id for option in priority.options)
    assert source.property(priority.id) == priority


def test_a_database_with_several_sources_asks_which(world: World) -> None:
    second = world.person.add_data_source(world.database_id, "Archive", {"Name": "title"})
    with pytest.raises(SetupError) as caught:
        find_data_source(world.client, world.database_id)
    for part in (world.source_id, second, "Archive"):
        assert part in str(caught.value)
    for choice in (second, second.replace("-", ""), "Archive"):
        assert find_data_source(world.client, world.database_id, choice).id == second
    with pytest.raises(SetupError, match="no single data source 'Nope'"):
        find_data_source(world.client, world.database_id, "Nope")
    assert find_data_source(world.client, second).id == second


def test_what_is_not_shared_is_told_with_the_way_to_share_it(world: World) -> None:
    world.person.unshare(world.database_id)
    for ref in (world.database_id, world.source_id):
        with pytest.raises(SetupError) as caught:
            find_data_source(world.client, ref)
        assert "Connections" in str(caught.value)


def test_a_pages_address_is_told_as_no_database(world: World) -> None:
    with pytest.raises(SetupError, match="shows the integration nothing"):
        find_data_source(world.client, world.row(1))


def test_a_bad_token_is_told(world: World) -> None:
    world.sandbox.faults.fail(401, "GET", times=None)
    with pytest.raises(AccessLost) as caught:
        find_data_source(world.client, world.database_id)
    assert "token" in str(caught.value)


def test_all_shared_data_sources_are_listed(world: World) -> None:
    expected = {world.source_id}
    for number in range(120):
        expected.add(world.person.create_database(f"Table {number}", {"Name": "title"})[1])
    hidden = world.person.create_database("Hidden", {"Name": "title"})
    world.person.unshare(hidden[0])
    assert {source.id for source in list_data_sources(world.client)} == expected


def test_a_data_source_can_be_created_below_a_page(world: World) -> None:
    made = create_data_source(
        world.client,
        world.sandbox.root_page_id,
        "People",
        {"Name": {"title": {}}, "Age": {"number": {}}},
    )
    assert (made.title, [(p.name, p.type) for p in made.properties]) == (
        "People",
        [("Name", "title"), ("Age", "number")],
    )
    assert read_data_source(world.client, made.id) == made


def test_creating_below_a_page_that_is_not_shared_is_told(world: World) -> None:
    with pytest.raises(SetupError, match="Connections"):
        create_data_source(world.client, ID, "People", {"Name": {"title": {}}})


def test_only_what_is_below_a_page_is_listed(world: World) -> None:
    outside = world.sandbox.root_page_id
    assert {source.id for source in list_data_sources(world.client, outside)} == {world.source_id}
    page = world.row(1)
    made = create_data_source(world.client, page, "Inside", {"Name": {"title": {}}})
    assert {source.id for source in list_data_sources(world.client, page)} == {made.id}
    below = create_data_source(world.client, world.person.create_row(made.id), "Deeper", {"Name": {"title": {}}})
    assert {source.id for source in list_data_sources(world.client, page)} == {made.id, below.id}
    everything = {world.source_id, made.id, below.id}
    assert {source.id for source in list_data_sources(world.client, outside)} == everything


def test_pages_tell_what_the_schema_does_not(world: World) -> None:
    for name in ("Day", "Time", "Days", "Empty"):
        world.person.add_property(world.source_id, name, "date")
    relation = {"data_source_id": world.source_id, "type": "single_property", "single_property": {}}
    for name in ("One", "Many", "None"):
        world.person.add_property(world.source_id, name, {"relation": relation})
    first, second = world.row(1), world.row(2)
    world.person.edit(first, {"Day": "2026-01-02", "Many": [first, second], "One": [second]})
    world.person.edit(second, {"Time": "2026-01-02T10:00:00Z", "Days": {"start": "2026-01-02", "end": "2026-01-04"}})
    source = read_data_source(world.client, world.source_id)
    found = survey(world.client, source)
    names = {prop.id: prop.name for prop in source.properties}
    assert {names[prop] for prop in found.times} == {"Time"}
    assert {names[prop] for prop in found.ends} == {"Days"}
    assert {names[prop]: most for prop, most in found.related.items()} == {"One": 1, "Many": 2, "None": 0}


def test_pages_that_could_tell_nothing_are_not_read(world: World) -> None:
    plain = world.person.create_database("Plain", {"Name": "title"})[1]
    source = read_data_source(world.client, plain)
    world.sandbox.log.clear()
    assert survey(world.client, source).related == {}
    assert world.sandbox.log.find() == []
