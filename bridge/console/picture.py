"""The dashboard as a picture for the README: `python -m bridge.console.picture docs/console.svg`.

The view is made up, so that the picture is the same every time and shows a little of everything.
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from bridge.console.draw import render
from bridge.console.progress import Progress
from bridge.console.view import ChangeView, ConflictView, ParkedView, RateView, SyncView, View
from bridge.model import FieldValue, Side

_WIDTH, _HEIGHT = 100, 27
_NOW = datetime(2026, 5, 12, 14, 7, 32, tzinfo=UTC)
_ARGUMENTS = 2
_RECENT = (1, 1, 2, 1, 3, 6, 12, 4, 1, 2, 5, 11, 7, 3, 2)

# rich's own frame loads its font from somewhere else, which a README must not; and blanks are kept as they are.
_FRAME = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" xml:space="preserve">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
    white-space: pre;
}}
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


Changes = dict[str, tuple[FieldValue, FieldValue]]


def _change(ago: float, into: Side, key: str, delay: float, changes: Changes, op: str = "update") -> ChangeView:
    return ChangeView(_NOW - timedelta(seconds=ago), into, op, (key,), changes, delay)


def example() -> View:
    """A sales table in the middle of an ordinary afternoon."""
    euro = Decimal
    new_deal: Changes = {"title": (None, "Harbour Lights: rollout"), "stage": (None, "Lead")}
    return View(
        at=_NOW,
        syncs=(
            SyncView(
                "deals", "public.deals", "Deals", rows=1_204, pages=1_198, pending=6, behind=1.1, conflicts=1, parked=1
            ),
        ),
        rate=RateView(used=61, budget=180, configured=180, recent=_RECENT, queue={"changed": 6, "polling": 1}),
        progress=Progress(done=34, total=40, per_second=2.9, seconds_left=2.1),
        changes=(
            _change(0.2, Side.NOTION, "1187", 0.6, {"stage": ("Proposal", "Won"), "signed": (False, True)}),
            _change(1.4, Side.POSTGRES, "1042", 1.3, {"amount": (euro("18500"), euro("21000"))}),
            _change(3.1, Side.NOTION, "1204", 0.7, new_deal, "create"),
            _change(5.8, Side.POSTGRES, "987", 1.1, {"close_on": (date(2026, 5, 29), date(2026, 6, 12))}),
            _change(9.0, Side.POSTGRES, "1160", 1.6, {"tags": (("emea",), ("emea", "renewal"))}),
            _change(14.5, Side.NOTION, "1011", 0.5, {"notes": ("call back", "call back on Monday, 9:30 ☎")}),
            _change(21.7, Side.NOTION, "642", 0.6, {}, "delete"),
            _change(33.0, Side.POSTGRES, "1151", 1.9, {"email": ("ines@nordlicht.example", "wolf@nordlicht.example")}),
        ),
        conflicts=(
            ConflictView(8, ("1099",), "stage", "Won", "Lost", "manual", None, "open", _NOW),
            ConflictView(
                7, ("1042",), "amount", euro("19900"), euro("21000"), "last-writer", Side.NOTION, "decided", _NOW
            ),
        ),
        keys=(("p", "pause"), ("c", "review conflicts"), ("q", "quit")),
        next_look=0.6,
        parked=(ParkedView(3, ("871",), "close_on", Side.POSTGRES, "it has an end, and the column holds one date"),),
    )


def save(path: Path) -> None:
    """Writes the picture as SVG."""
    console = Console(record=True, width=_WIDTH, height=_HEIGHT, file=io.StringIO(), color_system="truecolor")
    console.print(render(example(), _WIDTH, _HEIGHT))
    picture = console.export_svg(title="notion-bridge run", code_format=_FRAME, unique_id="console")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != _ARGUMENTS:
        sys.exit("usage: python -m bridge.console.picture FILE.svg")
    save(Path(sys.argv[1]))
