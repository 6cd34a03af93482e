"""Counts rare situations that really occurred. One that never occurs in a long run is a hole in the generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.worlds.moments import MOMENTS

EXPECTED = (
    *(f"crash at {point}" for point in MOMENTS.values()),
    "killed at a random moment",
    "killed inside a journal transaction",
    "asked to stop and started again",
    "restart with writes of unknown outcome",
    "answer lost after Notion applied a create",
    "answer lost after Notion applied an update",
    "answer lost after Notion applied a trashing",
    "half an answer",
    "throttled",
    "Notion applied a write after the client gave up",
    "index showed a page as it was",
    "index hid a page",
    "cursor expired",
    "edit between the look and the write",
    "commit answered by nothing, applied",
    "commit answered by nothing, undone",
    "commit late",
    "commits out of number order",
    "row locked by a person",
    "rolled back by a person",
    "keys swapped",
    "key changed",
    "truncated",
    "page duplicated",
    "page moved away",
    "page restored",
    "page edited between two parts of a listing",
    "edited under our bot's name",
    "key cleared",
    "key typed over",
    "option renamed",
    "property renamed",
    "database in the trash",
    "off for long, and people went on",
    "a transaction ended by a lock or a constraint",
    "both sides edited within a second",
    "delete against edit",
    "conflict decided by last writer",
    "conflict decided by tie",
    "conflict left to a person",
    "conflict of a first sync",
    "resolved by a person",
    "decision taken back",
    "compared anew",
    "write refused and parked",
    "deletion held",
    "breaker tripped",
    "write found stale",
    "surplus page trashed",
    "database restored",
    "journal lost",
    "older journal put back",
    "wall clock set",
    "access lost",
    "bound anew",
    "keys of many rows noted in a bundle",
    "keys of several rows changed",
    "bundle of keys read",
    "row of a bundle changed again before it was read",
    *(f"{op} left out of a full outbox" for op in ("insert", "update", "delete", "key change", "truncate")),
    "told of a full outbox",
    "property removed",
    "removed property put back",
    "removed property made anew",
    "property retyped",
    "property retyped back",
    "retyped property is to stay",
    "suspended field taken as it is now",
    "column dropped",
    "dropped column made anew",
    "change that waits for its column to be bound anew",
    "field suspended",
    "suspended field goes on",
)


class Situations(Counter[str]):
    """How often each situation occurred."""

    def missing(self) -> list[str]:
        return [name for name in EXPECTED if not self[name]]

    def table(self) -> Iterable[str]:
        width = max(len(name) for name in EXPECTED)
        for name in dict.fromkeys((*EXPECTED, *sorted(self))):
            yield f"{name:<{width}} {self[name]:>8}"


def total(counts: Iterable[Mapping[str, int]]) -> Situations:
    found = Situations()
    for one in counts:
        found.update(one)
    return found
