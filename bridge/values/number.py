"""Numbers: integer, numeric and floating-point columns; number properties.

A number property is an IEEE double. It carries what a double gives back digit by digit, and integers up to
2^53, above which a double skips some; everything else is refused, never rounded.
"""

from __future__ import annotations

import re
import struct
from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from bridge.errors import Refused
from bridge.model import FieldValue, Unfit, Value
from bridge.values.canonical import normal, number_text, plain
from bridge.values.halves import ColumnType, Kind, PropertyType, Suggestion, unreadable

EXACT_INTEGER = 2**53
_DOUBLE_DIGITS = 15  # every decimal number of so many digits survives a double
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
_WORDS = {
    "nan": "NaN",
    "infinity": "Infinity",
    "inf": "Infinity",
    "-infinity": "-Infinity",
    "-inf": "-Infinity",
}
# What numeric holds without a declared precision: digits before and after the point.
_WHOLE_DIGITS = 131072
_FRACTION_DIGITS = 16383
_INTEGER_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
# Floating-point text is written with an exponent outside of 1e-7 .. 1e21, as most programs do.
_PLAIN_EXPONENTS = range(-7, 21)


def read_number(value: Any) -> FieldValue:
    """A JSON number, however it was parsed and written: one with decimals is a double, and stands for the shortest text
    that gives it back. (0.10000000000000001 is 0.1, as some programs write it.)"""
    match value:
        case None:
            return None
        case bool():
            return unreadable("number", value)
        case int():
            return normal(Decimal(value))
        case float() | Decimal():
            number = Decimal(repr(value)) if isinstance(value, float) else value
        case _:
            return unreadable("number", value)
    if not number.is_finite():
        return unreadable("number", value)
    return double(number) or normal(number)  # what no double can be is left as it stands


def double(number: Decimal) -> Decimal | None:
    """What a double gives back for `number`; None when it is out of its range."""
    back = Decimal(repr(float(number)))
    return normal(back) if back.is_finite() else None


def single(number: Decimal) -> Decimal | None:
    """What a float of 32 bits gives back for `number`: the fewest digits that mean the same float."""
    try:
        packed = struct.pack("<f", float(number))
    except OverflowError:
        return None
    rounded: float = struct.unpack("<f", packed)[0]
    for digits in range(1, 10):
        text = f"{rounded:.{digits}g}"
        try:
            if struct.pack("<f", float(text)) == packed:
                return normal(Decimal(text))
        except OverflowError:
            continue  # the largest float, rounded up to few digits, is no float any more
    return None


@dataclass(frozen=True, slots=True)
class NumberColumn(ColumnType):
    """What all number columns share: the text form and the words for what is no number."""

    kind: ClassVar[Kind] = Kind.NUMBER

    def read(self, wire: Any) -> FieldValue:
        match wire:
            case None:
                return None
            case str() if wire in _WORDS.values():
                return wire
            case Decimal() | int() if not isinstance(wire, bool):
                return self.exact(Decimal(wire))
        return self.strange(wire)

    def parse(self, text: str) -> FieldValue:
        typed = text.strip()
        word = _WORDS.get(typed.lower())
        if word is not None:
            return self.word(word)
        if not _NUMBER.fullmatch(typed):
            return Unfit("it is no number; write it like -1234.5", text)
        number = Decimal(typed)
        if number and number.adjusted() >= _WHOLE_DIGITS:
            return Unfit("it has more digits than PostgreSQL can hold", text)
        if number and number.adjusted() < -_FRACTION_DIGITS:
            return Unfit("it has more decimals than PostgreSQL can hold", text)
        return self.fit(number)

    def fit(self, value: Value) -> FieldValue:
        if not isinstance(value, Decimal):
            return Unfit(f"the column holds numbers ({self.column.type_name})", plain(value))
        number = normal(value)
        reason = self.misfit(number)
        return Unfit(reason, number_text(number)) if reason else number

    def exact(self, number: Decimal) -> FieldValue:
        """The canonical number of one that PostgreSQL sent."""
        return normal(number)

    @abstractmethod
    def misfit(self, number: Decimal) -> str:
        """Why the column cannot hold `number` exactly; "" when it can."""

    def word(self, word: str) -> FieldValue:
        """NaN, Infinity or -Infinity, in the columns that hold them."""
        return word


@dataclass(frozen=True, slots=True)
class IntegerColumn(NumberColumn):
    """smallint, integer, bigint."""

    def key(self, wire: Any) -> str:
        # Every change tells a key, which is nearly always one of these: a number of digits only.
        text = str(wire) if isinstance(wire, Decimal) else ""
        return text if text.isdecimal() else NumberColumn.key(self, wire)

    def misfit(self, number: Decimal) -> str:
        if number != number.to_integral_value():
            return "it is not a whole number, and the column holds only those"
        bits = _INTEGER_BITS[self.column.type_name]
        if not -(2**bits) <= number < 2**bits:
            return f"the column ({self.column.type_name}) holds {-(2**bits)} to {2**bits - 1}"
        return ""

    def word(self, word: str) -> FieldValue:
        return Unfit("the column holds only whole numbers", word)

    def suggest(self) -> Suggestion:
        if self.column.type_name != "bigint":
            return Suggestion("number", "a Notion number holds every value exactly")
        if self.column.identity or self.column.has_default:
            # What is counted up will not reach 2^53 in a life.
            return Suggestion("number", "exact up to 2^53; larger values would wait, parked")
        return Suggestion("rich_text", "exact to the last digit; a Notion number is exact only up to 2^53")


@dataclass(frozen=True, slots=True)
class NumericColumn(NumberColumn):
    """numeric, with or without precision and scale."""

    def misfit(self, number: Decimal) -> str:
        text = number_text(abs(number))
        whole, _, fraction = text.partition(".")
        if self.column.precision is None:
            return "it has more decimals than PostgreSQL can hold" if len(fraction) > _FRACTION_DIGITS else ""
        scale = self.column.scale or 0
        if len(fraction) > max(scale, 0):
            return f"it has {len(fraction)} decimals, and the column keeps {max(scale, 0)}; round it"
        if scale < 0 and number and not whole.endswith("0" * -scale):
            return f"the column keeps only multiples of 1{'0' * -scale}; round it"
        if number and number.adjusted() >= self.column.precision - scale:
            return f"it is too large for the column ({self.column.type_sql})"
        return ""

    def word(self, word: str) -> FieldValue:
        if self.column.precision is not None and word != "NaN":
            return Unfit(f"the column ({self.column.type_sql}) cannot hold an infinite value", word)
        return word

    def suggest(self) -> Suggestion:
        precision = self.column.precision
        if precision is None:
            return Suggestion("rich_text", "exact to the last digit; a Notion number, a double, holds 15")
        digits = max(precision, precision - (self.column.scale or 0))
        if digits > _DOUBLE_DIGITS:
            return Suggestion("rich_text", f"exact to the last digit; a double cannot hold {digits} of them")
        return Suggestion("number", "a Notion number holds every value exactly")


@dataclass(frozen=True, slots=True)
class FloatColumn(NumberColumn):
    """real and double precision: the number is the shortest text that means the same float.

    PostgreSQL's shortest text and Python's differ for a few floats, so both directions go through the float.
    """

    def exact(self, number: Decimal) -> FieldValue:
        rounded = self._held(number)
        return normal(number) if rounded is None else rounded

    def misfit(self, number: Decimal) -> str:
        held = self._held(number)
        if held is None:
            return f"it is too large for the column ({self.column.type_name})"
        if held != number:
            return f"it has more digits than the column ({self.column.type_name}) keeps; round it"
        return ""

    def text(self, value: Value) -> str:
        if not isinstance(value, Decimal) or not value or value.adjusted() in _PLAIN_EXPONENTS:
            return plain(value)
        return f"{value.normalize():e}"  # at most 17 digits, which no context rounds

    def _held(self, number: Decimal) -> Decimal | None:
        return single(number) if self.column.type_name == "real" else double(number)

    def suggest(self) -> Suggestion:
        return Suggestion("number", "both are floating-point numbers")


@dataclass(frozen=True, slots=True)
class NumberProperty(PropertyType):
    """number. Its format (percent, dollar) is display only: 0.25 is stored whatever it shows."""

    carries: ClassVar[frozenset[Kind]] = frozenset({Kind.NUMBER})

    def read(self, value: Any, column: ColumnType) -> FieldValue:
        return read_number(value)

    def write(self, value: Value, column: ColumnType, over: Any = None) -> int | float | None:
        return number_payload(value)

    def suggest(self) -> Suggestion:
        return Suggestion("numeric", "it keeps every digit that a Notion number has")


def number_payload(value: Value) -> int | float | None:
    """The JSON number to send. Raises Refused when a double does not hold the value exactly."""
    if value is None:
        return None
    if not isinstance(value, Decimal):
        raise Refused(f"a number property cannot hold {plain(value)}; use rich_text")
    if value == value.to_integral_value():
        if abs(value) > EXACT_INTEGER:
            raise Refused(f"a number property is exact only up to 2^53, not for {plain(value)}; use rich_text")
        return int(value)
    if double(value) != value:
        raise Refused(f"a number property cannot hold all digits of {plain(value)}; use rich_text")
    return float(value)
