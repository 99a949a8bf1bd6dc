"""Run explorer: a run's values as grid and trends, and what its file holds at each point."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.results.conditions import distance
from mppcqa.runs.models import Run
from mppcqa.stages import Condition
from mppcqa.typed import number
from mppcqa.views.cells import without_source
from mppcqa.views.explore import Difference, RunView, compare, grid, run_view
from mppcqa.views.fits import line_of_fit
from mppcqa.views.fitter import FitRefused
from mppcqa.views.origin import origin
from mppcqa.web.access import allowed
from mppcqa.web.charting import place_chart
from mppcqa.web.explorer import data, spectrum
from mppcqa.web.explorer.values import cell_values
from mppcqa.web.reading import whole
from mppcqa.web.stages import find_stage

LISTED = 1000
SHOWN = 100
"""Devices at a time."""


def _view(request: HttpRequest, pk: int) -> RunView:
    rows = Run.objects.visible_to(request.user).select_related("station", "operator")
    run = get_object_or_404(rows, pk=pk)
    return run_view(
        run,
        request.GET.get("analysis"),
        most=SHOWN,
        after=whole(request.GET, "after") or 0,
        slot=_slot(request, run),
    )


def _slot(request: HttpRequest, run: Run) -> int | None:
    """The slot of the address, or that of the device which it names."""
    slot = whole(request.GET, "slot")
    if slot is None and (serial := request.GET.get("device")):
        slot = run.slots.filter(device__serial=serial).values_list("slot", flat=True).first()
    return slot


def _context(request: HttpRequest, view: RunView, page: str) -> dict[str, Any]:
    """What the head of every page of the explorer needs."""
    stage = find_stage(view.run.stage)
    return {
        "view": view,
        "run": view.run,
        "page": page,
        "stage_title": _(stage.title) if stage else view.run.stage,
        "asked": request.GET,
        "tabs": [
            ("run_explore", _("Grid")),
            ("run_trends", _("Trends")),
            ("run_monitor", _("Monitoring")),
            ("run_compare", _("Compare")),
        ],
    }


def _quantity(request: HttpRequest, view: RunView) -> str | None:
    asked = request.GET.get("quantity")
    if asked in view.quantities:
        return asked
    headlines = view.headlines
    # Of what has a value at each point there is more to see.
    wanted = [key for key in view.quantities if key in headlines and view.known[key].conditional]
    return next(iter(wanted or view.quantities), None)


@require_GET
def explore(request: HttpRequest, pk: int) -> HttpResponse:
    """Devices against points, coloured by a quantity; one device opens into its channels."""
    view = _view(request, pk)
    context = _context(request, view, "run_explore")
    key = _quantity(request, view)
    slot = whole(request.GET, "slot")
    if slot not in view.devices:
        slot = None
    if slot is None and len(view.devices) == 1:
        slot = next(iter(view.devices))
    context |= {"quantity": key, "slot": slot, "device": view.devices.get(slot or -1)}
    if key is not None and view.analysis is not None:
        table = grid(view, key, slot)
        here = f"{reverse('run_explore', args=[pk])}?" + urlencode(
            {"quantity": key, "analysis": view.analysis.pk}
        )
        context["shown"] = view.quantities[key]
        if table.values:
            context["chart"] = data.grid_chart(view, table, view.quantities[key], here)
        context["table"] = table
    return render(request, "web/explorer/explore.html", context)


@require_GET
def run_trends(request: HttpRequest, pk: int) -> HttpResponse:
    """Quantities against bias and temperature with their fitted lines."""
    view = _view(request, pk)
    context = _context(request, view, "run_trends")
    slot, channel = whole(request.GET, "slot"), whole(request.GET, "channel")
    slot = slot if slot in view.devices else None
    context |= {
        "slot": slot,
        "channel": channel if slot is not None else None,
        "channels": range(view.devices[slot].device_type.channels) if slot is not None else (),
        "trends": data.run_trends(
            view, slot, channel if slot is not None else None, request.GET.get("quantity")
        ),
        "quantity": request.GET.get("quantity"),
    }
    return render(request, "web/explorer/trends.html", context)


@require_GET
def monitor(request: HttpRequest, pk: int) -> HttpResponse:
    """What the station's sensors read while the run went on."""
    from mppcqa.runfile import RunFileError
    from mppcqa.views.cells import monitored, open_run, run_file_of

    view = _view(request, pk)
    context = _context(request, view, "run_monitor")
    row = run_file_of(view.run)
    try:
        if row is not None:
            with open_run(row) as opened:
                context["charts"] = data.monitor_charts(monitored(opened))
                context["instruments"] = opened.meta.get("instruments", [])
    except RunFileError as error:
        context["fault"] = str(error)
    return render(request, "web/explorer/monitor.html", context)


@require_GET
def compare_runs(request: HttpRequest, pk: int) -> HttpResponse:
    """The same devices at the same points in two runs, or in two analyses of one."""
    view = _view(request, pk)
    context = _context(request, view, "run_compare")
    others = (
        Run.objects.visible_to(request.user)
        .filter(stage=view.run.stage, devices__in=list(view.devices.values()))
        .exclude(pk=pk)
        .distinct()[:50]
    )
    context["others"] = list(others)
    other = whole(request.GET, "with")
    second: RunView | None = None
    if other is not None and other != pk:
        seen = Run.objects.visible_to(request.user)
        second = run_view(get_object_or_404(seen, pk=other), devices=view.devices.values())
    elif request.GET.get("with_analysis"):
        second = run_view(view.run, request.GET["with_analysis"], devices=view.devices.values())
    key = _quantity(request, view)
    context |= {"quantity": key, "second": second}
    if second is not None and key is not None:
        context["shown"] = view.quantities[key]
        rows = compare(view, second, key)
        context["rows"] = sorted(rows, key=_most_changed)[:LISTED] if len(rows) > LISTED else rows
        context["number"], context["listed"] = len(rows), LISTED
        context["sides"] = (
            [_("Run %d") % one.run.pk for one in (view, second)]
            if view.run != second.run
            else [_("Analysis %d") % one.analysis.pk for one in (view, second) if one.analysis]
        )
        pulls = [one.pull for one in rows if one.pull is not None]
        if pulls:
            context["rms"] = (sum(pull * pull for pull in pulls) / len(pulls)) ** 0.5
    return render(request, "web/explorer/compare.html", context)


def _most_changed(one: Difference) -> float:
    return -abs(one.pull if one.pull is not None else one.change)


@require_GET
def cell(request: HttpRequest, pk: int) -> HttpResponse:
    """One channel at one point: spectrum with its fit; waveforms and currents follow."""
    from mppcqa.runfile import RunFileError
    from mppcqa.views import cells

    view = _view(request, pk)
    context = _context(request, view, "run_explore")
    slot, channel = _place(request, view)
    row = cells.run_file_of(view.run)
    context |= {"slot": slot, "channel": channel, "device": view.devices[slot]}
    context["channels"] = range(view.devices[slot].device_type.channels)
    if row is None:
        context["fault"] = _("This run has no run file.")
        context["origin"] = origin(view, view.devices[slot], row, {})
        return render(request, "web/explorer/cell.html", context)
    meta: dict[str, Any] = {}
    try:
        with cells.open_run(row) as opened:
            points, meta = cells.points_of(opened), opened.meta
            point = _point(request, points)
            column = _column(opened, slot, channel)
            context |= {
                "points": points,
                "point": point,
                "has_waveforms": opened.waveform_count(point.number, slot, column) > 0
                or _dark_waveforms(opened, points, point, slot, column) is not None,
                "has_iv": opened.has("iv"),
            }
        stage = find_stage(view.run.stage)
        now = {} if stage is None else spectrum.settings_of(stage, view.analysis)
        (found,) = spectrum.fitted(row, (slot, column, point.number), [now])
        if found is not None:
            context |= spectrum.picture(found) | {"lines": spectrum.parameters(found)}
            if stage is not None and getattr(stage, "spectra", None) is not None:
                context["form"] = spectrum.FitForm(stage, initial=now)
    except (RunFileError, FitRefused) as error:
        context["fault"] = str(error)
    if "point" in context:
        pair = "residuals" in context and len(context["spectrum"].counts) > 1
        fitted_with = without_source(points, point)[1:] if pair else []
        context["values"] = cell_values(view, slot, channel, point, fitted_with)
    context["origin"] = origin(view, view.devices[slot], row, meta)
    return render(request, "web/explorer/cell.html", context)


@require_GET
@allowed("results.add_analysis")
def cell_fit(request: HttpRequest, pk: int) -> HttpResponse:
    """The spectrum of a cell fitted with other settings, beside what counts now; changes nothing.

    The settings stand in the address.
    """
    from mppcqa.runfile import RunFileError
    from mppcqa.views import cells

    view = _view(request, pk)
    slot, channel = _place(request, view)
    row, stage = cells.run_file_of(view.run), find_stage(view.run.stage)
    if row is None or stage is None:
        raise Http404
    now = spectrum.settings_of(stage, view.analysis)
    form = spectrum.FitForm(stage, request.GET)
    context: dict[str, Any] = {"run": view.run}
    try:
        with cells.open_run(row) as opened:
            point = _point(request, cells.points_of(opened))
            place = slot, _column(opened, slot, channel), point.number
        if not form.is_valid():
            raise FitRefused([str(one) for some in form.errors.values() for one in some])
        tried = now | form.cleaned_data
        before, after = spectrum.fitted(row, place, [now, tried])
    except (RunFileError, FitRefused) as error:
        context["fault"] = str(error)
        return render(request, "web/explorer/spectrum.html", context)
    if after is not None:
        stored = cell_values(view, slot, channel, point)
        context |= spectrum.picture(after) | {
            "tried": True,
            "lines": spectrum.parameters(before, after),
            "quantities": list(spectrum.quantities(stored, after)),
            "correlations": [
                (title, spectrum.correlations(one))
                for title, one in ((_("as it counts now"), before), (_("as tried"), after))
            ],
            "ways_on": spectrum.ways_on(stage, view.devices[slot], pk, tried),
            "before": None if before is None else line_of_fit(before.said),
        }
    return render(request, "web/explorer/spectrum.html", context)


def _place(request: HttpRequest, view: RunView) -> tuple[int, int]:
    if not view.devices:
        raise Http404
    slot = _slot(request, view.run)
    if slot is None or slot not in view.devices:
        slot = next(iter(view.devices))
    channel = whole(request.GET, "channel") or 0
    last = view.devices[slot].device_type.channels - 1
    return slot, min(max(channel, 0), last)


def _point(request: HttpRequest, points: list[Any]) -> Any:
    """The point of the address, by its number or the nearest to the values of the axes."""
    wanted = whole(request.GET, "point")
    for point in points:
        if point.number == wanted:
            return point
    axes = {key for point in points for key in point.at}
    at = Condition({key: number(request.GET.get(key)) for key in axes})
    return min(points, key=lambda point: distance(point.at, at))


def _column(opened: Any, slot: int, channel: int) -> int:
    """Column of a channel in the file, which may hold some of the device's channels only."""
    from mppcqa.views.cells import columns_of

    for row in opened.slots:
        if row["slot"] == slot:
            numbers = columns_of(row)
            return numbers.index(channel) if channel in numbers else -1
    return -1


def _dark_waveforms(opened: Any, points: list[Any], point: Any, slot: int, column: int) -> Any:
    """The point itself, or that of the same setting in the dark, if it has waveforms."""
    for one in without_source(points, point):
        if opened.waveform_count(one.number, slot, column):
            return one
    return None


@require_GET
def cell_waveforms(request: HttpRequest, pk: int) -> HttpResponse:
    """One waveform of a channel at a point, and the density of thousands."""
    from mppcqa.charts import explore as draw
    from mppcqa.runfile import RunFileError
    from mppcqa.views import cells

    view = _view(request, pk)
    slot, channel = _place(request, view)
    row = cells.run_file_of(view.run)
    context: dict[str, Any] = {"run": view.run}
    try:
        if row is None:
            raise RunFileError(_("This run has no run file."))
        with cells.open_run(row) as opened:
            points = cells.points_of(opened)
            column = _column(opened, slot, channel)
            point = _dark_waveforms(opened, points, _point(request, points), slot, column)
            many = cells.many_waveforms(opened, slot, column, point) if point else None
    except RunFileError as error:
        many, context["fault"] = None, str(error)
    if many is not None:
        shown = min(max(whole(request.GET, "n") or 0, 0), len(many.samples) - 1)
        times = [i * many.sample_s * 1e9 for i in range(many.samples.shape[1])]
        step = max(1, len(times) // 4000)
        one = draw.trace(
            times[::step],
            many.samples[shown][::step] * 1e3,
            x_title=_("Time"),
            y_title=_("Signal"),
            unit="mV",
        )
        counts, edges, signal = cells.persistence(many)
        density = draw.persistence(
            counts,
            edges,
            signal * 1e3,
            x_title=_("Time"),
            y_title=_("Signal"),
            unit="mV",
            n_title=_("samples"),
        )
        asked = request.GET.copy()
        asked.pop("n", None)
        context |= {
            "one": place_chart("waveform", _("One waveform"), one),
            "density": place_chart("persistence", _("Persistence"), density),
            "n": shown,
            "shown": len(many.samples),
            "total": many.total,
            "point": point,
            "next": f"?{asked.urlencode()}&n={(shown + 1) % len(many.samples)}",
            "former": f"?{asked.urlencode()}&n={(shown - 1) % len(many.samples)}",
        }
    return render(request, "web/explorer/waveforms.html", context)


@require_GET
def cell_iv(request: HttpRequest, pk: int) -> HttpResponse:
    """IV curves of a channel at the temperature of a point, reverse and forward."""
    from mppcqa.charts import explore as draw
    from mppcqa.runfile import RunFileError
    from mppcqa.views import cells

    view = _view(request, pk)
    slot, channel = _place(request, view)
    row = cells.run_file_of(view.run)
    context: dict[str, Any] = {}
    try:
        if row is None:
            raise RunFileError(_("This run has no run file."))
        with cells.open_run(row) as opened:
            point = _point(request, cells.points_of(opened))
            column = _column(opened, slot, channel)
            curves = cells.currents(opened, slot, column, point)
    except RunFileError as error:
        curves, context["fault"] = [], str(error)
    marks = [
        value
        for shown, value, _error, _systematic, _bound, _method in (
            cell_values(view, slot, channel, point) if curves else []
        )
        if shown.drawn_on == "iv"
    ]
    charts = []
    for name, title, sign in (("reverse", _("Reverse"), 1), ("forward", _("Forward"), -1)):
        parts = {
            one.name: (
                one.voltage_v[one.voltage_v * sign > 0] * sign,
                one.current_a[one.voltage_v * sign > 0] * sign,
            )
            for one in curves
        }
        parts = {key: pair for key, pair in parts.items() if len(pair[0]) > 2}
        if parts:
            drawn = draw.iv_curve(
                parts,
                marks if sign > 0 else [],
                x_title=_("Voltage"),
                y_title=_("Current"),
            )
            charts.append(place_chart(f"iv-{name}", title, drawn))
    context["charts"] = charts
    return render(request, "web/explorer/currents.html", context)
