"""A regular package, so that `tests.…` here wins over one that some library installs."""
