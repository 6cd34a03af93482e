"""Keeps the figures of every case, and shows them as a table and as pictures.

`figures.json` holds the last run of each case, so that one case can be measured again without the others.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.case import Case, Figure, Found
from bench.drawing import svg

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "bench" / "figures.json"
PICTURES = ROOT / "docs" / "bench"


def machine(postgres: str) -> str:
    """What the figures were measured on, in one line."""
    return f"{os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}, PostgreSQL {postgres}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str:
    """The commit of the code that was measured; a + when there are changes besides."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def keep(case: Case, found: Found, where: str) -> None:
    """Writes down what a case found, and draws its picture."""
    told = read()
    told[case.name] = {
        "title": case.title,
        "day": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": where,
        "figures": [asdict(figure) for figure in found.figures],
        "notes": list(found.notes),
        "picture": found.picture.title if found.picture else "",
    }
    FIGURES.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if found.picture is not None:
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / f"{case.name}.svg").write_text(svg(found.picture), encoding="utf-8")


def read() -> dict[str, Any]:
    """What is known of each case; nothing before the first run."""
    return dict(json.loads(FIGURES.read_text(encoding="utf-8"))) if FIGURES.exists() else {}


def tell(case: Case, found: Found) -> Iterator[str]:
    """The lines for the terminal."""
    yield case.title
    for figure in found.figures:
        yield f"  {figure.what:45} {_number(figure):>12}   {_goal(figure):>10}   {_verdict(figure)}"
    yield from (f"  {note}" for note in found.notes)


def table(names: list[str]) -> Iterator[str]:
    """The table of docs/performance.md, the pictures and the notes below it."""
    told = {name: entry for name, entry in read().items() if name in names}
    yield "| what | figure | to reach | measured | |"
    yield "|---|---|---|---|---|"
    ordered = [(name, told[name]) for name in names if name in told]
    for _, entry in ordered:
        for number, raw in enumerate(entry["figures"]):
            figure = Figure(**raw)
            title = entry["title"] if number == 0 else ""
            yield f"| {title} | {figure.what} | {_goal(figure)} | {_number(figure)} | {_verdict(figure)} |"
    yield ""
    for _, entry in ordered:
        yield from (f"- {entry['title']}: {note}" for note in entry["notes"])
    yield ""
    for name, entry in ordered:
        if entry["picture"]:
            yield f"![{entry['picture']}](bench/{name}.svg)\n"
    for where in dict.fromkeys(entry["machine"] for _, entry in ordered):
        days = sorted({entry["day"] for _, entry in ordered if entry["machine"] == where})
        yield f"Measured on {where}, {' to '.join(dict.fromkeys((days[0], days[-1])))}.\n"


def _number(figure: Figure) -> str:
    whole = figure.value >= 1000 or figure.value == int(figure.value)
    shown = f"{figure.value:,.0f}" if whole else f"{figure.value:.3g}"
    return f"{shown} {figure.unit}".rstrip()


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    sign = "<=" if figure.better == "less" else ">="
    return f"{sign} {figure.goal:,g} {figure.unit}".rstrip()


def _verdict(figure: Figure) -> str:
    return {None: "", True: "met", False: "**missed**"}[figure.met]
