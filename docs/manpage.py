"""The man page, from the same words as `--help`: `make docs` writes docs/notion-bridge.1."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from bridge import __version__
from bridge.cli import main as program


def man_page() -> str:
    """The whole page in the man macros."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    summary, prose, codes = _parts(program)
    yield f'.TH NOTION\\-BRIDGE 1 "" "notion-postgres-bridge {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"notion\\-bridge \\- {_text(summary)}"
    yield ".SH SYNOPSIS"
    yield ".B notion\\-bridge\n.I COMMAND\n[\\fIOPTION\\fR ...] [\\fIARGUMENT\\fR ...]"
    yield ".SH DESCRIPTION"
    yield _text(" ".join([summary, *prose]))
    yield ".SH OPTIONS"
    yield "Every command takes these, before or after its name."
    yield from _options(program)
    yield ".SH COMMANDS"
    yield from _commands(program, "")
    yield ".SH EXIT STATUS"
    yield from map(_text, codes)
    yield ".SH SHELL COMPLETION"
    yield "In the start file of the shell:"
    yield ".nf\n.RS"
    for shell in ("bash", "zsh"):
        yield f'eval "$(_NOTION_BRIDGE_COMPLETE={shell}_source notion\\-bridge)"'
    yield "_NOTION_BRIDGE_COMPLETE=fish_source notion\\-bridge | source"
    yield ".RE\n.fi"


def _commands(group: click.Group, prefix: str) -> Iterator[str]:
    for name, command in group.commands.items():
        whole = f"{prefix}{name}"
        words = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
        yield f".SS {_text(' '.join([whole, *words]))}"
        summary, prose, example = _parts(command)
        yield _text(summary)
        for paragraph in prose:
            yield f".PP\n{_text(paragraph)}"
        if example:
            yield ".PP\n.nf\n.RS"
            yield from map(_text, example)
            yield ".RE\n.fi"
        yield from _options(command, shared=False)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{whole} ")


def _parts(command: click.Command) -> tuple[str, list[str], list[str]]:
    """The first line, the paragraphs below it, and the lines of the example (or of what else keeps its lines)."""
    text, _, kept = inspect.cleandoc(command.help or "").partition("\b\n")
    first, *prose = [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
    lines = [line.strip() for line in kept.splitlines() if line.strip()]
    return first, prose, [line for line in lines if line not in ("Example:", "Examples:")]


def _options(command: click.Command, *, shared: bool = True) -> Iterator[str]:
    names = {parameter.name for parameter in program.params}
    for parameter in command.params:
        if isinstance(parameter, click.Option) and (shared or parameter.name not in names):
            record = parameter.get_help_record(click.Context(command))
            if record is not None:
                yield f".TP\n.B {_text(record[0])}\n{_text(' '.join(record[1].split()))}"


def _text(text: str) -> str:
    """Nothing in it is a command of the formatter."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
