"""A spectrum on its page: fitted as what counts now was, and, on demand, with other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.charts import spectra as draw
from mppcqa.inventory.models import Device
from mppcqa.results.models import Analysis
from mppcqa.runs.models import RunFile
from mppcqa.stages import Stage
from mppcqa.stages.fitting import FIT_TITLES, KEYS
from mppcqa.stages.protocol import Parameter
from mppcqa.views import cells, fitter
from mppcqa.views.fits import line_of_fit
from mppcqa.views.shown import ShownQuantity
from mppcqa.views.spectrum import Spectrum
from mppcqa.web.charting import place_chart
from mppcqa.web.runs.form import SettingsForm


class FitForm(SettingsForm):
    """Of a stage's settings those that say how a spectrum is fitted."""

    def declared(self) -> tuple[Parameter, ...]:
        return tuple(one for one in self.stage.settings if one.key in KEYS)


def settings_of(stage: Stage, analysis: Analysis | None) -> dict[str, Any]:
    """The settings that an analysis was made with; defaults for what it knew nothing of."""
    known = {one.key for one in stage.settings}
    made = {} if analysis is None else analysis.parameters
    try:
        return stage.clean_settings({key: made[key] for key in made.keys() & known})
    except ValueError:  # limits of the settings changed since
        return stage.clean_settings({})


def fitted(
    row: RunFile, place: tuple[int, int, int], chosen: list[Mapping[str, Any]]
) -> list[Spectrum | None]:
    """The spectrum at (slot, column, point) with each of the settings, see `fitter.ask`.

    Where no process fits, here: a page must not depend on it. Raises `FitRefused`.
    """
    try:
        return fitter.ask(row, *place, chosen)
    except fitter.NobodyFits:
        with cells.open_run(row) as opened:
            return fitter.fit_here(opened, row, place, chosen)


def picture(found: Spectrum) -> dict[str, Any]:
    """Charts of a spectrum, and its fit in words."""
    names = {"light": _("with light"), "dark": _("in the dark")}
    spectra = {
        names[name]: (counts, found.expected.get(name)) for name, counts in found.counts.items()
    }
    titles = {"x_title": _("Charge"), "unit": "ADC"}
    drawn = draw.charge_spectrum(
        found.centres, spectra, **titles, y_title=_("events"), peaks=found.peaks
    )
    shown: dict[str, Any] = {
        "spectrum": found,
        "chart": place_chart("spectrum", _("Charge spectrum with its fit"), drawn),
        "record": line_of_fit(found.said),
    }
    if found.expected:
        left = draw.residuals(found.centres, spectra, **titles, y_title=_("residual [σ]"))
        title = _("What the fit leaves, in standard deviations")
        shown["residuals"] = place_chart("residuals", title, left)
    return shown


@dataclass(frozen=True)
class Line:
    """A number as it counts now and as it was tried, with both uncertainties."""

    title: str
    unit: str
    now: tuple[float, float | None] | None
    tried: tuple[float, float | None] | None = None

    @property
    def away(self) -> float | None:
        """How far the tried one lies from the other, in uncertainties of that."""
        if self.now is None or self.tried is None or not self.now[1]:
            return None
        return (self.tried[0] - self.now[0]) / self.now[1]


def parameters(now: Spectrum | None, tried: Spectrum | None = None) -> list[Line]:
    """What both fits say of their parameters; what both held is left out."""
    parts = [
        {} if one is None else {key: (value, error) for key, value, error in one.parameters}
        for one in (now, tried)
    ]
    found = []
    for key, (title, unit) in FIT_TITLES.items():
        here = [part.get(key) for part in parts]
        if any(one is not None and one[1] > 0 for one in here):
            found.append(Line(_(title), unit, *here))
    return found


def quantities(stored: list[Any], tried: Spectrum) -> Iterator[Line]:
    """Values of the analysis that counts beside those of the fit that was tried."""
    for shown, value, error, systematic, bound, _method in stored:
        other = tried.values.get(shown.key)
        if bound or other is None:
            continue
        yield Line(
            shown.title, shown.unit, (value, _both(error, systematic)), _scaled(shown, other)
        )


def _both(error: float | None, systematic: float) -> float | None:
    return None if error is None else (error * error + systematic * systematic) ** 0.5


def _scaled(shown: ShownQuantity, parts: Any) -> tuple[float, float | None] | None:
    value, error, *more = parts
    if value is None or (len(more) > 1 and more[1] is not None):
        return None
    systematic = more[0] if more and more[0] is not None else 0.0
    both = _both(error, systematic)
    return value * shown.scale, None if both is None else both * shown.scale


def correlations(found: Spectrum | None) -> dict[str, Any] | None:
    """Names and rows of a fit's correlation, without what was held."""
    if found is None or not found.parameters:
        return None
    free = [i for i, row in enumerate(found.correlation) if row[i] is not None]
    titles = [_(FIT_TITLES[found.parameters[i][0]][0]) for i in free]
    return {
        "titles": titles,
        "heads": [(str(i + 1), "number") for i in range(len(free))],
        "rows": [[found.correlation[i][j] for j in free] for i in free],
    }


def ways_on(
    stage: Stage, device: Device, run: int, settings: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Where the same is done for more than one spectrum: what for, and the address."""
    given = QueryDict(mutable=True)
    for key, value in settings.items():
        if value is True:
            given[f"p-{key}"] = "on"
        elif isinstance(value, list):
            given[f"p-{key}"] = " ".join(f"{one:g}" for one in value)
        elif value not in (None, False):
            given[f"p-{key}"] = str(value)
    ways: list[tuple[str, dict[str, Any]]] = [(_("this run"), {"runs": run})]
    if device.lot is not None:
        ways.append((_("lot %s") % device.lot.name, {"lot": device.lot.name}))
    ways.append(
        (_("all of the type %s") % device.device_type.name, {"type": device.device_type_id})
    )
    page = reverse("reanalysis_list")
    return [
        (title, f"{page}?{urlencode({'stage': stage.key, **chosen})}&{given.urlencode()}")
        for title, chosen in ways
    ]
