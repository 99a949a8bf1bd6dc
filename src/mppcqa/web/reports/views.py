"""Reports: what was written about a thing, asking for more, and fetching them again."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.scope import scope_of
from mppcqa.inventory.serials import normal_serial
from mppcqa.queue import submit
from mppcqa.queue.models import OPEN_STATES, Task, about_key
from mppcqa.reports.archive import reports_of
from mppcqa.reports.comparing import comparable, compare, former
from mppcqa.reports.document import PAPERS
from mppcqa.reports.kinds import kinds_about, report_kinds
from mppcqa.reports.models import Report
from mppcqa.reports.seen import sees_all
from mppcqa.reports.selection import filter_words, save_selection
from mppcqa.store.reading import FileFault, glance_at
from mppcqa.web.access import allowed, person
from mppcqa.web.devices.data import address_for_others
from mppcqa.web.downloads import stored_file
from mppcqa.web.listing.shown import MOST_COUNTED
from mppcqa.web.listing.views import show_list
from mppcqa.web.looks import query
from mppcqa.web.reading import whole
from mppcqa.web.reports.listing import REPORTS

LISTED = 20
COMPARED = 100
"""Reports that one may be compared with, to choose from."""
ROUTINE = "reports.write"


@require_GET
def device_now(request: HttpRequest, serial: str) -> HttpResponse:
    """The full report of a device as it stands now; nothing is kept."""
    from mppcqa.reports import device_report

    rows = Device.objects.visible_to(request.user)
    found = get_object_or_404(rows, serial=normal_serial(serial))
    data = device_report(found, address=address_for_others(request), viewer=request.user)
    response = HttpResponse(data, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{found.serial}.pdf"'
    return response


def about_row(request: HttpRequest, model: str, pk: Any) -> models.Model:
    """What reports are about; 404 where there are none about such a thing, or it is not seen.

    Reports are written for all who see the thing: a person who does not see all that a report
    says has none of it.
    """
    if model not in {one.model for one in report_kinds().values()}:
        raise Http404
    found: Any = get_object_or_404(apps.get_model(model), pk=pk)
    if not sees_all(request.user, found):
        raise Http404
    return found  # type: ignore[no-any-return]


@require_GET
def card(request: HttpRequest, model: str, pk: int) -> HttpResponse:
    """The reports of one thing: being written, kept, and what may be asked for."""
    row = about_row(request, model, pk)
    titles = {one.key: one.title for one in report_kinds().values()}
    rows = list(reports_of(row).select_related("made_by")[: LISTED + 1])
    faults = glance_at(rows)
    asked = Task.objects.filter(name=ROUTINE, **about_key(row))
    context: dict[str, Any] = {
        "about": row,
        "model": model,
        "kinds": kinds_about(type(row)),
        "languages": settings.LANGUAGES,
        "language": get_language(),
        "papers": PAPERS,
        "open": list(asked.filter(state__in=OPEN_STATES).order_by("id")),
        "titles": titles,
        "rows": rows[:LISTED],
        "later": _later(rows),
        "more": len(rows) > LISTED,
        "faults": faults,
        "last": asked.order_by("-id").first(),
    }
    return render(request, "web/reports/card.html", context)


def _later(rows: list[Report]) -> set[int]:
    """Those of reports (the newest first) that another one of their kind and language precedes."""
    first: dict[tuple[str, str], int] = {}
    for row in reversed(rows):
        first.setdefault((row.kind, row.language), row.pk)
    return {row.pk for row in rows} - set(first.values())


@require_http_methods(["GET", "POST"])
def report_list(request: HttpRequest) -> HttpResponseBase:
    """All reports that were kept, the newest first; campaigns to ask for reports of."""
    campaigns: Any = ()
    if not scope_of(request.user).bound:
        campaigns = Campaign.objects.all()[:LISTED]
    return show_list(request, REPORTS, "web/reports/list.html", campaigns=campaigns)


@require_GET
def about(request: HttpRequest, model: str, pk: int) -> HttpResponse:
    """The page of a thing that has no other for its reports."""
    row = about_row(request, model, pk)
    context = {"about": row, "model": model, "kind": capfirst(row._meta.verbose_name)}
    return render(request, "web/reports/about.html", context)


@require_GET
def selection(request: HttpRequest, pk: int) -> HttpResponse:
    """Devices that somebody chose: by what, how many they are now, and their reports."""
    found: Any = about_row(request, "reports.selection", pk)
    context = {
        "about": found,
        "model": "reports.selection",
        "kind": _("Chosen devices"),
        "words": filter_words(found.filters),
        "devices": found.devices().order_by()[: MOST_COUNTED + 1].count(),
        "most": MOST_COUNTED,
        "address": resolve_url("device_list") + query(QueryDict(), **found.filters),
    }
    return render(request, "web/reports/about.html", context)


@require_POST
@allowed("queue.add_task")
def choose(request: HttpRequest) -> HttpResponse:
    """The devices of a list as its address chooses them, to have reports of them."""
    return redirect(save_selection(request.GET, person(request)))


@require_POST
@allowed("queue.add_task")
def write(request: HttpRequest, model: str, pk: int) -> HttpResponse:
    """Ask for a report; the card shows how far it is."""
    row: Any = about_row(request, model, pk)
    kind, language, paper = (request.POST.get(name, "") for name in ("kind", "language", "paper"))
    if kind not in {one.key for one in kinds_about(type(row))}:
        messages.error(request, _("Choose a report."))
    elif language not in dict(settings.LANGUAGES):
        messages.error(request, _("Choose a language."))
    elif paper not in PAPERS:
        messages.error(request, _("Choose a paper."))
    else:
        # Pressed twice it is one report.
        submit(
            ROUTINE,
            {"kind": kind, "number": row.pk, "language": language, "paper": paper},
            by=person(request),
            about=row,
            key=f"{ROUTINE} {model} {pk} {kind} {language} {paper}",
            topic=kind,
        )
    if request.headers.get("HX-Request"):
        return redirect("report_card", model, pk)
    return redirect(page_of(row))


def page_of(row: Any) -> str:
    """Address of the page that the card of a row stands on."""
    if isinstance(row, Shipment):
        return resolve_url("shipment", row.pk)
    if hasattr(row, "get_absolute_url"):
        return resolve_url(row)
    return resolve_url("report_about", row._meta.label_lower, row.pk)


def seen_report(request: HttpRequest, pk: int) -> Report:
    """A report that was kept; 404 where there is none, or the person may not see all it says."""
    found = get_object_or_404(Report, pk=pk)
    if scope_of(request.user).bound:
        about_row(request, found.about_model, found.about_id)
    return found


@require_GET
def compare_kept(request: HttpRequest, pk: int) -> HttpResponse:
    """A report beside another of the same thing: the one before it, or ``?with=``."""
    found = seen_report(request, pk)
    others = comparable(found)
    asked = whole(request.GET, "with")
    other = former(found) if asked is None else get_object_or_404(others, pk=asked)
    rows = list(others.select_related("made_by")[:COMPARED])
    # Where it is the first of all, the next one says as much.
    other = other or (rows[-1] if rows else None)
    kinds = {one.key: one.title for one in report_kinds().values()}
    context = {
        "report": found,
        "kind": kinds.get(found.kind, found.kind),
        "others": rows,
        "other": other,
        "found": None if other is None else compare(found, other),
    }
    return render(request, "web/reports/compare.html", context)


@require_GET
def kept(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A report as it was written, byte for byte."""
    found = seen_report(request, pk)
    name = f"{found.title} {found.kind} {found.made_at:%Y-%m-%d}.pdf"
    try:
        return stored_file(found, name, "application/pdf")
    except FileFault as fault:
        messages.error(request, str(fault))
        row = apps.get_model(found.about_model)._default_manager.filter(pk=found.about_id).first()
        return redirect("home" if row is None else page_of(row))
