"""The journal: what the bridge knows, in one SQLite file that people can read too."""

from bridge.journal.journal import Journal, SyncState

__all__ = ["Journal", "SyncState"]
