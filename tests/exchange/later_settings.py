"""Settings of a later version of the program, which has one migration more."""

from mppcqa.project.settings import *  # noqa: F403

MIGRATION_MODULES = {"web": "tests.exchange.later_migrations"}
