"""The list of a person's notices."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.queue.models import Notice
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def _rows(asked: QueryDict, user: Any) -> QuerySet[Notice]:
    rows = Notice.objects.filter(user=user)
    return rows.filter(read_at=None) if asked.get("state") == "new" else rows


NOTICES = Listing(
    name="notices",
    title=gettext_lazy("Notices"),
    columns=(
        Column("text", gettext_lazy("Notice")),
        Column("new", gettext_lazy("State")),
        Column("at", gettext_lazy("When"), sort="id", css="text-nowrap"),
    ),
    rows=_rows,
    cells="web/notices/cells.html",
    order=Order("id", descending=True),
    filters=(Filter("state", gettext_lazy("State"), lambda: [("new", gettext_lazy("new"))]),),
)
