"""The command `notion-bridge`; `python -m bridge` where that is not on the PATH."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # as `bridge.cli.program` has it


def main() -> None:
    """Leaves the process with the exit code."""
    try:
        from bridge.cli import main as program  # noqa: PLC0415 - Ctrl-C while all the modules load is no bug

        program()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
