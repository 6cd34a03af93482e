"""What a case is, and what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.stage import Place

Better = Literal["less", "more", ""]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `goal` None: it is only told. `better`: on which side of the goal it has to be."""

    what: str
    value: float
    unit: str = ""
    goal: float | None = None
    better: Better = "less"

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None when there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "less" else self.value >= self.goal


@dataclass(frozen=True, slots=True)
class Line:
    """One curve of a picture: points in the units that the picture's axes name."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart; the file is called after the case."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of one run of a case. `notes` are sentences for the reader."""

    figures: Sequence[Figure]
    picture: Picture | None = None
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Case:
    """`run` gets the place and the sizes: `full` ones for the figures, `tiny` ones to see that it works."""

    name: str
    title: str
    run: Callable[..., Found]
    full: Mapping[str, Any]
    tiny: Mapping[str, Any]

    def measure(self, place: Place, *, tiny: bool = False, **sizes: Any) -> Found:
        """Runs it. Raises StageError when the bridge does not do what the case waits for."""
        return self.run(place, **{**(self.tiny if tiny else self.full), **sizes})


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def cumulated(moments: Sequence[float], points: int = 200) -> list[tuple[float, float]]:
    """How many there were after so many seconds, thinned out for a picture."""
    ordered = sorted(moments)
    step = max(1, len(ordered) // points)
    start = ordered[0] if ordered else 0.0
    counted = [(moment - start, float(number)) for number, moment in enumerate(ordered, 1)]
    return [*counted[::step], counted[-1]] if counted else []
