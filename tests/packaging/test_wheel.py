"""Proves: the wheel carries the same SQL files as the repository and the code finds them there, typed and
with the shell script of the embedded server and the files of the sandbox's page; tests and state stay out of it.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bridge import __version__, migrations

TREE = Path(__file__).parents[2]

READ_ALL = """
import sys
sys.path.insert(0, sys.argv[1])
from bridge import migrations
assert migrations.__file__.startswith(sys.argv[1]), migrations.__file__
for folder in sys.argv[2:]:
    for migration in migrations.read(folder):
        print(folder, migration.number, migration.name, len(migration.sql))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*command, "--wheel-dir", str(folder), str(TREE)], check=True)
    (made,) = folder.glob("*.whl")
    return made


def sql_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.sql")}


def test_name_and_version(wheel: Path) -> None:
    assert wheel.name == f"notion_postgres_bridge-{__version__}-py3-none-any.whl"


def test_wheel_and_tree_have_the_same_sql(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    in_tree = sql_files(TREE / "migrations")
    assert in_tree
    assert sql_files(tmp_path / "bridge" / "_migrations") == in_tree

    folders = sorted({Path(name).parts[0] for name in in_tree})
    done = subprocess.run(
        [sys.executable, "-I", "-c", READ_ALL, str(tmp_path), *folders],
        check=True,
        capture_output=True,
        text=True,
    )
    expected = [
        f"{folder} {one.number} {one.name} {len(one.sql)}" for folder in folders for one in migrations.read(folder)
    ]
    assert done.stdout.splitlines() == expected


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"bridge/sandbox/postgres/guard.sh", "bridge/py.typed"} <= names
    static = TREE / "bridge" / "sandbox" / "notion" / "static"
    page = {path.relative_to(TREE).as_posix() for path in static.rglob("*") if path.is_file()}
    assert len(page) > 1
    assert page <= names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"bridge", f"notion_postgres_bridge-{__version__}.dist-info"}


def test_damaged_installations_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(migrations, "_root", lambda: tmp_path)
    with pytest.raises(migrations.MigrationsBroken, match="no migrations"):
        migrations.read("postgres")
    with pytest.raises(migrations.MigrationsBroken, match="missing"):
        migrations.text("postgres", "uninstall.sql")

    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "0001_outbox.sql").write_text("SELECT 1;")
    (folder / "uninstall.sql").write_text("SELECT 2;")
    assert migrations.read("postgres") == [migrations.Migration(1, "outbox", "SELECT 1;")]
    assert migrations.text("postgres", "uninstall.sql") == "SELECT 2;"

    (folder / "01_again.sql").touch()
    with pytest.raises(migrations.MigrationsBroken, match="another migration with the number 1"):
        migrations.read("postgres")
    (folder / "01_again.sql").rename(folder / "2-Wrong.sql")
    with pytest.raises(migrations.MigrationsBroken, match="NNNN_lower_case"):
        migrations.read("postgres")
