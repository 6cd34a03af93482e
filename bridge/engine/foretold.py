"""What becomes of links between records of several plans: each was made by itself, and knows no page of another one's.

A link to a page that another plan has found, or makes, does not wait: it goes along or follows, as `parents` has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from bridge.engine.links import keys_of
from bridge.engine.parents import in_order, pays
from bridge.engine.planner import Planned
from bridge.merge import refusal
from bridge.model import Action, Change, Field, Key, Op, Pair, Side, Sync, Unfit, Waiting


@dataclass(frozen=True, slots=True)
class Part:
    """One sync: what is planned, and the keys of the rows that have a page."""

    sync: Sync
    planned: Sequence[Planned]
    pages: frozenset[Key]


class _When(IntEnum):
    """When there is the page that is linked to."""

    NOW = 0
    BEFORE = 1  # it is made before the one that links to it
    LATER = 2
    NEVER = 3


def with_links(parts: Sequence[Part]) -> list[list[Planned]]:
    """What is planned for each sync when the others are worked, too."""
    return [_Foretold(parts, part).planned() for part in parts]


class _Foretold:
    def __init__(self, parts: Sequence[Part], part: Part) -> None:
        self._parts = {one.sync.name: one for one in parts}
        self._part = part
        order = in_order({name: _targets(one.sync) for name, one in self._parts.items()})
        mine = order.index(part.sync.name)
        self._rank = {name: order.index(name) - mine for name in order}
        self._made = {name: _made(self._parts[name]) for name in _targets(part.sync) if name in self._parts}
        own = len(_made(part))
        self._worth = {name: pays(own, len(made)) for name, made in self._made.items()}

    def planned(self) -> list[Planned]:
        if not self._made:
            return list(self._part.planned)
        return [self._one(item) if item.decision.waiting else item for item in self._part.planned]

    def _one(self, item: Planned) -> Planned:
        actions, waiting = list(item.decision.actions), []
        follows: dict[str, Change] = {}
        for one in item.decision.waiting:
            field = self._part.sync.field(one.field)
            when = _When.NEVER if field is None else self._when(item.pair, field, one)
            if when is _When.NEVER or isinstance(one.value, Unfit):
                waiting.append(one)
                continue
            change = Change(item.pair.notion.values.get(one.field), one.value)
            if not _goes_along(actions, change, one.field, when):
                follows[one.field] = change
        if follows:
            actions.append(Action(Side.NOTION, Op.UPDATE, follows))
        return Planned(item.pair, replace(item.decision, actions=tuple(actions), waiting=tuple(waiting)))

    def _when(self, pair: Pair, field: Field, one: Waiting) -> _When:
        if one.kind != "link" or one.side is not Side.NOTION or field.target not in self._made:
            return _When.NEVER
        return max((self._of(pair, field, one, key) for key in keys_of(one.value)), default=_When.NEVER)

    def _of(self, pair: Pair, field: Field, one: Waiting, key: str) -> _When:
        target = field.target
        alone = (key,) if isinstance(one.value, tuple) else one.value
        if (key,) in self._parts[target].pages or not refusal(field, Side.NOTION, alone):
            return _When.NOW
        number = self._made[target].get((key,))
        if number is None:
            return _When.NEVER
        earlier = number < pair.id if target == self._part.sync.name else self._rank[target] < 0
        return _When.BEFORE if earlier and self._worth[target] else _When.LATER


def _targets(sync: Sync) -> set[str]:
    return {item.target for item in sync.fields if item.target}


def _made(part: Part) -> Mapping[Key, int]:
    """The records that get a page, by key, with their numbers."""
    return {
        item.pair.key: item.pair.id
        for item in part.planned
        if item.pair.key is not None
        and any((action.side, action.op) == (Side.NOTION, Op.CREATE) for action in item.decision.actions)
    }


def _goes_along(actions: list[Action], change: Change, field: str, when: _When) -> bool:
    """Puts the link into the write that is planned, if it is made when the other page is there."""
    for number, action in enumerate(actions):
        in_time = when is _When.NOW or (when is _When.BEFORE and action.op is Op.CREATE)
        if action.side is Side.NOTION and in_time:
            actions[number] = replace(action, changes={**action.changes, field: change})
            return True
    return False
