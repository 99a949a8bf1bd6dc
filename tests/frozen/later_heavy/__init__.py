"""Migrations of a later version that would hold the table of values for hours."""

from importlib import import_module

# After all that there are.
__path__ += import_module("mppcqa.results.migrations").__path__
