"""The top of the command line: options that every command takes, and the one funnel for everything that fails."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from bridge.cli.environment import CONFIG_VARIABLE, Environment
from bridge.config import DEFAULT_PATH
from bridge.errors import BridgeError, ExitCode, Stopped
from bridge.migrations import MigrationsBroken

INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C
NAME = "notion-bridge"

_OUTPUT_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Program(click.Group):
    """Runs a command; its return value is the exit code. A traceback comes only from a bug."""

    def main(  # type: ignore[override]  # standalone_mode has one meaning here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, obj: Environment | None = None, **_: Any
    ) -> NoReturn:
        """Leaves the process with the exit code."""
        sys.exit(self._guarded(obj or Environment.of_process(), args))

    def _guarded(self, environment: Environment, args: Sequence[str] | None) -> int:
        # What the driver ignores when a connection ends would be printed past every form of output.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
        try:
            code = int(super().main(args, NAME, standalone_mode=False, obj=environment) or ExitCode.OK)
            environment.out.file.flush()
            return code
        except Stopped:
            return _interrupted(environment)
        except BridgeError as error:
            environment.fail(error.message, error.hint)
            return int(error.exit_code)
        except MigrationsBroken as error:
            environment.fail(str(error))
            return int(ExitCode.FAILED)
        except click.ClickException as error:
            error.show()
            # A mistake before the option was read is told in JSON, too.
            environment.json = environment.json or "--json" in (sys.argv if args is None else args)
            environment.emit_error(error.format_message())
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            return _interrupted(environment)
        except BrokenPipeError:  # whoever read has seen enough
            _drop_output()
            return int(ExitCode.FAILED)
        except OSError as error:
            # Files have names, and their errors are told where they are used.
            if error.filename is not None or error.errno not in _OUTPUT_LOST:
                raise
            environment.say(f"error: the output cannot be written: {error.strerror}", "bold red")
            _drop_output()
            return int(ExitCode.FAILED)


def _drop_output() -> None:
    """What could not be written would be tried again at the very end, with an error of Python's own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _interrupted(environment: Environment) -> int:
    environment.say("stopped")
    return INTERRUPTED


def shared_options(function: _Function) -> _Function:
    """--config, --sync and --json. They may stand before or after a command's name; the last word counts."""
    options = [
        click.option(
            "--config",
            "config_path",
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"The configuration file (default: bridge.toml, or ${CONFIG_VARIABLE}).",
            expose_value=False,
            callback=_note,
        ),
        click.option(
            "--sync",
            metavar="NAME",
            help="Only this [[sync]] of the configuration (default: all).",
            expose_value=False,
            callback=_note,
            shell_complete=_sync_names,
        ),
        click.option(
            "--json",
            is_flag=True,
            default=None,
            help="One JSON document on stdout instead of text.",
            expose_value=False,
            is_eager=True,  # an error in another option is then told in JSON too
            callback=_note,
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _sync_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers after --sync. Only the names are read: the variables of the file may not be set yet."""
    path = context.params.get("config_path") or os.environ.get(CONFIG_VARIABLE) or DEFAULT_PATH
    try:
        syncs = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("sync", [])
        names = [str(sync["name"]) for sync in syncs]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # no file, or not one of ours: there is nothing to offer, and a shell is no place for an error
    return [name for name in names if name.startswith(incomplete)]


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        setattr(context.find_object(Environment), str(parameter.name), value)
