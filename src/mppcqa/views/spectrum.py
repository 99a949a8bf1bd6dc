"""A charge spectrum and its fit as plain numbers: for a page, and between two processes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mppcqa.results.fits import FitRecord
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.stages import Condition, Stage
from mppcqa.stages.fits import fit_records

if TYPE_CHECKING:
    from mppcqa.stages.cell import CellFit
    from mppcqa.stages.fitting import Fitting, SpectraOf

MOST_PEAKS = 16
LEAST_IN_PEAK = 3.0
"""Events in the bin of a peak that is named."""
Numbers = list[float | None]
"""None stands for what is no number."""


@dataclass(frozen=True)
class Spectrum:
    """Charge spectra of one channel, with light and in the dark, and their fit; plain JSON."""

    centres: list[float]
    """Of the bins, in ADC."""
    counts: dict[str, list[int]]
    """``light`` and ``dark`` -> counts a bin."""
    expected: dict[str, Numbers]
    """The same from the fit; empty where it failed."""
    parameters: list[tuple[str, float, float]]
    """Key, value and standard uncertainty of what was fitted; empty where the fit failed."""
    correlation: list[Numbers]
    """Of these, a row each; None for a parameter that was held."""
    peaks: list[tuple[int, float]]
    """Photoelectrons and charge of each peak that has events."""
    values: dict[str, Numbers]
    """Quantity -> value, statistical and, where there are any, systematic uncertainty and limit."""
    not_finite: int
    record: dict[str, Any]
    """What the fit says of itself, see `mppcqa.stages.Fit`."""

    @property
    def fault(self) -> str:
        """Why there is no fit; empty where there is one."""
        return str(self.record["fault"])

    @property
    def said(self) -> FitRecord:
        """The record as results keep it."""
        return FitRecord(**{**self.record, "at": Condition(self.record["at"])})


def spectrum(
    run: OpenRunFile,
    slot: int,
    column: int,
    point: int,
    how: Fitting | None = None,
    read: SpectraOf | None = None,
) -> Spectrum | None:
    """Spectrum and fit of a channel at a point, light and dark together where both are there.

    None without events; raises `mppcqa.stages.cell.TooMany` where reading them would take long.
    """
    from mppcqa.stages.cell import fit_cell
    from mppcqa.stages.fitting import AS_USUAL

    found = fit_cell(run, slot, column, point, how or AS_USUAL, read)
    return None if found is None else _plain(found, slot)


def how_read(run: OpenRunFile, stage: Stage, slot: int) -> SpectraOf | None:
    """How a stage reads the spectra of a device; None where it has no way of its own."""
    read = getattr(stage, "spectra", None)
    return None if read is None else read(run, slot)


def _plain(found: CellFit, slot: int) -> Spectrum:
    from mppcqa.physics.spectra import PARAMETERS

    fits = found.fits
    good = not fits.message(0)
    record = asdict(fit_records(slot, fits, found.bias.at)[0])
    record["at"] = dict(found.bias.at)
    del record["slot"], record["condition"]
    record = {key: _told(value) for key, value in record.items()}
    lit = found.counts.get("light", found.counts.get("dark"))
    return Spectrum(
        centres=((found.edges[:-1] + found.edges[1:]) / 2).tolist(),
        counts={name: part.tolist() for name, part in found.counts.items()},
        expected={name: [_told(n) for n in part.tolist()] for name, part in found.expected.items()},
        parameters=[
            (name, float(fits.get(name)[0][0]), float(fits.get(name)[1][0])) for name in PARAMETERS
        ]
        if good
        else [],
        correlation=_correlation(fits.covariance[0]) if good else [],
        peaks=_peaks(found.edges, lit, *(float(fits.get(n)[0][0]) for n in PARAMETERS[:2]))
        if good
        else [],
        values={key: [_told(part) for part in parts] for key, parts in found.values.items()},
        not_finite=found.not_finite,
        record=record,
    )


def _told(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _correlation(covariance: Any) -> list[Numbers]:
    """Correlation of parameters from their covariance (n, n); None where one has none."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.diag(covariance))
        rows = covariance / error / error[:, None]
    return [[_told(float(one)) for one in row] for row in rows]


def _peaks(edges: Any, counts: Any, pedestal: float, gain: float) -> list[tuple[int, float]]:
    found = []
    for k in range(MOST_PEAKS):
        at = pedestal + k * gain
        if not edges[0] <= at < edges[-1]:
            continue
        bin_ = min(int((at - edges[0]) / (edges[1] - edges[0])), len(counts) - 1)
        if counts[bin_] >= LEAST_IN_PEAK:
            found.append((k, at))
    return found


def from_plain(told: Mapping[str, Any] | None) -> Spectrum | None:
    """A spectrum that came as JSON."""
    return None if told is None else Spectrum(**told)
