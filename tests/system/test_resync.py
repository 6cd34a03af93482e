"""A distrusted journal on real parts: relations stay links, what is under way ends first, and nothing is deleted.

S4, S10, S12, S14; the commands are in tests/cli/test_resync.py.
"""

from __future__ import annotations

from tests.system.test_both_ways import insert
from tests.system.world import World


def test_a_bridge_at_work_compares_everything_and_goes_on(world: World) -> None:
    """Edits, deletions and creations of both sides while it runs, and the wish in the middle of them."""
    keys = [insert(world, f"row {number}") for number in range(15)]
    with world.running():
        world.until(lambda: len(world.pages()) == 15, "the first fill")
        world.sandbox.faults.delay("PATCH", r"/pages/", after_s=0.3, times=4)
        for key in keys[:6]:
            world.sql("UPDATE tasks SET title = title || '!' WHERE id = %s", int(key))
        world.decide("resync", syncs=["tasks"])
        world.person.edit(world.page(keys[7])["_id"], {"Mail": "ada@example.com"})
        world.sql("UPDATE tasks SET amount = 7 WHERE id = %s", int(keys[8]))
        made = insert(world, "made meanwhile")
        world.until(lambda: not world.journal().sync_state("tasks").resync, "the resync")
        world.until(lambda: world.page(made)["Name"] == "made meanwhile", "the new row's page")
        world.until(world.in_step, "both sides agree")
    assert len(world.rows()) == len(world.pages()) == 16
    assert world.pages(trashed=True) == []
    titles = {row["title"] for row in world.rows().values()}
    assert {f"row {number}!" for number in range(6)} <= titles
    # A mail that was typed before the comparison is a difference of two sides that agree on nothing, and recorded.
    kept = {conflict["notion"] for conflict in world.journal().conflicts()}
    assert world.rows()[keys[7]]["mail"] == "ada@example.com" or '"ada@example.com"' in kept
    assert world.rows()[keys[8]]["amount"] == world.page(keys[8])["Amount"] == 7


def test_no_write_is_sent_twice_and_none_is_lost_over_an_unclear_answer(world: World) -> None:
    world.sandbox.faults.apply_then_drop(method="POST", path=r"/pages$", times=2)
    keys = [insert(world, f"row {number}") for number in range(3)]
    with world.running():
        world.until(lambda: len(world.pages()) >= 1, "a page")
        world.decide("resync", syncs=["tasks"])
        world.until(lambda: not world.journal().sync_state("tasks").resync, "the resync")
        world.until(lambda: sorted(page["ID"] for page in world.pages()) == sorted(keys), "a page for each row")
        world.until(world.in_step, "both sides agree")
    assert world.pages(trashed=True) == []
    assert world.journal().conflicts() == []


def test_a_page_that_was_trashed_before_is_no_deletion_however_late_it_is_looked_at(world: World) -> None:
    """The listing shows only that the page is not in it. Until the look says why, the journal's own picture of the page
    must not be agreed on: the trash would then look like a deletion of an agreed record."""
    for number, forget in enumerate((resync, restore)):
        key = insert(world, f"row {number}")
        world.sync()
        world.person.trash(world.page(key)["_id"])
        forget(world)
        world.sandbox.faults.delay("GET", r"/pages/", before_s=0.5)
        world.sync()
        assert world.page(key)["Name"] == world.rows()[key]["title"] == f"row {number}"
    assert world.in_step()


def resync(world: World) -> None:
    world.decide("resync", syncs=["tasks"])


def restore(world: World) -> None:
    """The database is another one, as far as the bridge can tell."""
    world.sql("UPDATE notion_bridge.installation SET id = gen_random_uuid()")
