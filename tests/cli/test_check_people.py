"""`check` says who is known where people are mapped, and which properties are left alone; `init` says why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World


@pytest.fixture
def team(world: World) -> World:
    """A table with a property for people mapped to a text column, and a button beside it."""
    for name, kind in (("Owner", "people"), ("Run", "button")):
        world.ada.add_property(world.source, name, kind)
    world.sql("ALTER TABLE tasks ADD owner text")
    world.configure(fields={"title": "Name", "owner": "Owner"})
    return world


def told(world: World, name: str) -> list[dict[str, Any]]:
    return [check for check in world.json("check", "--json")["checks"] if check["name"] == name]


def test_how_many_people_are_known_and_what_is_left_alone(team: World) -> None:
    (people,) = told(team, "people")
    assert people["state"] == "ok"
    assert "by an e-mail address" in people["message"]
    (alone,) = told(team, "left alone")
    assert "Run (button)" in alone["message"]
    assert "Owner" not in alone["message"]


def test_without_the_capability_there_is_a_warning_with_a_way_out(team: World) -> None:
    bot = team.sandbox.bot()
    bot.capabilities = bot.capabilities - {"users", "emails"}
    (people,) = told(team, "people")
    assert people["state"] == "warning"
    assert "by their ids only" in people["message"]


def test_without_people_nobody_is_asked_for(world: World) -> None:
    assert told(world, "people") == []
    assert not world.sandbox.log.find("GET", "/users$")
