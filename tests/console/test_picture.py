"""The README's picture: well-formed, the same every time, and complete in itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from bridge.console.picture import save


def test_the_picture_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    save(tmp_path / "a.svg")
    save(tmp_path / "b.svg")
    picture = (tmp_path / "a.svg").read_text()
    assert picture == (tmp_path / "b.svg").read_text()
    ElementTree.fromstring(picture)  # noqa: S314 - our own
    assert set(re.findall(r"https?://[^\"' )]*", picture)) == {"http://www.w3.org/2000/svg"}
    assert "Harbour" in picture
