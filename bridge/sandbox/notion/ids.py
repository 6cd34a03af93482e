"""Identifiers: UUIDs of objects and the short, oddly spelled ids of properties."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Container
from urllib.parse import quote, unquote

_HEX32 = re.compile(r"[0-9a-f]{32}")
# Real property ids are four printable characters, many of which must be escaped in a URL; plain letters
# would hide every mistake a client makes with that.
_PROPERTY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz@:;<>?\\`|^~{}[]=_"


class Ids:
    """Draws ids from one seeded source, so that a run can be repeated."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def uuid(self) -> str:
        """A new object id, dashed and in lower case."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def property_id(self, taken: Container[str]) -> str:
        """A new property id that is not among `taken`."""
        while True:
            drawn = "".join(self._rng.choices(_PROPERTY_ALPHABET, k=4))
            if drawn not in taken:
                return drawn


def parse_uuid(text: object) -> str | None:
    """The dashed lower-case form of an id written with or without dashes, or None when it is not one."""
    if not isinstance(text, str):
        return None
    bare = text.replace("-", "").lower()
    return str(uuid.UUID(bare)) if _HEX32.fullmatch(bare) else None


def encode_property_id(property_id: str) -> str:
    """How the API spells a property id."""
    return quote(property_id, safe="")


def property_id_spellings(key: str) -> tuple[str, str]:
    """What `key` may mean as a property id: as it stands, and decoded."""
    return key, unquote(key)
