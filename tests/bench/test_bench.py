"""Proves: every case of the bench runs to its end and finds its figures. What they are is not asserted here: a test
must not depend on the machine."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import report
from bench.case import Case, Figure, Line, Picture, cumulated, percentile
from bench.drawing import svg
from bench.registry import CASES
from bench.stage import Place
from bridge.sandbox.postgres import EmbeddedPostgres
from tests.conftest import ForeignServer


@pytest.fixture
def good_manners() -> None:
    """Not asked here: some cases provoke refusals."""


@pytest.fixture
def place(postgres_server: EmbeddedPostgres | ForeignServer, tmp_path: Path) -> Place:
    if not isinstance(postgres_server, EmbeddedPostgres):
        pytest.skip("the bench starts its own server")
    return Place(postgres_server, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_ends_with_figures(case: Case, place: Place) -> None:
    found = case.measure(place, tiny=True)
    assert found.figures
    assert all(math.isfinite(figure.value) for figure in found.figures)
    assert len({figure.what for figure in found.figures}) == len(found.figures)
    assert all(report.tell(case, found))
    if found.picture is not None:
        ET.fromstring(svg(found.picture))  # noqa: S314 - our own


def test_names_are_unique_and_every_case_is_documented() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(report.read()) <= set(names), "figures.json tells of a case that is no more"


def test_the_verdict() -> None:
    assert Figure("a", 3, "s", 3).met
    assert not Figure("a", 3.01, "s", 3).met
    assert Figure("a", 90, "%", 90, "more").met
    assert not Figure("a", 89, "%", 90, "more").met
    assert Figure("a", 5).met is None


def test_the_percentile_is_a_value_that_occurred() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, percent) for percent in (50, 99, 100, 1)] == [3.0, 5.0, 5.0, 1.0]


def test_a_picture_escapes_what_it_is_given() -> None:
    drawn = svg(Picture("a < b & c", "x", "y", [Line("<&>", cumulated([1.0, 2.0, 4.0]))]))
    texts = [element.text for element in ET.fromstring(drawn).iter() if element.text]  # noqa: S314 - our own
    assert "a < b & c" in texts
    assert "<&>" in texts
