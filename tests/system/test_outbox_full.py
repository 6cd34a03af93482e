"""A bridge that is away for long: the outbox stops growing, and nothing is lost by that.

S3, S4, S12, S15, S22; P9 (a long time offline).
"""

from __future__ import annotations

from tests.system.test_both_ways import insert
from tests.system.world import World

MAX = 10


def limit(world: World, full: str = "reread") -> None:
    text = world.config_path.read_text(encoding="utf-8")
    lines = f'outbox_max = {MAX}\noutbox_full = "{full}"\n[notion]'
    world.config_path.write_text(text.replace("[notion]", lines, 1), encoding="utf-8")


def waiting(world: World) -> int:
    [(count,)] = world.sql("SELECT count(*) FROM notion_bridge.outbox")
    return int(count)


def test_a_month_away_loses_no_edit_of_either_side(world: World) -> None:
    limit(world)
    keys = [insert(world, f"row {number}") for number in range(40)]
    world.sync()
    both = world.page(keys[0])["_id"]
    for number in range(30):
        world.sql("UPDATE tasks SET amount = %s WHERE id = %s", number, int(keys[1]))
    world.sql("UPDATE tasks SET title = title || '!' WHERE id > %s", int(keys[0]))
    world.sql("UPDATE tasks SET title = 'ours' WHERE id = %s", int(keys[0]))
    world.person.edit(both, {"Name": "theirs", "Mail": "ada@example.com"})
    world.sql("DELETE FROM tasks WHERE id = %s", int(keys[2]))
    made = insert(world, "made meanwhile")
    world.person.create_row(world.data_source, {"Name": "made in Notion"})
    assert waiting(world) == MAX
    world.sync()
    assert waiting(world) == 0
    assert world.page(keys[1])["Amount"] == 29
    assert world.page(keys[39])["Name"] == "row 39!"
    assert world.page(made)["Name"] == "made meanwhile"
    assert keys[2] not in {page["ID"] for page in world.pages()}
    assert [page["ID"] for page in world.pages(trashed=True)] == [keys[2]]
    assert world.rows()[keys[0]]["mail"] == "ada@example.com"
    [conflict] = world.journal().conflicts()
    assert (conflict["rule"], conflict["postgres"], conflict["notion"]) == ("tie", '"ours"', '"theirs"')
    assert world.in_step()
    world.sql("UPDATE tasks SET title = 'noted again' WHERE id = %s", int(made))
    assert waiting(world) == 1


def test_a_flood_beside_a_running_bridge_arrives_as_it_ends(world: World) -> None:
    limit(world)
    keys = [insert(world, f"row {number}") for number in range(20)]
    with world.running():
        world.until(lambda: len(world.pages()) == 20, "the first fill")
        for number in range(30):
            world.sql("UPDATE tasks SET amount = %s", number)
        world.until(lambda: all(page["Amount"] == 29 for page in world.pages()), "the last amounts")
        world.sql("DELETE FROM tasks WHERE id = %s", int(keys[0]))
        world.until(lambda: len(world.pages()) == 19, "a deletion that is noted")
        world.until(world.in_step, "both sides agree")
    assert world.journal().conflicts() == []


def test_a_mass_deletion_that_was_not_noted_is_asked_about_all_the_same(world: World) -> None:
    limit(world)
    world.sql("INSERT INTO tasks (title) SELECT 'row ' || n FROM generate_series(1, 40) AS n")
    world.sync()
    world.sql("UPDATE tasks SET title = title || '!'")
    world.sql("DELETE FROM tasks WHERE id <= 30")
    world.sync()
    assert len(world.pages()) == 40
    assert "would delete 30 of 40" in world.journal().sync_state("tasks").breaker


def test_without_a_limit_everything_is_noted(world: World) -> None:
    limit(world, "keep")
    key = insert(world, "row")
    world.sync()
    for number in range(30):
        world.sql("UPDATE tasks SET amount = %s WHERE id = %s", number, int(key))
    assert waiting(world) == 30
    world.sync()
    assert world.page(key)["Amount"] == 29
