"""The planted bugs: one patch each, whose head says what it breaks and which tests have to notice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests" / "planted" / "patches"
_TESTS = "tests: "


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug. `number` is its place in the list of classical mistakes; variants bear a letter."""

    path: Path
    what: str
    tests: tuple[str, ...]

    @property
    def number(self) -> str:
        return self.path.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests said of a copy with the bug; `by` is the first one that failed, "" when none did."""

    bug: Bug
    by: str

    @property
    def caught(self) -> bool:
        return bool(self.by)


def all_bugs() -> list[Bug]:
    """In the order of their numbers."""
    return [_read(path) for path in sorted(PATCHES.glob("*.patch"))]


def _read(path: Path) -> Bug:
    what, tests, *_ = path.read_text(encoding="utf-8").splitlines()
    if not tests.startswith(_TESTS):
        raise ValueError(f"{path.name}: the second line must name the tests, as `{_TESTS}tests/...`")
    return Bug(path, what, tuple(tests.removeprefix(_TESTS).split()))


def copy_tree(target: Path) -> None:
    """The project as it is now, without what git does not know."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())


def plant(bug: Bug, tree: Path, *, only_check: bool = False) -> None:
    """Puts the bug into a copy, or only sees whether it could. Raises CalledProcessError when it does not fit."""
    check = ["--check"] if only_check else []
    command = ["git", "apply", "--whitespace=nowarn", *check, str(bug.path)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)


def try_bug(bug: Bug, tree: Path) -> Verdict:
    """Runs the named tests in the copy, each path in its turn, until the first test fails.

    In their own order and one path at a time: whoever writes a patch names the cheapest test that notices first.
    """
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    # Neither the order nor the failing examples of another run: the table is the same each time.
    options = ["-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider"]
    for path in bug.tests:
        command = [sys.executable, "-m", "pytest", *options, path]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == pytest.ExitCode.TESTS_FAILED:
            failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
            return Verdict(bug, failed[0].split(" - ")[0].partition(" ")[2])
        # A copy that cannot even be imported would prove nothing of the tests.
        if done.returncode:
            raise RuntimeError(f"{bug.path.name}: pytest ended with {done.returncode}\n{done.stdout[-2000:]}")
    return Verdict(bug, "")
