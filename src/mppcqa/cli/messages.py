"""``mppcqa messages``: bring the catalogues of translations up to date."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo


@click.command()
def messages() -> None:
    """Gather the texts of pages into the catalogues, and say how many lack a translation."""
    setup_django()
    from mppcqa.web.messages import compile_all, update

    missing = update()
    compile_all()
    for language, count in sorted(missing.items()):
        echo(f"{language}: {count} texts without a translation")
    if any(missing.values()):
        raise SystemExit(1)
