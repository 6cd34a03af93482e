"""What `verify` and `plan` do: read both sides in full, write to neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.clock import Clock
from bridge.ends import Batch, End, Observation
from bridge.engine.intake import Intake
from bridge.engine.linking import link_made
from bridge.engine.links import reread
from bridge.engine.listed import Listed
from bridge.engine.needs import RowEnd
from bridge.engine.planner import Planned, Planner
from bridge.engine.settle import Settler
from bridge.engine.unlisted import missing_pages
from bridge.journal import Journal
from bridge.model import OUTSIDE, Field, FieldValue, Key, Op, Pair, Presence, Side, Snapshot, Sync
from bridge.values import canonical

_ROUNDS = 3  # differences are looked at again: an edit may have fallen between the two reads


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which the sides differ; field "" = the record is there on one side only."""

    key: Key | None
    page_id: str | None
    field: str
    postgres: FieldValue
    notion: FieldValue
    excused: str = ""  # why it is expected: an open conflict, a parked item

    def as_json(self) -> dict[str, Any]:
        return {
            "key": list(self.key) if self.key else None,
            "page_id": self.page_id,
            "field": self.field,
            "postgres": canonical.encode(self.postgres),
            "notion": canonical.encode(self.notion),
            "excused": self.excused or None,
        }


@dataclass(slots=True)
class Verified:
    """The result of a full comparison."""

    rows: int = 0
    pages: int = 0
    fields: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def unexcused(self) -> list[Difference]:
        return [d for d in self.differences if not d.excused]

    @property
    def agrees(self) -> bool:
        return not self.unexcused


def verify(
    sync: Sync, journal: Journal, postgres: RowEnd, notion: End, clock: Clock, new_id: Callable[[], str]
) -> Verified:
    """Reads both sides and compares every mapped field.

    `journal` is a copy that is thrown away: what both sides show is taken into it like any observation, so that
    rows and pages are matched exactly as a sync would match them. Raises Unavailable, AccessLost.
    """
    excuses = _excuses(journal, sync)
    planner = observe_all(sync, journal, postgres, notion, clock, new_id)
    result = _compare(sync, journal, planner, excuses)
    for _ in range(_ROUNDS - 1):
        if result.agrees:
            break
        _look_again(sync, journal, postgres, notion, clock, result)
        result = _compare(sync, journal, planner, excuses)
    return result


def preview(
    sync: Sync, journal: Journal, postgres: RowEnd, notion: End, clock: Clock, new_id: Callable[[], str]
) -> Iterator[Planned]:
    """What a sync would do now, pair by pair. `journal` is a copy that is thrown away."""
    planner = observe_all(sync, journal, postgres, notion, clock, new_id)
    for pair in journal.all_pairs(sync.name):
        planned = planner.preview(pair)
        if planned.decision.actions or planned.decision.conflicts or planned.decision.waiting:
            yield planned


def observe_all(
    sync: Sync, journal: Journal, postgres: RowEnd, notion: End, clock: Clock, new_id: Callable[[], str]
) -> Planner:
    """Takes a full read of both sides into a journal. Nothing is acknowledged: the outbox stays as it is."""
    settler = Settler(journal, sync, clock)
    intake = Intake(journal, sync, settler)
    with journal.transaction():
        journal.add_sync(sync.name, sync.table.qualified, sync.data_source.id)
        # In this copy nothing is under way: whatever shows is what a side shows, and no echo that is waited for.
        journal.end_in_flight(sync.name)
        journal.arrivals.forget(sync.name)  # all rows are read
        link_made(journal, sync.name, postgres.made())
    shown = Listed()
    for batch in postgres.scan():
        intake.take(batch, shown if batch.token is None else None)
    intake.take_missing_rows(shown, postgres.look)
    known = set(journal.live_pages(sync.name))
    listed: set[str] = set()
    doubtful: list[Pair] = []
    for batch in notion.scan():
        doubtful += intake.take(batch)
        listed.update(seen.page_id for seen in batch.observations if seen.page_id is not None)
    missing = [pair for pair in missing_pages(journal, sync, listed) if pair.page_id in known]
    if doubtful or missing:
        intake.take(Batch(notion.look([*doubtful, *missing])))
    for pair in journal.all_pairs(sync.name) if any(item.target for item in sync.fields) else ():
        again = reread(pair, sync)  # a page may have been read before the one that it links to
        if again is not pair:
            journal.save_pair(again)
    return Planner(journal, sync, clock, new_id)


def _excuses(journal: Journal, sync: Sync) -> dict[tuple[int, str], str]:
    """Differences that a person already knows of."""
    found: dict[tuple[int, str], str] = {}
    for row in journal.conflicts(sync.name):
        if row["state"] in ("open", "resolving"):
            found[row["pair"], row["field"]] = f"conflict {row['id']}"
    for state in ("open", "dropped"):
        for row in journal.parked(sync.name, state):
            found[row["pair"], row["field"]] = f"parked {row['id']}: {row['reason']}"
    return found


def _compare(sync: Sync, journal: Journal, planner: Planner, excuses: Mapping[tuple[int, str], str]) -> Verified:
    result = Verified()
    for pair in journal.all_pairs(sync.name):
        row, page = pair.postgres, pair.notion
        result.rows += row.live
        result.pages += page.live
        if row.live and page.live:
            for item in sync.fields:
                if item.name in row.values and item.name in page.values:
                    result.fields += 1
                    _compare_field(result, pair, item, excuses)
        elif row.live or page.live:
            excuse = excuses.get((pair.id, "")) or _ignored(planner, pair)
            result.differences.append(Difference(pair.key, pair.page_id, "", _word(row), _word(page), excuse))
    return result


def _compare_field(result: Verified, pair: Pair, item: Field, excuses: Mapping[tuple[int, str], str]) -> None:
    name = item.name
    ours, theirs = pair.postgres.values[name], pair.notion.values[name]
    if not item.codec.stands_for(theirs, ours):
        excuse = excuses.get((pair.id, name)) or excuses.get((pair.id, ""), "")
        result.differences.append(Difference(pair.key, pair.page_id, name, ours, theirs, excuse))


def _ignored(planner: Planner, pair: Pair) -> str:
    """A one-sided record that no sync would change: its row is outside of the filter, or its deletion is configured
    not to be followed."""
    if pair.postgres.presence is Presence.AWAY:
        return OUTSIDE
    decision = planner.preview(pair).decision
    deletion = any(action.op in (Op.DELETE, Op.CREATE, Op.RESTORE) for action in decision.actions)
    return "" if deletion or decision.waiting else 'deletes = "ignore"'


def _word(snapshot: Snapshot) -> str:
    return {Presence.LIVE: "there", Presence.AWAY: "away"}.get(snapshot.presence, "not there")


def _look_again(sync: Sync, journal: Journal, postgres: RowEnd, notion: End, clock: Clock, result: Verified) -> None:
    """Reads only what differed once more, directly."""
    intake = Intake(journal, sync, Settler(journal, sync, clock))
    pairs = []
    for difference in result.unexcused:
        pair = journal.pair_by_page(sync.name, difference.page_id) if difference.page_id else None
        pair = pair or (journal.pair_by_key(sync.name, difference.key) if difference.key else None)
        if pair is not None and pair not in pairs:
            pairs.append(pair)
    with_page = [pair for pair in pairs if pair.page_id is not None]
    with_key = [pair for pair in pairs if pair.key is not None]
    seen: list[Observation] = []
    seen += postgres.look(with_key) if with_key else []
    seen += notion.look(with_page) if with_page else []
    intake.take(Batch(seen))


def counts(planned: list[Planned]) -> dict[str, int]:
    """How many writes of each kind a plan has, by `side op`."""
    found: dict[str, int] = {f"{side.value} {op.value}": 0 for side in Side for op in Op}
    for item in planned:
        for action in item.decision.actions:
            found[f"{action.side.value} {action.op.value}"] += 1
    return {name: count for name, count in found.items() if count}
