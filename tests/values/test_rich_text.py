"""A changed text keeps the formatting of what was not changed, and is always sent letter by letter."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise, takewhile
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge.values.registry import bind
from bridge.values.richtext import Run, atom, plain_text, shown
from bridge.values.unchanged import unchanged
from tests.values import formatted
from tests.values.formatted import PLAIN, USER, answered, wire
from tests.values.samples import COLUMNS, PROPERTIES

CODEC = bind(COLUMNS["text"], PROPERTIES["rich_text"])
BOLD, ITALIC = frozenset({"bold"}), frozenset({"italic"})
ADA = Run("@Ada", atom=atom("mention", {"type": "user", "user": {"id": USER}}))
SQUARE = Run("x^2", atom=atom("equation", {"expression": "x^2"}))


def rewritten(present: list[Run], text: str) -> list[dict[str, Any]]:
    over = {"id": "x", "type": "rich_text", "rich_text": wire(present)}
    sent = CODEC.to_notion(text, over)["rich_text"]
    assert isinstance(sent, list)
    return sent


def looks(present: list[Run], text: str) -> list[Run]:
    """What the page shows after its text was changed."""
    named = {
        json.dumps(json.loads(run.atom)["mention"], sort_keys=True): run.text
        for run in present
        if run.kind == "mention"
    }
    return shown(answered(rewritten(present, text), named))


@given(formatted.runs, formatted.texts)
def test_the_text_is_sent_exactly_whatever_is_there(present: list[Run], text: str) -> None:
    names = {run.atom: run.text for run in present if run.kind == "mention"}
    assume(all(names[run.atom] == run.text for run in present if run.kind == "mention"))
    after = looks(present, text)
    assert plain_text(after) == text
    for one, other in pairwise(after):
        assert one.look != other.look or one.atom
        assert not (one.text.endswith("\r") and other.text.startswith("\n"))


@given(formatted.runs, st.integers(0, 6), formatted.texts)
def test_what_stands_around_one_edit_keeps_its_looks(present: list[Run], at: int, text: str) -> None:
    """The looks of a letter, before and after: only those of the edited run may differ."""
    present = [run for run in present if run.kind == "text"]
    at = min(at, len(present))
    text = f"\ue000{text}\ue001"  # so that no letter of it can be taken for one that was there
    assume(not {"\ue000", "\ue001"} & set(plain_text(present)))
    kept_before, kept_after = plain_text(present[:at]), plain_text(present[at + 1 :])
    old, whole = plain_text(present), kept_before + text + kept_after
    assume("\r" not in whole)
    # Of "**" without one of its stars nobody can tell which was taken.
    assume(_alike(old, whole) + _alike(old[::-1], whole[::-1]) <= min(len(old), len(whole)))
    before, after = _letters(present), _letters(looks(present, whole))
    assert after[: len(kept_before)] == before[: len(kept_before)]
    end = len(kept_after)
    assert after[len(after) - end :] == before[len(before) - end :]


def _alike(one: str, other: str) -> int:
    """How many letters both begin with."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(one, other, strict=False)))


def _letters(found: list[Run]) -> list[tuple[str, object]]:
    return [(letter, run.look) for run in found for letter in run.text]


@given(formatted.runs)
def test_a_text_that_is_not_changed_is_sent_as_it_was(present: list[Run]) -> None:
    assume("\r" not in plain_text(present))
    assert _letters(looks_of_all(present)) == _letters(shown(wire(present)))


def looks_of_all(present: list[Run]) -> list[Run]:
    names = {run.atom: run.text for run in present if run.kind == "mention"}
    assume(all(names[run.atom] == run.text for run in present if run.kind == "mention"))
    return looks(present, plain_text(present))


def test_what_a_person_formatted_survives_an_edit_of_other_words() -> None:
    present = [Run("call "), ADA, Run(" about "), Run("the invoice", BOLD, "red", "https://x.y/"), Run(" for "), SQUARE]
    after = looks(present, "please call @Ada about the invoice of May for x^2")
    assert after == [
        Run("please call "),
        ADA,
        Run(" about "),
        Run("the invoice", BOLD, "red", "https://x.y/"),
        Run(" of May for "),
        SQUARE,
    ]


def test_a_word_changed_inside_a_run_looks_like_the_run() -> None:
    assert looks([Run("a very big house", BOLD)], "a very small house") == [Run("a very small house", BOLD)]
    assert looks([Run("big", BOLD), Run(" house")], "small house") == [Run("small house")]


def test_a_mention_or_equation_whose_text_changes_becomes_text() -> None:
    present = [Run("ask "), ADA, Run(" "), SQUARE]
    assert looks(present, "ask @Adam x^3") == [Run("ask @Adam x^3")]
    assert looks(present, "ask @Ada x^3") == [Run("ask "), ADA, Run(" x^3")]


def test_two_distant_edits_of_a_long_text_keep_what_is_between() -> None:
    filler = "".join(f"Sentence number {n} says little. " for n in range(450))
    present = [Run(f"first {filler}"), Run("bold", BOLD), Run(f" {filler}last")]
    after = looks(present, f"erste {filler}bold {filler}letzte")
    assert Run("bold", BOLD) in after


def test_more_runs_than_a_request_takes_lose_the_shortest_looks_first() -> None:
    present = [run for n in range(150) for run in (Run("b" * (n + 1), BOLD), Run("-"))]
    text = plain_text(present)
    sent = rewritten(present, text + "!")
    assert len(sent) <= 100
    bold = {len(item["text"]["content"]) for item in sent if item.get("annotations")}
    assert 150 in bold
    assert min(bold) > 75
    assert "".join(item["text"]["content"] for item in sent) == text + "!"


def test_a_text_of_full_length_is_sent_without_looks_that_have_no_room() -> None:
    present = [Run("a" * 1000, BOLD), Run("z" * 199_000)]
    sent = rewritten(present, "a" * 1000 + "z" * 198_999 + "y")
    assert len(sent) <= 100


@example("a" * 1500 + "\U0001f600" * 1000)
@given(st.text(st.sampled_from("a\r\n\U0001f600"), max_size=30).map(lambda text: "x" * 1990 + text + "y" * 30))
def test_a_long_run_is_cut_into_legal_ones_that_look_alike(text: str) -> None:
    sent = rewritten([Run(text, BOLD)], text + "!")
    for item, following in pairwise(sent):
        first, second = item["text"]["content"], following["text"]["content"]
        assert len(first.encode("utf-16-le")) <= 4000
        assert not (first.endswith("\r") and second.startswith("\n"))
    assert "".join(item["text"]["content"] for item in sent) == text + "!"
    assert all(item["annotations"] == {"bold": True} for item in sent[:-1])


def test_what_no_client_can_write_is_text_with_its_link() -> None:
    preview = {"type": "link_preview", "link_preview": {"url": "https://example.com/1"}}
    item = {
        "type": "mention",
        "mention": preview,
        "annotations": PLAIN,
        "plain_text": "PR 1",
        "href": "https://e.com/1",
    }
    over = {"id": "x", "type": "rich_text", "rich_text": [item]}
    assert CODEC.to_notion("PR 1!", over) == {
        "rich_text": [
            {"type": "text", "text": {"content": "PR 1", "link": {"url": "https://e.com/1"}}},
            {"type": "text", "text": {"content": "!"}},
        ]
    }


def test_a_request_holds_of_a_mention_only_what_names_its_target() -> None:
    user = {"object": "user", "id": USER, "name": "Ada", "person": {"email": "a@example.com"}}
    time = {"start": "2026-11-22T10:00:00.000-07:00", "end": None, "time_zone": "America/Los_Angeles"}
    held = [
        {"type": "mention", "mention": {"type": "user", "user": user}, "plain_text": "@Ada", "href": None},
        {"type": "mention", "mention": {"type": "date", "date": time}, "plain_text": "then", "href": None},
    ]
    sent = CODEC.to_notion("@Adathen.", {"id": "x", "type": "rich_text", "rich_text": held})["rich_text"]
    assert [item["mention"] for item in sent[:2]] == [
        {"type": "user", "user": {"id": USER}},
        {"type": "date", "date": {"start": "2026-11-22T10:00:00.000-07:00"}},
    ]


WIRE_KEYS = st.sampled_from(["type", "text", "mention", "annotations", "plain_text", "link", "user", "url"])


@given(
    st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(WIRE_KEYS, inner), max_leaves=6)
)
def test_whatever_stands_there_the_text_can_be_written(held: Any) -> None:
    for there in (held, [held], [{"plain_text": "a", "type": "mention", "mention": held, "annotations": held}]):
        sent = CODEC.to_notion("ab", {"id": "x", "type": "rich_text", "rich_text": there})["rich_text"]
        assert "".join(item["text"]["content"] for item in sent) == "ab"


def test_the_value_of_another_type_is_not_looked_at() -> None:
    assert CODEC.to_notion("a", {"id": "x", "type": "number", "number": 1}) == CODEC.to_notion("a")
    assert CODEC.to_notion(None, {"id": "x", "type": "rich_text", "rich_text": wire([ADA])}) == {"rich_text": []}


@given(formatted.texts, formatted.texts, formatted.texts)
def test_what_is_called_unchanged_stands_in_both_texts_in_order(one: str, two: str, three: str) -> None:
    old, new = one + two + one + three, one + three + two + one
    before = after = 0
    for kept in unchanged(old, new):
        assert kept.size > 0
        assert kept.old >= before
        assert kept.new >= after
        assert old[kept.old : kept.old + kept.size] == new[kept.new : kept.new + kept.size]
        before, after = kept.old + kept.size, kept.new + kept.size
    assert unchanged(old, old) == ([(0, 0, len(old))] if old else [])


def test_a_mention_of_a_template_holds_what_a_request_may_hold() -> None:
    """A key that Notion adds some day would be refused, and a number in it ended the bridge."""
    kept = {"type": "template_mention_date", "template_mention_date": "today"}
    mention = {"type": "template_mention", "template_mention": {**kept, "new": Decimal(1)}}
    [run] = shown([{"type": "mention", "mention": mention, "plain_text": "@Today", "annotations": {}}])
    assert json.loads(run.atom)["mention"]["template_mention"] == kept
