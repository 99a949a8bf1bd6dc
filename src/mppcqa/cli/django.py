"""``mppcqa django …``: Django's own management commands (migrate, shell, createsuperuser …)."""

from __future__ import annotations

import sys

import click

from mppcqa.cli import setup_django
from mppcqa.database import local_files


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def django(arguments: tuple[str, ...]) -> None:
    """Run a management command of Django, for example `mppcqa django createsuperuser`."""
    from django.core.management import execute_from_command_line

    if arguments[:1] == ("migrate",):
        setup_django()
    # Django's own web server is one as well.
    local_files.allowed = "runserver" not in arguments
    execute_from_command_line([f"{sys.argv[0]} django", *arguments])
