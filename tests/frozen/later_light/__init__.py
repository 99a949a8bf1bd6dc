"""Migrations of a later version that hold no table."""

from importlib import import_module

# After all that there are.
__path__ += import_module("mppcqa.results.migrations").__path__
