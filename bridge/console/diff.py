"""What differs between two values, word by word or item by item. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bridge.model import FieldValue
from bridge.values.canonical import show

_WORDS = re.compile(r"\w+|\s|[^\w\s]")
_JOINER = "\u200d"
_SKINS = range(0x1F3FB, 0x1F400)
_LETTERS = range(0x1F1E6, 0x1F200)  # two of them are a flag
_COMPARED_MAX = 2_000  # words between the first and the last difference; the comparison is quadratic at worst
_KEPT = 12  # words and blanks that are kept next to what differs
_WORTH_IT = 30  # fewer are not worth the note that they are left out
_READ = 120  # words and blanks of what differs; nobody reads more on a screen, and `show` prints all


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value as it may be shown. `differs`: the other value does not have it; `note`: not of the value."""

    text: str
    differs: bool = False
    note: bool = False


Pieces = list[Piece]


def compare(ours: FieldValue, theirs: FieldValue) -> tuple[Pieces, Pieces]:
    """Both values in pieces. What is neither text nor a list differs as a whole."""
    if isinstance(ours, str) and isinstance(theirs, str) and ours and theirs:
        return _compare_texts(_words(ours), _words(theirs))
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and set(ours) != set(theirs):
        return _items(ours, theirs), _items(theirs, ours)
    return [Piece(show(ours), ours != theirs)], [Piece(show(theirs), ours != theirs)]


def _words(text: str) -> list[str]:
    """Words, blanks and signs. What a terminal draws as one is one: a colour that began within it would break it up."""
    words: list[str] = []
    letters = 0
    for word in _WORDS.findall(text):
        letters = letters + 1 if ord(word[0]) in _LETTERS else 0
        if words and (words[-1].endswith(_JOINER) or _adds(word[0]) or (letters and letters % 2 == 0)):
            words[-1] += word
        else:
            words.append(word)
    return words


def _adds(character: str) -> bool:
    """Whether it changes what stands before it: an accent, a vowel's sign, a skin's tone, the joiner itself."""
    return character == _JOINER or ord(character) in _SKINS or unicodedata.category(character).startswith("M")


def _items(items: Sequence[str], others: Sequence[str]) -> Pieces:
    pieces = [Piece(show(item), item not in others) for item in items]
    comma = Piece(", ")
    return [part for piece in pieces for part in (comma, piece)][1:] or [Piece(show(None))]


def _compare_texts(ours: list[str], theirs: list[str]) -> tuple[Pieces, Pieces]:
    start = _same_start(ours, theirs)
    end = _same_start(ours[start:][::-1], theirs[start:][::-1])
    middle, other_middle = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    if max(len(middle), len(other_middle)) > _COMPARED_MAX:
        steps = [("replace", 0, len(middle), 0, len(other_middle))]
    else:
        steps = list(SequenceMatcher(None, middle, other_middle, autojunk=False).get_opcodes())
    left = [(middle[i:j], what != "equal") for what, i, j, _, _ in steps]
    right = [(other_middle[i:j], what != "equal") for what, _, _, i, j in steps]
    same = ours[:start], ours[len(ours) - end :]
    return tuple(list(_shown([(same[0], False), *found, (same[1], False)])) for found in (left, right))  # type: ignore[return-value]  # there are two


def _same_start(ours: Sequence[str], theirs: Sequence[str]) -> int:
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(ours), len(theirs)))


def _shown(runs: Sequence[tuple[Sequence[str], bool]]) -> Iterator[Piece]:
    """A long run is cut: what is the same to its ends next to what differs, what differs to its beginning and end."""
    for number, (words, differs) in enumerate(runs):
        if differs:
            head, tail, what = _READ, len(words) - _KEPT, "more"
        else:
            head, what = (_KEPT if number > 0 else 0), "that are the same"
            tail = len(words) - (_KEPT if number < len(runs) - 1 else 0)
        if tail - head < _WORTH_IT:
            parts = [Piece(show("".join(words)), differs)] if words else []
        else:
            note = Piece(f" … {tail - head:,} words and blanks {what} … ", note=True)
            parts = [Piece(show("".join(words[:head])), differs), note, Piece(show("".join(words[tail:])), differs)]
        yield from (piece for piece in parts if piece.text)
