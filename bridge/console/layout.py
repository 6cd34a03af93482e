"""Pieces of every screen: values made harmless, columns, folded messages, and the few colours.

Names and values come from other people: each goes through `shown`, which spells out what a terminal would
obey, and into a Text, which rich never reads as markup.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import get_character_cell_size
from rich.text import Text

from bridge.model import FieldValue, Key, Side, Unfit
from bridge.values.canonical import show
from bridge.values.keys import join_key

# Fixed colours are ones that can be read on black and on white; what is dim or named follows the terminal's own scheme.
SIDE_STYLE = {Side.POSTGRES: "dodger_blue1", Side.NOTION: "dark_orange3"}
SIDE_NAME = {Side.POSTGRES: "PostgreSQL", Side.NOTION: "Notion"}
DIM = "dim"
ASKS = "dark_goldenrod"
ALARM = "bold red"
VALUE_MAX = 120  # characters of one value on one line; more never fits, and may be a whole book
_MINUTE = 60.0
_WIDENS = "\ufe0f"  # makes an emoji of the sign before it


def shown(value: FieldValue, limit: int = VALUE_MAX) -> str:
    """A value as it may be put on a screen, on one line, cut to about `limit` characters."""
    if isinstance(value, str):
        value = value[: limit + 1]
    elif isinstance(value, Unfit):
        value = Unfit(value.reason, value.shown[: limit + 1])
    text = show(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown_key(key: Key | None) -> str:
    """The key of a record as it may be put on a screen."""
    return shown(join_key(key)) if key else "(no key yet)"


def either(postgres: FieldValue, notion: FieldValue, room: int) -> Text:
    """Two values of which one will be taken, on one line: a long one leaves half of the room to the other."""
    ours = Text(shown(postgres, room), SIDE_STYLE[Side.POSTGRES])
    theirs = Text(shown(notion, room), SIDE_STYLE[Side.NOTION])
    between = Text(" or ", DIM)
    left = max(2, room - between.cell_len)
    ours.truncate(max(left // 2, left - theirs.cell_len), overflow="ellipsis")
    theirs.truncate(left - ours.cell_len, overflow="ellipsis")
    return Text.assemble(ours, between, theirs)


def seconds_text(seconds: float) -> str:
    """A span for people: 0.4 s, 12 s, 3 min, 2 h."""
    if seconds < 10:  # noqa: PLR2004 - one digit before the point
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / _MINUTE:.0f} h"


def count(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def paragraph(text: str, style: str, width: int) -> list[Text]:
    """A message of several lines, folded; only its line breaks are obeyed."""
    folded: list[Text] = []
    for line in text.split("\n"):
        rest = " ".join(shown(line.strip(), 1000).split(" "))
        while rest:
            fits = max(1, _fitting(rest, width - 2))
            cut = fits if fits == len(rest) else rest.rfind(" ", 1, fits)
            cut = cut if cut > 0 else fits
            folded.append(Text(f" {rest[:cut]}", style))
            rest = rest[cut:].strip()
    return folded


def _fitting(characters: Iterable[str], cells: int) -> int:
    """How many of the characters fit there, counted as a terminal that joins none of them counts."""
    number = 0
    for number, character in enumerate(characters, 1):
        cells -= 1 if character == _WIDENS else get_character_cell_size(character)
        if cells < 0:
            return number - 1
    return number


def tail(text: Text, width: int) -> Text:
    """The end of a text, as much as fits."""
    return text[len(text) - _fitting(reversed(text.plain), width) :]


def rule(width: int) -> Text:
    """A line across the screen."""
    return Text("─" * width, DIM)


def columns(cells: Iterable[tuple[Text, int]]) -> Text:
    """Cells side by side, each cut or padded to its width, at least one blank between them."""
    line = Text()
    for text, width in cells:
        cell = text.copy()
        cell.truncate(max(1, width - 1), overflow="ellipsis", pad=True)
        line.append_text(cell).append(" ")
    line.rstrip()
    return line


def right(text: Text, width: int) -> Text:
    """The text at the right end of its column."""
    cell = text.copy()
    cell.truncate(width, overflow="ellipsis")
    cell.pad_left(max(0, width - cell.cell_len))
    return cell


def spread(left: Text, right: Text, width: int) -> Text:
    """One text at each end of a line; the left one gives way, and a blank stays between them."""
    room = max(1, width - right.cell_len)
    start = left.copy()
    start.truncate(max(1, room - 1) if right else room, overflow="ellipsis")
    start.pad_right(max(0, room - start.cell_len))
    return Text.assemble(start, right)
