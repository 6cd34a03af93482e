"""`notion-bridge plan`: what a sync would do now, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import key_shown, key_text, many, seconds_shown, value_shown
from bridge.cli.program import shared_options
from bridge.cli.reading import Reading, reading
from bridge.engine import compare, foretold
from bridge.engine.opening import new_id, open_sides
from bridge.engine.planner import Planned, Planner
from bridge.errors import BreakerTripped, ExitCode
from bridge.model import Action, Conflict, Key, Op, Side, Sync, Waiting
from bridge.values import canonical

# A few pages are looked at with one request before they are written.
_PAGES_PER_GUARD = 8
_WORDS = {
    (Side.NOTION, Op.CREATE): "create a page",
    (Side.NOTION, Op.UPDATE): "update the page",
    (Side.NOTION, Op.DELETE): "trash the page",
    (Side.NOTION, Op.RESTORE): "restore the page",
    (Side.POSTGRES, Op.CREATE): "insert a row",
    (Side.POSTGRES, Op.UPDATE): "update the row",
    (Side.POSTGRES, Op.DELETE): "delete the row",
}


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What would be done about one sync, and what would stop it ("" = nothing)."""

    sync: Sync
    planned: list[Planned]
    pages: frozenset[Key]  # of the rows that have one
    breaker: str
    trigger: str
    per_minute: int

    @property
    def name(self) -> str:
        return self.sync.name

    @property
    def counts(self) -> dict[str, int]:
        return compare.counts(self.planned)

    @property
    def conflicts(self) -> int:
        return sum(len(item.decision.conflicts) for item in self.planned)

    @property
    def waiting(self) -> int:
        return sum(len(item.decision.waiting) for item in self.planned)

    @property
    def requests(self) -> int:
        """About how many requests to Notion the writes need, the looks before them included."""
        actions = [action for item in self.planned for action in item.decision.actions]
        pages = [action for action in actions if action.side is Side.NOTION]
        writes = len(pages) + sum(1 for item in self.planned if _gets_key(item))
        twice = sum(1 for action in pages if action.op is Op.RESTORE and action.changes)
        return writes + twice + ceil(writes / _PAGES_PER_GUARD)

    @property
    def seconds(self) -> float:
        """About how long that takes under the configured rate; a first minute's worth may go out at once."""
        return max(0, self.requests - self.per_minute) * 60 / self.per_minute


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Print at most this many records of each sync.",
)
@shared_options
@click.pass_obj
def plan(environment: Environment, limit: int) -> ExitCode:
    """Show what a sync would do now.

    Reads both sides in full, and writes to neither, nor to the journal; only how many requests it sent is noted beside
    that, because they count. Works before the trigger is installed, too.

    \b
    Example:
      notion-bridge plan --limit 100
    """
    config = environment.config()
    plans = []
    with open_sides(config) as sides:
        for chosen in environment.chosen(config):
            with reading(environment, sides, config, chosen) as parts:
                plans.append(plan_of(environment, parts, config.notion.requests_per_minute))
    plans = with_links(plans)
    if environment.json:
        syncs = [plan_json(found, limit) for found in plans]
        environment.emit({"version": JSON_VERSION, "syncs": syncs})
    else:
        for found in plans:
            show_plan(environment, found, limit)
    return ExitCode.OK


def plan_of(environment: Environment, parts: Reading, per_minute: int) -> SyncPlan:
    """Reads both sides in full and says what a sync would do. Raises Unavailable, AccessLost."""
    planned = list(compare.preview(parts.sync, parts.journal, parts.postgres, parts.notion, environment.clock, new_id))
    trigger = "; ".join(finding.message for finding in parts.findings)
    pages = frozenset(pair.key for pair in parts.journal.all_pairs(parts.sync.name) if pair.key and pair.notion.live)
    return SyncPlan(parts.sync, planned, pages, _breaker(environment, parts), trigger, per_minute)


def with_links(plans: list[SyncPlan]) -> list[SyncPlan]:
    """The plans as they are when all of them are worked: one makes pages that another one's link to."""
    going = [found for found in plans if not found.breaker]  # who stops makes no page
    known = foretold.with_links([foretold.Part(found.sync, found.planned, found.pages) for found in going])
    by_name = {found.name: planned for found, planned in zip(going, known, strict=True)}
    return [replace(found, planned=by_name.get(found.name, found.planned)) for found in plans]


def _breaker(environment: Environment, parts: Reading) -> str:
    """Why the sync would stop, or has stopped, before it writes anything."""
    stopped = parts.journal.sync_state(parts.sync.name).breaker
    if stopped:
        return stopped
    try:
        Planner(parts.journal, parts.sync, environment.clock, new_id).check_breaker()
    except BreakerTripped as tripped:
        return str(tripped)
    return ""


def plan_json(found: SyncPlan, limit: int) -> dict[str, Any]:
    """A plan as JSON, with at most `limit` of its records."""
    return {
        "name": found.name,
        "counts": found.counts,
        "conflicts": found.conflicts,
        "waiting": found.waiting,
        "requests": found.requests,
        "seconds": round(found.seconds),
        "breaker": found.breaker or None,
        "trigger": found.trigger or None,
        "records_total": len(found.planned),
        "records": [_record_json(item) for item in found.planned[:limit]],
    }


def _record_json(item: Planned) -> dict[str, Any]:
    decision = item.decision
    return {
        "key": key_text(item.pair.key or _new_key(item)),
        "page_id": item.pair.page_id,
        "actions": [
            {
                "side": action.side.value,
                "op": action.op.value,
                "changes": {name: canonical.encode(change.new) for name, change in action.changes.items()},
            }
            for action in decision.actions
        ],
        "conflicts": [
            {"field": one.field, "rule": one.rule, "winner": one.winner.value if one.winner else None}
            for one in decision.conflicts
        ],
        "waiting": [{"field": one.field, "kind": one.kind, "reason": one.reason} for one in decision.waiting],
    }


def _gets_key(item: Planned) -> bool:
    """Whether the key of the row that is made is written into its page afterwards."""
    made = any(action.side is Side.POSTGRES and action.op is Op.CREATE for action in item.decision.actions)
    return made and (item.pair.key is None or item.pair.page_key != item.pair.key)


def _new_key(item: Planned) -> tuple[str, ...] | None:
    return next((action.key for action in item.decision.actions if action.key), item.pair.page_key)


def show_plan(environment: Environment, found: SyncPlan, limit: int) -> None:
    """A plan as text, with at most `limit` of its records."""
    if not found.planned:
        environment.print(f"{found.name}: nothing to do, both sides are in step")
    else:
        environment.print(f"{found.name}: {_summary(found)}")
        rows = [row for item in found.planned[:limit] for row in _lines(item)]
        environment.out.print(listing(("key", "what", "fields"), rows))
    if len(found.planned) > limit:
        environment.print(f"... and {many(len(found.planned) - limit, 'record')} more (--limit)")
    if found.trigger:
        environment.print(f"trigger: {found.trigger}; `notion-bridge sync` installs it")
    if found.breaker:
        environment.print(f"It would stop before writing anything. {found.breaker}", "bold red")


def _summary(found: SyncPlan) -> str:
    parts = [f"{count} x {_word(name)}" for name, count in found.counts.items()]
    parts += [many(found.conflicts, "conflict")] if found.conflicts else []
    parts += [f"{found.waiting} parked"] if found.waiting else []
    needs = f"about {many(found.requests, 'request')} to Notion"
    if found.seconds:
        needs += f", {seconds_shown(found.seconds)} at {found.per_minute} per minute"
    return f"{', '.join(parts)} ({needs})"


def _word(name: str) -> str:
    side, op = name.split()
    return _WORDS[Side(side), Op(op)]


def _lines(item: Planned) -> Iterator[list[str]]:
    key = key_shown(item.pair.key or _new_key(item))
    for action in item.decision.actions:
        yield [key, _WORDS[action.side, action.op], _changes(action)]
    for conflict in item.decision.conflicts:
        yield [key, "record a conflict", _conflict(conflict)]
    for waiting in item.decision.waiting:
        yield [key, "park", _waiting(waiting)]


def _changes(action: Action) -> str:
    return ", ".join(f"{name} = {value_shown(change.new, 30)}" for name, change in action.changes.items())


def _conflict(conflict: Conflict) -> str:
    winner = f"{conflict.winner.value} wins" if conflict.winner else "waits for you"
    sides = f"postgres {value_shown(conflict.postgres, 30)} / notion {value_shown(conflict.notion, 30)}"
    return f"{conflict.field or 'the record'}: {sides} ({conflict.rule}: {winner})"


def _waiting(waiting: Waiting) -> str:
    return f"{waiting.field or 'the record'}: {waiting.reason}"
