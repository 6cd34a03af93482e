"""Which pages are made before those that link to them, so that the link goes along.

Made before, it would be made without the link, which would be a second request. But it must not wait for ever: only for
a record that is on its way to its page, and that comes earlier in one fixed order of all records (by sync, then by
number), so that in a circle somebody begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from bridge.journal import Journal
from bridge.model import Decision, Op, Pair, Side, Sync
from bridge.values.links import page_meant

_ASK_AGAIN = timedelta(seconds=60)
_SOON = 64  # records that are made within half a minute, whatever else there is to do
_MOST = 1_000
_A_PART = 10


def in_order(targets: Mapping[str, Iterable[str]]) -> list[str]:
    """The syncs, each with those that it links to, so that these come first; in a circle somebody has to begin."""
    ordered: dict[str, None] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name in begun or name not in targets:
            return
        begun.add(name)
        for target in sorted(targets[name]):
            visit(target)
        ordered[name] = None

    for name in targets:
        visit(name)
    return list(ordered)


def pays(own: int, others: int) -> bool:
    """Whether so many pages are to be made after so many that they link to. A few do not wait behind hundreds: to write
    them twice costs less than a tenth more."""
    return others <= _SOON or own * _A_PART >= others


class Parents:
    """For one sync, during one plan. `making`: the syncs before this one whose pages are being made now."""

    def __init__(self, journal: Journal, sync: Sync, making: Collection[str], now: datetime) -> None:
        self._journal = journal
        self._sync = sync
        self._making = {*making, sync.name}
        self._now = now
        self._worth: dict[str, bool] = {}
        self.held = 0  # pages in this plan
        journal.awaiting.only(sync.name, self._making)

    def holds(self, pair: Pair, decision: Decision) -> bool:
        """Whether the page that was decided about is to be made later; then that is noted."""
        if not any(action.side is Side.NOTION and action.op is Op.CREATE for action in decision.actions):
            return False
        for item in decision.waiting:
            link = item.side is Side.NOTION and item.kind == "link"
            field = self._sync.field(item.field) if link else None
            if field is not None and field.target in self._making and self._comes(pair, field.target, item.wanted):
                self._journal.awaiting.add(pair, field.target, item.wanted, self._now + _ASK_AGAIN)
                self.held += 1
                return True
        return False

    def _comes(self, pair: Pair, target: str, wanted: str) -> bool:
        before = pair.id if target == self._sync.name else None
        return self._journal.awaiting.comes(target, page_meant(target, wanted), before) and self._is_worth(target)

    def _is_worth(self, target: str) -> bool:
        if target not in self._worth:
            own, others = (self._journal.to_fill(name, _MOST) for name in (self._sync.name, target))
            self._worth[target] = pays(own, others)
        return self._worth[target]
