"""The lock names every dependency with hashes, and no place to get it from: what is installed is what was pinned."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = re.sub(r"\\\n\s*", "", LOCK)


def test_every_dependency_is_pinned_with_hashes() -> None:
    lines = [line for line in PINS.splitlines() if line and not line.startswith("#")]
    assert len(lines) > 40
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+ (--hash=sha256:[0-9a-f]{64}\s*)+", line), line[:80]


def test_no_index_is_named() -> None:
    assert not re.search(r"https?://|file:|index-url|find-links|trusted-host", LOCK)


def test_nothing_else_is_installed() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "pip install -qq --no-deps --require-hashes -r requirements.lock" in makefile
