"""Every planted bug can still be planted: a patch that does not apply would prove nothing and say nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.planted.bugs import ROOT, Bug, all_bugs, copy_tree, plant

BUGS = all_bugs()

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="patches are applied by git, to a checkout"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    copy_tree(folder)
    return folder


def test_no_number_is_left_out() -> None:
    assert {bug.number.rstrip("bc") for bug in BUGS} == {f"{number:02}" for number in range(1, 24)}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.number)
def test_the_patch_applies_and_its_tests_exist(bug: Bug, tree: Path) -> None:
    plant(bug, tree, only_check=True)
    assert bug.tests
    assert all((tree / test.partition("::")[0]).exists() for test in bug.tests)
