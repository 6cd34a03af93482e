"""money. PostgreSQL keeps a whole number of the smallest unit; `lc_monetary` only says how it is written.

Its text differs from database to database ("$1,000.00", "1.000,00 €"), and so does the number of decimals, by which the
same stored number is 12.34 dollars or 1234 yen. So wherever the bridge reads or writes, `lc_monetary` is pinned to "C",
whose form is known and has two decimals, and the catalog tells how many decimals the database's own currency has
(`Column.scale`): the number is then exact whatever the locale. Which currency it is, PostgreSQL does not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import number_text
from bridge.values.halves import Suggestion
from bridge.values.number import NumberColumn

_PINNED_DECIMALS = 2
_WIRE = re.compile(r"(-?)\$([0-9,]+\.[0-9]{2})")
_BITS, _DIGITS = 63, 19


@dataclass(frozen=True, slots=True)
class MoneyColumn(NumberColumn):
    """money, as a number with the decimals of the database's currency."""

    keyable: ClassVar[bool] = False  # a key is compared as text, and that would be read with two decimals
    listable: ClassVar[bool] = False

    def read(self, wire: Any) -> FieldValue:
        if not isinstance(wire, str):
            return None if wire is None else self.strange(wire)
        match = _WIRE.fullmatch(wire)
        if not match:
            return self.strange(wire)
        return self.exact(self._shifted(Decimal(match[1] + match[2].replace(",", "")), -1))

    def misfit(self, number: Decimal) -> str:
        fraction = number_text(number).partition(".")[2]
        if len(fraction) > self._decimals:
            return f"the currency of the database has {self._decimals} decimals; round it"
        # First the length: a longer number would be rounded to the digits of the thread's context.
        if number.adjusted() < _DIGITS and -(2**_BITS) <= number.scaleb(self._decimals) < 2**_BITS:
            return ""
        return "it is more than PostgreSQL's money can hold"

    def word(self, word: str) -> FieldValue:
        return Unfit("money is never infinite, and always a number", word)

    def write(self, value: Value) -> str | None:
        taken = self.take(value)
        if isinstance(taken, Unfit):
            raise Refused(taken.reason)
        return number_text(self._shifted(taken, 1)) if isinstance(taken, Decimal) else None

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "exact to the last digit; take number for amounts of up to 15 digits")

    @property
    def _decimals(self) -> int:
        return _PINNED_DECIMALS if self.column.scale is None else self.column.scale

    def _shifted(self, number: Decimal, direction: int) -> Decimal:
        """Between the currency's decimals and those of the pinned locale."""
        return number.scaleb(direction * (self._decimals - _PINNED_DECIMALS))
