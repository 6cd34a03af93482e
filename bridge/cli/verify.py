"""`notion-bridge verify`: reads both sides in full and compares."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import key_shown, key_text, many, value_shown
from bridge.cli.program import shared_options
from bridge.cli.reading import reading
from bridge.engine import compare
from bridge.engine.compare import Difference, Verified
from bridge.engine.opening import new_id, open_sides
from bridge.errors import ExitCode


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Print at most this many differences of each sync.",
)
@shared_options
@click.pass_obj
def verify(environment: Environment, limit: int) -> ExitCode:
    """Read both sides in full and compare every mapped field.

    Open conflicts and parked items are known differences: they are shown, and do not count. Writes nothing.
    Exit code 0 only when both sides agree.

    \b
    Example:
      notion-bridge verify --sync tasks
    """
    config = environment.config()
    found: dict[str, Verified] = {}
    with open_sides(config) as sides:
        for chosen in environment.chosen(config):
            with reading(environment, sides, config, chosen) as parts:
                found[chosen.name] = compare.verify(
                    parts.sync, parts.journal, parts.postgres, parts.notion, environment.clock, new_id
                )
    agrees = all(result.agrees for result in found.values())
    if environment.json:
        syncs = [_as_json(name, result, limit) for name, result in found.items()]
        environment.emit({"version": JSON_VERSION, "agrees": agrees, "syncs": syncs})
    else:
        for name, result in found.items():
            _show(environment, name, result, limit)
    return ExitCode.OK if agrees else ExitCode.FAILED


def _as_json(name: str, result: Verified, limit: int) -> dict[str, Any]:
    shown = _ordered(result)[:limit]
    return {
        "name": name,
        "agrees": result.agrees,
        "rows": result.rows,
        "pages": result.pages,
        "fields": result.fields,
        "differences": [difference.as_json() | {"key": key_text(difference.key)} for difference in shown],
        "differences_total": len(result.differences),
    }


def _ordered(result: Verified) -> list[Difference]:
    """What nobody knows of comes first, so that a limit does not hide it."""
    return sorted(result.differences, key=lambda difference: bool(difference.excused))


def _show(environment: Environment, name: str, result: Verified, limit: int) -> None:
    known = len(result.differences) - len(result.unexcused)
    but = f", but for {many(known, 'known difference')}" if known else ""
    verdict = f"both sides agree{but}" if result.agrees else many(len(result.unexcused), "difference")
    looked = f"{many(result.rows, 'row')}, {many(result.pages, 'page')}, {many(result.fields, 'field')} compared"
    environment.print(f"{name}: {verdict} ({looked})")
    if not result.differences:
        return
    rows = [
        [
            key_shown(difference.key) if difference.key else f"page {difference.page_id}",
            difference.field or "the record",
            value_shown(difference.postgres),
            value_shown(difference.notion),
            difference.excused,
        ]
        for difference in _ordered(result)[:limit]
    ]
    environment.out.print(listing(("key", "field", "postgres", "notion", "known as"), rows))
    if len(result.differences) > limit:
        environment.print(f"... and {len(result.differences) - limit} more (--limit)")
