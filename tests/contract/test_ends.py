"""The contract of both ends, run against PostgreSQL, its model, and Notion: what the engine relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.clock import SystemClock
from bridge.ends import Evidence, Observation, Outcome
from bridge.engine.opening import open_sides
from bridge.journal import Journal
from bridge.model import Op, Presence
from tests.contract.rigs import OTHER, SAMPLE, PageRig, Rig, RowRig, apply, intent, newborn, observed, pair_of
from tests.system.world import World
from tests.worlds.rig import ModelRig


@pytest.fixture(params=["postgres", "notion", "model"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Both ends, and the model of the database that the seeded worlds stand on."""
    if request.param == "model":
        yield ModelRig()
        return
    world: World = request.getfixturevalue("world")
    with open_sides(world.config()) as sides:
        sync = sides.bind(world.config().syncs[0])
        sides.ensure_installed(sync)
        journal = Journal.in_memory(SystemClock())
        yield RowRig(world, sides, sync) if request.param == "postgres" else PageRig(world, sides, sync, journal)
        journal.close()


def seen_of(rig: Rig, name: str) -> Observation:
    return observed(list(rig.end.scan()), rig)[name]


def test_a_scan_shows_every_record_with_its_values(rig: Rig) -> None:
    one, two = rig.add(SAMPLE), rig.add(OTHER)
    found = observed(list(rig.end.scan()), rig)
    assert set(found) == {one, two}
    assert dict(found[one].values) == SAMPLE
    assert dict(found[two].values) == OTHER
    assert {seen.presence for seen in found.values()} == {Presence.LIVE}


def test_a_change_is_told_until_it_is_acknowledged(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    assert observed(rig.end.changes(), rig)[name].values == SAMPLE
    batch = rig.end.changes()
    assert observed(batch, rig)[name].values == SAMPLE
    rig.end.acknowledge(batch)
    rig.edit(name, {"title": "edited"})
    told = observed(rig.end.changes(), rig)
    assert told[name].values["title"] == "edited"


def test_what_was_acknowledged_is_never_told_older_than_it_is(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    rig.end.acknowledge(rig.end.changes())
    rig.edit(name, {"title": "edited"})
    rig.end.acknowledge(rig.end.changes())
    again = observed(rig.end.changes(), rig)
    assert name not in again or again[name].values["title"] == "edited"


def test_a_change_bears_when_it_was_made(rig: Rig) -> None:
    before = datetime.now(UTC)
    name = rig.add(SAMPLE)
    seen = observed(rig.end.changes(), rig)[name]
    after = datetime.now(UTC)
    assert seen.stamp is not None
    assert seen.stamp.earliest <= after
    assert seen.stamp.latest >= before
    assert seen.stamp.earliest <= seen.stamp.latest


def test_a_look_tells_alive_from_gone(rig: Rig) -> None:
    there, gone = rig.add(SAMPLE), rig.add(OTHER)
    pairs = [pair_of(rig, seen_of(rig, name)) for name in (there, gone)]
    rig.remove(gone)
    alive, dead = rig.end.look(pairs)
    assert (alive.presence, alive.evidence, dict(alive.values)) == (Presence.LIVE, Evidence.LOOK, SAMPLE)
    assert dead.presence is Presence.GONE


def test_an_update_writes_what_it_should_and_nothing_else(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    wanted = {"title": OTHER["title"], "tags": OTHER["tags"]}
    [receipt] = apply(rig, intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, wanted))
    assert receipt.outcome is Outcome.DONE
    assert rig.read(name) == {**SAMPLE, **wanted}
    assert receipt.seen is not None
    assert dict(receipt.seen.values) == {**SAMPLE, **wanted}


def test_every_value_survives_the_way_there_and_back(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    [receipt] = apply(rig, intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, OTHER))
    assert receipt.outcome is Outcome.DONE
    assert rig.read(name) == OTHER
    assert dict(seen_of(rig, name).values) == OTHER


def test_an_update_never_runs_over_what_the_merge_has_not_seen(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    decided = intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, {"title": "ours"})
    rig.edit(name, {"title": "theirs"})
    [receipt] = apply(rig, decided)
    assert receipt.outcome is Outcome.STALE
    assert rig.read(name)["title"] == "theirs"


def test_another_field_may_change_meanwhile(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    decided = intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, {"title": "ours"})
    rig.edit(name, {"mail": "theirs@example.com"})
    [receipt] = apply(rig, decided)
    assert receipt.outcome is Outcome.DONE
    assert rig.read(name) == {**SAMPLE, "title": "ours", "mail": "theirs@example.com"}


def test_a_create_makes_one_record_and_says_which(rig: Rig) -> None:
    [receipt] = apply(rig, intent(rig, newborn(rig, SAMPLE, "77"), Op.CREATE, SAMPLE))
    assert receipt.outcome is Outcome.DONE
    assert receipt.seen is not None
    assert receipt.seen.key == ("77",)
    assert rig.names() == {rig.name_of(receipt.seen)}
    assert rig.read(rig.name_of(receipt.seen)) == SAMPLE


def test_a_delete_is_made_once(rig: Rig) -> None:
    name, other = rig.add(SAMPLE), rig.add(OTHER)
    pair = pair_of(rig, seen_of(rig, name))
    [receipt] = apply(rig, intent(rig, pair, Op.DELETE))
    assert receipt.outcome is Outcome.DONE
    assert rig.names() == {other}
    assert rig.end.look([pair])[0].presence is Presence.GONE


def test_a_delete_spares_what_was_edited(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    decided = intent(rig, pair_of(rig, seen_of(rig, name)), Op.DELETE)
    rig.edit(name, {"title": "edited"})
    [receipt] = apply(rig, decided)
    assert receipt.outcome is Outcome.STALE
    assert rig.names() == {name}


def test_a_refusal_names_the_field_and_holds_up_nobody(rig: Rig) -> None:
    bad, good = rig.add(SAMPLE), rig.add(OTHER)
    field, value = rig.refusable()
    pairs = {name: pair_of(rig, seen_of(rig, name)) for name in (bad, good)}
    refused, done = apply(
        rig,
        intent(rig, pairs[bad], Op.UPDATE, {field: value}),
        intent(rig, replace(pairs[good], id=3), Op.UPDATE, {"title": "fine"}),
    )
    assert (refused.outcome, refused.field) == (Outcome.REFUSED, field)
    assert refused.reason
    assert done.outcome is Outcome.DONE
    assert rig.read(bad) == SAMPLE
    assert rig.read(good)["title"] == "fine"


def test_what_was_done_is_found_out_to_be_done(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    decided = intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, {"title": "ours"})
    apply(rig, decided)
    assert rig.end.find_out(decided).outcome is Outcome.DONE


def test_what_was_never_sent_is_found_out_not_to_be_done(rig: Rig) -> None:
    name = rig.add(SAMPLE)
    decided = intent(rig, pair_of(rig, seen_of(rig, name)), Op.UPDATE, {"title": "ours"})
    assert rig.end.find_out(decided).outcome in (Outcome.RETRY, Outcome.STALE)
    assert rig.read(name) == SAMPLE


def test_a_create_that_was_done_is_found_out_with_its_record(rig: Rig) -> None:
    decided = intent(rig, newborn(rig, SAMPLE, "77"), Op.CREATE, SAMPLE)
    [receipt] = apply(rig, decided)
    assert receipt.seen is not None
    found = rig.end.find_out(decided)
    assert found.outcome is Outcome.DONE
    assert found.seen is not None
    assert rig.name_of(found.seen) == rig.name_of(receipt.seen)
    assert len(rig.names()) == 1


def test_a_record_is_told_as_gone_or_not_at_all(rig: Rig) -> None:
    """Only a look may call a page gone; the outbox tells of a row. Neither calls it alive."""
    name = rig.add(SAMPLE)
    rig.end.acknowledge(rig.end.changes())
    rig.remove(name)
    told = observed(rig.end.changes(), rig)
    assert name not in told or told[name].presence is Presence.GONE
    assert name not in observed([b for b in rig.end.scan() if b.token is None], rig)
