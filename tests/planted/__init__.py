"""Bugs that are put into a copy of the bridge on purpose, to see that the tests notice them."""
