"""Proves on real parts: a record whose values fill more than one request is written in several, each an update of its
own, so that a death between them loses nothing; only a value that no request can hold waits.
"""

from __future__ import annotations

import signal

import pytest

from tests.system.test_exactness import parked
from tests.system.world import DEADLINE_S, World

COLUMNS = ("one", "two", "three", "four")
HUGE = "文" * 120_000  # 360,000 bytes: two of them are more than the 500 KB of one request


@pytest.fixture
def texts(world: World) -> World:
    """A table of four texts beside a title."""
    world.sql("CREATE TABLE texts (id bigint PRIMARY KEY, title text, one text, two text, three text, four text)")
    for column in COLUMNS:
        world.person.add_property(world.data_source, column.title(), "rich_text")
    world.table, world.fields = "public.texts", {"title": "Name"} | {column: column.title() for column in COLUMNS}
    world.write_config()
    return world


def texts_of(world: World) -> dict[str, str]:
    page = world.page("1")
    return {column: page[column.title()] for column in COLUMNS}


def fill(world: World, letter: str) -> dict[str, str]:
    """Puts a huge text of its own into each column."""
    values = {column: f"{letter}{column} {HUGE}" for column in COLUMNS}
    world.sql(
        "INSERT INTO texts VALUES (1, 't', %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE"
        " SET (one, two, three, four) = (excluded.one, excluded.two, excluded.three, excluded.four)",
        *values.values(),
    )
    return values


def test_a_record_of_many_huge_texts_is_made_changed_and_restored(texts: World) -> None:
    values = fill(texts, "a")
    texts.sync()
    assert texts_of(texts) == values
    values = fill(texts, "b")
    texts.sync()
    assert texts_of(texts) == values
    texts.sql("DELETE FROM texts")
    texts.sync()
    values = fill(texts, "c")
    texts.sync()
    assert texts_of(texts) == values
    assert parked(texts) == {}
    assert texts.in_step()


def test_what_one_request_can_never_hold_waits_alone(texts: World) -> None:
    values = fill(texts, "a")
    texts.sql("UPDATE texts SET two = %s", "文" * 190_000)
    texts.sync()
    assert texts_of(texts) == values | {"two": ""}
    waiting = parked(texts)
    assert list(waiting) == ["two"]
    assert "500 KB" in waiting["two"]


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_part_whose_answer_is_lost_is_written_once(texts: World, carried_out: bool) -> None:
    values = fill(texts, "a")
    faults = texts.sandbox.faults
    (faults.apply_then_drop if carried_out else faults.drop)("PATCH", r"/pages/", times=2)
    texts.sync()
    assert texts_of(texts) == values
    assert len(texts.pages()) == 1
    assert parked(texts) == {}


@pytest.mark.parametrize("edge", ["page-created:after:1", "page-updated:after:1", "page-settled:after:2"])
def test_a_death_between_two_parts_loses_nothing(texts: World, edge: str) -> None:
    values = fill(texts, "a")
    asking = texts.folder / "crash"
    asking.write_text(edge, encoding="utf-8")
    process = texts.start_process(NOTION_BRIDGE_CRASH=str(asking))
    assert process.wait(DEADLINE_S) == -signal.SIGKILL
    texts.sync()
    assert texts_of(texts) == values
    assert len(texts.pages()) == 1
    assert parked(texts) == {}
    assert texts.in_step()
