"""The demo's world is believable and honest: its own comparison of the sides finds every kind of difference."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bridge.sandbox.demo.sides import Sides
from bridge.sandbox.demo.world import FIELDS, KEY_PROPERTY, World, build
from bridge.sandbox.notion import ManualClock, Sandbox


@pytest.fixture
def world(database: str) -> World:
    """In a minute that does not end: a page that is copied later was made at another time, which is a difference."""
    return build(Sandbox(clock=ManualClock()), database)


@pytest.fixture
def sides(world: World) -> Iterator[Sides]:
    with world.connect() as connection:
        yield Sides(world, connection)


def copy_all_by_hand(world: World) -> None:
    """What the bridge would do, done by a very patient person: pages for rows, and the computed values back."""
    person = world.sandbox.person("Ada")
    for page_id, shows in person.rows(world.data_source).items():
        if shows[KEY_PROPERTY] is None:
            person.trash(page_id)
    with world.connect() as connection:
        known = {shows[KEY_PROPERTY] for shows in person.rows(world.data_source).values()}
        for row in connection.execute("SELECT * FROM deals ORDER BY id").fetchall():
            if row["id"] not in known:
                typed = {prop: row[column] for column, prop in FIELDS.items() if column not in ("weighted", "noted_at")}
                typed["Amount"] = float(row["amount"])
                person.create_row(world.data_source, {KEY_PROPERTY: row["id"], **typed})
        for shows in person.rows(world.data_source).values():
            connection.execute(
                "UPDATE deals SET weighted = %s, noted_at = %s WHERE id = %s",
                [shows["Weighted"], shows["Noted at"], shows[KEY_PROPERTY]],
            )


def test_the_sides_differ_at_first(sides: Sides) -> None:
    found = sides.differences()
    assert sum("has no page" in line for line in found) == 24
    assert sum("a page without a key" in line for line in found) == 3
    assert len(sides.rows()) == 30
    assert len(sides.pages()) == 9


def test_agreement_is_found_and_every_difference_too(world: World, sides: Sides) -> None:
    copy_all_by_hand(world)
    assert sides.differences() == []
    assert sides.agree()
    person = world.sandbox.person("Ada")
    page = sides.page(7)

    person.edit(page.id, {"Amount": 1})
    assert any(line.startswith("row 7, amount: ") for line in sides.differences())
    person.edit(page.id, {"Amount": float(sides.rows()[7]["amount"])})
    assert sides.agree()

    copied = person.duplicate(page.id)
    assert sides.differences() == ["2 pages for row 7"]
    person.trash(copied)
    person.trash(page.id)
    assert sides.differences() == ["row 7 has no page"]
    person.restore(page.id)
    with world.connect() as connection:
        connection.execute("DELETE FROM deals WHERE id = 7")
    assert sides.differences() == ["the page of 7 has no row"]


def test_the_table_has_a_secret_that_is_not_mapped(world: World) -> None:
    assert "api_key" not in FIELDS
    with world.connect() as connection:
        row = connection.execute("SELECT count(*) AS n FROM deals WHERE api_key LIKE 'sk_live_%'").fetchone()
    assert row == {"n": 30}


def test_the_same_world_every_time(world: World, database: str) -> None:
    with world.connect() as connection:
        first = connection.execute("SELECT * FROM deals ORDER BY id").fetchall()
        connection.execute("DROP TABLE deals; DROP TYPE deal_stage")
        build(Sandbox(), database)
        assert connection.execute("SELECT * FROM deals ORDER BY id").fetchall() == first


def test_stages_are_guarded_by_the_table(world: World) -> None:
    with world.connect() as connection, pytest.raises(psycopg.Error, match="deal_stage"):
        connection.execute("UPDATE deals SET stage = 'Nearly'")
