"""Plants each bug into a copy of the tree, runs the tests that have to notice, prints caught or not: `make planted`.

python -m tests.planted            all of them
python -m tests.planted 03 17b     only these
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.planted.bugs import Verdict, all_bugs, copy_tree, plant, try_bug


def main(numbers: list[str]) -> int:
    """Exit code 0 when every bug was noticed."""
    console = Console()
    verdicts: list[Verdict] = []
    for bug in all_bugs():
        if numbers and bug.number not in numbers:
            continue
        with tempfile.TemporaryDirectory(prefix="planted-") as folder:
            copy_tree(Path(folder))
            plant(bug, Path(folder))
            verdicts.append(try_bug(bug, Path(folder)))
        last = verdicts[-1]
        console.print(f"{bug.number:>3}  {'caught' if last.caught else 'NOT CAUGHT'}  {bug.what}", markup=False)
    table = Table("bug", "what was planted", "noticed by")
    for verdict in verdicts:
        table.add_row(verdict.bug.number, verdict.bug.what, verdict.by or "nobody")
    console.print(table)
    return 0 if verdicts and all(verdict.caught for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
