"""The audit of the dependencies fails where a vulnerability is known, and never passes for one where none was made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / ".ci" / "audit"
CLEAN = "No known vulnerabilities found", 0
KNOWN = "Found 2 known vulnerabilities in 1 package", 1
UNREACHABLE = "ERROR:pip_audit._cli:anyio: Dependency not found on PyPI and could not be audited: anyio (4.0)", 1


@pytest.mark.parametrize(
    ("answer", "if_reachable", "code"),
    [(CLEAN, "", 0), (KNOWN, "", 1), (UNREACHABLE, "", 3), (CLEAN, "1", 0), (KNOWN, "1", 1), (UNREACHABLE, "1", 0)],
)
def test_its_verdict(tmp_path: Path, answer: tuple[str, int], if_reachable: str, code: int) -> None:
    said, exit_code = answer
    tool = tmp_path / "pip-audit"
    tool.write_text(f'#!/bin/sh\necho "{said}"\nexit {exit_code}\n', encoding="utf-8")
    tool.chmod(0o700)
    environment = {**os.environ, "AUDIT_IF_REACHABLE": if_reachable}
    done = subprocess.run([AUDIT, tool], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stdout
    assert ("Nothing was audited" in done.stderr) is (answer is UNREACHABLE)
