"""What CHECK (column IN ('a', 'b')) leaves of a text column, read from the expressions as PostgreSQL prints them.

It prints `IN (...)` and `= ANY (ARRAY[...])` alike, as a list of quoted constants, each with its type:

    (status = ANY (ARRAY['open'::text, 'done'::text]))
    ((status)::text = ANY ((ARRAY['open'::character varying])::text[]))
    (status = 'open'::text)

Only such a list is understood, and everything else is left to PostgreSQL: to take a CHECK for more than it says would
refuse what the database allows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# citext is left out: it would also take another case than that of the list.
_TYPE = r"::(?:text|character varying|bpchar)"
_CONSTANT = rf"'((?:[^']|'')*)'{_TYPE}"
_SUBJECT = rf'\(?(?:"(?:[^"]|"")*"|\w+)\)?(?:{_TYPE})?'
_LIST = re.compile(
    rf"\({_SUBJECT} = ANY \(\(?ARRAY\[(?P<constants>{_CONSTANT}(?:, {_CONSTANT})*)\](?:\)?{_TYPE}\[\])?\)\)", re.DOTALL
)
_ONE = re.compile(rf"\({_SUBJECT} = (?P<constants>{_CONSTANT})\)", re.DOTALL)
_EACH = re.compile(_CONSTANT, re.DOTALL)
_TEXTS = {"text", "character varying", "character"}


def allowed_texts(type_name: str, checks: Sequence[str]) -> tuple[str, ...]:
    """The texts that all these checks of one column allow, in the order of the first; () when none says so.

    Also () when they leave nothing: such a column takes only NULL, and PostgreSQL says that better.
    """
    lists = [found for check in checks if (found := _constants(check))] if type_name in _TEXTS else []
    if not lists:
        return ()
    kept = [text for text in dict.fromkeys(lists[0]) if all(text in other for other in lists[1:])]
    # character(n) is padded, which counts for nothing in a comparison; '' is one value with NULL.
    shown = [text.rstrip(" ") if type_name == "character" else text for text in kept]
    return tuple(text for text in shown if text)


def _constants(check: str) -> list[str]:
    match = _LIST.fullmatch(check) or _ONE.fullmatch(check)
    return [text.replace("''", "'") for text in _EACH.findall(match["constants"])] if match else []
