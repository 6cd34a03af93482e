"""Files: an address that is signed anew is no edit, and a write keeps every hosted file that is still wanted."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.model import Unfit
from bridge.values.registry import FieldCodec, bind
from tests.values.samples import COLUMNS, prop

SIGNATURES = itertools.count()
URLS = ["https://example.com/a.pdf", "http://example.com/b?x=1#y", "HTTPS://example.com"]


def codec(name: str = "text[]") -> FieldCodec:
    return bind(COLUMNS[name], prop("files"))


def hosted(name: str, file: int = 0) -> dict[str, Any]:
    url = f"https://files.example/{file}?sig={next(SIGNATURES)}"
    return {"name": name, "type": "file", "file": {"url": url, "expiry_time": "2026-11-22T11:00:00.000Z"}}


def external(url: str) -> dict[str, Any]:
    return {"name": "a name of its own", "type": "external", "external": {"url": url}}


def shown(*items: dict[str, Any]) -> dict[str, Any]:
    return {"id": "p%3A", "type": "files", "files": list(items)}


FILES = st.lists(
    st.sampled_from([("file", "a.png"), ("file", "ü 1.png"), *[("external", url) for url in URLS]]), max_size=6
)


def built(files: list[tuple[str, str]]) -> dict[str, Any]:
    items = [hosted(text, n) if kind == "file" else external(text) for n, (kind, text) in enumerate(files)]
    return shown(*items)


@given(FILES)
def test_two_reads_are_equal_and_what_is_there_can_be_sent_back(files: list[tuple[str, str]]) -> None:
    bound, now = codec(), built(files)
    value = bound.from_notion(built(files))
    assert value == bound.from_notion(now)
    assert not isinstance(value, Unfit)
    assert bound.to_notion(value, now)["files"] == now["files"], "each with its own name and present address"


@given(FILES, st.randoms(use_true_random=False))
def test_files_are_moved_and_none_is_mixed_up(files: list[tuple[str, str]], random: Any) -> None:
    bound, now = codec(), built(files)
    value = bound.from_notion(now)
    moved = list(value) if isinstance(value, tuple) else []
    random.shuffle(moved)
    sent = bound.to_notion((*moved, "https://example.com/new.pdf"), now)["files"]
    assert bound.from_notion(shown(*sent)) == (*moved, "https://example.com/new.pdf")
    assert sorted(map(str, sent[:-1])) == sorted(map(str, now["files"]))
    assert sent[-1]["name"] == "new.pdf"


def test_one_of_two_hosted_files_of_one_name_cannot_be_told() -> None:
    now = shown(hosted("a.png", 1), hosted("a.png", 2))
    with pytest.raises(Refused, match="2 files called"):
        codec().to_notion(("notion-file:a.png",), now)
    assert codec().to_notion(None, now) == {"files": []}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("notion-file:other.png", "no file"),
        ("ftp://example.com/a", "https"),
        ("a.png", "https"),
        ("https://example.com/a b", "blanks"),
        ("https://example.com/" + "x" * 2000, "2,000"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        codec().to_notion((text,), shown(hosted("a.png")))


def test_a_name_is_cut_where_notion_counts() -> None:
    [sent] = codec().to_notion(("https://example.com/" + "\U0001f600" * 60,), shown())["files"]
    assert sent["name"] == "\U0001f600" * 50


def test_a_hundred_files_and_no_more() -> None:
    with pytest.raises(Refused, match="101 files"):
        codec().to_notion(tuple(f"https://example.com/{n}" for n in range(101)))


def test_asked_without_a_page_a_hosted_file_may_be_there_and_in_an_empty_page_it_is_not() -> None:
    codec().to_notion(("notion-file:a.png",))
    with pytest.raises(Refused, match="no file"):
        codec().to_notion(("notion-file:a.png",), shown())


def test_a_text_column_holds_one_file() -> None:
    assert codec("text").from_notion(shown(external(URLS[0]))) == URLS[0]
    two = codec("text").from_notion(shown(external(URLS[0]), hosted("a.png")))
    assert isinstance(two, Unfit)
    assert "2 files" in two.reason


def test_an_upload_that_is_not_stored_yet_reads_by_its_name() -> None:
    upload = {"name": "a.png", "type": "file_upload", "file_upload": {"id": "123e4567-e89b-12d3-a456-426614174000"}}
    assert codec().from_notion(shown(upload)) == ("notion-file:a.png",)
    assert codec().to_notion(("notion-file:a.png",), shown(upload)) == {"files": [upload]}


def test_what_notion_may_show_of_a_file_some_day_is_not_sent_back() -> None:
    """It refuses a write with a key that it does not take."""
    there = [hosted("a.pdf"), external("https://example.com/b")]
    kinds = [str(item["type"]) for item in there]
    now = shown(*({**item, kind: {**item[kind], "new": 1}, "new": 1} for item, kind in zip(there, kinds, strict=True)))
    bound = codec()
    assert bound.to_notion(bound.from_notion(now), now)["files"] == there  # type: ignore[arg-type]  # not unfit
