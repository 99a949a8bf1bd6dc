"""Every report that was written is kept: found at what it is about, fetched again, told apart."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import get_language

from mppcqa.disk import measure
from mppcqa.public_address import PublicAddress, public_address
from mppcqa.reports.kinds import find_kind
from mppcqa.reports.models import Report
from mppcqa.store.keeping import keeping
from mppcqa.store.reading import glance


def reports_of(row: models.Model) -> QuerySet[Report]:
    """What was written about a row, the newest first."""
    return Report.objects.filter(about_model=row._meta.label_lower, about_id=str(row.pk))


def save_report(
    kind: str,
    row: models.Model,
    *,
    by_id: int | None = None,
    address: PublicAddress | None = None,
    paper: str = "A4",
) -> Report:
    """Write a report about a row as it stands now, in the current language, and keep it.

    Where nothing has changed since the newest one of this kind, language and paper, which then has
    the same bytes, that one is given back.
    """
    language = get_language() or settings.LANGUAGE_CODE
    written = find_kind(kind).write(row, address or public_address(), paper)
    with written.opened() as file:
        measured = measure(file)
        newest = reports_of(row).filter(kind=kind, language=language, paper=paper).first()
        same = newest is not None and newest.sha256 == measured.sha256
        if newest is not None and same and glance(newest) is None:
            return newest
        with keeping(file, "reports", ".pdf", measured=measured) as kept:
            return Report.objects.create(
                kind=kind,
                about_model=row._meta.label_lower,
                about_id=str(row.pk),
                title=written.title,
                file=kept.name,
                sha256=kept.sha256,
                language=language,
                paper=paper,
                inputs=written.inputs,
                made_by_id=by_id,
            )
