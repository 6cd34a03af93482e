"""`python -m bench [CASE ...]`: runs the cases, all or some, and writes their figures into docs/performance.md."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
import psycopg

from bench import report
from bench.case import Case
from bench.registry import CASES
from bench.stage import Place
from bridge.sandbox.postgres import EmbeddedPostgres
from docs import generate


@click.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@click.option("--list", "listing", is_flag=True, help="Only say which cases there are.")
@click.option("--tiny", is_flag=True, help="With tiny sizes: to see that it works. Nothing is written down.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=NUMBER", help="Another size; nothing is written down.")
@click.option("--log", "folder", type=click.Path(path_type=Path), help="Keep what the bridges leave here.")
def main(names: tuple[str, ...], listing: bool, tiny: bool, sizes: tuple[str, ...], folder: Path | None) -> None:
    """Measure the bridge against what Notion allows."""
    known = {case.name: case for case in CASES}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"no such case: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in names] or list(CASES)
    if listing:
        for case in CASES:
            click.echo(f"{case.name:16} {case.title}")
        return
    given = {name: json.loads(number) for name, _, number in (size.partition("=") for size in sizes)}
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary, EmbeddedPostgres() as postgres:
        place = Place(postgres, folder or Path(temporary))
        for case in chosen:
            _measure(case, place, tiny=tiny, sizes=given)
    if not tiny and not given:
        generate.main()


def _measure(case: Case, place: Place, *, tiny: bool, sizes: dict[str, float]) -> None:
    found = case.measure(place, tiny=tiny, **sizes)
    for line in report.tell(case, found):
        click.echo(line)
    sys.stdout.flush()
    if not tiny and not sizes:
        with psycopg.connect(place.postgres.dsn) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        report.keep(case, found, report.machine(version))


if __name__ == "__main__":
    main()
