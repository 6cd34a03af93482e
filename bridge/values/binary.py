"""Bytes and bits: bytea as hexadecimal text, bit and bit varying as text of 0 and 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bridge.model import FieldValue, Unfit
from bridge.values.halves import Kind, ParsedColumn, Suggestion
from bridge.values.text import TextColumn

_HEX = re.compile(r"\\x(?:[0-9a-f]{2})*")
_BITS = re.compile(r"[01]*")


@dataclass(frozen=True, slots=True)
class BytesColumn(ParsedColumn):
    r"""bytea, as `\x` and two digits for each byte; no bytes are `\x`, which is not NULL."""

    kind: ClassVar[Kind] = Kind.BYTES

    def parse(self, text: str) -> FieldValue:
        typed = text.strip().lower()
        if _HEX.fullmatch(typed):
            return typed
        return Unfit(r"these are no bytes; write \x and two hexadecimal digits for each, like \x00ff", text)

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", r"as hexadecimal text, \x00ff; up to 99,999 bytes")


@dataclass(frozen=True, slots=True)
class BitsColumn(TextColumn):
    """bit(n), all of its n bits, and bit varying(n). No bits are, as with text, one value with NULL."""

    def parse(self, text: str) -> FieldValue:
        typed = text.strip()
        if not _BITS.fullmatch(typed):
            return Unfit("these are no bits; write only 0 and 1", text)
        length = self.column.max_length
        if typed and length is not None and self.column.type_name == "bit" and len(typed) != length:
            return Unfit(f"it has {len(typed)} bits, and the column holds exactly {length}", text)
        return TextColumn.parse(self, typed)

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "as text of 0 and 1")
