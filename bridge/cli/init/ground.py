"""Where a set-up begins: the configuration as far as it is known, and the secrets that it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from bridge.cli.environment import Environment
from bridge.cli.init.wishes import Wishes
from bridge.config import Config, JournalConfig, NotionConfig, PostgresConfig, parse
from bridge.errors import ConfigError

DSN, TOKEN = "DATABASE_URL", "NOTION_TOKEN"
_DEFAULT_URL = NotionConfig().base_url


@dataclass(frozen=True, slots=True)
class Ground:
    """`text` is the file that is there and to which is added, None when a new one is written.

    `given` are the secrets that were typed or given as options, by the variable that the file names.
    """

    config: Config
    variables: Mapping[str, str]
    given: Mapping[str, str]
    base_url: str = ""
    text: str | None = None


def prepare(environment: Environment, wishes: Wishes) -> Ground:
    """The configuration that is there, or one of what was given. Raises ConfigError."""
    path = environment.config_path
    if path.exists() and not wishes.force:
        return _of_file(environment, wishes)
    given = {
        DSN: _secret(environment, wishes.dsn, DSN, "--dsn", "Database (postgresql://user:password@host/name)"),
        TOKEN: _secret(environment, wishes.token, TOKEN, "--token", "Token of the Notion integration"),
    }
    journal = JournalConfig(path.parent / JournalConfig().path)
    base_url = wishes.base_url or ""
    config = Config(path, PostgresConfig(given[DSN]), NotionConfig(given[TOKEN], base_url or _DEFAULT_URL), journal, ())
    return Ground(config, {**environment.variables, **given}, given, base_url)


def _of_file(environment: Environment, wishes: Wishes) -> Ground:
    path = environment.config_path
    given = {name: value for name, value in ((DSN, wishes.dsn), (TOKEN, wishes.token)) if value}
    variables = {**environment.variables, **given}
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    config = parse(text, path, variables, may_be_empty=True)
    if wishes.base_url and wishes.base_url.rstrip("/") != config.notion.base_url.rstrip("/"):
        raise ConfigError(
            f"{path} speaks to Notion at {config.notion.base_url}, not at {wishes.base_url}",
            hint="Leave --base-url out, or write another file with --config FILE.",
        )
    return Ground(config, variables, given, text=text)


def _secret(environment: Environment, given: str | None, variable: str, flag: str, question: str) -> str:
    value = given or environment.variables.get(variable)
    if value:
        return value
    if not environment.may_ask:
        raise ConfigError(f"{flag} is missing", hint=f"Give {flag}, or set {variable}.")
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer
