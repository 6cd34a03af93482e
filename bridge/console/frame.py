"""A frame on the whole screen that stays in its place, whatever a terminal makes of a value's width.

Terminals disagree about the width of a family joined from four emoji, of a flag, of a skin tone. A line that comes out
wider than it was counted would wrap, and the whole frame would scroll. So nothing wraps while a frame is written, each
line is emptied before, and after what may be counted differently the next column begins where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import ControlType, Segment

# Off and on again around each frame: a process that is killed between two leaves the terminal as it was.
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
_EMPTY_LINE = "\x1b[2K"  # before the line, as behind a full one the cursor still stands on its last character
_DISPUTED = re.compile("[^\x00-\u02ff\u2010-\u25ff]")
_WORDS = re.compile(" +|[^ ]+")
_BETWEEN = 2  # blanks, between two columns


class Frame:
    """A renderable that is drawn line by line from the upper left corner. For a `Live` that has the whole screen."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        # Padded here: what comes behind the last line would be written with wrapping on.
        lines = console.render_lines(self._content, options, pad=True)
        yield _control(WRAP_OFF)
        for number, line in enumerate(lines):
            yield from (Segment.line(),) if number else ()
            yield _control(_EMPTY_LINE)
            yield from _placed(line)
        yield _control(WRAP_ON)


def _placed(line: Iterable[Segment]) -> Iterator[Segment]:
    """The line; a column behind something that may be wider or narrower than it was counted begins in its place."""
    at, blanks, disputed = 1, 0, False
    for segment in line:
        start = 0
        for word in _WORDS.finditer(segment.text):
            if word[0][0] == " ":
                blanks += len(word[0])
            else:
                if disputed and blanks >= _BETWEEN:
                    yield Segment(segment.text[start : word.start()], segment.style)
                    yield _control(f"\x1b[{at}G")
                    start = word.start()
                blanks, disputed = 0, disputed or bool(_DISPUTED.search(word[0]))
            at += cell_len(word[0])
        yield Segment(segment.text[start:], segment.style)


def _control(code: str) -> Segment:
    """A code that takes no room; that it is one is all that rich asks of the kind."""
    return Segment(code, None, [(ControlType.HOME,)])
