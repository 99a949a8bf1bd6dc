"""Routines of the statistics room."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import Parameter, routine

TOLD = 50


@routine(
    "statistics.check",
    title=_("Check the summaries"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="30 3 * * 0",
    parameters=(Parameter("repair", _("Mend what is found wrong")),),
)
def check(context: Context, *, repair: bool = False) -> dict[str, Any]:
    """Recount everything and compare; fails where a summary is wrong and was not repaired."""
    from mppcqa.statistics.check import check_summaries

    tenths = -1

    def progress(done: int, total: int) -> None:
        # Into the log alone: the count reads one moment, and a row written would be of that moment.
        nonlocal tenths
        if total and tenths < 10 * done // total:
            tenths = 10 * done // total
            context.log(f"counted {10 * tenths} %")

    found = check_summaries(repair=repair, progress=progress)
    for difference in found.differences[:TOLD]:
        context.log(str(difference))
    if found.differences and not found.repaired:
        raise TaskError(
            f"{len(found.differences)} summaries are not what a recount of {found.values} values "
            "gives; the log names the first. Run `mppcqa summaries check --repair`."
        )
    return {"values": found.values, "differences": len(found.differences)}
