"""Markdown in a column and formatting in Notion say the same, both ways, for ever: no loss, and no loop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, example, given

from bridge.errors import Refused, SetupError
from bridge.model import Format, Unfit
from bridge.values.markdown import canonical, said, same_meaning, to_markdown, to_runs
from bridge.values.registry import FieldCodec, bind
from bridge.values.richtext import Run, atom, merged, plain_text
from tests.values import formatted
from tests.values.formatted import PAGE, USER, answered, wire
from tests.values.samples import COLUMNS, PROPERTIES, column

CODEC = bind(COLUMNS["text"], PROPERTIES["rich_text"], form=Format.MARKDOWN)
BOLD, ITALIC, CODE = frozenset({"bold"}), frozenset({"italic"}), frozenset({"code"})
ADA = Run("@Ada", atom=atom("mention", {"type": "user", "user": {"id": USER}}))


def page(runs: list[Run]) -> dict[str, Any]:
    return {"id": "x", "type": "rich_text", "rich_text": wire(runs)}


def after(sent: dict[str, Any], present: Sequence[Run] = ()) -> dict[str, Any]:
    """The page after a write. A mention that was there is called as before, any other "@Ada"."""
    called = {run.atom: run.text for run in present if run.kind == "mention"}
    runs = sent["rich_text"]
    mentions = [run["mention"] for run in runs if run["type"] == "mention"]
    named = {json.dumps(part, sort_keys=True): called.get(atom("mention", part), "@Ada") for part in mentions}
    return {"id": "x", "type": "rich_text", "rich_text": answered(runs, named)}


def are_called_one_name(present: Sequence[Run]) -> bool:
    """Notion calls one target by one name at a time."""
    called = {run.atom: run.text for run in present}
    return all(called[run.atom] == run.text for run in present if run.kind == "mention")


@given(formatted.runs)
def test_what_markdown_can_say_comes_back(runs: list[Run]) -> None:
    assert to_runs(to_markdown(runs)) == said(runs)
    assert plain_text(said(runs)) == plain_text(runs)
    assert said(said(runs)) == said(runs)


@given(formatted.texts)
@example('2*3*4 [x](y) "`')
@example("[a](http://x)[b](http://x)")
@example("**a** b**c *d***")
@example("$x$**5**")
def test_any_text_is_markdown_and_its_canonical_spelling_is_final(text: str) -> None:
    once = to_markdown(to_runs(text))
    assert to_markdown(to_runs(once)) == once
    assert to_runs(once) == to_runs(text)
    assert canonical(text) == once
    assert same_meaning(text, once)


@given(formatted.texts)
@example('2*3*4 [x](y) "`')
@example("C:\\*new*\\")
def test_plain_text_survives_letter_by_letter(text: str) -> None:
    assert to_runs(to_markdown([Run(text)])) == merged([Run(text)])


@given(formatted.texts, formatted.runs)
@example("\r", [Run("\r\n", link="https://x.y/")])
@example("**a** **b**", [Run("a ", BOLD), Run("b")])
def test_a_row_written_to_a_page_is_agreed_at_once(text: str, present: list[Run]) -> None:
    """No loop: what the page shows after the write stands for the row, and writing it again changes nothing."""
    assume(are_called_one_name(present))
    value = CODEC.from_postgres(text)
    assert not isinstance(value, Unfit)
    stored = after(CODEC.to_notion(value, page(present)), present)
    shown = CODEC.from_notion(stored)
    assert CODEC.stands_for(shown, value)
    assert shown == value or "notion:" in text
    assert not isinstance(shown, Unfit)
    assert after(CODEC.to_notion(shown, stored), present) == stored


@given(formatted.runs)
def test_a_page_written_to_a_row_is_agreed_at_once(runs: list[Run]) -> None:
    value = CODEC.from_notion(page(runs))
    assume(not isinstance(value, Unfit))
    assert CODEC.from_postgres(CODEC.to_postgres(value)) == value  # type: ignore[arg-type]  # assume() narrows


@given(formatted.runs)
def test_what_markdown_cannot_say_is_kept_where_the_text_says_the_same(runs: list[Run]) -> None:
    """Writing a page's own value over it changes nothing, colours and blanks included."""
    labels = {run.atom: run.text for run in runs if run.atom}
    assume(all(labels[run.atom] == run.text == run.text.strip() for run in runs if run.atom))
    assume("\r" not in plain_text(runs))
    value = CODEC.from_notion(page(runs))
    assume(not isinstance(value, Unfit))
    sent = CODEC.to_notion(value, page(runs))["rich_text"]  # type: ignore[arg-type]  # assume() narrows
    named = {
        json.dumps(json.loads(of)["mention"], sort_keys=True): text for of, text in labels.items() if "mention" in of
    }
    shown = answered(sent, named)
    letters = [(letter, item["annotations"], item["href"]) for item in shown for letter in item["plain_text"]]
    before = [(letter, item["annotations"], item["href"]) for item in wire(runs) for letter in item["plain_text"]]
    assert letters == before


@pytest.mark.parametrize(
    ("spelled", "spelled_by_us"),
    [
        ("__bold__ and _italic_", "**bold** and *italic*"),
        ("***both***", "***both***"),
        ("un**frozen**", "un**frozen**"),
        ("~~gone~~ <u>under</u> `a*b` ``a`b``", "~~gone~~ <u>under</u> `a*b` ``a`b``"),
        ("[**site**](https://example.com)", "**[site](https://example.com/)**"),
        ("[spec](<https://x.y/a b>)", "[spec](https://x.y/a%20b)"),
        ("see [wiki](https://x.y/A_(b))", "see [wiki](https://x.y/A_(b))"),
        ("mass $E=mc^2$, price $5 and $6", "mass $E=mc^2$, price $5 and $6"),
        ("2 * 3 * 4, snake_case, C:\\new, a < b, [x](y), ~5", "2 * 3 * 4, snake_case, C:\\new, a < b, [x](y), ~5"),
        ("\\*no\\* \\[x\\]", "\\*no\\* \\[x\\]"),
        ("# no heading\n- no list", "# no heading\n- no list"),
        ("**two\nlines**", "**two\nlines**"),
        (f"[@Ada](notion:user/{USER.replace('-', '')})", f"[@Ada](notion:user/{USER})"),
        ("[](notion:date/2026-11-22)", "[@](notion:date/2026-11-22)"),
    ],
)
def test_spellings(spelled: str, spelled_by_us: str) -> None:
    assert CODEC.from_postgres(spelled) == spelled_by_us


def test_marks_that_markdown_cannot_place_are_tags() -> None:
    assert to_markdown([Run("a"), Run('"b"', BOLD), Run("c")]) == 'a<b>"b"</b>c'
    assert to_markdown([Run("bold ", BOLD), Run("both", BOLD | ITALIC)]) == "**bold *both***"
    assert to_markdown([Run("a "), Run("bold ", BOLD), Run("b")]) == "a **bold** b"
    assert to_markdown([Run("`", CODE)]) == "`` ` ``"


def test_mentions_and_equations_are_written_by_name() -> None:
    page_mention = Run("Plan", atom=atom("mention", {"type": "page", "page": {"id": PAGE}}))
    day = Run(
        "2026-11-22", atom=atom("mention", {"type": "date", "date": {"start": "2026-11-22", "end": "2026-11-24"}})
    )
    square = Run("x^2", BOLD, atom=atom("equation", {"expression": "x^2"}))
    text = to_markdown([ADA, Run(" on "), day, Run(": "), page_mention, Run(", "), square])
    assert text == (
        f"[@Ada](notion:user/{USER}) on [2026-11-22](notion:date/2026-11-22/2026-11-24): "
        f"[Plan](notion:page/{PAGE}), **$x^2$**"
    )
    assert CODEC.to_notion(text)["rich_text"] == [
        {"type": "mention", "mention": {"type": "user", "user": {"id": USER}}},
        {"type": "text", "text": {"content": " on "}},
        {"type": "mention", "mention": {"type": "date", "date": {"start": "2026-11-22", "end": "2026-11-24"}}},
        {"type": "text", "text": {"content": ": "}},
        {"type": "mention", "mention": {"type": "page", "page": {"id": PAGE}}},
        {"type": "text", "text": {"content": ", "}},
        {"type": "equation", "equation": {"expression": "x^2"}, "annotations": {"bold": True}},
    ]


def test_the_label_of_a_mention_is_notions_to_write() -> None:
    ours, theirs = f"ask [@Bob](notion:user/{USER})", f"ask [@Ada](notion:user/{USER})"
    assert CODEC.stands_for(theirs, ours)
    assert not CODEC.stands_for(theirs, "ask @Ada")
    assert not CODEC.stands_for(theirs, theirs + "!")
    assert not CODEC.stands_for(None, ours)
    zulu, offset = "[a](notion:date/2026-11-22T10:00:00Z)", "[b](notion:date/2026-11-22T11:00:00.000+01:00)"
    assert CODEC.stands_for(zulu, offset)
    assert not CODEC.stands_for(zulu, "[a](notion:date/2026-11-22)")


def test_colours_stay_where_the_words_stay() -> None:
    present = [Run("red ", color="red"), Run("bold", BOLD), Run(" end")]
    sent = CODEC.to_notion("red *bold* end", page(present))["rich_text"]
    assert sent == [
        {"type": "text", "text": {"content": "red "}, "annotations": {"color": "red"}},
        {"type": "text", "text": {"content": "bold"}, "annotations": {"italic": True}},
        {"type": "text", "text": {"content": " end"}},
    ]


def test_what_notion_cannot_take_whole_is_refused_and_not_flattened() -> None:
    with pytest.raises(Refused, match="needs 201 runs"):
        CODEC.to_notion("**b** c " * 100 + "**b**")
    with pytest.raises(Refused, match="link's address"):
        CODEC.to_notion(f"[x](https://{'a' * 2000})")
    with pytest.raises(Refused, match="equation has 1,001"):
        CODEC.to_notion(f"${'a' * 1001}$")


def test_what_gains_a_meaning_in_other_company_is_not_kept() -> None:
    present = [Run("one ", BOLD, "red"), Run("two")]
    value = "**one** **two**"
    stored = after(CODEC.to_notion(value, page(present)))
    assert CODEC.from_notion(stored) == value
    assert stored["rich_text"][0]["annotations"]["color"] == "red"


def test_too_many_colours_are_dropped_and_no_marks() -> None:
    present = [run for n in range(80) for run in (Run(f"word{n}", color="red"), Run(" "))]
    text = plain_text(present)
    sent = CODEC.to_notion(f"{text}**end**", page(present))["rich_text"]
    assert [item["text"]["content"] for item in sent] == [text, "end"]


def test_a_short_column_holds_what_fits_and_refuses_the_rest() -> None:
    codec: FieldCodec = bind(COLUMNS["varchar"], PROPERTIES["title"], form=Format.MARKDOWN)
    assert codec.from_postgres("__0123456789abcdef__") == "**0123456789abcdef**"
    shown = codec.from_notion({"id": "x", "type": "title", "title": wire([Run("0123456789abcdefg", BOLD)])})
    assert shown == "**0123456789abcdefg**"
    with pytest.raises(Refused, match="21 characters as Markdown, but the column holds 20"):
        codec.to_postgres(shown)


def test_nothing_is_nothing() -> None:
    required = bind(column("text", not_null=True), PROPERTIES["rich_text"], form=Format.MARKDOWN)
    assert CODEC.from_postgres("") is CODEC.from_postgres(None) is CODEC.from_postgres("<u></u>") is None
    assert CODEC.to_notion(None) == {"rich_text": []}
    assert CODEC.from_notion({"id": "x", "type": "rich_text", "rich_text": []}) is None
    assert required.to_postgres(None) == ""
    assert isinstance(CODEC.from_notion(page([Run("a\x00")])), Unfit)


@pytest.mark.parametrize(
    ("bound", "to"), [("integer", "rich_text"), ("char", "title"), ("text", "url"), ("enum", "title")]
)
def test_markdown_is_for_text_on_both_sides(bound: str, to: str) -> None:
    with pytest.raises(SetupError, match="cannot carry Markdown") as error:
        bind(COLUMNS[bound], PROPERTIES[to], form=Format.MARKDOWN)
    assert "rich_text" in error.value.hint


@pytest.mark.parametrize("time", ["9999-12-31T23:59:00-05:00", "0001-01-01T00:00:00+05:00"])
def test_a_time_beyond_all_years_is_text_like_any_other(time: str) -> None:
    """It ended the bridge, at each start again."""
    value = CODEC.from_postgres(f"again [x](notion:date/{time})")
    assert not isinstance(value, Unfit)
    sent = CODEC.to_notion(value)
    assert CODEC.stands_for(CODEC.from_notion(after(sent)), value)
