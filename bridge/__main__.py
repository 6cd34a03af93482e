"""`python -m bridge`, for where the command `notion-bridge` is not on the PATH."""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
