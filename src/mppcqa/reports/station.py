"""The report of a station: how it has performed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.platypus import Spacer

import mppcqa
from mppcqa.charts.counted import Share, Shares
from mppcqa.charts.paper import figure
from mppcqa.public_address import PublicAddress
from mppcqa.reports.document import SMALL, WIDTH, paragraph
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.layout import Part, beside_each_other, whole_report
from mppcqa.reports.look import PLAIN, Look, look_about
from mppcqa.reports.rows import Rows, broken, shares
from mppcqa.reports.sections import Section
from mppcqa.views.station_record import StationView, station_view
from mppcqa.views.texts import moment


def station_report(station: Any, address: PublicAddress, paper: str = "A4") -> Written:
    """Report of a station as it stands now, in the current language."""
    del address
    view = station_view(station)
    inputs = {
        "mppcqa": mppcqa.__version__,
        "as_of": view.as_of.isoformat(),
        "runs": {str(name): n for name, n in view.states},
    }
    look = look_about(station)
    return Written(lay_out(view, paper, look), view.name, inputs | look_inputs(look))


def lay_out(view: StationView, paper: str = "A4", look: Look = PLAIN) -> bytes:
    """PDF of a view."""
    return whole_report(
        kind=_("Report of a station"),
        name=view.name,
        facts=((_("Stage"), view.stage), *view.facts),
        parts=_parts(view),
        as_of=view.as_of,
        paper=paper,
        look=look,
        subject=view.stage,
        key="station",
        view=view,
    )


def _sections() -> tuple[Section, ...]:
    return (
        Section("references", gettext_lazy("Reference device over time")),
        Section("runs", gettext_lazy("Runs")),
        Section("durations", gettext_lazy("Durations")),
        Section("failures", gettext_lazy("Latest failures")),
    )


def _parts(view: StationView) -> Iterator[Part]:
    yield Part("references", _("Reference device over time"), _references(view))
    yield Part("runs", _("Runs"), _runs(view))
    yield Part("durations", _("Durations"), _durations(view))
    yield Part("failures", _("Latest failures"), _failures(view))


def _references(view: StationView) -> list[Any]:
    if not view.references:
        text = _("The reference device has not been measured here yet.")
        return [paragraph(text if view.reference else _("The station has no reference device."))]
    note = _(
        "%(serial)s: means over its channels, run by run. The limits are three standard "
        "deviations from the mean, by the mean difference of successive runs."
    )
    return [
        paragraph(note % {"serial": view.reference}, SMALL),
        Spacer(1, 3),
        *beside_each_other(view.references),
    ]


def _runs(view: StationView) -> list[Any]:
    if not view.weeks:
        return [paragraph(_("There has been no run yet."))]
    pie = Shares(tuple(Share(name, n) for name, n in view.states), _("How runs ended"))
    heads = (_("Week"), _("Runs"), _("failed"), _("Duration, median"))
    rows = [
        [one.week.isoformat(), str(one.runs), str(one.failed), one.median] for one in view.weeks
    ]
    lines = broken(heads, rows, shares(2, 1, 1, 2, whole=WIDTH * 0.7), right=(1, 2, 3))
    return [*beside_each_other([pie]), Rows(lines)]


def _durations(view: StationView) -> list[Any]:
    return [] if view.durations is None else [figure(view.durations, WIDTH)]


def _failures(view: StationView) -> list[Any]:
    if not view.failures:
        return []
    heads = (_("Run"), _("Started"), _("State"), _("Error"))
    rows = [
        [str(one.pk), moment(one.at), str(one.state.label), " ".join(one.why.split())[:400]]
        for one in view.failures
    ]
    return [Rows(broken(heads, rows, shares(0.6, 1.3, 1.1, 5)))]


KIND = ReportKind(
    "station",
    gettext_lazy("Report of a station"),
    "runs.station",
    station_report,
    sections=_sections,
)
