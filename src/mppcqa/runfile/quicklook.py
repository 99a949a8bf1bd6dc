"""Histograms and fits of a run as objects that JSROOT and ROOT's browser show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.disk import whole_file
from mppcqa.loading import Later
from mppcqa.runfile.layout import RunFileError
from mppcqa.runfile.read import RunFile

if TYPE_CHECKING:
    import uproot
    from uproot.writing import identify
else:
    uproot = Later("uproot")
    identify = Later("uproot.writing.identify")

RED = 632
"""ROOT's kRed."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line over a histogram, such as a fitted model."""

    name: str
    """Name of the object after the histogram's, ``fit`` for instance."""
    title: str
    x: ArrayLike
    """(points,)"""
    y: ArrayLike
    """(points,)"""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """A histogram to show: a charge spectrum, a distribution of values."""

    name: str
    """Place in the file; folders before the name with ``/``, as ``charge/point-3/slot-1/ch-00``."""
    title: str
    """What is drawn above it; with the unit in `x_title`, it stands alone."""
    counts: ArrayLike
    """(bins,)"""
    edges: ArrayLike
    """(bins + 1,)"""
    x_title: str = ""
    y_title: str = "events"
    curves: tuple[Curve, ...] = field(default=())


def charge_histograms(
    run: RunFile, *, points: Iterable[int] | None = None, slots: Iterable[int] | None = None
) -> Iterator[Histogram]:
    """The charge spectrum of each channel of each device at each point, or of those selected.

    Bins are of equal width, their number four times the square root of the events (10 to 1000);
    charges that are not finite are left out. Names are ``charge/point-P/slot-S/ch-CC``.
    """
    wanted_points, wanted_slots = (None if w is None else set(w) for w in (points, slots))
    serials = {row["slot"]: row["serial"] for row in run.slots}
    settings = run.points()
    for (point, slot, _), _events in run.cells():
        if wanted_points is not None and point not in wanted_points:
            continue
        if wanted_slots is not None and slot not in wanted_slots:
            continue
        setting = ", ".join(f"{key} {value:.5g}" for key, value in settings[point].items())
        for channel, charges in enumerate(run.charges(point, slot).T):
            values = charges[np.isfinite(charges)].astype(np.float64)
            if not len(values):
                continue
            bins = int(np.clip(np.sqrt(len(values)) * 4, 10, 1000))
            counts, edges = np.histogram(values, bins=bins)
            yield Histogram(
                name=f"charge/point-{point}/slot-{slot}/ch-{channel:02d}",
                title=f"{serials.get(slot, '')} channel {channel}, {setting}",
                counts=counts,
                edges=edges,
                x_title=f"charge [{run.meta.get('charge_unit', 'ADC')}]",
            )


def write_quicklook(path: Path, histograms: Iterable[Histogram]) -> int:
    """Write histograms as ``TH1D`` and their curves as ``TGraph``; how many objects there are.

    A curve becomes an object ``NAME_fit`` beside its histogram, so that one ``Draw("L same")`` lays
    it over. The file takes its name once it is whole. Raises `RunFileError` for shapes that don't
    fit and names that ROOT can't hold.
    """
    path = Path(path)
    written: set[str] = set()
    with whole_file(path) as part, uproot.recreate(part, compression=uproot.ZSTD(1)) as file:
        for histogram in histograms:
            _add(file, written, histogram.name, _histogram(histogram))
            for curve in histogram.curves:
                _add(file, written, f"{histogram.name}_{curve.name}", _graph(histogram, curve))
    return len(written)


def _add(file: Any, written: set[str], name: str, made: Any) -> None:
    if not re.fullmatch(r"[\w.+-]+(/[\w.+-]+)*", name):
        raise RunFileError(f"{name!r} is no name of an object: letters, digits, . + - _ and /")
    if name in written:
        raise RunFileError(f"{name!r} stands twice")
    written.add(name)
    file[name] = made


def _axis(name: str, title: str, edges: Floats) -> Any:
    """An axis; even bins are written as such, so that ROOT may rebin them."""
    width = np.diff(edges)
    # By the bins' own size: a width may be a picocoulomb.
    rounding = 1e-15 * np.abs(edges).max()
    even = np.allclose(width, width.mean(), rtol=1e-9, atol=rounding)
    return identify.to_TAxis(
        name,
        title,
        len(edges) - 1,
        float(edges[0]),
        float(edges[-1]),
        fXbins=None if even else edges,
    )


def _histogram(it: Histogram) -> Any:
    counts, edges = np.asarray(it.counts, np.float64), np.asarray(it.edges, np.float64)
    if counts.ndim != 1 or edges.shape != (len(counts) + 1,) or (np.diff(edges) <= 0).any():
        raise RunFileError(
            f"{it.name}: {counts.shape} counts need one rising edge more, not {edges.shape}"
        )
    middle = (edges[1:] + edges[:-1]) / 2
    data = np.concatenate([[0.0], counts, [0.0]])
    return identify.to_TH1x(
        it.name.rsplit("/", 1)[-1],
        it.title,
        data,
        float(counts.sum()),
        float(counts.sum()),
        float((counts**2).sum()),
        float((counts * middle).sum()),
        float((counts * middle**2).sum()),
        data,
        _axis("xaxis", it.x_title, edges),
        fYaxis=identify.to_TAxis("yaxis", it.y_title, 1, 0.0, 1.0),
    )


def _graph(histogram: Histogram, it: Curve) -> Any:
    x, y = np.asarray(it.x, np.float64), np.asarray(it.y, np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise RunFileError(f"{histogram.name}_{it.name}: x {x.shape} and y {y.shape} differ")
    return uproot.as_TGraph(
        {"x": x, "y": y},
        title=it.title,
        xAxisLabel=histogram.x_title,
        yAxisLabel=histogram.y_title,
        lineColor=RED,
        lineWidth=2,
    )
