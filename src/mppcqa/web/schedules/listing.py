"""The list of schedules."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from mppcqa.queue.schedules import arguments_of, next_run
from mppcqa.web.listing.declare import Column, Listing
from mppcqa.web.paging import Order
from mppcqa.web.schedules.words import meaning, ours, title_of


def _describe(rows: list[Any]) -> dict[str, Any]:
    for row in rows:
        row.title, row.when = title_of(row), meaning(row)
        row.next, row.own = next_run(row), bool(arguments_of(row))
    return {}


SCHEDULES = Listing(
    name="schedules",
    title=gettext_lazy("Schedules"),
    columns=(
        Column("title", gettext_lazy("Routine"), sort="name"),
        Column("when", gettext_lazy("Due")),
        Column("last_run_at", gettext_lazy("Last run"), sort="last_run_at", css="text-nowrap"),
        Column("next", gettext_lazy("Next run"), css="text-nowrap"),
        Column("total_run_count", gettext_lazy("Times run"), sort="total_run_count", css="number"),
        Column("enabled", gettext_lazy("State"), sort="enabled"),
        Column("actions", gettext_lazy("Actions"), quiet=True),
    ),
    rows=lambda _asked, _user: ours(),
    cells="web/schedules/cells.html",
    order=Order("name"),
    short=True,
    show=lambda rows: rows.select_related("interval", "crontab"),
    describe=_describe,
)
