"""Markdown: a column of text that carries the formatting of a title or rich_text property too.

Both sides are compared in one canonical spelling, which `to_markdown` gives. A column may spell the same in another
way (`__bold__`): it reads as the canonical text, so that it equals its page and is left alone. Three laws hold:

    to_runs(to_markdown(runs)) == said(runs)         what Markdown can say comes back, and the text always does
    to_markdown(to_runs(text)) is canonical          writing it again changes nothing
    plain text without marks is its own spelling     "2 * 3 = 6", "snake_case" and "$5" need no escapes

Markdown has no colours, no blanks at the edge of emphasis, and no word for some mentions. They are kept by laying
the present page over the new text (`bridge.values.richtext`), as formatting is under plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bridge.errors import Refused
from bridge.model import FieldValue, Value
from bridge.values.halves import ColumnType
from bridge.values.inline import ADDRESS, EQUATION, TAGS, address_of_mention, is_equation, mention_at, read_line
from bridge.values.richtext import (
    EXPRESSION_UNITS,
    LINK_UNITS,
    Run,
    RunsProperty,
    count,
    laid_over,
    merged,
    plain_text,
    requested,
    shown,
)
from bridge.values.text import MAX_RUNS, TextColumn, read_runs, sound, units
from bridge.values.weight import heavy

_LINE_END = re.compile(r"(\r?\n)")
_BARE_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+")
_SAFE_IN_ADDRESS = "%/:?#[]@!$&'()*+,;=~-._"
_EMPHASIS = ("bold", "italic", "strikethrough")
_BY_MARK = {"bold": "**", "italic": "*", "strikethrough": "~~"}
_BY_TAG = {name: tag for tag, name in TAGS.items()}
_PAIRED_PARENTHESES = re.compile(r"(?:[^()]|\([^()]*\))*")
_ANY_MARK = re.compile(r"([\\`*_~\[\]<$])")
# What is most often read as a mark. A row of letters with _ inside is a name, and most < begin no tag.
_LIKELY_MARK = re.compile(r"(\\(?=[!-/:-@\[-`{-~]|$)|[`*$\[\]]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|<(?=/?[bisu]>))")

Escape = Callable[[str], str]


def to_runs(text: str) -> list[Run]:
    """What the Markdown says, in the normal form of `said`."""
    parts = _LINE_END.split(text)
    read: list[Run] = []
    for line, end in zip(parts[::2], [*parts[1::2], ""], strict=True):
        read += [*read_line(line), Run(end)]
    return said(read)


def to_markdown(found: Sequence[Run]) -> str:
    """The runs in the canonical spelling: the plainest of a few that means exactly them, line by line."""
    return "".join(_spelled(line) for line in _lines(said(found)))


def canonical(text: str) -> str:
    """The canonical spelling of what the Markdown says."""
    return to_markdown(to_runs(text)) if _ANY_MARK.search(text) else text


def same_meaning(one: str, other: str) -> bool:
    """Whether two texts say the same, whatever the labels of their mentions: those are Notion's to write."""
    return [_meaning(run) for run in to_runs(one)] == [_meaning(run) for run in to_runs(other)]


def said(found: Sequence[Run], *, with_colors: bool = False) -> list[Run]:
    """What Markdown can say about the runs, and their colours on top. The text stays as it is, letter by letter."""
    done: list[Run] = []
    sayable = [replace(_sayable(run), color=run.color) if with_colors else _sayable(run) for run in merged(found)]
    for line in _lines(sayable):
        done += _equations(merged(_trimmed(line)))
    return merged(done)


def _sayable(run: Run) -> Run:
    if not run.atom:
        link = _address(run.link) if run.link else ""
        return Run(run.text, run.marks, link=link)
    atom = json.loads(run.atom)
    if atom["type"] == "equation":
        expression = atom["equation"]["expression"]
        can = EQUATION.fullmatch(expression) is not None and is_equation(expression, "$", 0)
    else:
        can = "\n" not in run.text and "\r" not in run.text and address_of_mention(atom["mention"]) is not None
    return Run(run.text, run.marks - {"code"}, atom=run.atom if can else "")


def _address(url: str) -> str:
    """A link's address as Notion gives it back: with a path, and percent-encoded; "" for what it takes for none."""
    made = quote(url, safe=_SAFE_IN_ADDRESS, errors="surrogatepass")
    if not ADDRESS.fullmatch(made):
        return ""
    return f"{made}/" if _BARE_HOST.fullmatch(made) else made


def _lines(found: Sequence[Run]) -> Iterator[list[Run]]:
    """The runs line by line, each line with its end, which is plain."""
    line: list[Run] = []
    for run in found:
        if run.atom or "\n" not in run.text:
            line.append(run)
            continue
        for number, part in enumerate(_LINE_END.split(run.text)):
            if number % 2:
                yield [*line, Run(part)]
                line = []
            elif part:
                line.append(replace(run, text=part))
    if line:
        yield line


def _trimmed(line: Sequence[Run]) -> list[Run]:
    """Blanks at the edges of emphasis are outside of it: Markdown knows no others, and nobody sees them."""
    pieces: list[Run] = []
    for run in line:
        core = run.text.strip()
        if len(core) == len(run.text) or not core or not run.marks or run.atom or "code" in run.marks:
            pieces.append(run)
            continue
        start = run.text.index(core)
        parts = (run.text[:start], core, run.text[start + len(core) :])
        pieces += [replace(run, text=part) for part in parts if part]
    for name in _EMPHASIS:
        if not any(name in run.marks for run in line):
            continue
        for order in (range(len(pieces)), range(len(pieces) - 1, -1, -1)):
            inside = False
            for at in order:
                run = pieces[at]
                if name not in run.marks:
                    inside = False
                elif not inside and run.text.isspace() and not run.atom and "code" not in run.marks:
                    pieces[at] = replace(run, marks=run.marks - {name})
                else:
                    inside = True
    return pieces


def _equations(line: list[Run]) -> list[Run]:
    """An equation that a digit follows would be money; it is carried as its text."""
    for at in range(len(line) - 2, -1, -1):
        run, after = line[at], line[at + 1]
        money = after.text[0].isascii() and after.text[0].isdigit() and not after.atom
        if money and run.kind == "equation" and (run.marks, "") == (after.marks, after.link):
            line[at] = replace(run, atom="")
    return line


def _spelled(line: list[Run]) -> str:
    """One line, with its end. Whether a spelling is right is not argued about: it is read."""
    end = line[-1].text if _LINE_END.fullmatch(line[-1].text) else ""
    meant = line[:-1] if end else line
    for escape in (_nothing, _likely):
        made = _written(meant, _BY_MARK, escape)
        if to_runs(made) == merged(meant):
            return made + end
    made = _written(meant, _BY_MARK, _everything)
    # Marks inside of words, beside punctuation or beside each other may mean nothing, or something else; tags never do.
    return (made if to_runs(made) == merged(meant) else _written(meant, {}, _everything)) + end


def _nothing(text: str) -> str:
    return text


def _likely(text: str) -> str:
    return _LIKELY_MARK.sub(r"\\\1", text)


def _everything(text: str) -> str:
    return _ANY_MARK.sub(r"\\\1", text)


def _written(line: Sequence[Run], by_mark: dict[str, str], escape: Escape) -> str:
    """The line with `by_mark` for marks, and tags for all others. What lasts longer is opened first."""
    reach = _reach(line)
    opened: list[str] = []  # names of marks, and addresses of links
    made: list[str] = []

    def close(kept: int) -> None:
        made.extend(_closing(name, by_mark) for name in reversed(opened[kept:]))
        del opened[kept:]

    for at, run in enumerate(line):
        wanted = reach[at]
        close(next((n for n, name in enumerate(opened) if name not in wanted), len(opened)))
        for name in sorted(wanted.keys() - set(opened), key=lambda name: (-wanted[name], name)):
            made.append(_opening(name, by_mark))
            opened.append(name)
        made.append(_leaf(run, escape))
    close(0)
    return "".join(made)


def _reach(line: Sequence[Run]) -> list[dict[str, int]]:
    """Each run's marks and link, and for how many runs they last from there."""
    found: list[dict[str, int]] = []
    after: dict[str, int] = {}
    for run in reversed(line):
        names = (run.marks - {"code"}) | ({run.link} if run.link else set())
        after = {name: after.get(name, 0) + 1 for name in names}
        found.append(after)
    return found[::-1]


def _opening(name: str, by_mark: dict[str, str]) -> str:
    return by_mark.get(name) or (f"<{_BY_TAG[name]}>" if name in _BY_TAG else "[")


def _closing(name: str, by_mark: dict[str, str]) -> str:
    if name not in _BY_TAG:
        return f"]({_target(name)})"
    return by_mark.get(name) or f"</{_BY_TAG[name]}>"


def _target(address: str) -> str:
    if mention_at(address):  # a link that only looks like a mention
        return address.replace(":", "\\:", 1)
    return address if _PAIRED_PARENTHESES.fullmatch(address) else re.sub(r"([()])", r"\\\1", address)


def _leaf(run: Run, escape: Escape) -> str:
    if run.kind == "equation":
        return f"${run.text}$"
    if run.kind == "mention":
        return f"[{escape(run.text)}]({address_of_mention(json.loads(run.atom)['mention'])})"
    if "code" not in run.marks:
        return escape(run.text)
    ticks = "`" * (1 + max((len(row) for row in re.findall("`+", run.text)), default=0))
    both = run.text[0] == run.text[-1] == " " and run.text.strip(" ")
    space = " " if both or "`" in (run.text[0], run.text[-1]) else ""
    return f"{ticks}{space}{run.text}{space}{ticks}"


def _meaning(run: Run) -> Run:
    if run.kind != "mention":
        return run
    part = json.loads(run.atom)["mention"]
    if part["type"] == "date":
        times = [_moment(str(time)) for time in part["date"].values()]
        return replace(run, text="", atom=f"date {times}")
    return replace(run, text="")


def _moment(text: str) -> str:
    """A time to the minute, which is all that Notion surely keeps; a day as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if "T" not in text:
        return text
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).isoformat(timespec="minutes")
    except OverflowError:  # at the end of all years
        return text


@dataclass(frozen=True, slots=True)
class MarkdownColumn(TextColumn):
    """text, character varying(n) or citext that holds Markdown; its values are canonical spellings."""

    def read(self, wire: Any) -> FieldValue:
        value = TextColumn.read(self, wire)
        return canonical(value) or None if isinstance(value, str) else value

    def parse(self, text: str) -> FieldValue:
        # The length is judged where the column is written: it may hold a shorter spelling of the same.
        value = sound(text)
        return canonical(value) or None if isinstance(value, str) else value

    def write(self, value: Value) -> str | None:
        made, limit = TextColumn.write(self, value), self.column.max_length
        if made is not None and limit is not None and len(made) > limit:
            raise Refused(f"{len(made):,} characters as Markdown, but the column holds {limit:,}; shorten it")
        return made


@dataclass(frozen=True, slots=True)
class MarkdownProperty(RunsProperty):
    """title and rich_text, read as Markdown."""

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        text = read_runs(value)
        return to_markdown(shown(value)) if isinstance(text, str) else text

    def write(self, value: Value, column: ColumnType, over: Any = None) -> list[dict[str, Any]]:
        asked = self._asked(value, column)
        if not over:
            return requested(asked)
        present = shown(over)
        told = said(present)
        # What Markdown cannot say of a stretch may come to mean something in other company: a bold blank between
        # two bold words. Colours never do.
        for richer in (present, said(present, with_colors=True)):
            woven = laid_over(richer, told, asked)
            if count(woven) <= MAX_RUNS and said(woven) == asked and not heavy(requested(woven)):
                return requested(woven)
        return requested(asked)

    def stands_for(self, shown: FieldValue, held: FieldValue) -> bool:
        return isinstance(shown, str) and isinstance(held, str) and same_meaning(shown, held)

    def _asked(self, value: Value, column: ColumnType) -> list[Run]:
        """Unlike under plain text the formatting is part of the value: what Notion cannot take whole is refused."""
        asked = to_runs(column.text(value)) if value is not None else []
        if (needed := count(asked)) > MAX_RUNS:
            length = units(plain_text(asked))
            raise Refused(
                f"it needs {needed} runs of rich text ({length:,} UTF-16 units); Notion takes {MAX_RUNS} in one write"
            )
        for run in asked:
            if units(run.link) > LINK_UNITS:
                raise Refused(f"a link's address has {units(run.link):,} UTF-16 units; Notion takes {LINK_UNITS:,}")
            if run.kind == "equation" and units(run.text) > EXPRESSION_UNITS:
                raise Refused(f"an equation has {units(run.text):,} UTF-16 units; Notion takes {EXPRESSION_UNITS:,}")
        return asked
