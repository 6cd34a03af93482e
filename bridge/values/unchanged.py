"""Which stretches of a text are still there after it was changed: what keeps its formatting.

The common beginning and end come first, character by character: whoever changes one place of a text keeps
everything around it. What lies between is compared word by word, because single letters that two words have in
common are no sign of anything. A long middle is compared by sentences, and a very long one is taken as new
altogether, so that the time stays bounded whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

# Scripts without blanks between words (Thai, Lao, Burmese, Khmer, kana, Han) are compared letter by letter.
_WORDS = re.compile(
    r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]+|\s+|.", re.DOTALL
)
_SENTENCES = re.compile(r"[^.!?\n\u3002]+[.!?\n\u3002]*\s*|[.!?\n\u3002]+\s*")
_MOST_TOKENS = 1000  # of one side; the comparison may take the square of it


class Stretch(NamedTuple):
    """`size` characters that stand at `old` in the old text and at `new` in the new one."""

    old: int
    new: int
    size: int


def unchanged(old: str, new: str) -> list[Stretch]:
    """The stretches that both texts share, in the order of both; none of them is empty."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    found = [
        Stretch(0, 0, start),
        *(
            Stretch(start + same.old, start + same.new, same.size)
            for same in _between(old[start : len(old) - end], new[start : len(new) - end])
        ),
        Stretch(len(old) - end, len(new) - end, end),
    ]
    return list(_joined(stretch for stretch in found if stretch.size))


def _common(one: str, other: str) -> int:
    """How many characters the two texts have in common at their beginning."""
    shortest = min(len(one), len(other))
    return next((at for at in range(shortest) if one[at] != other[at]), shortest)


def _between(old: str, new: str) -> Iterator[Stretch]:
    for pattern in (_WORDS, _SENTENCES):
        before, after = (pattern.findall(text) for text in (old, new))
        if max(len(before), len(after)) <= _MOST_TOKENS:
            break
    else:
        return
    here, there = _offsets(before), _offsets(after)
    for a, b, count in SequenceMatcher(None, before, after).get_matching_blocks():
        size = here[a + count] - here[a]
        # Blanks alone say nothing: there is one between any two words.
        if size and not old[here[a] : here[a] + size].isspace():
            yield Stretch(here[a], there[b], size)


def _offsets(tokens: list[str]) -> list[int]:
    """Where each token begins, and where the last one ends."""
    found = [0]
    for token in tokens:
        found.append(found[-1] + len(token))
    return found


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """Neighbours that touch on both sides as one."""
    last: Stretch | None = None
    for each in stretches:
        if last is not None and (last.old + last.size, last.new + last.size) == (each.old, each.new):
            last = Stretch(last.old, last.new, last.size + each.size)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last
