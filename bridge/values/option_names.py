"""The names that Notion lets an option have, and whether a set of texts can be options."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.values.halves import Suggestion

MAX_NAME = 100
_BREAKS = {"\x7f", "\x85", "\u2028", "\u2029"}
_ASTRAL = "\uffff"  # a character above it is two UTF-16 units, which is what Notion counts


def bad_name(name: str) -> str:
    """Why Notion would refuse or change the name of an option; "" when it would not."""
    if "," in name:
        return "Notion refuses commas in option names"
    length = len(name) + sum(character > _ASTRAL for character in name)
    if length > MAX_NAME:
        return f"Notion takes {MAX_NAME} characters, it has {length}"
    if name != name.strip():
        return "blanks at its ends may be lost"
    if any(character < " " or character in _BREAKS for character in name):
        return "it contains a line break or another control character"
    return ""


def suggest_options(names: Sequence[str], why: str, chosen: str = "select") -> Suggestion:
    """A property of options named so, or of text where Notion could not keep one of them apart."""
    seen: set[str] = set()
    for name in names:
        reason = bad_name(name) or ("case makes no new option" if name.casefold() in seen else "")
        if reason:
            return Suggestion("rich_text", f'"{name}" cannot be the name of an option: {reason}')
        seen.add(name.casefold())
    return Suggestion(chosen, why)
