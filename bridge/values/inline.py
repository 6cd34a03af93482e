"""Reads one line of inline Markdown. Total: every line means something, what is no mark is text.

    **bold**  __bold__  *italic*  _italic_  ~~strike~~  `code`  $equation$  [text](address)  \\* (an escape)
    <b> <i> <s> <u>    for underline, and for what the marks cannot say
    [@Ada](notion:user/ID)    a mention of a user, a page, a database, or of a date: notion:date/2026-11-22

The rules are those of CommonMark where it has any, with two differences: emphasis of one and of two marks is not
told apart by the "rule of three", and a link is only what Notion takes as one, an address with a scheme or a path
from the root. Blocks (headings, lists, fences) are not Markdown here; they are text. A small parser of our own,
because the ones to be had read documents and make HTML of them: none tells what stands where.

Every search is linear in the line, so that no text can hold up the bridge.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from bridge.values.richtext import Run, atom

TAGS = {"b": "bold", "i": "italic", "s": "strikethrough", "u": "underline"}
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
# The content of an equation between its dollars; what is between two other dollars is money.
EQUATION = re.compile(r"(?:[^$\\\r\n]|\\[^\r\n])++")
ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|/)[^\x00-\x1f\x7f]*")
_TARGET = re.compile(r"\((?:<((?:[^<>\\]|\\.)*+)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*+\))*+))\)")
_ESCAPE = re.compile(rf"\\([{re.escape(PUNCTUATION)}])")
_TAG = re.compile(r"<(/?)([bisu])>")
_TICKS = re.compile("`+")
_SPECIAL = re.compile(r"[\\`$<*_~\[\]]")
_BY_ID = re.compile(r"notion:(user|page|database)/([0-9A-Fa-f-]{32,36})")
_ON_DAY = re.compile(r"notion:date/([0-9TZ:.+-]+)(?:/([0-9TZ:.+-]+))?")
_EMPHASIS = {("*", 1): "italic", ("_", 1): "italic", ("*", 2): "bold", ("_", 2): "bold", ("~", 2): "strikethrough"}


def address_of_mention(part: Mapping[str, Any]) -> str | None:
    """The address that stands for a mention, given as a request holds it; None for one that has none."""
    kind = str(part.get("type"))
    target = part.get(kind, {})
    if kind == "date":
        made = f"notion:date/{target.get('start')}" + (f"/{target['end']}" if target.get("end") else "")
    else:
        made = f"notion:{kind}/{target.get('id')}"
    return made if mention_at(made) == atom("mention", part) else None


def mention_at(address: str) -> str | None:
    """The mention that an address stands for, as a run holds it; None for any other address."""
    if found := _BY_ID.fullmatch(address):
        try:
            return atom("mention", {"type": found[1], found[1]: {"id": str(uuid.UUID(found[2]))}})
        except ValueError:
            return None
    if found := _ON_DAY.fullmatch(address):
        named = zip(("start", "end"), found.groups(), strict=True)
        return atom("mention", {"type": "date", "date": {name: part for name, part in named if part}})
    return None


@dataclass(slots=True)
class _Item:
    """A piece of the line: text, an atom, or a mark that may turn out to be text."""

    text: str
    code: bool = False
    atom: str = ""
    mark: str = ""  # *, _ or ~ while `text` is a row of them, [ while it is an open bracket
    opens: bool = False
    closes: bool = False


@dataclass(slots=True)
class _Line:
    """What was read so far. Looks are ranges of items, because marks may overlap."""

    items: list[_Item] = field(default_factory=list)
    looks: list[tuple[int, int, str]] = field(default_factory=list)  # from, to, a mark
    links: list[tuple[int, int, str]] = field(default_factory=list)  # in order, never overlapping
    brackets: list[int] = field(default_factory=list)
    tags: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in TAGS})

    def text(self, text: str) -> None:
        self.items.append(_Item(text))


def read_line(line: str) -> Iterator[Run]:
    """The runs of a line without its end; neighbours may look the same."""
    read = _Line()
    ticks: dict[int, list[int]] = {}
    for found in _TICKS.finditer(line):
        ticks.setdefault(len(found[0]), []).append(found.start())
    at = 0
    while at < len(line):
        special = _SPECIAL.search(line, at)
        if special is None or special.start() > at:
            end = len(line) if special is None else special.start()
            read.text(line[at:end])
            at = end
        else:
            at = _token(read, line, at, ticks)
    _pair(read, 0)
    return _runs(read)


def _token(read: _Line, line: str, at: int, ticks: Mapping[int, list[int]]) -> int:
    """Reads what begins with the special character at `at`; where it ends."""
    match line[at]:
        case "\\" if found := _ESCAPE.match(line, at):
            read.text(found[1])
            return found.end()
        case "`":
            return _code(read, line, at, ticks)
        case "$" if (found := EQUATION.match(line, at + 1)) and is_equation(found[0], line, found.end()):
            read.items.append(_Item(found[0], atom=atom("equation", {"expression": found[0]})))
            return found.end() + 1
        case "<" if found := _TAG.match(line, at):
            return _tag(read, found)
        case "[":
            read.brackets.append(len(read.items))
            read.items.append(_Item("[", mark="["))
        case "]" if read.brackets:
            return _closed(read, line, at)
        case "*" | "_" | "~" as mark:
            end = at
            while end < len(line) and line[end] == mark:
                end += 1
            read.items.append(_marks(line, at, end))
            return end
        case other:
            read.text(other)
    return at + 1


def is_equation(expression: str, line: str, end: int) -> bool:
    """Whether dollars around it make an equation of it: `line` has the second one at `end`."""
    dollar, after = line[end : end + 1], line[end + 1 : end + 2]
    touches = not expression[0].isspace() and not expression[-1].isspace()
    return dollar == "$" and touches and not (after.isascii() and after.isdigit())


def _code(read: _Line, line: str, at: int, ticks: Mapping[int, list[int]]) -> int:
    found = _TICKS.match(line, at)
    assert found is not None, "called at a backtick"
    others = ticks.get(len(found[0]), [])
    index = bisect_right(others, at)
    if index == len(others):
        read.text(found[0])
        return found.end()
    inner = line[found.end() : others[index]]
    if inner.startswith(" ") and inner.endswith(" ") and inner.strip(" "):
        inner = inner[1:-1]
    read.items.append(_Item(inner, code=True))
    return others[index] + len(found[0])


def _tag(read: _Line, found: re.Match[str]) -> int:
    opened = read.tags[found[2]]
    if not found[1]:
        opened.append(len(read.items))
    elif opened:
        start = opened.pop()
        read.items[start].text = ""
        read.looks.append((start, len(read.items), TAGS[found[2]]))
        return found.end()
    read.text(found[0])
    return found.end()


def _closed(read: _Line, line: str, at: int) -> int:
    """Ends the innermost open bracket: a link, a mention, or nothing but brackets."""
    start = read.brackets.pop()
    found = _TARGET.match(line, at + 1)
    raw = "" if found is None else found[1] if found[1] is not None else found[2]
    address, mention = _ESCAPE.sub(r"\1", raw), mention_at(raw)
    is_link = start + 1 < len(read.items) and ADDRESS.fullmatch(address) is not None
    if found is None or not (mention or is_link):
        read.text("]")
        return at + 1
    read.items[start].text = ""
    _pair(read, start + 1)
    if mention:
        label = "".join(item.text for item in read.items[start + 1 :])
        for item in read.items[start + 1 :]:
            item.text = ""
        read.items.append(_Item(label or "@", atom=mention))
    else:
        read.links.append((start, len(read.items), address))
        read.brackets.clear()  # no link in a link
    return found.end()


def _marks(line: str, at: int, end: int) -> _Item:
    """A row of one mark, and whether it may begin or end something: that depends on what it touches."""
    before, after = line[at - 1 : at] or " ", line[end : end + 1] or " "
    left = not after.isspace() and (not _is_punctuation(after) or before.isspace() or _is_punctuation(before))
    right = not before.isspace() and (not _is_punctuation(before) or after.isspace() or _is_punctuation(after))
    item = _Item(line[at:end], mark=line[at], opens=left, closes=right)
    if item.mark == "_":  # inside a word it is a letter
        item.opens = left and (not right or _is_punctuation(before))
        item.closes = right and (not left or _is_punctuation(after))
    if item.mark == "~" and len(item.text) != 2:  # noqa: PLR2004 - ~~
        item.opens = item.closes = False
    return item


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _pair(read: _Line, first: int) -> None:
    """Pairs the marks from item `first` on; what is left of them is text."""
    opened: dict[str, list[int]] = {"*": [], "_": [], "~": []}
    for at in range(first, len(read.items)):
        item = read.items[at]
        if item.mark not in opened:
            continue
        while item.closes and item.text and opened[item.mark]:
            start = opened[item.mark][-1]
            size = min(2, len(item.text), len(read.items[start].text))
            read.looks.append((start, at, _EMPHASIS[item.mark, size]))
            item.text = item.text[size:]
            read.items[start].text = read.items[start].text[size:]
            for stack in opened.values():  # what was opened in between is text
                while stack and stack[-1] > start:
                    stack.pop()
            if not read.items[start].text:
                opened[item.mark].pop()
        if item.opens and item.text:
            opened[item.mark].append(at)
        else:
            item.mark = ""
    for stack in opened.values():
        for at in stack:
            read.items[at].mark = ""


def _runs(read: _Line) -> Iterator[Run]:
    steps = {name: [0] * (len(read.items) + 1) for name in TAGS.values()}
    for start, end, name in read.looks:
        steps[name][start] += 1
        steps[name][end] -= 1
    depths = {name: list(accumulate(changes)) for name, changes in steps.items()}
    links = iter([*read.links, (len(read.items), len(read.items), "")])
    start, end, address = next(links)
    for at, item in enumerate(read.items):
        if at >= end:
            start, end, address = next(links)
        marks = {name for name, depth in depths.items() if depth[at]}
        if item.code:
            marks.add("code")
        if item.text:
            link = address if start <= at < end and not item.atom else ""
            yield Run(item.text, frozenset(marks), link=link, atom=item.atom)
