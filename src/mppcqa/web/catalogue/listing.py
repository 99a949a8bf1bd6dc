"""The list of a kind of things in the catalogue, from what the kind says of itself."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, QuerySet
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from mppcqa.web.catalogue.entries import Entry
from mppcqa.web.listing.declare import Column, Filter, Listing


def entry_listing(entry: Entry) -> Listing:
    """The list of an entry's things."""
    fields: list[Field[Any, Any]] = [entry.model._meta.get_field(name) for name in entry.columns]  # type: ignore[misc]
    columns = [
        Column(
            one.name,
            capfirst(str(one.verbose_name)),
            sort=f"{one.name}__name" if one.is_relation else one.name,
        )
        for one in fields
    ]
    if entry.used:
        columns.append(Column("devices", gettext_lazy("Devices")))
    related = [one.name for one in fields if one.is_relation]

    def rows(asked: QueryDict, user: Any) -> QuerySet[Any]:
        found = entry.rows(user)
        text = asked.get("q", "").strip()
        return found.filter(name__icontains=text) if text else found

    return Listing(
        name=f"catalogue-{entry.key}",
        title=entry.title,
        columns=columns,
        rows=rows,
        cells="web/catalogue/cells.html",
        filters=(Filter("q", gettext_lazy("Part of the name")),),
        show=lambda rows: rows.select_related(*related) if related else rows,
        describe=lambda rows: {"entry": entry},
    )
