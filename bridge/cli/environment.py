"""What a command has around it: two consoles, a clock, the variables, and what the user said to every command.

stdout carries results and nothing else; stderr carries messages, questions and progress. With `--json` the
result is one JSON document. Whatever comes from Notion or from the database is hostile to a terminal: it
passes through `bridge.cli.output` before it is printed.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from bridge.cli.output import styled
from bridge.clock import Clock, SystemClock
from bridge.config import DEFAULT_PATH, Config, SyncConfig, load
from bridge.errors import ConfigError

CONFIG_VARIABLE = "NOTION_BRIDGE_CONFIG"
JSON_VERSION = 1
# A pipe has no width. Tables are then as wide as their content wants, up to this.
_PIPE_WIDTH = 400


@dataclass(slots=True)
class Environment:
    """One run of one command. Tests make their own.

    `interactive` means that a person sees the output and can answer a question.
    """

    out: Console
    err: Console
    clock: Clock
    variables: Mapping[str, str]
    interactive: bool
    config_path: Path = DEFAULT_PATH
    sync: str = ""
    json: bool = False

    @classmethod
    def of_process(cls) -> Environment:
        """The environment of this process as it is now."""
        variables = os.environ
        return cls(
            out=_console(sys.stdout, variables),
            err=_console(sys.stderr, variables),
            clock=SystemClock(),
            variables=variables,
            interactive=sys.stdin.isatty() and sys.stdout.isatty(),
            config_path=Path(variables.get(CONFIG_VARIABLE) or DEFAULT_PATH),
        )

    def config(self) -> Config:
        """The configuration. Raises ConfigError."""
        return load(self.config_path, self.variables)

    def chosen(self, config: Config) -> list[SyncConfig]:
        """The syncs that the command is about: the one of --sync, else all. Raises ConfigError."""
        return [config.sync(self.sync)] if self.sync else list(config.syncs)

    def command(self, words: str) -> str:
        """A command to type next, about the same configuration."""
        usual = self.variables.get(CONFIG_VARIABLE) or DEFAULT_PATH
        config = "" if self.config_path == Path(usual) else f" --config {shlex.quote(str(self.config_path))}"
        return f"notion-bridge {words}{config}"

    def emit(self, document: Any) -> None:
        """The one JSON document of `--json`. All of it is ASCII: a terminal finds nothing to obey in it."""
        self.out.file.write(json.dumps(document, indent=2) + "\n")
        self.out.file.flush()

    def say(self, text: str, style: str = "") -> None:
        """A message for the person, on stderr."""
        self.err.print(styled(text, style), soft_wrap=True)

    def print(self, text: str, style: str = "") -> None:
        """A line of the result, on stdout."""
        self.out.print(styled(text, style), soft_wrap=True)

    def fail(self, message: str, hint: str = "") -> None:
        """Says why the command ends without its result."""
        self.say(f"error: {message}", "bold red")
        if hint:
            self.say(f"  {hint}")
        self.emit_error(message, hint)

    def emit_error(self, message: str, hint: str = "") -> None:
        """With --json: the document that stands in place of the result."""
        if self.json:
            self.emit({"version": JSON_VERSION, "error": {"message": message, "hint": hint}})

    @property
    def may_ask(self) -> bool:
        """Whether a question reaches a person: never with --json, whose reader is a program."""
        return self.interactive and not self.json

    @property
    def has_screen(self) -> bool:
        """Whether a person looks at a terminal that can be drawn on. One that spells out what its encoding lacks is
        none: each line would be of another width than was counted.
        """
        return self.may_ask and not self.out.is_dumb_terminal and self.out.encoding.startswith("utf")

    def confirm(self, question: str, yes: bool, flag: str = "--yes", *, default: bool = False) -> bool:
        """A yes or no; Enter means `default`. Without a terminal the flag must say it. Raises ConfigError."""
        if yes:
            return True
        if not self.may_ask:
            raise ConfigError(f'there is nobody to ask here: "{question}"', hint=f"Say yes with {flag}.")
        return click.confirm(styled(question).plain, default, err=True)


def _console(stream: TextIO, variables: Mapping[str, str]) -> Console:
    if isinstance(stream, TextIOWrapper):
        # A terminal that is not UTF-8 spells out what it cannot show; an error would end the command in mid-sentence.
        stream.reconfigure(errors="backslashreplace")
    wide = None if stream.isatty() or "COLUMNS" in variables else _PIPE_WIDTH
    return Console(
        file=stream,
        width=wide,
        no_color=bool(variables.get("NO_COLOR")),
        # What is printed is text that somebody wrote: [red] and :smile: in it mean themselves.
        markup=False,
        highlight=False,
        emoji=False,
    )
