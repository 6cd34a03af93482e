"""Questions: one of several by its number or a part of its name, the likeliest first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import click

from bridge.cli.environment import Environment
from bridge.cli.output import clean
from bridge.cli.proposal import plain_name
from bridge.errors import ConfigError, SetupError

_SHOWN = 9


@dataclass(frozen=True, slots=True)
class Choice:
    """One that can be chosen: what is shown, and what is meant by it."""

    shown: str
    value: str


def choose(environment: Environment, what: str, choices: Sequence[Choice], flag: str, none: str) -> str:
    """One of several; the first is the default. Raises ConfigError when nobody can be asked, SetupError for none."""
    if not choices:
        raise SetupError(f"there is no {what} to be seen", hint=none)
    if not environment.may_ask:
        names = ", ".join(choice.shown for choice in choices[:_SHOWN])
        more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
        raise ConfigError(f"{flag} is missing", hint=f"There are: {names}{more}.")
    left = list(choices)
    while True:
        _list(environment, left)
        answer = click.prompt(f"Which {what}? A number, or part of a name", default="1", err=True).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(left):
            return left[int(answer) - 1].value
        found = [choice for choice in choices if plain_name(answer) in plain_name(choice.shown)]
        if len(found) == 1:
            return found[0].value
        if found:
            environment.say(f"several are named so: {answer}")
        elif answer.isdecimal():
            environment.say(f"there is no {answer}: type 1 to {len(left)}, or part of a name")
        else:
            environment.say(f"none is named so: {answer}")
        left = found or list(choices)


def by_likeness(names: Sequence[str], wanted: str) -> list[int]:
    """The places of the names, the one most like `wanted` first; those that are equally like it stay in order."""
    plain = plain_name(wanted)

    def unlikeness(place: int) -> float:
        return -difflib.SequenceMatcher(None, plain_name(names[place]), plain).ratio()

    return sorted(range(len(names)), key=unlikeness)


def _list(environment: Environment, choices: Sequence[Choice]) -> None:
    for number, choice in enumerate(choices[:_SHOWN], 1):
        environment.say(f"{number:3}  {clean(choice.shown)}")
    if len(choices) > _SHOWN:
        environment.say(f"     and {len(choices) - _SHOWN} more")
