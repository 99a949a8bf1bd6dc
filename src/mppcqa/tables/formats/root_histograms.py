"""Histograms of charges in ROOT files: TH1, and TH2 of charge against channel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.histogram import spread_counts
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured, at_condition
from mppcqa.tables.parts import conditions_of, side_by_side
from mppcqa.tables.words import say as _

CHANNEL_WORDS = re.compile(r"(?i)\b(ch|chan|channels?|canal|cell|pixel|sipm|strip)\b(?!.*adc)")
MOST_CHANNELS = 4096


def histograms(file: Any) -> list[str]:
    """Names of the histograms that hold charges."""
    return [n for n, kind in file.classnames(cycle=False).items() if kind[:3] in ("TH1", "TH2")]


def find_histogram(file: Any, mapping: Mapping) -> Any:
    """The histogram that a mapping of a spectrum without columns names, or the only one."""
    if mapping.kind != "spectrum" or (mapping.columns and mapping.tree not in histograms(file)):
        return None
    names = histograms(file)
    if mapping.tree in names:
        return file[mapping.tree]
    return file[names[0]] if len(names) == 1 and not mapping.tree else None


def of_histogram(path: Path, mapping: Mapping, histogram: Any) -> Measured:
    """Charges of a histogram's counts, spread evenly over their bins."""
    counts, *edges = histogram.to_numpy(flow=False)
    whole = conditions_of(mapping, path, {"title": str(histogram.title)})
    part = whole.tell(at_condition(whole.values))
    if counts.ndim == 2:
        counts, channels, bins = _by_channel(path, mapping, histogram, counts, edges)
        part.channels, part.channel_known = channels, True
        part.charges = side_by_side([spread_counts(bins, one, path.name) for one in counts])
    else:
        centres = (edges[0][1:] + edges[0][:-1]) / 2
        part.charges = spread_counts(centres, counts, path.name)[:, None]
    part.notes.append(_("a histogram: its counts were spread evenly over their bins"))
    beyond = histogram.values(flow=True).sum() - histogram.values(flow=False).sum()
    if beyond:
        part.notes.append(_("%d counts below or above the histogram are left out") % beyond)
    return part


def _by_channel(
    path: Path, mapping: Mapping, histogram: Any, counts: Any, edges: list[Any]
) -> tuple[Any, tuple[int, ...], Any]:
    """Counts (channels, bins), the channels, and the bins' centres; empty channels are left out."""
    titles = [str(histogram.member(axis).member("fTitle")) for axis in ("fXaxis", "fYaxis")]
    whole = [bool(np.allclose(np.diff(one), 1)) and len(one) <= MOST_CHANNELS for one in edges]
    said = [bool(CHANNEL_WORDS.search(title)) for title in titles]
    axes = [axis for axis in (0, 1) if whole[axis] and said[axis]]
    if len(axes) != 1:
        raise TableError(
            _(
                "%(name)s: which axis of the histogram is the channel? One must be called so in "
                "steps of 1; they are “%(x)s” and “%(y)s”"
            )
            % {"name": path.name, "x": titles[0], "y": titles[1]}
        )
    table = counts if axes[0] == 0 else counts.T
    numbers = np.rint((edges[axes[0]][1:] + edges[axes[0]][:-1]) / 2 - 1e-9).astype(int)
    numbers = numbers - mapping.channels_from
    filled = np.flatnonzero(table.sum(axis=1) > 0)
    if not len(filled) or numbers[filled[0]] < 0:
        raise TableError(_("%s: the histogram is empty, or has channels below 0") % path.name)
    other = edges[1 - axes[0]]
    return table[filled], tuple(numbers[filled].tolist()), (other[1:] + other[:-1]) / 2
