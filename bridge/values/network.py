"""Network addresses: inet, cidr, macaddr and macaddr8, in the one form in which PostgreSQL writes each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_interface
from typing import ClassVar

from bridge.model import FieldValue, Unfit
from bridge.values.halves import Kind, ParsedColumn, Suggestion

# An address with or without the length of its mask: no scope ("%eth0"), no written-out mask.
_INTERFACE = re.compile(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?")
_SEPARATED = {
    # 6 bytes: 08:00:2b:01:02:03, 08002b:010203, 0800.2b01.0203, 08002b010203; 8 bytes likewise
    re.compile(rf"[0-9a-f]{{{size}}}({mark}[0-9a-f]{{{size}}})+")
    for size, mark in ((2, ":"), (2, "-"), (4, r"\."), (6, "[:-]"), (8, "[:-]"))
} | {re.compile(r"[0-9a-f]+")}


@dataclass(frozen=True, slots=True)
class InetColumn(ParsedColumn):
    """inet: a host, with the length of its network's mask unless that is the whole address."""

    kind: ClassVar[Kind] = Kind.ADDRESS

    def parse(self, text: str) -> FieldValue:
        found = _interface(text.strip())
        return self.judge(found, text) if found else Unfit("it is no IP address; write it like 192.168.0.1/24", text)

    def judge(self, found: IPv4Interface | IPv6Interface, text: str) -> FieldValue:
        """The canonical text of the address; Unfit when the column does not take it."""
        mask = found.network.prefixlen
        return _address(found) if mask == found.max_prefixlen else f"{_address(found)}/{mask}"

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "Notion has no property type for network addresses")


@dataclass(frozen=True, slots=True)
class CidrColumn(InetColumn):
    """cidr: a network, always with the length of its mask."""

    def judge(self, found: IPv4Interface | IPv6Interface, text: str) -> FieldValue:
        network = found.network
        if found.ip != network.network_address:
            return Unfit(f"it has bits to the right of its mask; the network is {network}", text)
        return f"{_address(found)}/{network.prefixlen}"


@dataclass(frozen=True, slots=True)
class MacColumn(ParsedColumn):
    """macaddr, in lower case with colons whatever a person typed."""

    kind: ClassVar[Kind] = Kind.ADDRESS
    length: ClassVar[int] = 6

    def parse(self, text: str) -> FieldValue:
        typed = text.strip().lower()
        digits = re.sub("[:.-]", "", typed)
        if len(digits) != 2 * self.length or not any(form.fullmatch(typed) for form in _SEPARATED):
            example = ":".join(["08", "00", "2b", "01", "02", "03", "04", "05"][: self.length])
            return Unfit(f"it is no {self.column.type_name}; write it like {example}", text)
        return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))

    def suggest(self) -> Suggestion:
        return Suggestion("rich_text", "Notion has no property type for network addresses")


@dataclass(frozen=True, slots=True)
class Mac8Column(MacColumn):
    """macaddr8. An address of 6 bytes is refused: PostgreSQL would put two more into its middle."""

    length: ClassVar[int] = 8


def _interface(text: str) -> IPv4Interface | IPv6Interface | None:
    if not _INTERFACE.fullmatch(text):
        return None
    try:
        return ip_interface(text)
    except ValueError:
        return None


def _address(found: IPv4Interface | IPv6Interface) -> str:
    """As PostgreSQL writes it. Python's own text of an IPv4 address inside an IPv6 one depends on its version."""
    if not isinstance(found, IPv6Interface):
        return str(found.ip)
    number = int(found.ip)
    words = [number >> shift & 0xFFFF for shift in range(112, -1, -16)]
    mapped = words[:6] == [0] * 5 + [0xFFFF]
    if mapped or (words[:6] == [0] * 6 and words[6]):
        last = ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))
        return f"::ffff:{last}" if mapped else f"::{last}"
    return str(IPv6Address(number))
