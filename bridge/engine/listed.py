"""Which records a listing of the table has shown: one bit for each, because a table may have millions of rows."""

from __future__ import annotations


class Listed:
    """A set of pairs, by their numbers in the journal, which are small and without great gaps."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, pair_id: int) -> None:
        place, bit = divmod(pair_id, 8)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits)))
        self._bits[place] |= 1 << bit

    def __contains__(self, pair_id: int) -> bool:
        place, bit = divmod(pair_id, 8)
        return place < len(self._bits) and bool(self._bits[place] >> bit & 1)
