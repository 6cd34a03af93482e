"""What a person decides about conflicts, and how such a decision is taken back. All of it only journals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bridge.engine.cases import DECIDED, LAPSED, OPEN, RESOLVED, RESOLVING, UNDONE
from bridge.engine.parting import can_part, is_parting
from bridge.engine.typed import parse_like
from bridge.errors import BridgeError, ConfigError, ExitCode
from bridge.journal import Journal
from bridge.journal.rows import as_json, read_value
from bridge.journal.store import Row
from bridge.model import Pair, Side, Unfit, Value
from bridge.values import canonical

TAKES = "It can be: postgres, notion, base, winner, or value=TEXT."


class DecisionRefused(BridgeError):
    """What a person asked for does not fit what is there now; nothing was changed."""


class NoSuchNumber(DecisionRefused):
    """A number that no conflict, or no parked item, has: a mistake in what was typed."""

    exit_code = ExitCode.USAGE


def resolve(
    journal: Journal,
    id: int,  # noqa: A002 - the request's own word
    take: str,
    value: str | None = None,
    seen: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Both sides get the chosen value; the merge makes the writes, guarded like any other.

    `seen` is what both sides held when the person chose, by side; without it they must hold what the conflict shows.
    """
    row = find_conflict(journal, id)
    if is_parting(row):
        raise _being_taken_back(row)
    if row["state"] == RESOLVED and row["take"] in LAPSED:
        raise _lapsed(row)
    if row["state"] in (RESOLVING, RESOLVED):
        raise DecisionRefused(
            f"conflict {id} is already {row['state']}: {row['take']} was taken",
            hint=f"To take that back: notion-bridge conflicts undo {id}",
        )
    if row["field"] == "":
        return _resolve_record(journal, row, take)
    pair = journal.pair(row["pair"])
    chosen = _chosen_value(row, take, value)
    if seen is None:
        _check_as_recorded(pair, row)
    else:
        _check_as_seen(pair, row, seen)
    journal.set_conflict(id, RESOLVING, take, chosen, seen=_seen_text(pair, row["field"]))
    journal.soil(pair.id)
    return {"id": id, "state": RESOLVING, "take": take}


def resolve_many(journal: Journal, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Several decisions at once. One that is refused changes nothing and stops no other."""
    return _each(journal, choices, resolve, "resolved")


def undo_many(journal: Journal, ids: list[int]) -> dict[str, Any]:
    """Takes several decisions back, each as `undo` does."""
    return _each(journal, [{"id": number} for number in ids], undo, "undone")


def undo(journal: Journal, id: int) -> dict[str, Any]:  # noqa: A002 - the request's own word
    """Takes a decision back.

    One that is not being written yet is as if it had never been made. After it was written, a conflict that a rule had
    decided gets its winner's value again. One that had waited waits again, and both sides get their own values back;
    where that cannot be, it is to be decided anew, and both sides hold what was taken until then.
    """
    row = find_conflict(journal, id)
    if is_parting(row):
        raise _being_taken_back(row)
    if row["state"] not in (RESOLVING, RESOLVED):
        raise DecisionRefused(f"conflict {id} was not decided by a person", hint="There is nothing to take back.")
    if row["take"] in LAPSED:  # what both sides hold is an edit, and no decision
        raise _lapsed(row)
    pair = journal.pair(row["pair"])
    before = DECIDED if row["winner"] else OPEN
    if row["field"] == "" or row["take"] == row["winner"]:  # it was kept as it was
        journal.set_conflict(id, before, None, None)
        return {"id": id, "state": before, "take": None}
    if row["state"] == RESOLVING and journal.intent_of_pair(pair) is None and not _written(pair, row):
        journal.set_conflict(id, before, None, None)
        journal.soil(pair.id)
        return {"id": id, "state": before, "take": None}
    _check_holds(pair, row)
    if can_part(row):
        journal.set_conflict(id, RESOLVING, UNDONE, _chosen(row))
        journal.soil(pair.id)
        return {"id": id, "state": RESOLVING, "take": UNDONE}
    if not row["winner"]:
        journal.set_conflict(id, DECIDED, UNDONE, _chosen(row))
        return {"id": id, "state": DECIDED, "take": UNDONE}
    journal.set_conflict(
        id, RESOLVING, row["winner"], _chosen_value(row, row["winner"], None), seen=_seen_text(pair, row["field"])
    )
    journal.soil(pair.id)
    return {"id": id, "state": RESOLVING, "take": row["winner"]}


def _being_taken_back(row: Row) -> DecisionRefused:
    return DecisionRefused(
        f"the decision about conflict {row['id']} is being taken back: both sides get their own value again",
        hint="It can be decided as soon as that is written.",
    )


def _lapsed(row: Row) -> DecisionRefused:
    return DecisionRefused(
        f"conflict {row['id']} ended without a decision: {LAPSED[row['take']]}",
        hint="Edit the row or the page to change the value.",
    )


def _each(
    journal: Journal, wishes: list[dict[str, Any]], carry_out: Callable[..., dict[str, Any]], done: str
) -> dict[str, Any]:
    answers, refused = [], []
    for wish in wishes:
        try:
            answers.append(carry_out(journal, **wish))
        except BridgeError as error:
            told = {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}
            refused.append({"id": wish["id"], **told})
    return {done: answers, "refused": refused}


def find_conflict(journal: Journal, number: int) -> Row:
    """The conflict with this number. Raises NoSuchNumber."""
    row = journal.conflict(number)
    if row is None:
        raise NoSuchNumber(f"there is no conflict {number}", hint="See `notion-bridge conflicts list`.")
    return row


def _resolve_record(journal: Journal, row: Row, take: str) -> dict[str, Any]:
    """Deleted against edited: keeping is what was done; deleting it after all is a new deletion, by the user."""
    if take != row["winner"]:
        raise DecisionRefused(
            f"conflict {row['id']} is about a whole record, which was kept because it had been edited",
            hint="To delete it after all, delete the row or trash the page: the other side will follow.",
        )
    journal.set_conflict(row["id"], RESOLVED, take, None)
    return {"id": row["id"], "state": RESOLVED, "take": take}


def _chosen_value(row: Row, take: str, value: str | None) -> Value:
    known = {side: read_value(row[side]) for side in ("base", "postgres", "notion")}
    if take == "value":
        return parse_like(list(known.values()), value or "")
    if take not in known:
        raise ConfigError(f"--take cannot be {take!r}", hint=TAKES)
    chosen = known[take]
    if isinstance(chosen, Unfit):
        raise DecisionRefused(f"the value of {take} cannot be taken: {chosen.reason}", hint="Use --take value=TEXT.")
    return chosen


def _chosen(row: Row) -> Value:
    chosen = read_value(row["value"])
    assert not isinstance(chosen, Unfit), "only what both sides can hold is taken"
    return chosen


def _check_as_recorded(pair: Pair, row: Row) -> None:
    """The choice was made on what was shown; an edit made since must not be run over unseen."""
    shown = [read_value(row[name]) for name in ("base", "postgres", "notion")]
    if row["take"] == UNDONE:
        shown.append(_chosen(row))
    for side in Side:
        if pair.side(side).values.get(row["field"]) not in shown:
            raise _moved_on(row, side)


def _check_as_seen(pair: Pair, row: Row, seen: Mapping[str, Any]) -> None:
    for side in Side:
        held = pair.side(side).values.get(row["field"])
        if side.value not in seen or canonical.encode(held) != seen[side.value]:
            raise _moved_on(row, side)


def _moved_on(row: Row, side: Side) -> DecisionRefused:
    return DecisionRefused(
        f"{row['field']!r} was changed in {side.value} since conflict {row['id']} was recorded",
        hint="Look at the record again; the newer edit stands, and nothing was changed.",
    )


def _check_holds(pair: Pair, row: Row) -> None:
    """A decision that was written is taken back only while it is what both sides hold."""
    for side in Side:
        if pair.side(side).values.get(row["field"]) != _chosen(row):
            raise DecisionRefused(
                f"{row['field']!r} in {side.value} is not what was taken for conflict {row['id']}",
                hint="It is still being written, or was edited since; see `notion-bridge conflicts show`.",
            )


def _written(pair: Pair, row: Row) -> bool:
    return all(pair.side(side).values.get(row["field"]) == _chosen(row) for side in Side)


def _seen_text(pair: Pair, name: str) -> str:
    return as_json([canonical.encode(pair.side(side).values.get(name)) for side in Side])


def read_seen(text: str) -> list[Any]:
    """The values that both sides held when a person chose; none when it was what the conflict shows."""
    return [canonical.decode(value) for value in json.loads(text)] if text else []
