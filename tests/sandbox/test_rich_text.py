"""Proves that the sandbox takes formatting, links, mentions and equations as Notion does, and shows them like it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.notion import Person
from tests.sandbox.conftest import Api

PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}


@pytest.fixture
def page(ada: Person, tasks: str) -> str:
    return ada.create_row(tasks)


def notes(api: Api, page: str, runs: list[dict[str, Any]]) -> Any:
    body = {"properties": {"Notes": {"rich_text": runs}}}
    return api.ok("PATCH", f"pages/{page}", body)["properties"]["Notes"]["rich_text"]


def read(api: Api, page: str) -> Any:
    return api.ok("GET", f"pages/{page}")["properties"]["Notes"]["rich_text"]


def refused(api: Api, page: str, run: dict[str, Any]) -> str:
    status, code, message = api.error("PATCH", f"pages/{page}", {"properties": {"Notes": {"rich_text": [run]}}})
    assert (status, code) == (400, "validation_error")
    return message


def mention(kind: str, target: Any) -> dict[str, Any]:
    return {"mention": {"type": kind, kind: target}}


def test_every_annotation_comes_back(api: Api, page: str) -> None:
    looks = {"bold": True, "italic": True, "strikethrough": True, "underline": True, "code": True, "color": "red"}
    [shown] = notes(api, page, [{"text": {"content": "x"}, "annotations": looks}])
    assert shown["annotations"] == looks
    [shown] = notes(api, page, [{"text": {"content": "x"}, "annotations": {"color": "blue_background"}}])
    assert shown["annotations"] == PLAIN | {"color": "blue_background"}
    assert "color" in refused(api, page, {"text": {"content": "x"}, "annotations": {"color": "mauve"}})


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com/a b?q=ü&r=%20", "https://example.com/a%20b?q=%C3%BC&r=%20"),
        ("mailto:a@example.com", "mailto:a@example.com"),
        ("/0123456789abcdef0123456789abcdef", "/0123456789abcdef0123456789abcdef"),
    ],
)
def test_links_come_back_in_normal_form(api: Api, page: str, sent: str, shown: str) -> None:
    [run] = notes(api, page, [{"text": {"content": "x", "link": {"url": sent}}}])
    assert run["text"]["link"] == {"url": shown}
    assert run["href"] == shown


@pytest.mark.parametrize("url", ["example.com", "url", "docs/readme.md"])
def test_what_is_no_address_is_refused_as_a_link(api: Api, page: str, url: str) -> None:
    assert refused(api, page, {"text": {"content": "x", "link": {"url": url}}}) == "Invalid URL for link."


def test_a_mention_shows_what_its_target_is_called_when_it_is_read(
    api: Api, ada: Person, tasks: str, page: str
) -> None:
    other = ada.create_row(tasks, {"Name": "Plan"})
    shown = notes(api, page, [mention("page", {"id": other}), mention("user", {"id": ada.user.id})])
    assert [run["plain_text"] for run in shown] == ["Plan", "@Ada"]
    assert shown[0]["href"].endswith(other.replace("-", ""))
    ada.edit(other, {"Name": "Plan B"})
    ada.user.name = "Ada L."
    assert [run["plain_text"] for run in read(api, page)] == ["Plan B", "@Ada L."]
    assert ada.read(page)["Notes"] == "Plan B@Ada L."
    items = api.ok("GET", f"pages/{page}/properties/{_id_of(api, page)}")["results"]
    assert [item["rich_text"]["plain_text"] for item in items] == ["Plan B", "@Ada L."]


def _id_of(api: Api, page: str) -> str:
    return str(api.ok("GET", f"pages/{page}")["properties"]["Notes"]["id"])


def test_dates_are_mentioned_in_normal_form(api: Api, page: str) -> None:
    day, span = {"start": "2026-11-22"}, {"start": "2026-11-22T10:00:00Z", "end": "2026-11-23T10:00:00+01:00"}
    shown = notes(api, page, [mention("date", day), mention("date", span)])
    assert shown[0]["mention"]["date"] == {"start": "2026-11-22", "end": None, "time_zone": None}
    assert shown[1]["plain_text"] == "2026-11-22T10:00:00.000+00:00 → 2026-11-23T10:00:00.000+01:00"
    assert "ISO 8601" in refused(api, page, mention("date", {"start": "tomorrow"}))


def test_equations_and_their_limit(api: Api, page: str) -> None:
    [shown] = notes(api, page, [{"equation": {"expression": "e=mc^2"}, "annotations": {"bold": True}}])
    assert (shown["plain_text"], shown["annotations"]["bold"]) == ("e=mc^2", True)
    assert "1000" in refused(api, page, {"equation": {"expression": "x" * 1001}})


@pytest.mark.parametrize("kind", ["link_preview", "link_mention", "nonsense"])
def test_mentions_that_only_notion_makes_are_refused(api: Api, page: str, kind: str) -> None:
    assert "mention" in refused(api, page, mention(kind, {"url": "https://example.com"}))
