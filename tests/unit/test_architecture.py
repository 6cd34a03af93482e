"""Imports point downwards only; the pure parts stay pure; the two ends never meet; files stay readable."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bridge"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# What each room may import of ours. A room that is not listed here fails the test.
ALLOWED: dict[str, set[str]] = {
    "": set(),
    "__main__": {"cli"},
    "errors": set(),
    "shapes": set(),
    "model": {"shapes"},
    "clock": {"model"},
    "crashpoints": set(),
    "migrations": set(),
    "private": set(),
    "ends": {"model"},
    "values": {"model", "shapes", "errors"},
    "merge": {"model", "errors"},
    "config": {"model", "errors"},
    "journal": {"model", "ends", "values", "errors", "clock", "migrations", "crashpoints", "private"},
    "postgres": {"model", "shapes", "ends", "values", "errors", "clock", "migrations", "crashpoints"},
    "notion": {"model", "shapes", "ends", "values", "errors", "clock", "crashpoints"},
    "engine": {
        "model",
        "shapes",
        "ends",
        "values",
        "merge",
        "config",
        "journal",
        "postgres",
        "notion",
        "errors",
        "clock",
        "crashpoints",
        "private",
    },
    "console": {"model", "values", "journal", "engine", "errors", "clock", "notion", "postgres"},
    "cli": {
        "",
        "model",
        "shapes",
        "values",
        "config",
        "journal",
        "postgres",
        "notion",
        "engine",
        "console",
        "errors",
        "clock",
        "merge",
        "ends",
        "migrations",
        "private",
        "sandbox",
    },
    "sandbox": {
        "",
        "model",
        "values",
        "config",
        "journal",
        "engine",
        "console",
        "errors",
        "clock",
    },
}
PURE = (
    *("model", "shapes", "values", "merge", "errors"),
    *("engine/agreed", "engine/pacing", "engine/returning", "engine/snapshots", "engine/trust"),
)
IMPURE_MODULES = {
    "os",
    "time",
    "random",
    "socket",
    "requests",
    "sqlite3",
    "psycopg",
    "subprocess",
    "threading",
    "logging",
}
LINES_MAX = 400


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(path: Path) -> set[str]:
    """Full names of what a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
            if node.module == "bridge":
                found |= {f"bridge.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    own = room(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("bridge.")} - {own}
    used = {name for name in used if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()}
    assert used <= ALLOWED[own], f"{own} must not import {sorted(used - ALLOWED[own])}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_sandbox_is_only_for_the_commands_that_show_it(path: Path) -> None:
    uses = {name for name in imports(path) if name.startswith("bridge.sandbox")}
    if uses and room(path) != "sandbox":
        assert path.relative_to(PACKAGE / "cli").stem in {"demo", "sandbox"}


@pytest.mark.parametrize("name", PURE)
def test_the_pure_parts_do_nothing(name: str) -> None:
    path = PACKAGE / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    for file in files:
        assert not {found.split(".")[0] for found in imports(file)} & IMPURE_MODULES, file


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


def test_the_map_of_the_engine_names_every_part() -> None:
    told = ast.get_docstring(ast.parse((PACKAGE / "engine" / "__init__.py").read_text(encoding="utf-8"))) or ""
    parts = {path.stem for path in (PACKAGE / "engine").glob("*.py")} - {"__init__"}
    assert parts - set(re.findall(r"\w+", told)) == set()
