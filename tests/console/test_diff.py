"""Two values are compared word by word: what differs is marked on both, nothing that somebody wrote is obeyed."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.console.diff import Piece, Pieces, compare
from bridge.model import FieldValue
from bridge.values.canonical import show

WORDS = st.lists(st.sampled_from(["a", "b", " ", "c", "\n", "ü", ".", "\x1b[2J"]), max_size=25).map("".join)


def text(pieces: Pieces) -> str:
    return "".join(piece.text for piece in pieces)


def marked(pieces: Pieces) -> list[str]:
    return [piece.text for piece in pieces if piece.differs]


def test_words_that_differ_are_marked_on_both_sides() -> None:
    ours, theirs = compare("call Ines on Monday", "call Wolf on Monday, please")
    assert (text(ours), text(theirs)) == ("call Ines on Monday", "call Wolf on Monday, please")
    assert (marked(ours), marked(theirs)) == (["Ines"], ["Wolf", ", please"])


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ("\U0001f469\U0001f3fd\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f3fd\u200d\U0001f4bb"),
        (
            "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
            "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1ee",
            "\U0001f1eb\U0001f1f7",
        ),
        ("cafe\u0301", "cafe", "cafe\u0301"),
        ("\u2764\ufe0f", "\u2764", "\u2764\ufe0f"),
    ],
    ids=ascii,
)
def test_what_is_drawn_as_one_is_marked_as_one(ours: str, theirs: str, differs: str) -> None:
    """A colour that begins between the parts of an emoji breaks it into these parts."""
    assert marked(compare(f"to {ours} now", f"to {theirs} now")[0]) == [differs]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(None, "x"), ("x", None), ("", "x"), (Decimal(1), Decimal(2)), (True, False)]
)
def test_what_is_no_text_differs_as_a_whole(ours: FieldValue, theirs: FieldValue) -> None:
    assert compare(ours, theirs) == ([Piece(show(ours), differs=True)], [Piece(show(theirs), differs=True)])


def test_lists_are_compared_by_their_items() -> None:
    ours, theirs = compare(("emea", "renewal"), ("renewal", "urgent"))
    assert (text(ours), marked(ours)) == ("emea, renewal", ["emea"])
    assert (text(theirs), marked(theirs)) == ("renewal, urgent", ["urgent"])
    assert compare((), ("a",)) == ([Piece("(empty)")], [Piece("a", differs=True)])
    reordered = compare(("a", "b"), ("b", "a"))
    assert [marked(side) for side in reordered] == [["a, b"], ["b, a"]]


def test_a_long_text_is_cut_to_what_differs() -> None:
    book = "word " * 50_000
    ours, theirs = compare(f"{book}left {book}", f"{book}right {book}")
    assert (marked(ours), marked(theirs)) == (["left"], ["right"])
    assert len(text(ours)) < 300
    notes = [piece.text for piece in ours if piece.note]
    assert len(notes) == 2
    assert all("words and blanks that are the same" in note for note in notes)


def test_two_books_are_not_compared_for_ever() -> None:
    ours, theirs = compare("a b " * 20_000, "c d " * 20_000)
    assert len(text(ours)) < 2_000
    assert len(text(theirs)) < 2_000


@given(WORDS, WORDS)
def test_each_side_is_shown_whole_and_harmless(ours: str, theirs: str) -> None:
    for value, pieces in zip((ours, theirs), compare(ours, theirs), strict=True):
        assert text(pieces) == (show(value) or text(pieces))
        assert not [c for c in text(pieces) if unicodedata.category(c) == "Cc"]


@given(WORDS, WORDS)
def test_what_is_not_marked_is_on_both_sides_in_the_same_order(ours: str, theirs: str) -> None:
    left, right = compare(ours, theirs)
    if ours and theirs:
        same = ["".join(piece.text for piece in side if not piece.differs) for side in (left, right)]
        assert same[0] == same[1]
