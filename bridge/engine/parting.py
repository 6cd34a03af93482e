"""A decision that a person takes back after it was written: both sides get their own value back, and the conflict
waits again, as if nobody had decided it.

That is the one case in which the two sides are to hold different values. While they are written the base says what was
written last, as after any write; when both sides hold their own again, base and stamps are put back, too. So the merge
finds the conflict that it had found at first, and not another one. What is to be written is derived from the journal
like everything else: the conflict is `resolving`, and what it takes is UNDONE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.engine.cases import OPEN, OVERTAKEN, RESOLVED, RESOLVING, UNDONE
from bridge.journal import Journal
from bridge.journal.rows import read_stamp, read_value
from bridge.journal.store import Row
from bridge.model import Base, FieldValue, Pair, Side, Snapshot, Sync, Unfit, Value

FIRST_SYNC = "first-sync"
_WAITED = ("manual", FIRST_SYNC)  # rules under which a field waits for a person


def can_part(row: Row) -> bool:
    """Whether the two sides of a conflict can be told to hold their own values again, and would then wait again."""
    base, *values = (read_value(row[name]) for name in ("base", *Side))
    if row["winner"] or row["rule"] not in _WAITED or any(isinstance(value, Unfit) for value in values):
        return False
    # Otherwise the merge would carry the one value over: where a side is empty that never agreed on anything, and where
    # a side holds what both had agreed on.
    return None not in values if row["rule"] == FIRST_SYNC else base not in values


def is_parting(row: Row) -> bool:
    """Whether both sides of this conflict are being given their own values back."""
    return bool(row["state"] == RESOLVING and row["take"] == UNDONE)


class Parting:
    """The conflicts of one sync that are being put back. Methods that write belong inside a transaction."""

    def __init__(self, journal: Journal, sync: Sync) -> None:
        self._journal = journal
        self._sync = sync

    def wanted(self, pair: Pair) -> dict[str, Mapping[Side, Value]]:
        """What each side shall hold again, by field."""
        return {row["field"]: _own(row) for row in self._parting(pair)}

    def ended(self, pair: Pair) -> Pair:
        """The pair after everything that has come to an end: where both sides hold their own value the conflict waits
        again; where somebody has edited a side meanwhile, the edit is merged like any other."""
        for row in self._parting(pair):
            if self._shows_own(pair, row):
                pair = self._as_before(pair, row)
                self._journal.save_pair(pair)
                self._journal.set_conflict(row["id"], OPEN, None, None)
            elif not self._untouched(pair, row):
                if self._begun(pair, row):
                    pair = _with_base(pair, row)
                    self._journal.save_pair(pair)
                self._journal.set_conflict(row["id"], RESOLVED, OVERTAKEN, None)
        return pair

    def _parting(self, pair: Pair) -> list[Row]:
        found = [row for row in self._journal.open_conflicts_of(pair) if is_parting(row)]
        return [row for row in found if all(row["field"] in pair.side(side).values for side in Side)]

    def _shows_own(self, pair: Pair, row: Row) -> bool:
        return all(self._holds(pair, side, row, value) for side, value in _own(row).items())

    def _untouched(self, pair: Pair, row: Row) -> bool:
        """Whether each side holds what was taken, or its own value already."""
        taken, own = read_value(row["value"]), _own(row)
        return all(any(self._holds(pair, side, row, value) for value in (taken, own[side])) for side in Side)

    def _begun(self, pair: Pair, row: Row) -> bool:
        """Whether a side was written already, so that the base is no agreement of both."""
        return pair.base is not None and pair.base.values.get(row["field"]) != read_value(row["value"])

    def _holds(self, pair: Pair, side: Side, row: Row, value: FieldValue) -> bool:
        item, held = self._sync.field(row["field"]), pair.side(side).values[row["field"]]
        if held == value or item is None:
            return held == value
        canonical = item.codec.canonical(value) if not isinstance(value, Unfit) else value
        return side is Side.NOTION and item.codec.stands_for(held, canonical)

    def _as_before(self, pair: Pair, row: Row) -> Pair:
        return replace(
            _with_base(pair, row),
            postgres=_stamped(pair.postgres, row, Side.POSTGRES),
            notion=_stamped(pair.notion, row, Side.NOTION),
        )


def _own(row: Row) -> dict[Side, Value]:
    return {side: read_value(row[side]) for side in Side}  # type: ignore[misc]  # `can_part` lets no others through


def _with_base(pair: Pair, row: Row) -> Pair:
    """The base of the field as it was when the conflict was found; none where there had never been an agreement, or all
    of them were forgotten meanwhile."""
    if pair.base is None:
        return pair
    values = {name: value for name, value in pair.base.values.items() if name != row["field"]}
    before = read_value(row["base"])
    if row["rule"] != FIRST_SYNC and not isinstance(before, Unfit):
        values[row["field"]] = before
    return replace(pair, base=Base(pair.base.presence, values))


def _stamped(snapshot: Snapshot, row: Row, side: Side) -> Snapshot:
    stamps = {name: stamp for name, stamp in snapshot.stamps.items() if name != row["field"]}
    before = read_stamp(row[f"{side}_earliest"], row[f"{side}_latest"])
    if before is not None:
        stamps[row["field"]] = before
    return replace(snapshot, stamps=stamps)
