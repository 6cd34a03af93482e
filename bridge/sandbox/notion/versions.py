"""What the Notion-Version header changes."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.sandbox.notion.errors import UNDEFINED, NotionError, shown

VERSIONS = ("2021-05-11", "2021-05-13", "2021-08-16", "2022-02-22", "2022-06-28", "2025-09-03", "2026-03-11")


@dataclass(frozen=True, slots=True)
class Version:
    """One API version. The versions before 2022-06-28 are answered in its shape."""

    name: str

    @property
    def legacy(self) -> bool:
        """A database is still its own single table."""
        return self.name <= "2022-06-28"

    @property
    def archived(self) -> bool:
        """`archived` is still spoken beside `in_trash`."""
        return self.name < "2026-03-11"


def parse_version(header: str | None) -> Version:
    """The version of a request; 400 `missing_version` when it is absent or unknown."""
    if header in VERSIONS:
        return Version(str(header))
    if not header:
        expectation = "defined"
        value = shown(UNDEFINED)
    else:
        names = [f'`"{name}"`' for name in VERSIONS]
        expectation = ", ".join(names[:-1]) + f", or {names[-1]}"
        value = shown(header)
    raise NotionError(
        400,
        "missing_version",
        f"Notion-Version header failed validation: Notion-Version header should be {expectation}, "
        f"instead was `{value}`.",
    )
