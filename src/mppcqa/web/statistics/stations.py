"""Stations held against themselves and each other; the alarm that holds verdicts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from mppcqa.limits.holding import alarm_words, close_alarm
from mppcqa.refused import Refused
from mppcqa.results.models import QuantityRow
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Station
from mppcqa.statistics.repeats import repeats
from mppcqa.views.shown import shown_quantities
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.reading import line, whole
from mppcqa.web.stages import find_stage
from mppcqa.web.statistics.control_data import control_charts
from mppcqa.web.statistics.gauge_data import agreement, compared, gauge, ways

ALARMS = 10


@require_GET
def station_statistics(request: HttpRequest) -> HttpResponse:
    """``?station=ID&quantity=KEY&with=WAY`` choose what is shown; first a station with an alarm."""
    stations = list(Station.objects.select_related("reference_device").order_by("name"))
    wanted = whole(request.GET, "station")
    chosen = next((one for one in stations if one.pk == wanted), None)
    alarmed = set(StationAlarm.objects.filter(closed_at=None).values_list("station", flat=True))
    chosen = chosen or next((one for one in stations if one.pk in alarmed), None)
    chosen = chosen or next((one for one in stations if one.reference_device_id), None)
    chosen = chosen or next(iter(stations), None)
    context: dict[str, Any] = {
        "stations": [
            (one.pk, f"{one.name}: {_('Alarm')}" if one.pk in alarmed else one.name)
            for one in stations
        ],
        "station": chosen,
    }
    if chosen is not None:
        context |= _of_station(chosen)
        days = {one["key"]: one["n"] for one in context["charts"]}
        context |= _compared(chosen, request, days)
    return render(request, "web/statistics/stations.html", context)


def _of_station(station: Station) -> dict[str, Any]:
    alarms = StationAlarm.objects.filter(station=station).select_related(
        "station", "device", "closed_by"
    )
    found = list(alarms[:ALARMS])
    opened = next((one for one in found if one.closed_at is None), None)
    return {
        "charts": control_charts(station),
        "alarm": opened,
        "alarm_text": alarm_words(opened) if opened else "",
        "held": opened.held.count() if opened else 0,
        "alarms": [one for one in found if one.closed_at is not None],
    }


def _compared(station: Station, request: HttpRequest, watched: dict[str, int]) -> dict[str, Any]:
    """`watched` are days by the key of a quantity: the one of most days is shown first."""
    stage = find_stage(station.stage)
    if stage is None:
        return {}
    rows = {row.key: row for row in QuantityRow.objects.filter(stage=station.stage)}
    shown = {key: one for key, one in shown_quantities(stage, rows).items() if key in rows}
    if not shown:
        return {}
    headline = next((one.key for one in stage.quantities if one.headline and one.key in rows), "")
    headline = max(watched, key=lambda one: watched[one], default=headline)
    key = request.GET.get("quantity", "")
    key = key if key in shown else headline or next(iter(shown))
    found = repeats(station.stage, rows[key])
    choices = ways(station, rows[key], found)
    way = request.GET.get("with", "")
    way = way if way in dict(choices) else next((one for one, _title in choices), "")
    context: dict[str, Any] = {
        "quantities": [(one, text.title) for one, text in shown.items()],
        "quantity": key,
        "shown": shown[key],
        "gauge": gauge(found, shown[key]),
        "ways": choices,
        "way": way,
    }
    if way and (made := compared(station, rows[key], shown[key], found, way)) is not None:
        context |= {"agreement": agreement(made), "compared": made}
    return context


@require_POST
@allowed("runs.change_station")
def alarm_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what was found; what waited is judged."""
    alarm = get_object_or_404(StationAlarm, pk=pk)
    try:
        why = line(request.POST, "why", 300)
        n = close_alarm(alarm, why, anew=request.POST.get("anew") == "1", by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        text = ngettext(
            "The alarm is closed; %(n)d run is judged.",
            "The alarm is closed; %(n)d runs are judged.",
            n,
        )
        messages.success(request, text % {"n": n})
    return redirect(f"{alarm.get_absolute_url()}")
