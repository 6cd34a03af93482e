"""What the test of every column type needs: how each type is declared, odd values as people write them in SQL, and the
settings of a session that would give every value another text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# All that changes the text of a value, or of a name. Of the database, so that every session begins with them, the
# bridge's own too. A locale with another form of money is not on every server.
HOSTILE: Mapping[str, str] = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
}

# Where the name alone is not what a table would have.
DECLARED: Mapping[str, str] = {
    "character varying": "varchar(20)",
    "character": "character(20)",
    "bit": "bit(5)",
    "bit varying": "bit varying(8)",
    "enum": 'public."Mood of, day"',
    "citext": "public.citext",
    "hstore": "public.hstore",
}
SETUP = """
CREATE TYPE public."Mood of, day" AS ENUM ('open', 'In Progress', 'a,b', 'done ', 'Ünïcode', 'no', '"\\', 'NULL');
"""

_TEXTS = [
    "",
    " ",
    "a\r\nb\tc",
    "e\u0301",
    "\u00e9",
    "\U0001f468\u200d\U0001f469",
    "\u202e\ufeff",
    '{"a":1}',
    "NULL",
    '"\\',
    "'",
]
LITERALS: Mapping[str, Sequence[str]] = {
    "text": [*_TEXTS, "x" * 2001, "; DROP TABLE x; --", "[red]\x1b[31m"],
    "character varying": _TEXTS,
    "citext": _TEXTS,
    "character": _TEXTS,
    "name": [*_TEXTS, "x" * 63],
    "uuid": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "{00000000000000000000000000000000}"],
    "bit": ["00000", "10101"],
    "bit varying": ["", "0", "11111111"],
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["9007199254740993", "-9223372036854775808", "9223372036854775807"],
    "numeric": ["1.50", "NaN", "Infinity", "-Infinity", "1e-16383", "-0.0", "9" * 1000, "0." + "1" * 1000, "1e1000"],
    "real": ["1e-45", "3.4028235e38", "NaN", "-Infinity", "16777216", "0.1", "-0"],
    "double precision": ["5e-324", "1.7976931348623157e308", "NaN", "Infinity", "0.30000000000000004", "-0"],
    "money": ["-1234567.89", "0", "92233720368547758.07", "-92233720368547758.08"],
    "oid": ["0", "4294967295"],
    "boolean": ["true", "false"],
    "date": ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "2024-02-29", "0001-01-01", "9999-12-31"],
    "timestamp with time zone": [
        "infinity",
        "2026-03-29 02:30:00.123456 Europe/Berlin",
        "2026-10-25 02:30:00 Europe/Berlin",
        "0044-03-15 10:00:00 BC",
        "20000-01-01 00:00:00.5",
        "1883-11-18 12:03:57.000001 America/New_York",
    ],
    "timestamp without time zone": ["-infinity", "2026-03-29 02:30:00.123456", "0001-01-01 BC", "294276-12-31"],
    "time without time zone": ["24:00:00", "00:00:00", "23:59:59.999999", "10:00 AM"],
    "time with time zone": ["24:00:00+15:59:59", "10:00:00.5-00:30", "10:00:00+00", "00:00:00-15:59:59"],
    "interval": [
        "1 mon",
        "30 days",
        "720 hours",
        "-1 year -2 mons +3 days -04:05:06.7",
        "0",
        "178956970 years 7 mons 2147483647 days",
        "2562047788:00:54.775807",
        "-2562047788 hours -54.775808 seconds",
        "0.000001 seconds",
        "-0.5 seconds",
    ],
    "daterange": [
        "empty",
        "(,)",
        "[2026-01-01,2026-01-05]",
        "(2026-01-01,infinity]",
        "[0044-03-15 BC,)",
        "[,9999-12-31]",
    ],
    "tstzrange": [
        "empty",
        "(,)",
        "[2026-03-29 02:30 Europe/Berlin,2026-10-25 02:30 Europe/Berlin)",
        "(2026-01-01 10:00:00.000001+00,2026-01-01 11:00+00]",
        "[-infinity,infinity]",
        "[0044-03-15 10:00+00 BC,20000-01-01 00:00+00)",
    ],
    "tsrange": ["empty", "[2026-01-01 10:00,2026-01-01 10:00]", "(,2026-01-01 10:00:00.5)"],
    "int4range": ["empty", "[1,5]", "(1,5)", "(,)", "[-2147483648,2147483647)", "(5,6)"],
    "int8range": ["[9007199254740993,9223372036854775807)", "(,5]"],
    "numrange": ["[1.50,2.0)", "(1,1]", "[1,1]", "[1.5,NaN]", "[-Infinity,)"],
    "enum": ["open", "a,b", "done ", '"\\', "NULL"],
    "json": [
        "null",
        ' {"b" : 1.50, "a":[1e2, -0, {}], "": "\\u00e9"} ',
        "12345678901234567890.123456789012345678901234567890",
        '""',
        '"\\ud83d\\ude00 \\\\u0000"',
        "1e-9",
    ],
    "jsonb": ["null", '{"b": 1.50, "a": [true, null], "a": 2}', "1e400", '"\\""', "[]"],
    "hstore": ["", "a=>1", '"a\\"b"=>NULL, "" => "NULL"', '"=>"=>"\\\\,"'],
    "bytea": ["\\x", "\\x00FF0a", "abc\\000\\\\"],
    "inet": ["10.0.0.1", "10.0.0.1/8", "::ffff:1.2.3.4", "::1.2.3.4/96", "::1234", "FE80::1/64", "::", "1:0:0:2::/128"],
    "cidr": ["10/8", "0.0.0.0/0", "2001:DB8::/32", "::ffff:1.2.3.4/128", "192.168.1.5/32"],
    "macaddr": ["08002b:010203", "08-00-2B-01-02-03"],
    "macaddr8": ["08:00:2b:01:02:03", "0800.2b01.0203.0405"],
}


def declared(type_name: str) -> str:
    """The type as SQL declares it."""
    element = type_name.removesuffix("[]")
    return DECLARED.get(element, element) + type_name[len(element) :]


def literals(type_name: str) -> list[str]:
    """Values as SQL text; for an array, arrays of its elements' values."""
    element = type_name.removesuffix("[]")
    if element == type_name:
        return list(LITERALS[element])
    quoted = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in LITERALS[element]]
    return ["{}", "{" + ",".join(quoted) + "}", "{" + quoted[0] + "}"]
