"""`notion-bridge conflicts`: what both sides changed to different values, and which one to take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import click

from bridge.cli.applying import Writer, carry_on
from bridge.cli.environment import JSON_VERSION, Environment
from bridge.cli.listing import listing
from bridge.cli.output import key_shown, key_text, many, moment_shown, value_shown
from bridge.cli.program import shared_options
from bridge.config import Config
from bridge.engine.cases import LAPSED, RESOLVED, UNDONE, WORDS, Case, Cases
from bridge.engine.namefile import NameFile
from bridge.engine.requests import is_running, submit
from bridge.engine.resolving import TAKES, DecisionRefused, find_conflict
from bridge.errors import ConfigError, ExitCode
from bridge.journal import Journal
from bridge.journal.rows import read_key, read_moment, read_value
from bridge.journal.store import Row
from bridge.model import Side

_SIDES = ("base", "postgres", "notion")
_OFFERED = ("postgres", "notion", "base", "winner", "value=")


@click.group(invoke_without_command=True)
@shared_options
@click.pass_context
def conflicts(context: click.Context) -> ExitCode | None:
    """Review what both sides changed differently.

    On a terminal, without a subcommand: a list, and one conflict after the other, decided with one key. Elsewhere the
    same as `conflicts list`. What is decided is written by the running bridge within a second or two; without one, by
    this command at its end.

    \b
    Example:
      notion-bridge conflicts
    """
    if context.invoked_subcommand is not None:
        return None
    environment = context.find_object(Environment)
    assert environment is not None
    if not environment.has_screen:
        return _list(environment, everything=False)
    return _review(environment)


@conflicts.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved.")
@shared_options
@click.pass_obj
def list_(environment: Environment, everything: bool) -> ExitCode:
    """List conflicts.

    Those that wait, and those decided by rule, whose other value can still be taken.

    \b
    Example:
      notion-bridge conflicts list --json
    """
    return _list(environment, everything=everything)


@conflicts.command()
@click.argument("number", type=int)
@shared_options
@click.pass_obj
def show(environment: Environment, number: int) -> ExitCode:
    """Show one conflict with whole values and times.

    With who made each edit, as far as that is known, and what both sides hold now.

    \b
    Example:
      notion-bridge conflicts show 7
    """
    config = environment.config()
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        row = find_conflict(journal, number)
        case = _cases(journal, config).of(row)
    if environment.json:
        environment.emit(as_json(row) | case.as_json() | {"resolved_at": row["resolved_at"]})
    else:
        _show(environment, row, case)
    return ExitCode.OK


@conflicts.command()
@click.argument("numbers", type=int, nargs=-1, required=True, metavar="NUMBER...")
@click.option(
    "--take",
    required=True,
    metavar="postgres|notion|base|winner|value=TEXT",
    shell_complete=lambda context, parameter, incomplete: [t for t in _OFFERED if t.startswith(incomplete)],
    help="The value that both sides shall have; `winner` keeps what the rule decided.",
)
@click.option("--record", is_flag=True, help="For every conflict of the same record.")
@click.option(
    "--same-kind", is_flag=True, help="For every conflict about the same field that was decided the same way."
)
@shared_options
@click.pass_obj
def resolve(environment: Environment, numbers: tuple[int, ...], take: str, record: bool, same_kind: bool) -> ExitCode:
    """Decide conflicts.

    An edit made since a conflict was recorded is never overwritten: then nothing happens to it.

    \b
    Examples:
      notion-bridge conflicts resolve 7 --take notion
      notion-bridge conflicts resolve 7 8 --take value="In progress"
      notion-bridge conflicts resolve 7 --take postgres --same-kind
    """
    config = environment.config()
    word, equals, text = take.partition("=")
    if (word == "value") != bool(equals) or word not in ("value", "winner", *_SIDES):
        raise ConfigError(f"--take cannot be {take!r}", hint=TAKES)
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        names = [chosen.name for chosen in environment.chosen(config)]
        rows = [find_conflict(journal, number) for number in numbers]
        chosen = _scope(journal, config, names, rows, record=record, same_kind=same_kind)
    choices = [_choice(case, word, text if equals else None) for case in chosen]
    answer = submit(config.journal.path, environment.clock, "resolve-many", {"choices": choices})
    return _tell(environment, config, answer, "resolved", _goes)


@conflicts.command()
@click.argument("numbers", type=int, nargs=-1, required=True, metavar="NUMBER...")
@shared_options
@click.pass_obj
def undo(environment: Environment, numbers: tuple[int, ...]) -> ExitCode:
    """Take decisions back.

    Where it was not written yet, everything is as it was. Afterwards a conflict that a rule had decided gets its
    winner's value again; for one that had waited for you both sides get their own value back, and it waits again.

    \b
    Example:
      notion-bridge conflicts undo 7
    """
    config = environment.config()
    answer = submit(config.journal.path, environment.clock, "undo-many", {"ids": list(numbers)})
    return _tell(environment, config, answer, "undone", lambda row: "its decision was taken back")


def _goes(row: Row) -> str:
    if row["take"] in LAPSED:  # an edit came before it was written
        return LAPSED[row["take"]]
    return f"{WORDS[row['take']]} goes to both sides" if row["field"] else "the record is kept"


def _scope(
    journal: Journal, config: Config, names: Sequence[str], rows: Sequence[Row], *, record: bool, same_kind: bool
) -> list[Case]:
    cases = _cases(journal, config)
    chosen = {row["id"]: cases.of(row) for row in rows}
    if record or same_kind:
        pairs, kinds = {case.pair for case in chosen.values()}, {case.kind for case in chosen.values()}
        for case in cases.all(names):
            if case.to_decide and ((record and case.pair in pairs) or (same_kind and case.kind in kinds)):
                chosen.setdefault(case.id, case)
    return list(chosen.values())


def _choice(case: Case, word: str, text: str | None) -> dict[str, Any]:
    if word == "winner":
        if case.winner is None:
            raise DecisionRefused(
                f"conflict {case.id} has no winner yet", hint="Take postgres, notion, base or value=TEXT."
            )
        word = case.winner.value
    return {"id": case.id, "take": word} | ({} if text is None else {"value": text})


def _tell(
    environment: Environment, config: Config, answer: Mapping[str, Any], done: str, words: Callable[[Row], str]
) -> ExitCode:
    """Writes what was decided, or says who does; says what was refused, and fails for it."""
    taken, refused = answer[done], answer["refused"]
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        names = sorted({find_conflict(journal, item["id"])["sync"] for item in taken})
    writer = carry_on(environment, config, names) if names else Writer.LATER
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        rows = [find_conflict(journal, item["id"]) for item in taken]
    if environment.json:
        states = [{"id": row["id"], "state": row["state"], "take": row["take"]} for row in rows]
        error = {"error": {name: refused[0][name] for name in ("message", "hint")}} if refused else {}
        environment.emit({"version": JSON_VERSION, done: states, "refused": refused, **error})
    else:
        for row in rows:
            later = f"; {_who_writes(writer)} writes it" if row["state"] == "resolving" else ""
            environment.print(f"conflict {row['id']}: {words(row)}{later}")
    for item in refused:
        environment.say(f"error: {item['message']}", "bold red")
        environment.say(f"  {item['hint']}")
    return ExitCode(refused[0]["exit_code"]) if refused else ExitCode.OK


def _who_writes(writer: Writer) -> Writer:
    return Writer.LATER if writer is Writer.COMMAND else writer


def _review(environment: Environment) -> ExitCode:
    # Only here: the other commands do without a screen.
    from bridge.console import JournalDesk, Review, Screen  # noqa: PLC0415

    config = environment.config()
    names = [chosen.name for chosen in environment.chosen(config)]
    path = config.journal.path
    screen = Screen(environment.out, sys.stdin.fileno(), environment.variables)
    with closing(Journal.open_read_only(path, environment.clock)) as journal:
        desk = JournalDesk(
            journal,
            NameFile(path, writes=False),
            names,
            lambda kind, arguments: submit(path, environment.clock, kind, arguments),
            screen.edit,
        )
        review = Review(desk)
        screen.run(review)
        left = sum(case.to_decide for case in review.cases)
        touched = sorted({case.sync for case in review.cases if case.state == "resolving"})
    environment.print(f"{many(review.decided, 'conflict')} decided, {left} left as they are")
    if touched and not is_running(path):
        environment.say("writing what was decided ...")
        carry_on(environment, config, touched)
    return ExitCode.OK


def _cases(journal: Journal, config: Config) -> Cases:
    return Cases(journal, NameFile(config.journal.path, writes=False))


def _list(environment: Environment, *, everything: bool) -> ExitCode:
    config = environment.config()
    with closing(Journal.open_read_only(config.journal.path, environment.clock)) as journal:
        rows = [row for chosen in environment.chosen(config) for row in journal.conflicts(chosen.name)]
        shown = [row for row in rows if everything or row["state"] != "resolved"]
        cases = [_cases(journal, config).of(row) for row in shown]
    if environment.json:
        environment.emit([as_json(row) | {"title": case.title} for row, case in zip(shown, cases, strict=True)])
        return ExitCode.OK
    if not shown:
        environment.print("no conflicts")
        return ExitCode.OK
    headers = ("id", "sync", "key", "title", "field", "before", "postgres", "notion", "state", "at")
    environment.out.print(listing(headers, [_line(row, case) for row, case in zip(shown, cases, strict=True)]))
    waiting = sum(1 for row in shown if row["state"] == "open")
    if waiting:
        environment.print(f"{many(waiting, 'conflict')} to decide: `notion-bridge conflicts resolve N --take ...`")
    return ExitCode.OK


def as_json(row: Row) -> dict[str, Any]:
    """One conflict; values in the canonical form, which is exact."""
    return {
        "id": row["id"],
        "sync": row["sync"],
        "key": key_text(read_key(row["key"])),
        "field": row["field"],
        **{side: json.loads(row[side]) for side in _SIDES},
        "winner": row["winner"],
        "rule": row["rule"],
        "state": row["state"],
        "take": row["take"],
        "at": row["at"],
    }


def _line(row: Row, case: Case) -> list[str]:
    key = key_shown(read_key(row["key"]))
    values = [value_shown(read_value(row[side]), 30) for side in _SIDES]
    what = (value_shown(case.title, 30) if case.title else "", row["field"] or "the record")
    return [str(row["id"]), row["sync"], key, *what, *values, verdict(row), moment_shown(read_moment(row["at"]))]


def verdict(row: Row) -> str:
    """How a conflict ended, or that it has not."""
    if row["state"] == "open":
        return "waits for you"
    if row["state"] == "decided":
        return f"{row['winner']} won ({row['rule']})" if row["take"] != UNDONE else "taken back"
    if row["state"] == RESOLVED:
        return LAPSED.get(row["take"], f"{WORDS.get(row['take'], row['take'])} taken")
    return "both sides get their own back" if row["take"] == UNDONE else f"{WORDS[row['take']]} is being written"


def _show(environment: Environment, row: Row, case: Case) -> None:
    environment.print(f"conflict {row['id']} of {row['sync']}, recorded {moment_shown(read_moment(row['at']))}")
    title = f" {value_shown(case.title)}" if case.title else ""
    environment.print(f"record   {key_shown(case.key)}{title}, {row['field'] or 'the record itself'}")
    if case.url:
        environment.print(f"page     {case.url}")
    environment.print(f"before   {value_shown(case.base, None)}")
    for side in Side:
        environment.print(f"{side.value:8} {value_shown(case.values[side], None)}")
        environment.print(f"         changed {_changed(case, side)}")
    for side in case.moved_on:
        environment.print(f"now      {side.value} was edited since, and holds {value_shown(case.now[side], None)}")
    environment.print(f"result   {verdict(row)}")


def _changed(case: Case, side: Side) -> str:
    """Who gave the field that value, as far as it is known, and between which moments."""
    first, last = case.when[side]
    when = moment_shown(first) if first == last else f"between {moment_shown(first)} and {moment_shown(last)}"
    if first is None and last is None:
        when = "at an unknown time"
    return f"by {value_shown(case.who[side])}, {when}" if case.who[side] else when
