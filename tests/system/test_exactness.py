"""Proves on real parts what docs/types.md says of the values that break bridges: text at and beyond every limit, keys
that differ by case or spelling only, and more mentions than a page object shows. Exactly there, or parked.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.system.test_both_ways import insert
from tests.system.test_formatting import PLAIN
from tests.system.world import World

EMOJI = "\U0001f600"
AT_THE_LIMITS = {
    "a pair across the end of a run": "x" * 1999 + EMOJI + "y" * 1999,
    "a line end across the end of a run": "x" * 1999 + "\r\n" + "y",
    "a joined family across the end of a run": "x" * 1998 + "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "one run": "x" * 2000,
    "one more": "x" * 2001,
    "all that fits": "x" * 200_000,
    "all that fits, in pairs": EMOJI * 100_000,
    "blanks only": " \t ",
    "decomposed": "e\u0301",
    "composed": "\u00e9",
    "controls": "\x1b[31m[red]\x7f\u2028\ufeff\u202e",
}


def parked(world: World) -> dict[str, str]:
    """Reasons by field."""
    journal = world.journal()
    found = {row["field"]: row["reason"] for row in journal.parked() if row["state"] == "open"}
    journal.close()
    return found


def test_text_at_the_limits_is_exact_on_both_sides(world: World) -> None:
    keys = {what: insert(world, text) for what, text in AT_THE_LIMITS.items()}
    world.sync()
    for what, key in keys.items():
        assert world.page(key)["Name"] == AT_THE_LIMITS[what], what
    for what, key in keys.items():
        if len(AT_THE_LIMITS[what]) < 100_000:
            world.person.edit(world.page(key)["_id"], {"Name": AT_THE_LIMITS[what][::-1]})
    world.sync()
    rows = world.rows()
    for what, key in keys.items():
        text = AT_THE_LIMITS[what]
        assert rows[key]["title"] == (text[::-1] if len(text) < 100_000 else text), what
    assert parked(world) == {}
    assert world.in_step()


@pytest.mark.parametrize("text", ["x" * 200_001, EMOJI * 100_000 + "x", "x" * 1_000_000])
def test_text_beyond_the_limit_waits_and_the_rest_goes_on(world: World, text: str) -> None:
    key = insert(world, "short", mail="a@example.com")
    world.sync()
    world.sql("UPDATE tasks SET title = %s, mail = 'b@example.com' WHERE id = %s", text, int(key))
    world.sync()
    assert (world.page(key)["Name"], world.page(key)["Mail"]) == ("short", "b@example.com")
    assert "UTF-16 units" in parked(world)["title"]
    assert world.rows()[key]["title"] == text
    world.sql("UPDATE tasks SET title = left(title, 100) WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"] == text[:100]
    assert parked(world) == {}


def test_a_character_that_postgres_cannot_store_waits(world: World) -> None:
    key = insert(world, "before")
    world.sync()
    world.person.edit(world.page(key)["_id"], {"Name": "a\x00b", "Mail": "a@example.com"})
    world.sync()
    assert (world.rows()[key]["title"], world.rows()[key]["mail"]) == ("before", "a@example.com")
    assert "NUL" in parked(world)["title"]


def test_keys_that_differ_by_case_and_spelling_only_are_records_of_their_own(world: World) -> None:
    keys = ["a", "A", "e\u0301", "\u00e9", "a/b", "a|b", "a\\", " a", "a ", "x" * 2000, "0", "", EMOJI]
    world.sql("CREATE TABLE named (id text PRIMARY KEY, title text)")
    world.table, world.fields = "public.named", {"title": "Name"}
    world.write_config()
    for number, key in enumerate(keys):
        world.sql("INSERT INTO named VALUES (%s, %s)", key, f"record {number}")
    world.sync()
    waiting = {key for key in keys if not [page for page in world.pages() if page["ID"] == key]}
    assert waiting <= {""}, "the empty text is the one key that no page can say"
    for page in world.pages():
        world.person.edit(page["_id"], {"Name": page["Name"] + ", edited"})
    world.sync()
    titles = dict(world.sql("SELECT id, title FROM named"))
    assert titles == {
        key: f"record {number}" + ("" if key in waiting else ", edited") for number, key in enumerate(keys)
    }


def test_more_mentions_than_a_page_object_shows_are_read_in_full(world: World) -> None:
    def mention(number: int) -> dict[str, Any]:
        content = {"type": "user", "user": {"object": "user", "id": world.person.user.id}}
        plain = f"@Ada{number:02}"
        return {"type": "mention", "mention": content, "annotations": PLAIN, "plain_text": plain, "href": None}

    key = insert(world, "t")
    world.sync()
    world.person.edit(world.page(key)["_id"], {"Name": [mention(number) for number in range(40)]})
    world.sync()
    assert world.rows()[key]["title"].count("@Ada") == 40
    world.sql("UPDATE tasks SET mail = 'a@example.com' WHERE id = %s", int(key))
    world.sync()
    assert world.page(key)["Name"].count("@Ada") == 40
    assert world.in_step()


@pytest.mark.parametrize("text", ["文" * 200_000, "\x01" * 100_000])
def test_a_text_that_fills_a_request_waits_alone(world: World, text: str) -> None:
    key = insert(world, text, mail="a@example.com")
    world.sync()
    assert (world.page(key)["Name"], world.page(key)["Mail"]) == ("", "a@example.com")
    assert "500 KB" in parked(world)["title"]
