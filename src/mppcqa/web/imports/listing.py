"""The list of imported tables."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.exchange.models import Import, Kind
from mppcqa.inventory.scope import scope_of
from mppcqa.web.imports.form import import_kind
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def seen_imports(viewer: Any) -> QuerySet[Import]:
    """Imports name devices and their faults: a bound person sees the own ones."""
    rows = Import.objects.all()
    return rows.filter(asked_by=viewer.pk) if scope_of(viewer).bound else rows


def _rows(asked: QueryDict, user: Any) -> QuerySet[Import]:
    rows = seen_imports(user)
    for name in ("kind", "state"):
        if value := asked.get(f"of-{name}"):
            rows = rows.filter(**{name: value})
    return rows


IMPORTS = Listing(
    name="imports",
    title=gettext_lazy("Imported tables"),
    columns=(
        Column("original_name", gettext_lazy("Table"), sort="original_name", css="text-break"),
        Column("kind", gettext_lazy("Its rows are"), sort="kind"),
        Column("state", gettext_lazy("State")),
        Column("asked_at", gettext_lazy("When"), sort="id", css="text-nowrap"),
        Column("asked_by", gettext_lazy("By"), sort="asked_by__username"),
    ),
    rows=_rows,
    cells="web/imports/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter("of-kind", gettext_lazy("Its rows are"), lambda: Kind.choices),
        Filter("of-state", gettext_lazy("State"), lambda: Import.State.choices),
    ),
    show=lambda rows: rows.select_related("asked_by"),
    describe=lambda rows: {"import_kind": import_kind},
)
