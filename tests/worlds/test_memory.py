"""A bridge that has long been running holds no more than it did at first: counted in objects, not in seconds."""

from __future__ import annotations

import gc
import types
from collections import Counter
from dataclasses import replace

import pytest

from tests.worlds.dials import draw
from tests.worlds.process import Parts
from tests.worlds.world import World

RECORDS = 8
EARLY, LATE = 60, 240  # edits of people
_NOT_ITS_OWN = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)
# One session per thread is kept, and here each task has its own thread; in a real bridge they are few and stay.
_NOT_LOOKED_INTO = ("tests.", "bridge.sandbox", "threading", "requests.", "sqlite3")


def held(parts: Parts) -> Counter[type]:
    """What can be reached from the parts of a bridge, by type; not through what the test gave them."""
    gc.collect()
    found: Counter[type] = Counter()
    seen: set[int] = set()
    waiting: list[object] = [parts]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_ITS_OWN):
            continue
        seen.add(id(one))
        module = type(one).__module__
        if one is not parts and module.startswith(_NOT_LOOKED_INTO):
            continue
        found[type(one)] += 1
        waiting += gc.get_referents(one)
    return found


def test_what_a_running_bridge_holds_does_not_grow_with_what_it_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight records that are edited on both sides, again and again."""
    monkeypatch.setattr("bridge.engine.dispatch._PROOFS_MAX", 1)  # how many are held would depend on the moment
    dials = replace(draw(1), rates={}, pace=1.0, rubbish=0.0, batch=1000, page_size=100, per_minute=600)
    world = World(dials, LATE + 2)
    world.rows.acts, world.pages.acts = {world.rows.edit: 1.0}, {world.pages.edit: 1.0}
    for _ in range(RECORDS):
        world.rows.insert()
    counts: list[Counter[type]] = []
    act = world.act

    def counted() -> None:
        if world.steps - world.steps_left in (EARLY, LATE):
            assert world.parts is not None
            counts.append(held(world.parts))
        act()

    world.act = counted  # type: ignore[method-assign]
    world.run()
    early, late = counts
    grown = {kind.__qualname__: (early[kind], n) for kind, n in late.items() if n > early[kind] + RECORDS}
    assert world.watch.row_writes + world.watch.page_writes > LATE // 2
    assert not grown, grown
