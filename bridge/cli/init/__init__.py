"""`notion-bridge init`: looks at both sides, makes what is missing, writes bridge.toml, mends it later."""

from __future__ import annotations

from bridge.cli.init.command import init

__all__ = ["init"]
