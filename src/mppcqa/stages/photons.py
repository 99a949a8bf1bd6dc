"""How many photons a pulse sends to a channel, and what of that uncertainty values share.

A run file either says it (``photons_per_pulse``), or it says what a photodiode read, and the
calibrations of the run's instruments make photons of that: responsivity against wavelength, its
drift since then, and the geometry factor, which is the light on a channel over that on the
photodiode. Each is an object with days on which it holds; where one does not, there is no number.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mppcqa import physics
from mppcqa.runfile import RunFileError
from mppcqa.stages.calibrations import (
    DRIFT,
    GEOMETRY,
    RESPONSIVITY,
    Calibrated,
    NotCalibrated,
    holding,
    known_as,
)
from mppcqa.stages.protocol import Problem, SharedPart

if TYPE_CHECKING:
    from mppcqa.runfile import RunFile
    from mppcqa.stages.analysis import Bias, Values

QUANTITIES = ("pde",)
CURRENT, WAVELENGTH, DETECTOR = "photodiode current", "wavelength", "reference detector"
POSITION = "position factor"
PARTS = (RESPONSIVITY, DRIFT, GEOMETRY, CURRENT, WAVELENGTH, DETECTOR, POSITION)
"""Kinds of shared parts; English, translated where they are shown."""


@dataclass(frozen=True)
class Photons:
    """Photons a pulse and channel, and the relative standard uncertainties of their factors."""

    number: float
    parts: Mapping[tuple[str, str], float]
    """By kind (`PARTS`) and by what it is of: independent of one another."""


class Reference(Protocol):
    """What says how many photons came to a channel of a device."""

    def photons(self, slot: int, bias: Bias) -> Photons:
        """Those at a point with light; `NotCalibrated` where they are not known."""


@dataclass(frozen=True)
class Stated:
    """A station that works its photons out by itself: at light setting 1, and their uncertainty."""

    number: float
    error: float
    of: str
    """The reference detector by its name, else whose it is: of others it says nothing."""

    def photons(self, slot: int, bias: Bias) -> Photons:
        """The same for all channels of a run; light settings are linear."""
        del slot
        parts = {(DETECTOR, self.of): self.error / self.number}
        return Photons(self.number * bias.light_setting, parts)


@dataclass(frozen=True)
class Chain:
    """A photodiode's current, and the calibrations that make photons of it."""

    rows: Sequence[Calibrated]
    day: dt.date
    """When it was measured."""
    run: str
    """What the readings of its own are of, to people."""
    detector: str
    """Name of the photodiode; empty for the one that has a responsivity."""
    rate_hz: float
    current: tuple[float, float] | None
    """At light setting 1, less that in the dark, and its uncertainty [A]."""
    currents: Mapping[int, tuple[float, float]]
    """The same by point, at its own light."""
    wavelength: tuple[float | None, float]
    """Of points that do not say their own, and its standard uncertainty [nm]."""
    position: tuple[float, float] | None
    """Geometry factor that the file says, in place of a calibration's."""

    def photons(self, slot: int, bias: Bias) -> Photons:
        """Of the readings at a point, else of those at light setting 1."""
        current, current_error = self._current(bias)
        named, spread = self.wavelength
        wavelength = bias.at.get("wavelength_nm", named)
        if wavelength is None:
            raise NotCalibrated("the run file does not say the wavelength of the light")
        response = holding(self.rows, RESPONSIVITY, self.detector, self.day)
        value, error = response.at(wavelength)
        parts = {(RESPONSIVITY, response.of): error / value}
        parts[CURRENT, f"{response.instrument}, {self.run}"] = current_error / current
        value, moved, of = self._drifted(response, value)
        if moved:
            parts[DRIFT, of] = moved
        factor, relative, kind, of = self._geometry(slot)
        parts[kind, of] = relative
        if spread:
            parts[WAVELENGTH, self.run] = _by_wavelength(response, wavelength, spread)
        number = physics.photons_per_pulse(current, value, wavelength, self.rate_hz)
        return Photons(number * factor, parts)

    def _current(self, bias: Bias) -> tuple[float, float]:
        if bias.light is not None and bias.light in self.currents:
            value, error = self.currents[bias.light]
        elif self.current is not None:
            value, error = (one * bias.light_setting for one in self.current)
        else:
            raise NotCalibrated(f"the run file says no photodiode current of point {bias.light}")
        if not value > 3 * error:
            raise NotCalibrated(
                f"the photodiode's current is {value:.3g} ± {error:.2g} A: no light is seen in it"
            )
        return value, error

    def _drifted(self, response: Calibrated, value: float) -> tuple[float, float, str]:
        """Responsivity on the day, how uncertain its drift makes it, and whose that is."""
        name = response.instrument
        some = [one for one in self.rows if known_as(one.quantity) == DRIFT]
        if not any(one.instrument == name for one in some):
            return value, 0.0, ""
        drift = holding(some, DRIFT, name, self.day)
        days = (self.day - response.done_on).days
        return *physics.after_drift(value, *drift.at(), days), drift.of

    def _geometry(self, slot: int) -> tuple[float, float, str, str]:
        """Factor, its relative uncertainty, what it is called and whose it is."""
        if self.position is not None:
            value, error = self.position
            kind, of = POSITION, self.run
        else:
            row = holding(self.rows, GEOMETRY, "", self.day)
            value, error = row.at(float(slot) if row.against else None)
            kind, of = GEOMETRY, row.of
        if not value > 0:
            raise NotCalibrated(f"the {kind} ({of}) is {value:g}, which no light has")
        return value, error / value, kind, of


def _by_wavelength(response: Calibrated, wavelength: float, spread: float) -> float:
    """Relative uncertainty of the photons for that of the wavelength, with which both the energy of
    a photon and the responsivity go. At the end of a table its last slope counts."""
    ends = []
    for one in (wavelength - spread, wavelength + spread):
        try:
            ends.append((one, one / response.at(one)[0]))
        except NotCalibrated:
            ends.append((wavelength, wavelength / response.at(wavelength)[0]))
    (begin, low), (end, high) = ends
    if begin == end:
        raise NotCalibrated(
            f"the table of {response.of} is shorter than the wavelength is uncertain (± {spread:g} "
            "nm)"
        )
    return abs(high - low) / (high + low) * 2 * spread / (end - begin)


@dataclass
class Counted:
    """A reference, what values of its photons have in common, and why some are withheld."""

    reference: Reference
    relative: dict[tuple[str, str], float] = field(default_factory=dict)
    """The largest relative uncertainty of each part that was used."""
    reasons: dict[str, None] = field(default_factory=dict)

    def photons(self, slot: int, bias: Bias) -> tuple[float, float] | None:
        """Photons a pulse and channel and their standard uncertainty; None where not known."""
        try:
            found = self.reference.photons(slot, bias)
        except (NotCalibrated, ValueError) as fault:
            self.reasons[str(fault)] = None
            return None
        for key, one in found.parts.items():
            self.relative[key] = max(one, self.relative.get(key, 0.0))
        return found.number, found.number * math.hypot(*found.parts.values())

    @property
    def shared(self) -> dict[str, SharedPart]:
        """What all values of the run that used it share, by name."""
        return {
            f"{kind}: {of}" if of else kind: SharedPart(
                quantities=QUANTITIES, relative=relative, kind=kind, of=of
            )
            for (kind, of), relative in self.relative.items()
            if relative > 0
        }

    @property
    def problems(self) -> list[Problem]:
        """Why values of it are withheld."""
        return [Problem(slot=None, channel=None, what=f"no PDE: {one}") for one in self.reasons]


def pde_of(reference: Counted | None, fits: physics.SpectrumFits, bias: Bias, slot: int) -> Values:
    """PDE of fits at a point with light; nothing where the photons are not known."""
    known = None if reference is None else reference.photons(slot, bias)
    if known is None:
        return {}
    light, light_error, own = fits.parts("mean_light_pe")
    photons, error = known
    pde, _, common = physics.detection_efficiency(light, light_error, photons, error)
    return {"pde": (pde, light_error / photons, np.hypot(common, own / photons))}


def reference_of(run: RunFile, calibrations: Sequence[Calibrated] = ()) -> Counted | None:
    """What a run file's ``meta/reference`` says, with the calibrations of the run's instruments.

    None where it says nothing; `RunFileError` where it says what can't be.
    """
    given = run.meta.get("reference")
    if not isinstance(given, Mapping):
        return None
    name = f"{run.path.name}: meta/reference"
    if "photons_per_pulse" in given:
        keys = ("photons_per_pulse", "photons_per_pulse_uncertainty", "position_factor")
        if any(key not in given for key in keys):
            return None
        number, error, factor = (_number(given, key, name) for key in keys)
        if not number * factor > 0:
            raise RunFileError(f"{name} says {number * factor:g} photons a pulse")
        return Counted(Stated(number * factor, error * factor, _whose(run)))
    if "current_a" not in given and "currents" not in given:
        return None
    light = run.meta.get("light") or {}
    current = None
    if "current_a" in given:
        current = _with_error(given, "current_a", "current_uncertainty_a", name)
    position = None
    if "position_factor" in given:
        position = _with_error(given, "position_factor", "position_factor_uncertainty", name)
    rows = given.get("currents", [])
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise RunFileError(f"{name}: currents must be a list of readings")
    currents = {
        int(_number(row, "point", name)): _with_error(
            row, "current_a", "current_uncertainty_a", name
        )
        for row in rows
    }
    named = _number(light, "wavelength_nm", name) if "wavelength_nm" in light else None
    spread = 0.0
    if "wavelength_uncertainty_nm" in light:
        spread = _number(light, "wavelength_uncertainty_nm", f"{run.path.name}: meta/light")
        if spread < 0:
            raise RunFileError(
                f"{run.path.name}: meta/light: wavelength_uncertainty_nm is {spread:g}, which no "
                "uncertainty is"
            )
    chain = Chain(
        rows=tuple(calibrations),
        day=dt.datetime.fromisoformat(str(run.meta["started"])).date(),
        run=f"run {run.meta['run']}",
        detector=str(given.get("detector", "")),
        rate_hz=_number(light, "rate_hz", f"{run.path.name}: meta/light"),
        current=current,
        currents=currents,
        wavelength=(named, spread),
        position=position,
    )
    return Counted(chain)


def _whose(run: RunFile) -> str:
    """Whose the photons are that a run file states: its reference detector's, else its station's,
    else its own."""
    if detector := str((run.meta.get("reference") or {}).get("detector") or "").strip():
        return detector
    station = str(run.meta.get("station") or "").strip()
    return f"station {station}" if station else f"run {run.meta['run']}"


def _number(given: Mapping[str, Any], key: str, where: str) -> float:
    try:
        found = float(given[key])
    except (KeyError, TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise RunFileError(f"{where} must give {key}, a number")
    return found


def _with_error(given: Mapping[str, Any], key: str, error: str, where: str) -> tuple[float, float]:
    found = _number(given, key, where), _number(given, error, where)
    if not found[1] >= 0:
        raise RunFileError(f"{where}: {error} is {found[1]:g}, which no uncertainty is")
    return found
