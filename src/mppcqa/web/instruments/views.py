"""Instruments: the list, the page of one with its places and calibrations, those of a run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.bundles.models import CameFrom
from mppcqa.digits import number
from mppcqa.refused import Refused
from mppcqa.runs import calibrating
from mppcqa.runs.instruments import Calibration, Instrument, RunInstrument
from mppcqa.runs.models import Run
from mppcqa.store.reading import FileFault
from mppcqa.typed import day
from mppcqa.views.texts import measured
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.downloads import stored_file
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.instruments.forms import CalibrationForm, PlaceForm
from mppcqa.web.instruments.listing import INSTRUMENTS
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import line, sent, whole

FEW = 12
"""Points of a table that are shown at once; the others open at a touch."""


@dataclass(frozen=True)
class Shown:
    """A calibration as a page says it."""

    row: Calibration
    factor: str
    """The value of one that has no table."""
    points: list[tuple[str, str]]
    counts: bool


def shown(row: Calibration, *, counts: bool = True) -> Shown:
    """A calibration's values in words."""
    points = [
        ("" if at is None else number(at), measured(value, error, row.unit))
        for at, value, error in row.points
    ]
    single = len(points) == 1 and not points[0][0]
    return Shown(row, points[0][1] if single else "", [] if single else points, counts)


@require_http_methods(["GET", "POST"])
def instrument_list(request: HttpRequest) -> HttpResponseBase:
    """All instruments with where they stand and until when they are calibrated."""
    return show_list(request, INSTRUMENTS, "web/instruments/list.html")


def _page(
    request: HttpRequest,
    found: Instrument,
    *,
    place_form: PlaceForm | None = None,
    calibration_form: CalibrationForm | None = None,
) -> HttpResponse:
    counting = {one.pk for one in calibrating.counting([found.pk]).get(found.pk, ())}
    rows = list(found.calibrations.select_related("made_by", "withdrawn_by"))
    refused = place_form is not None or calibration_form is not None
    runs = Run.objects.visible_to(request.user).filter(instruments__instrument=found)
    context = {
        "instrument": found,
        "calibrations": [shown(row, counts=row.pk in counting) for row in rows],
        "placements": found.placements.select_related("station", "made_by"),
        "runs": runs.distinct().order_by("-pk")[:FEW],
        "place_form": place_form or PlaceForm(initial={"station": found.station_id}),
        "place_mark": edits.mark_of(_place_parts(found)),
        "form": calibration_form or CalibrationForm(former=rows[0] if rows else None),
        "few": FEW,
    }
    status = 422 if refused else 200
    return render(request, "web/instruments/instrument.html", context, status=status)


def _find(pk: int) -> Instrument:
    return get_object_or_404(Instrument.objects.select_related("station", "institute"), pk=pk)


@require_GET
def instrument(request: HttpRequest, pk: int) -> HttpResponse:
    """One instrument: what it is, where it stood, how it was calibrated, which runs had it."""
    return _page(request, _find(pk))


def _place_parts(found: Instrument) -> list[edits.Part]:
    return [edits.part("place", _("Station"), found.station or "", only_seen=True)]


@require_POST
@allowed("runs.change_instrument")
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an instrument at a station, or end its stay."""
    with edits.changing(request):
        found = edits.locked(Instrument, pk=pk)
        edit = edits.begin(request, found, _place_parts(found), found.get_absolute_url())
        if edit.conflict:
            return edit.both()
        form = PlaceForm(edit.data)
        if not form.is_valid():
            return _page(request, _find(pk), place_form=form)
        station, since = form.cleaned_data["station"], form.cleaned_data["since"]
        try:
            if station is None:
                calibrating.take_away(found, since)
                text = _("%s stands at no station.") % found
            else:
                calibrating.place(found, station, since, by=person(request))
                text = _("%(what)s stands at %(station)s.") % {"what": found, "station": station}
        except Refused as error:
            tell_form(form, error)
            return _page(request, _find(pk), place_form=form)
        edit.saved(found, _place_parts(found))
    messages.success(request, text)
    return redirect(found)


@require_POST
@allowed("runs.add_calibration")
def calibrate(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a calibration of an instrument."""
    found = _find(pk)
    form = CalibrationForm(sent(request), request.FILES)
    if form.is_valid():
        file = form.cleaned_data["certificate"]
        try:
            calibrating.calibrate(found, form.found(), certificate=file, by=person(request))
        except Refused as error:
            tell_form(form, error)
        else:
            messages.success(request, _("The calibration is kept."))
            return redirect(found)
    return _page(request, found, calibration_form=form)


@require_POST
@allowed("runs.change_calibration")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a calibration is wrong; it stays readable."""
    found = get_object_or_404(Calibration.objects.select_related("instrument"), pk=pk)
    try:
        calibrating.withdraw(found, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The calibration counts no more."))
    return redirect(found.instrument)


@require_GET
def certificate(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A calibration's certificate, always as a download."""
    found = get_object_or_404(Calibration.objects.exclude(file=""), pk=pk)
    try:
        return stored_file(found, found.original_name)
    except FileFault as fault:
        messages.error(request, str(fault))
        return redirect(found.instrument)


@require_GET
def run_instruments(request: HttpRequest, pk: int) -> HttpResponse:
    """What a run had: instruments with the calibrations that counted then, and the channel map."""
    run = get_object_or_404(
        Run.objects.visible_to(request.user).select_related("channel_map__station"), pk=pk
    )
    rows = RunInstrument.objects.visible_to(request.user).filter(run=run)
    began = run.created_at.date()
    context: dict[str, Any] = {
        "run": run,
        "rows": [
            (
                row.instrument,
                shown(row.calibration) if row.calibration else None,
                row.calibration.standing_on(began) if row.calibration else None,
            )
            for row in rows.select_related("instrument", "calibration__instrument")
        ],
        "few": FEW,
        "reader": _reader(request, run),
    }
    if not context["rows"]:
        context["rows"] = _came(run, began)
    if not context["rows"] and run.station_id is None:
        return HttpResponse()
    return render(request, "web/instruments/of_run.html", context)


def _reader(request: HttpRequest, run: Run) -> tuple[Instrument, int] | None:
    """What read the channel that an address names (``?slot=1&channel=3``), and by which of its."""
    slot, channel = whole(request.GET, "slot"), whole(request.GET, "channel")
    if run.channel_map is None or slot is None or channel is None:
        return None
    lines = run.channel_map.lines.filter(slot=slot, first__lte=channel, last__gte=channel)
    line = lines.select_related("instrument").first()
    return None if line is None else (line.instrument, line.to_first + channel - line.first)


def _came(run: Run, began: dt.date) -> list[Any]:
    """What a partner's bundle said of a run's instruments, which are not known here."""
    row = CameFrom.objects.filter(kind=CameFrom.Kind.RUN, number=run.pk).first()
    rows = []
    for one in row.facts.get("instruments", ()) if row else ():
        maker = Instrument(name=one["name"], kind=one["kind"], maker=one["make"])
        names = ("done_by", "quantity", "unit", "against", "against_unit", "points")
        said = None
        if "done_on" in one:
            said = Calibration(instrument=maker, **{name: one[name] for name in names})
            said.done_on, said.valid_until = day(one["done_on"]) or began, day(one["valid_until"])
        rows.append((maker, shown(said) if said else None, said and said.standing_on(began)))
    return rows
