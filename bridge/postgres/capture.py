"""The trigger function of a sync, as SQL text. Identifiers come from psycopg's quoting, never from formatting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from psycopg import sql

from bridge.model import Sync
from bridge.postgres.bounds import bounded, make_counter
from bridge.postgres.links import render_links
from bridge.postgres.names import (
    CHANNEL,
    SCHEMA,
    capture_function,
    row_trigger,
    source,
    table_name,
    truncate_trigger,
)
from bridge.postgres.rowfilter import inside
from bridge.postgres.wire import captured_names, key_expression, row_is, values_expression

_WAKE = f"""\
    -- Only wakes the bridge; the server folds it to one per transaction.
    PERFORM pg_notify('{CHANNEL}', '');
"""

# Whether the row has a later version than NEW. A partition is named at run time: a plan for all of them would have
# to lock all of them for every row.
_OVERTAKEN = "overtaken := NOT EXISTS (SELECT FROM {} AS r WHERE r.ctid = new.ctid);"
_OVERTAKEN_IN_PARTITION = """\
EXECUTE format('SELECT NOT EXISTS (SELECT FROM ONLY %s AS r WHERE r.ctid = $1)', TG_RELID::regclass)
                INTO overtaken USING new.ctid;"""

# Only with a filter. Apart from the rest: OLD means nothing in an INSERT.
_SKIP_OUTSIDE = """
        -- A row outside of the filter comes and goes unnoticed.
        IF TG_OP = 'INSERT' AND after IS NULL THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'DELETE' THEN
            IF {} IS NOT TRUE THEN
                RETURN NULL;
            END IF;
        END IF;
"""

# JSON's null, not SQL's: the row is there, and outside of the filter.
_NOTED = "CASE WHEN key_after IS NOT NULL THEN coalesce(after, 'null') END"


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What bridge.toml says about the trigger. `notify` False: for databases that use PREPARE TRANSACTION.
    `outbox_max`: how many changes may wait; None: as many as come."""

    notify: bool = True
    outbox_max: int | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """`script` makes the functions and the triggers; `body` is the function's source as the server keeps it.

    `links_body` is that of the function for join tables; "" when there are none.
    """

    script: str
    body: str
    links_body: str


DEFAULTS = CaptureSettings()


def render_capture(sync: Sync, settings: CaptureSettings = DEFAULTS) -> Capture:
    """What captures the changes of `sync`."""
    wake = _WAKE if settings.notify else ""
    leave_out = bounded(sync, settings.outbox_max, wake)
    function = sql.Identifier(SCHEMA, capture_function(sync.name))
    table = table_name(sync.table)
    parts: dict[str, sql.Composable] = {
        "old_key": key_expression(sync, "old"),
        "new_key": key_expression(sync, "new"),
        "old_values": values_expression(sync, "old", links=False),
        "new_values": values_expression(sync, "new", links=False),
        "read_overtaken": _overtaken(sync),
        "row_values": values_expression(sync, "r", links=False),
        "row_is_new": row_is(sync, "r", "new"),
        "row_is_old": _again_in_sync(sync),
        "skip_outside": sql.SQL(_SKIP_OUTSIDE).format(inside(sync, "old")) if sync.where else sql.SQL(""),
        "noted": sql.SQL(_NOTED if sync.where else "after"),
        "source": source(sync.table),
        "function": function,
        "function_text": sql.Literal(f"{function.as_string(None)}()"),
        "sync": sql.Literal(sync.name),
        "table": table,
        "table_text": sql.Literal(table.as_string(None)),
        "row_trigger": sql.Identifier(row_trigger(sync.name)),
        "truncate_trigger": sql.Identifier(truncate_trigger(sync.name)),
        "data_source": sql.Literal(sync.data_source.id),
        "columns": _text_array(captured_names(sync)),
        "notify": sql.SQL("true" if settings.notify else "false"),
        "outbox_max": sql.Literal(settings.outbox_max),
        "counter": make_counter(sync, settings.outbox_max),
        "bounded": leave_out,
        "wake": sql.SQL(wake),
    }
    quote = _dollar_quote("".join(part.as_string(None) for part in parts.values()))
    template = resources.files("bridge.postgres").joinpath("capture.sql").read_text(encoding="utf-8")
    script = sql.SQL(template).format(quote=sql.SQL(quote), **parts).as_string(None)
    links = render_links(sync, leave_out, wake, quote)
    return Capture(script + links, script.split(quote)[1], links.split(quote)[1] if quote in links else "")


def _overtaken(sync: Sync) -> sql.Composable:
    if sync.table.kind == "partitioned table":
        return sql.SQL(_OVERTAKEN_IN_PARTITION)
    return sql.SQL(_OVERTAKEN).format(source(sync.table))


def _again_in_sync(sync: Sync) -> sql.Composable:
    """Whether a row has OLD's key. One that came back outside of the filter came unnoticed: it explains nothing."""
    same = row_is(sync, "r", "old")
    return sql.SQL("{} AND {}").format(same, inside(sync, "r")) if sync.where else same


def _dollar_quote(text: str) -> str:
    """A dollar quote that does not occur in the text: a column may have any name, even this one."""
    tag = "capture"
    while f"${tag}$" in text:
        tag += "_"
    return f"${tag}$"


def _text_array(texts: Sequence[str]) -> sql.Composable:
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(map(sql.Literal, texts)))
