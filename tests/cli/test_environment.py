"""Proves: results and messages go to their streams, colour only where it is wanted; an interrupt ends a command
cleanly, and a bug is not dressed up as an error of the user.
"""

from __future__ import annotations

import io
import json

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from bridge.cli.environment import Environment
from bridge.cli.listing import listing
from bridge.cli.output import clean, many, seconds_shown, value_shown
from bridge.cli.program import Program, shared_options
from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError, ExitCode, LockHeld
from bridge.model import Unfit


def environment(*, interactive: bool = False, as_json: bool = False) -> Environment:
    out, err = (Console(file=io.StringIO(), markup=False, emoji=False, highlight=False) for _ in range(2))
    return Environment(out, err, SystemClock(), {}, interactive, json=as_json)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@click.group(cls=Program)
@shared_options
def program() -> None:
    """A program with one command per ending."""


def ending(name: str, error: BaseException | None, code: int = 0) -> None:
    @program.command(name)
    @shared_options
    @click.pass_obj
    def command(given: Environment) -> ExitCode:
        if error is not None:
            raise error
        given.print("a result")
        given.say("a message")
        return ExitCode(code)


ending("well", None)
ending("conflicts", None, 3)
ending("failed", BridgeError("it failed", hint="do this"))
ending("config", ConfigError("it is wrong"))
ending("locked", LockHeld("it is taken"))
ending("interrupted", KeyboardInterrupt())
ending("bug", KeyError("a bug"))


@pytest.mark.parametrize(
    ("name", "code"),
    [("well", 0), ("conflicts", 3), ("failed", 1), ("config", 2), ("locked", 6), ("interrupted", 130), ("none", 2)],
)
def test_every_ending_has_its_exit_code(name: str, code: int) -> None:
    result = CliRunner().invoke(program, [name])
    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_results_and_messages_are_apart() -> None:
    result = CliRunner().invoke(program, ["well"])
    assert (result.stdout, result.stderr) == ("a result\n", "a message\n")


def test_an_error_is_told_to_people_and_to_programs() -> None:
    text = CliRunner().invoke(program, ["failed"])
    assert (text.stdout, text.stderr) == ("", "error: it failed\n  do this\n")
    machine = CliRunner().invoke(program, ["failed", "--json"])
    assert json.loads(machine.stdout) == {"version": 1, "error": {"message": "it failed", "hint": "do this"}}
    assert machine.stderr == text.stderr


def test_a_bug_comes_out_as_it_is() -> None:
    result = CliRunner().invoke(program, ["bug"])
    assert isinstance(result.exception, KeyError)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert Environment.of_process().out.no_color
    monkeypatch.delenv("NO_COLOR")
    assert not Environment.of_process().out.no_color


def test_a_pipe_is_not_a_person() -> None:
    found = Environment.of_process()
    assert not found.interactive
    with pytest.raises(ConfigError, match="nobody to ask"):
        found.confirm("Really?", yes=False)
    assert found.confirm("Really?", yes=True)


def test_a_program_that_reads_json_is_never_asked() -> None:
    with pytest.raises(ConfigError):
        environment(interactive=True, as_json=True).confirm("Really?", yes=False)


def test_long_lines_are_not_broken() -> None:
    made = environment()
    made.print("word " * 100)
    assert written(made.out).count("\n") == 1


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    made = environment()
    made.print("a\x1b[2Jb\nc\rd [red]e[/red] :smile:")
    assert written(made.out) == "a\\x1b[2Jb\nc\\rd [red]e[/red] :smile:\n"
    made.out.print(listing(("[red]h",), [["\x1b[31m[bold]"]]))
    assert "\x1b" not in written(made.out)
    assert "[red]h" in written(made.out)
    assert clean("\u202ex") == "\\u202ex"


def test_values_durations_and_counts_as_people_say_them() -> None:
    assert value_shown(None) == "(empty)"
    assert value_shown("x" * 100, 10) == "xxxxxxxxx…"
    assert value_shown(Unfit("too long", "raw")) == "raw"
    assert [seconds_shown(seconds) for seconds in (5, 120, 7200)] == ["5 s", "2 min", "2.0 h"]
    assert [many(1, "row"), many(2, "row"), many(2, "entry", "entries")] == ["1 row", "2 rows", "2 entries"]
