"""Settings of a later version of the program: see `tests.frozen.later_light`."""

from mppcqa.project.settings import *  # noqa: F403

MIGRATION_MODULES = {"results": "tests.frozen.later_light"}
