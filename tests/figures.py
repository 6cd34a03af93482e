"""What long tests have counted, for the end of the run: prints inside of tests are lost in their capture.

Figures travel with the reports of the tests, so that they come together from several processes.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

import pytest

_NAME = "figure"


class Figures:
    """Counts of one test. Counts of the same name are added up over all tests."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._said: list[tuple[str, str]] = []

    def count(self, group: str, what: str, number: int = 1) -> None:
        """Zero counts, too: it shows that something never occurred."""
        self._counts[group][what] += number

    def say(self, group: str, text: str) -> None:
        """A line of its own, such as a seed."""
        self._said.append((group, text))

    def hand_over(self) -> None:
        """At the end of the test, however it ended."""
        content = {"counts": {group: dict(found) for group, found in self._counts.items()}, "said": self._said}
        if self._counts or self._said:
            self._record(_NAME, json.dumps(content))


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Iterator[Figures]:
    made = Figures(record_property)
    yield made
    made.hand_over()


def lines(reports: Iterable[pytest.TestReport]) -> list[str]:
    """All figures of a run: a line per group, and what was said in it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    said: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        for name, value in report.user_properties:
            if name != _NAME or report.when != "teardown":
                continue
            content = json.loads(str(value))
            for group, found in content["counts"].items():
                for what, number in found.items():
                    counts[group][what] += number
            for group, text in content["said"]:
                said[group].append(text)
    found_lines = []
    for group in sorted({*counts, *said}):
        listed = ", ".join(f"{number:,} {what}" for what, number in counts[group].items())
        found_lines.append(f"{group}: {listed}".rstrip(": "))
        found_lines += [f"    {text}" for text in sorted(said[group])]
    return found_lines
