"""Rich text: title and rich_text properties, and how a new text keeps the formatting of the present one.

A write to Notion replaces all runs of a property. So the present runs are laid over the new text: where the text
is still what it was, its annotations, links, mentions and equations are sent back with it.

The text is sacred, formatting is not. A mention or an equation has no text of its own in a request, Notion writes
it when it is read; so it is sent back only where its whole text is to stay as it is, and if Notion then shows
another one all the same (the person was renamed a moment ago), the writer sends the text once more without.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

from bridge.model import FieldValue, Value
from bridge.values.halves import EVERY_KIND, ColumnType, Kind, PropertyType, Suggestion
from bridge.values.text import MAX_RUNS, pieces, read_runs, runs, units
from bridge.values.unchanged import unchanged
from bridge.values.weight import heavy

MARKS = ("bold", "italic", "strikethrough", "underline", "code")
EXPRESSION_UNITS = 1000
LINK_UNITS = 2000
_DEFAULT = "default"
_OFFSET = re.compile(r"T.*(?:Z|[+-]\d\d:?\d\d)$")
_BY_ID = {"user", "page", "database", "custom_emoji"}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that looks the same all over."""

    text: str
    marks: frozenset[str] = frozenset()
    color: str = _DEFAULT
    link: str = ""
    atom: str = ""  # a mention or an equation: what a request holds of it, as JSON; it cannot be cut

    @property
    def look(self) -> tuple[frozenset[str], str, str, str]:
        """All but the text."""
        return self.marks, self.color, self.link, self.atom

    @property
    def kind(self) -> str:
        """Notion's word: text, mention or equation."""
        return str(json.loads(self.atom)["type"]) if self.atom else "text"

    @property
    def formatted(self) -> bool:
        return self.look != _PLAIN


_PLAIN = Run("").look


def atom(kind: str, part: Mapping[str, Any]) -> str:
    """A mention or an equation as a run holds it; equal ones are equal text."""
    return json.dumps({"type": kind, kind: part}, sort_keys=True)


def shown(wire: Any) -> list[Run]:
    """The runs of a rich-text array as Notion sends it; none when it is no such thing.

    What a request cannot hold (link previews, overlong equations) is text here, with the link that it shows.
    """
    if not isinstance(wire, list):
        return []
    made = [_run(item) for item in wire]
    return [run for run in made if run is not None and run.text] if None not in made else []


def _run(item: Any) -> Run | None:
    if not isinstance(item, dict) or not isinstance(item.get("plain_text"), str):
        return None
    text, kind = item["plain_text"], item.get("type")
    looks = item.get("annotations")
    looks = looks if isinstance(looks, dict) else {}
    color = looks.get("color")
    run = Run(
        text,
        frozenset(mark for mark in MARKS if looks.get(mark) is True),
        color if isinstance(color, str) else _DEFAULT,
    )
    # Beside an atom there would be no telling whether a line end was cut in two.
    whole = not text.startswith("\n") and not text.endswith("\r")
    part = item.get(kind) if kind in ("text", "mention", "equation") else None
    part = part if isinstance(part, dict) else {}
    if kind == "equation":
        expression = part.get("expression")
        fits = whole and expression == text and units(text) <= EXPRESSION_UNITS
        return replace(run, atom=atom("equation", {"expression": text})) if fits else run
    target = _mention(part) if kind == "mention" else None
    if target is not None and whole:
        return replace(run, atom=atom("mention", target))
    link = part.get("link") if kind == "text" else None
    url = link.get("url") if isinstance(link, dict) else item.get("href")
    return replace(run, link=url) if isinstance(url, str) and units(url) <= LINK_UNITS else run


def _mention(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a request may hold of a mention; None for kinds that only Notion itself can make."""
    kind = part.get("type")
    target = part.get(str(kind))
    if not isinstance(target, dict):
        return None
    if kind in _BY_ID and isinstance(target.get("id"), str):
        return {"type": kind, kind: {"id": target["id"]}}
    if kind == "template_mention":
        word = str(target.get("type"))
        return {"type": kind, kind: {"type": word, word: target[word]}} if isinstance(target.get(word), str) else None
    if kind == "date" and isinstance(target.get("start"), str):
        # The name of a zone may only stand beside a time that has no offset.
        zoned = ("time_zone",) if _OFFSET.search(target["start"]) is None else ()
        return {"type": kind, kind: {name: target[name] for name in ("start", "end", *zoned) if target.get(name)}}
    return None


def requested(found: Iterable[Run]) -> list[dict[str, Any]]:
    """A rich-text array for a request: without what is only read (`plain_text`, `href`), in runs of legal length."""
    return [item for run in found for item in _items(run)]


def _items(run: Run) -> Iterator[dict[str, Any]]:
    annotations: dict[str, Any] = {mark: True for mark in MARKS if mark in run.marks}
    if run.color != _DEFAULT:
        annotations["color"] = run.color
    more = {"annotations": annotations} if annotations else {}
    if run.atom:
        yield {**json.loads(run.atom), **more}
        return
    link = {"link": {"url": run.link}} if run.link else {}
    for piece in pieces(run.text):
        yield {"type": "text", "text": {"content": piece, **link}, **more}


def plain_text(found: Iterable[Run]) -> str:
    return "".join(run.text for run in found)


def merged(found: Iterable[Run]) -> list[Run]:
    """The same text and looks in as few runs as possible, and no line end (CRLF) in two."""
    done: list[Run] = []
    for run, texts in _alike(found):
        text = "".join(texts)
        last = done[-1] if done else None
        if last is not None and last.text.endswith("\r") and text.startswith("\n") and not (last.atom or run.atom):
            done[-1] = replace(last, text=last.text + "\n")
            text = text[1:]
            last = done[-1]
        if last is not None and text and not run.atom and last.look == run.look:
            done[-1] = replace(last, text=last.text + text)
        elif text:
            done.append(run if run.text == text else replace(run, text=text))
    return done


def _alike(found: Iterable[Run]) -> Iterator[tuple[Run, list[str]]]:
    """Neighbours that look the same, as the first of them and all their texts. A long text may come in letters."""
    first: Run | None = None
    texts: list[str] = []
    for run in found:
        if not run.text:
            continue
        if first is not None and not run.atom and run.look == first.look:
            texts.append(run.text)
            continue
        if first is not None:
            yield first, texts
        first, texts = run, [run.text]
    if first is not None:
        yield first, texts


def count(found: Iterable[Run]) -> int:
    """How many runs a request needs for these."""
    return sum(1 if run.atom else len(list(pieces(run.text))) for run in found)


def fitted(found: Sequence[Run]) -> list[Run]:
    """As many of the looks as a request has room for; the shortest runs lose theirs first."""
    if count(found) <= MAX_RUNS:
        return list(found)
    longest = sorted((n for n, run in enumerate(found) if run.formatted), key=lambda n: -len(found[n].text))
    for most in range(min(MAX_RUNS, len(longest)), -1, -1):
        kept = set(longest[:most])
        fewer = merged(run if n in kept else Run(run.text) for n, run in enumerate(found))
        if count(fewer) <= MAX_RUNS:
            return fewer
    return [Run(plain_text(found))]


class _Track:
    """Runs by the positions of their characters."""

    def __init__(self, found: Sequence[Run]) -> None:
        self._runs = found
        self.starts = [0]
        for run in found:
            self.starts.append(self.starts[-1] + len(run.text))

    def at(self, position: int) -> Run:
        return self._runs[self._index(position)]

    def span(self, position: int) -> tuple[int, int]:
        """Where the run at this position begins and ends."""
        index = self._index(position)
        return self.starts[index], self.starts[index + 1]

    def bounds(self, start: int, end: int) -> list[int]:
        """Where runs begin between the two positions."""
        return self.starts[bisect_right(self.starts, start) : bisect_right(self.starts, end - 1)]

    def looks(self, start: int, end: int) -> list[tuple[int, object]]:
        """What stands between the two positions looks like, counted from the first."""
        return [(at - start, self.at(at).look) for at in (start, *self.bounds(start, end))]

    def _index(self, position: int) -> int:
        return bisect_right(self.starts, position) - 1


def laid_over(present: Sequence[Run], told: Sequence[Run], asked: Sequence[Run]) -> list[Run]:
    """`asked`, with everything that `present` has beyond what its text in the database tells.

    `told` is what the database's text says about `present`: nothing but the text, or what Markdown can say. Where
    `asked` still says the same about a stretch, the stretch is as it was; where it says something else, that
    counts, and only the colour stays. `present` and `told` have one text.
    """
    return merged(_Overlay(present, told, asked).runs())


class _Overlay:
    def __init__(self, present: Sequence[Run], told: Sequence[Run], asked: Sequence[Run]) -> None:
        self._present, self._told, self._asked = _Track(present), _Track(told), _Track(asked)
        self._before, self._after = plain_text(present), plain_text(asked)
        self._kept = unchanged(self._before, self._after)
        self._starts = [stretch.new for stretch in self._kept]

    def runs(self) -> Iterator[Run]:
        for start, end in pairwise(self._cuts()):
            yield from self._stretch(start, end)

    def _cuts(self) -> list[int]:
        """Positions in the new text between which nothing changes: neither a look nor where the text came from."""
        cuts = set(self._asked.starts)
        for kept in self._kept:
            cuts |= {kept.new, kept.new + kept.size}
            for track in (self._present, self._told):
                cuts |= {kept.new + at - kept.old for at in track.bounds(kept.old, kept.old + kept.size)}
        return sorted(cuts)

    def _stretch(self, start: int, end: int) -> Iterator[Run]:
        asked = self._asked.at(start)
        first, _ = self._asked.span(start)
        if asked.atom and start != first:
            return  # it was taken whole, where it begins
        text = asked.text if asked.atom else asked.text[start - first : end - first]
        source, kept = self._source(start)
        if source is None:
            yield replace(asked, text=text)
            return
        before, told = self._present.at(source), self._told.at(source)
        if before.atom and kept and self._is_untouched(*self._present.span(source), start - source):
            if self._present.span(source)[0] == source:
                yield before
        elif before.atom or asked.atom:
            yield replace(asked, text=text, color=_DEFAULT if asked.atom else before.color)
        elif told.look == asked.look:
            yield replace(before, text=text)
        else:
            yield replace(asked, text=text, color=before.color)

    def _is_untouched(self, start: int, end: int, shift: int) -> bool:
        """Whether a mention or an equation of the old text stands in the new one, `shift` further, as it was."""
        first, last = start + shift, end + shift
        index = bisect_right(self._starts, first) - 1
        if index < 0 or last > self._kept[index].new + self._kept[index].size:
            return False
        if self._asked.at(first).atom and self._asked.span(first) != (first, last):
            return False
        if self._told.looks(start, end) != self._asked.looks(first, last):
            return False
        return not self._grew(start, first, end - start)

    def _grew(self, old: int, new: int, size: int) -> bool:
        """Whether the stretch is part of another word now: what was @Ada and is @Adam means somebody else."""
        beside = (self._before[max(old - 1, 0) : old], self._before[old + size : old + size + 1])
        there = (self._after[max(new - 1, 0) : new], self._after[new + size : new + size + 1])
        edges = (self._after[new], self._after[new + size - 1])
        return any(
            edge.isalnum() and now.isalnum() and now != was for edge, now, was in zip(edges, there, beside, strict=True)
        )

    def _source(self, at: int) -> tuple[int | None, bool]:
        """The character of the old text that tells how the new one at `at` looks, and whether it is that one.

        What was put into the middle of a run looks like the run around it.
        """
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return None, False
        kept = self._kept[index]
        if at < kept.new + kept.size:
            return at - kept.new + kept.old, True
        if index + 1 == len(self._kept):
            return None, False
        left, right = kept.old + kept.size - 1, self._kept[index + 1].old
        within = all(track.span(left) == track.span(right) for track in (self._present, self._told))
        return (left, False) if within and not self._present.at(left).atom else (None, False)


@dataclass(frozen=True, slots=True)
class RunsProperty(PropertyType):
    """title and rich_text, read as plain text."""

    carries: ClassVar[frozenset[Kind]] = EVERY_KIND

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return read_runs(value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[dict[str, Any]]:
        plainly = [] if value is None else runs(column.text(value))
        present = shown(over) if over else []
        if value is None or not present:
            return plainly
        asked = [Run(column.text(value))]
        formatted = requested(fitted(laid_over(present, [Run(plain_text(present))], asked)))
        return plainly if heavy(formatted) else formatted

    def suggest(self) -> Suggestion:
        return Suggestion("text", "it holds any text")
