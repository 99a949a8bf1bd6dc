"""``mppcqa summaries``: the tables that pages read instead of the big table."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

TOLD = 50


@click.group()
def summaries() -> None:
    """Summaries of values and verdicts."""


@summaries.command()
@click.option("--repair", is_flag=True, help="Make the summaries what the recount gives.")
def check(repair: bool) -> None:
    """Count everything again and compare; exit status 1 if a summary is wrong."""
    setup_django()
    from mppcqa.statistics.check import check_summaries

    with click.progressbar(length=1000, label="Counting") as bar:
        found = check_summaries(
            repair=repair,
            progress=lambda done, total: bar.update(1000 * done // max(1, total) - bar.pos),
        )
    for difference in found.differences[:TOLD]:
        echo(str(difference))
    if len(found.differences) > TOLD:
        echo(f"and {len(found.differences) - TOLD} more")
    if not found.differences:
        echo(f"The summaries are what a recount of {found.values} values gives.")
    elif found.repaired:
        echo(f"Repaired: {len(found.differences)} differences.")
    else:
        raise SystemExit(1)
