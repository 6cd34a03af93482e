"""A list of records at every width: a table where that can be read, a block for each record where it cannot.

What is short (a number, a word, a time) is never folded. Text is, at its blanks, down to a width that can still be
read. Both forms say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from bridge.cli.output import styled

_SHORT = 22  # cells; a time to the second has 20
_FOLDED_MIN = 24  # cells; a column of text that is narrower is hard to read
_GAP = 2
_DOT = " · "


@dataclass(frozen=True, slots=True)
class Listing:
    """Records under headers; every row has as many cells as there are headers."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self._needed() <= options.max_width:
            yield self._table()
        else:
            yield from self._blocks(console, options.max_width)

    def _widths(self) -> list[int]:
        columns = [Text(header).cell_len for header in self.headers]
        for row in self.rows:
            columns = [max(width, _widest_line(cell)) for width, cell in zip(columns, row, strict=True)]
        return columns

    def _needed(self) -> int:
        least = [width if width <= _SHORT else min(width, _FOLDED_MIN) for width in self._widths()]
        return sum(least) + _GAP * (len(least) - 1)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
        for header, width in zip(self.headers, self._widths(), strict=True):
            if width <= _SHORT:
                table.add_column(Text(header), no_wrap=True)
            else:
                table.add_column(Text(header), overflow="fold", min_width=min(width, _FOLDED_MIN))
        for row in self.rows:
            table.add_row(*row)
        return table

    def _blocks(self, console: Console, width: int) -> Iterator[RenderableType]:
        short = [number for number, wide in enumerate(self._widths()) if wide <= _SHORT]
        long = [number for number in range(len(self.headers)) if number not in short]
        label = max((Text(self.headers[number]).cell_len for number in long), default=0)
        for place, row in enumerate(self.rows):
            if place and long:
                yield Text()
            facts = [_fact(self.headers[number], row[number]) for number in short if row[number]]
            yield from _flowed(facts, width)
            for number in long:
                yield from _labelled(console, self.headers[number], label, row[number], width)


def listing(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Listing:
    """A list without lines: readable on a terminal, in a log and for `cut`."""
    return Listing(headers, [[cell if isinstance(cell, Text) else styled(cell) for cell in row] for row in rows])


def _widest_line(text: Text) -> int:
    return max((line.cell_len for line in text.split("\n")), default=0)


def _fact(header: str, value: Text) -> Text:
    return Text.assemble((header, "bold"), " " if header else "", value)


def _flowed(facts: Sequence[Text], width: int) -> Iterator[Text]:
    """Facts beside each other, and in the next line what has no room; none is broken."""
    line = Text()
    for fact in facts:
        if line and line.cell_len + len(_DOT) + fact.cell_len > width:
            yield line
            line = Text(" " * _GAP)
        elif line:
            line = line + Text(_DOT, "dim")
        line = line + fact
    if line:
        yield line


def _labelled(console: Console, header: str, label: int, value: Text, width: int) -> Iterator[Text]:
    """A text of as many lines as it needs, beside its header."""
    start = _GAP + label + _GAP
    for number, line in enumerate(value.wrap(console, max(_FOLDED_MIN, width - start), overflow="fold")):
        head = Text(" " * _GAP + header, "bold") if number == 0 else Text()
        head.truncate(start, pad=True)
        line.rstrip()
        yield head + line
