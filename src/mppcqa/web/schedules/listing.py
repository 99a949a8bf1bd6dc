"""The list of schedules."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from mppcqa.queue.clock import local, zone
from mppcqa.queue.schedules import is_shipped, next_run
from mppcqa.web.listing.declare import Column, Listing
from mppcqa.web.paging import Order
from mppcqa.web.schedules.words import meaning, ours, title_of
from mppcqa.web.shown import say_of


def _describe(rows: list[Any]) -> dict[str, Any]:
    where = zone()
    for row in rows:
        say_of(
            row,
            title=title_of(row),
            when=meaning(row, where),
            last=local(row.last_run_at, where),
            next=local(next_run(row), where),
            own=not is_shipped(row),
            over=row.one_off and not row.enabled,
        )
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
    show=lambda rows: rows.select_related("interval", "crontab", "clocked"),
    describe=_describe,
)
