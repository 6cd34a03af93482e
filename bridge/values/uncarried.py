"""Types that are not carried, each with its reason: what a value would lose, or why it is none of its own."""

from __future__ import annotations

from collections.abc import Mapping

_FLOATS = "its text is made of floating-point numbers that PostgreSQL may write differently than they were typed"
_DERIVED = "it is made from a text of the table; map that one"
_REWRITTEN = "PostgreSQL rewrites it when it is read: declarations and encodings come back changed or not at all"
_PIECES = "it has several ranges, for which neither side has a form that people could edit"

# By PostgreSQL's name of the type.
UNCARRIED: Mapping[str, str] = {
    '"char"': "it is one byte, which need not be a character; make it text or character(1)",
    "xml": _REWRITTEN,
    "tsvector": _DERIVED,
    "tsquery": _DERIVED,
    **dict.fromkeys(("point", "line", "lseg", "box", "path", "polygon", "circle"), _FLOATS),
    **dict.fromkeys(
        (
            "int4multirange",
            "int8multirange",
            "nummultirange",
            "datemultirange",
            "tsmultirange",
            "tstzmultirange",
        ),
        _PIECES,
    ),
    "money[]": "amounts in an array cannot be read apart from the locale; take numeric[]",
    "hstore[]": "take jsonb[]",
}
