"""What a person decides: conflicts, parked items, held deletions, pauses, resyncs, changed fields. It only journals."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from bridge.crashpoints import CrashPoint, crash_point
from bridge.engine.puttingback import put_back
from bridge.engine.resolving import DecisionRefused, NoSuchNumber, resolve, resolve_many, undo, undo_many
from bridge.errors import ConfigError
from bridge.journal import Journal
from bridge.journal.rows import read_suspended, suspended_text
from bridge.journal.store import Row
from bridge.model import Pair, Presence, Side, Suspended, Waiting


def carry_out(journal: Journal, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Does one request in one transaction. Raises BridgeError."""
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise ConfigError(f"the running bridge does not know the request {kind!r}", hint="Is it an older version?")
    try:
        _check_fit(handler, journal, arguments)
        for choice in arguments.get("choices", ()):
            _check_fit(resolve, journal, choice)
    except TypeError as error:
        raise ConfigError(f"the request {kind!r} does not fit: {error}", hint="Is it of another version?") from None
    with crash_point(CrashPoint.DECIDED), journal.transaction():
        return handler(journal, **arguments)


def _check_fit(handler: Callable[..., Any], journal: Journal, arguments: Mapping[str, Any]) -> None:
    """A request comes from a file that anyone may have written. Raises TypeError."""
    inspect.signature(handler).bind(journal, **arguments)
    hints = get_type_hints(handler)
    for name, value in arguments.items():
        hint = hints[name]
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if not isinstance(value, tuple(get_origin(kind) or kind for kind in kinds)):
            raise TypeError(f"{name} cannot be {value!r}")


def find_parked(journal: Journal, number: int) -> Row:
    """The parked item with this number. Raises NoSuchNumber."""
    row = journal.parked_item(number)
    if row is None:
        raise NoSuchNumber(f"there is no parked item {number}", hint="See `notion-bridge parked list`.")
    return row


def _parked(journal: Journal, id: int, allowed: str) -> Row:  # noqa: A002 - the request's own word
    row = find_parked(journal, id)
    if row["state"] != "open":
        raise DecisionRefused(f"parked item {id} is not open any more: it is {row['state']}")
    if (row["kind"] == "held") != (allowed == "held"):
        if row["kind"] == "held":
            raise DecisionRefused(f"parked item {id} is a held deletion", hint="It takes: approve or reject.")
        raise DecisionRefused(f"parked item {id} is no held deletion", hint="It takes: retry or drop.")
    return row


def _end_parked(state: str, allowed: str) -> Callable[..., dict[str, Any]]:
    def end(journal: Journal, id: int) -> dict[str, Any]:  # noqa: A002 - the request's own word
        row = _parked(journal, id, allowed)
        journal.set_parked(id, state)
        journal.postpone(row["pair"], 0, None)
        return {"id": id, "state": state}

    return end


def _require_known(journal: Journal, name: str) -> None:
    if journal.sync_row(name) is None:
        raise DecisionRefused(f"the journal does not know a sync {name!r}", hint="It is known after its first sync.")


def _pause(journal: Journal, syncs: list[str]) -> dict[str, Any]:
    for name in syncs:
        _require_known(journal, name)
        journal.update_sync(name, paused=1)
    return {"paused": syncs}


def _resume(journal: Journal, syncs: list[str], deletes: str = "") -> dict[str, Any]:
    """Ends a pause; ends a tripped breaker only with a word about the deletions."""
    for name in syncs:
        _require_known(journal, name)
        state = journal.sync_state(name)
        if state.breaker and deletes not in ("allow", "undo"):
            raise DecisionRefused(
                f"sync {name!r} stopped itself and needs a word from you.\n{state.breaker}",
            )
        if state.stopped is not None and deletes == "allow":
            journal.allow(name, *state.stopped)  # those that were asked about: what came since is another question
        elif state.stopped is not None:
            _undo_deletes(journal, name)
        journal.update_sync(name, paused=0, breaker="")
    return {"resumed": syncs}


def stopped_deletions(journal: Journal, name: str) -> Iterator[tuple[Pair, Side]]:
    """The records before whose deletion the sync stopped itself, each with the side that was to follow. Those of the
    other side are none of them: nobody may be asked to follow there."""
    stopped = journal.sync_state(name).stopped
    if stopped is None:
        return
    into, _ = stopped
    for pair in journal.all_pairs(name):
        gone = pair.side(into.other).presence is Presence.GONE and pair.side(into).live
        if gone and pair.base and pair.base.presence is Presence.LIVE:
            yield pair, into


def _undo_deletes(journal: Journal, name: str) -> None:
    """Every deletion that was asked about is answered with no: the merge then brings the records back."""
    for pair, into in list(stopped_deletions(journal, name)):
        held = [row for row in journal.parked_of(pair) if row["field"] == ""]
        for row in held:
            journal.set_parked(row["id"], "cleared")
        journal.park(pair, Waiting("", into, "its deletion was undone", None, "held"))
        made = next(row for row in journal.parked_of(pair) if row["field"] == "")
        journal.set_parked(made["id"], "rejected")
        journal.soil(pair.id)


def _resync(journal: Journal, syncs: list[str]) -> dict[str, Any]:
    """Only notes the wish: the bridge forgets what was agreed when no write is under way whose outcome would be
    agreed on."""
    for name in syncs:
        _require_known(journal, name)
        journal.ask_resync(name)
    return {"resync": syncs}


def _accept(journal: Journal, sync: str, fields: list[str]) -> dict[str, Any]:
    """Takes fields as they are now: what they were bound to is forgotten, so that the next binding takes them as new.

    Each stays suspended until then. What is still read with the old binding is forgotten by the new one.
    """
    _require_known(journal, sync)
    row = journal.sync_row(sync)
    assert row is not None
    bound = json.loads(row["columns"])
    waiting = {item.field: item for item in read_suspended(row["suspended"])}
    for name in fields:
        if name not in bound:
            raise DecisionRefused(f"the journal knows no field {name!r} of the sync {sync!r}", hint=_FIELDS_HINT)
        del bound[name]
        waiting[name] = Suspended(name, "it is taken as it is now", "It goes on with the next binding.")
    journal.update_sync(sync, columns=json.dumps(bound), suspended=suspended_text(waiting.values()))
    return {"sync": sync, "accepted": fields}


_FIELDS_HINT = "See `notion-bridge status`: it names the suspended fields."


_HANDLERS: dict[str, Callable[..., dict[str, Any]]] = {
    "resolve": resolve,
    "resolve-many": resolve_many,
    "undo": undo,
    "undo-many": undo_many,
    "put-back": put_back,
    "retry": _end_parked("retried", "other"),
    "drop": _end_parked("dropped", "other"),
    "approve": _end_parked("approved", "held"),
    "reject": _end_parked("rejected", "held"),
    "pause": _pause,
    "resume": _resume,
    "accept": _accept,
    "resync": _resync,
}
