"""Only mapped properties travel; and a property that is gone costs one question more, not the answer."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest

from bridge.ends import Evidence
from bridge.model import Presence
from bridge.notion.client import Reply
from bridge.notion.errors import Invalid
from bridge.notion.selection import Selection
from bridge.notion.transport import Params
from bridge.sandbox.notion.log import Entry
from tests.notion.conftest import World


def reads(world: World) -> list[Entry]:
    return [entry for entry in world.sandbox.log.entries if entry.method == "GET" or entry.path.endswith("/query")]


def asked(entry: Entry) -> set[str]:
    return {value for name, value in entry.query if name == "filter_properties"}


def test_listings_and_looks_bring_only_what_is_mapped(world: World) -> None:
    world.person.add_property(world.source_id, "Unmapped", "rich_text")
    page = world.row(1, name="Ada")
    end = world.end()
    world.sandbox.log.clear()
    assert [seen.page_id for seen in end.changes().observations] == [page]
    end.look([world.pair(page)])
    answers = [*reads(world)[0].response["results"], reads(world)[1].response]
    mapped = {unquote(item.property.id) for item in world.sync.fields} | {unquote(world.sync.key_property.id)}
    for answer in answers:
        assert {unquote(prop["id"]) for prop in answer["properties"].values()} == mapped
    assert "Unmapped" in world.person.read(page)


def test_after_a_property_was_removed_all_are_asked_for_until_the_sync_is_bound_anew(world: World) -> None:
    page = world.row(1, name="Ada")
    end = world.end()
    world.person.delete_property(world.source_id, "Stage")
    world.sandbox.log.clear()
    for _ in range(2):
        [seen] = end.changes().observations
        assert seen.values.keys() == {"name", "notes", "amount", "due"}
    assert [(bool(asked(entry)), entry.status) for entry in reads(world)] == [(True, 400), (False, 200), (False, 200)]
    world.sandbox.log.clear()
    [looked] = end.look([world.pair(page)])
    assert (looked.presence, looked.evidence) == (Presence.LIVE, Evidence.LOOK)


def test_a_page_that_was_moved_among_other_properties_is_read_all_the_same(world: World) -> None:
    page = world.row(1, name="Ada")
    end = world.end()
    other = world.person.create_database("Elsewhere", {"Title": "title"})[1]
    world.person.move(page, other)
    [seen] = end.look([world.pair(page)])
    assert (seen.presence, seen.note) == (Presence.AWAY, "moved to another place in Notion")
    world.sandbox.log.clear()
    end.changes()
    assert all(asked(entry) for entry in reads(world)), "that page says nothing of this data source"


def test_ids_are_sent_decoded_once(world: World) -> None:
    """Notion gives them encoded, and finds none that is encoded twice."""
    prop = replace(world.sync.key_property, id="XGe%40")
    assert ("filter_properties", "XGe@") in Selection(replace(world.sync, key_property=prop)).params


def test_more_than_one_request_may_name_are_all_asked_for(world: World) -> None:
    item = world.sync.fields[0]
    fields = [replace(item, property=replace(item.property, id=f"p{number}")) for number in range(100)]
    assert Selection(replace(world.sync, fields=tuple(fields))).params == ()
    assert len(Selection(replace(world.sync, fields=tuple(fields[:99]))).params) == 100


def test_an_answer_with_less_than_was_asked_for_is_not_believed(world: World) -> None:
    """A page without its properties would look like one that has lost them."""
    world.row(1, name="Ada")
    selection, questions = Selection(world.sync), []

    def ask(params: Params) -> Reply:
        questions.append(bool(params))
        reply = world.client.query(world.source_id, {}, params=params)
        for page in reply.body["results"] if params else ():
            del page["properties"]["Stage"]
        return reply

    [page] = selection.of_query(ask).body["results"]
    assert "Stage" in page["properties"]
    assert questions == [True, False]
    assert selection.params == ()


def test_what_is_refused_without_them_too_is_refused(world: World) -> None:
    selection, questions = Selection(world.sync), []

    def ask(params: object) -> None:
        questions.append(bool(params))
        raise Invalid("no")

    with pytest.raises(Invalid):
        selection.of_query(ask)  # type: ignore[arg-type]
    assert questions == [True, False]
    assert selection.params, "it was refused for something else"
