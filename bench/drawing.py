"""A line chart as SVG, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.case import Picture

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 40, 48
_COLOURS = ("#2f6fde", "#d9822b", "#3a9d5d", "#a34fbf", "#8a8f98")
_TICKS = 5


def svg(picture: Picture) -> str:
    """The picture as a file."""
    points = [point for line in picture.lines for point in line.points]
    right, top = _round_up(max(x for x, _ in points)), _round_up(max(y for _, y in points))
    body = [*_frame(picture, right, top)]
    for number, line in enumerate(picture.lines):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{_x(x, right):.1f},{_y(y, top):.1f}" for x, y in line.points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body.append(_text(_LEFT + 12, _TOP + 18 + 18 * number, line.name, colour, anchor="start"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="13">\n<title>{escape(picture.title)}</title>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _frame(picture: Picture, right: float, top: float) -> Iterator[str]:
    grey = _COLOURS[-1]
    yield _text(_WIDTH / 2, 22, picture.title, grey, size=15)
    yield _text(_WIDTH / 2, _HEIGHT - 8, picture.x, grey)
    yield _text(_LEFT, _TOP - 8, picture.y, grey)
    for step in range(_TICKS + 1):
        y, x = top * step / _TICKS, right * step / _TICKS
        yield (
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(y, top):.1f}" y2="{_y(y, top):.1f}" '
            f'stroke="{grey}" stroke-opacity="0.3"/>'
        )
        yield _text(_LEFT - 8, _y(y, top) + 4, f"{y:g}", grey, anchor="end")
        yield _text(_x(x, right), _HEIGHT - _BOTTOM + 18, f"{x:g}", grey)


def _text(x: float, y: float, text: str, colour: str, *, anchor: str = "middle", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
    )


def _x(x: float, right: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * x / right


def _y(y: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * y / top


def _round_up(value: float) -> float:
    """The next number that five ticks divide into readable ones."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    steps: Sequence[float] = (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10)
    return next(step * unit for step in steps if step * unit >= value)
