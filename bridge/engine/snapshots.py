"""How an observation changes what is known of a pair. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.ends import Evidence, Observation
from bridge.model import Base, FieldValue, Pair, Presence, Side, Snapshot, Stamp

Changes = Mapping[str, tuple[FieldValue, FieldValue]]


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A pair after an observation, and what the observation showed to be new."""

    pair: Pair
    kind: str  # "", insert, update, delete, restore, away
    changes: Changes
    stamp: Stamp | None


def differs(snapshot: Snapshot, seen: Observation) -> set[str]:
    """The fields in which an observation differs from what is known. A field that it lacks is not observed."""
    return {
        name for name, value in seen.values.items() if name not in snapshot.values or snapshot.values[name] != value
    }


def left_already(pair: Pair, seen: Observation) -> bool:
    """Whether the row was seen to leave the filter, which counts as its deletion: that it is outside is no news."""
    outside = seen.presence is Presence.AWAY and seen.evidence is Evidence.SCAN
    return outside and pair.postgres.presence is Presence.GONE


def absorb(pair: Pair, seen: Observation, seen_before: datetime | None = None) -> Absorbed:
    """Takes an observation into the pair's snapshot of that side.

    `seen_before` is when the old state was last certainly true: the change happened after it. With a poll every
    second or two this makes a stamp second-precise, where Notion's own time says only the minute.
    """
    old = pair.side(seen.side)
    stamp = _tightened(seen.stamp, seen_before)
    kind = _kind(old.presence, seen.presence)
    if seen.presence is not Presence.LIVE:
        # The last values stay: they tell what was deleted. A page in the trash shows what it will hold when it is taken
        # out, which may be an edit that nobody saw before it was trashed.
        shown = seen.values if seen.presence is Presence.GONE else {}
        stamps = {**old.stamps, **({"": stamp} if stamp and kind else {})}
        new = Snapshot(seen.presence, {**old.values, **shown}, stamps, seen.note)
        return Absorbed(_with(pair, seen, new), kind, {}, stamp)
    changed = differs(old, seen)
    if not kind and changed:
        kind = "update"
    stamps = dict(old.stamps)
    for name in (*changed, *([""] if kind not in ("", "update") else [])):
        if stamp is not None:
            stamps[name] = stamp
        else:
            stamps.pop(name, None)
    new = Snapshot(Presence.LIVE, {**old.values, **seen.values}, stamps)
    changes = {name: (old.values.get(name), seen.values[name]) for name in sorted(changed)}
    return Absorbed(_with(pair, seen, new), kind, changes, stamp)


def _kind(old: Presence, new: Presence) -> str:
    if old is new:
        return ""
    if new is Presence.GONE:
        return "delete"
    if new is Presence.AWAY:
        return "away"
    return "insert" if old is Presence.UNSEEN else "restore"


def _tightened(stamp: Stamp | None, seen_before: datetime | None) -> Stamp | None:
    if stamp is None or seen_before is None or seen_before <= stamp.earliest:
        return stamp
    return Stamp(min(seen_before, stamp.latest), stamp.latest)


def _with(pair: Pair, seen: Observation, snapshot: Snapshot) -> Pair:
    if seen.side is Side.POSTGRES:
        known = replace(pair, postgres=snapshot)
    else:
        page_key = seen.key if seen.presence is Presence.LIVE else pair.page_key
        known = replace(pair, notion=snapshot, page_key=page_key)
    if known.postgres.presence is known.notion.presence is Presence.GONE:
        # Agreed at once, and not when the next merge says so: a write under way keeps the pair from that, and who
        # brings the record back meanwhile would have changed nothing.
        return replace(known, base=Base(Presence.GONE, known.base.values if known.base else {}))
    return known
