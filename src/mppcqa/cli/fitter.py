"""``mppcqa fitter``: fits spectra while somebody waits."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django


@click.command()
def fitter() -> None:
    """Start what fits a spectrum anew on its page; without it pages say that none can be."""
    setup_django()
    from mppcqa.project.fitter import serve

    serve()
