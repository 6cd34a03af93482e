"""Proves that a write to Notion sends the formatting of the unchanged text back with the new text, that it never
touches another field, and that the text arrives even where the formatting cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.ends import Outcome
from bridge.model import Format
from bridge.values.registry import bind
from tests.notion.conftest import World
from tests.notion.writing import applied

LOOKS = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}
BOLD: dict[str, Any] = {"bold": True}


def text(content: str, url: str = "", **looks: Any) -> dict[str, Any]:
    """A run as a person makes it."""
    part = {"content": content, "link": {"url": url} if url else None}
    return {"type": "text", "text": part, "annotations": LOOKS | looks, "plain_text": content, "href": url or None}


def mention(kind: str, target: str, shown: str) -> dict[str, Any]:
    part = {"type": kind, kind: {"id": target}}
    return {"type": "mention", "mention": part, "annotations": LOOKS, "plain_text": shown, "href": None}


def runs(world: World, page: str, name: str = "Notes") -> list[dict[str, Any]]:
    """What the page shows of the property, as a client that asks for everything reads it."""
    found = world.client.retrieve_page(page).body["properties"][name]
    return [item[found["type"]] for item in world.client.property_items(page, found["id"]) or ()]


def sent(world: World) -> list[dict[str, Any]]:
    """The properties of each write."""
    return [entry.body["properties"] for entry in world.sandbox.log.find("PATCH") if "properties" in entry.body]


@pytest.mark.parametrize("count", [1, 8])
def test_unchanged_words_keep_their_formatting(world: World, count: int) -> None:
    """With a look at each page, and with one look at many."""
    made = [text("old "), text("bold", color="red", **BOLD), text(" and "), text("a link", "https://example.com/x")]
    pages = [world.row(n, name="t", notes=made) for n in range(count)]
    intents = [world.update(world.seen(page), notes="new bold and a link!") for page in pages]
    assert {receipt.outcome for receipt in applied(world.end(), *intents)} == {Outcome.DONE}
    for page in pages:
        shown = runs(world, page)
        assert [run["plain_text"] for run in shown] == ["new ", "bold", " and ", "a link", "!"]
        assert shown[1]["annotations"] == LOOKS | {"color": "red"} | BOLD
        assert shown[3]["href"] == "https://example.com/x"
    assert all(set(item) <= {"type", "text", "annotations"} for body in sent(world) for item in _one(body))


def _one(body: dict[str, Any]) -> list[dict[str, Any]]:
    [value] = body.values()
    return list(value["rich_text"])


def test_an_edit_of_another_field_sends_nothing_of_this_one(world: World) -> None:
    page = world.row(1, name="t", notes=[text("bold", **BOLD)])
    [receipt] = applied(world.end(), world.update(world.seen(page), name="new"))
    assert receipt.outcome is Outcome.DONE
    name = next(item for item in world.sync.fields if item.name == "name")
    assert [set(body) for body in sent(world)] == [{name.property.id}]
    assert runs(world, page)[0]["annotations"]["bold"]


def test_all_of_many_mentions_are_kept(world: World) -> None:
    """A page object shows 25 of them; what is laid over the new text must be all."""
    ada = mention("user", world.person.user.id, "@Ada")
    page = world.row(1, name="t", notes=[ada] * 40 + [text(" end")])
    [receipt] = applied(world.end(), world.update(world.seen(page), notes="@Ada" * 40 + " END"))
    assert receipt.outcome is Outcome.DONE
    assert [run["type"] for run in runs(world, page)] == ["mention"] * 40 + ["text"]


def test_a_mention_that_is_called_otherwise_by_now_becomes_the_text_that_was_asked_for(world: World) -> None:
    other = world.row(2, name="Plan")
    page = world.row(1, name="t", notes=[mention("page", other, "Plan"), text(" A"), text("!", **BOLD)])
    intent = world.update(world.seen(page), notes="Plan B!")
    world.sandbox.faults.hook(lambda _: world.edit(other, name="Plan of May"), "PATCH", page)
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.DONE
    assert world.shown(page, "notes") == "Plan B!"
    assert len(sent(world)) == 2


@pytest.mark.parametrize("status", [400, 404])
def test_formatting_that_notion_does_not_take_back_is_let_go(world: World, status: int) -> None:
    page = world.row(1, name="t", notes=[text("bold", **BOLD), text(" old")])
    intent = world.update(world.seen(page), notes="bold new")
    world.sandbox.faults.fail(status, "PATCH", page, times=None, body='"bold": ?true')
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.DONE
    assert [run["plain_text"] for run in runs(world, page)] == ["bold new"]


def test_a_refusal_that_names_another_field_costs_no_formatting(world: World) -> None:
    page = world.row(1, name="t", notes=[text("bold", **BOLD), text(" old")])
    intent = world.update(world.seen(page), notes="bold new", stage="x")
    world.sandbox.faults.fail(400, "PATCH", page, message="Stage is not acceptable.")
    [receipt] = applied(world.end(), intent)
    assert (receipt.outcome, receipt.field) == (Outcome.REFUSED, "stage")
    assert [run["plain_text"] for run in runs(world, page)] == ["bold", " old"]


def test_an_edit_between_look_and_write_is_not_overrun_for_the_sake_of_formatting(world: World) -> None:
    page = world.row(1, name="t", notes=[text("bold", **BOLD), text(" old")])
    intent = world.update(world.seen(page), notes="bold new")
    world.sandbox.faults.fail(404, "PATCH", page, hook=lambda _: world.edit(page, notes="theirs"))
    [receipt] = applied(world.end(), intent)
    assert receipt.outcome is Outcome.STALE
    assert world.shown(page, "notes") == "theirs"


def test_a_restored_page_keeps_its_formatting(world: World) -> None:
    page = world.row(1, name="t", notes=[text("bold", **BOLD), text(" old")])
    world.person.trash(page)
    [receipt] = applied(world.end(), world.restore(world.seen(page), notes="bold new"))
    assert receipt.outcome is Outcome.DONE
    assert [run["plain_text"] for run in runs(world, page)] == ["bold", " new"]


def test_markdown_is_written_as_formatting_and_keeps_what_it_cannot_say(world: World) -> None:
    bound = [
        replace(item, codec=bind(item.column, item.property, form=Format.MARKDOWN)) if item.name == "notes" else item
        for item in world.sync.fields
    ]
    world.sync = replace(world.sync, fields=tuple(bound))
    page = world.row(1, name="t", notes=[text("red", color="red"), text(" bold", **BOLD)])
    seen = world.seen(page)
    assert seen.values["notes"] == "red **bold**"
    [receipt] = applied(world.end(), world.update(seen, notes="red **bold** and [this](https://example.com)"))
    assert receipt.outcome is Outcome.DONE, receipt.reason
    shown = runs(world, page)
    assert "".join(run["plain_text"] for run in shown) == "red bold and this"
    assert shown[0]["annotations"]["color"] == "red"
    assert shown[-1]["href"] == "https://example.com/"
