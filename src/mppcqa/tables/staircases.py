"""Rates against threshold: a scan's columns, and counts of hits that a list has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import NAN, Floats, Measured, Staircase, at_condition
from mppcqa.tables.sweeps import several_scans
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

if TYPE_CHECKING:
    from mppcqa.tables.mapping import Column

LEAST_POINTS = 5
LARGEST_HZ = 1e9
IN_VOLTS = 20.0
"""No discriminator's threshold lies higher [V]."""


def staircases_of(
    path: Path,
    roles: dict[str, list[tuple[Column, Floats]]],
    condition: dict[str, float],
    channel: int | None,
) -> list[Measured]:
    """A staircase for each column of rates; `TableError` for what can be none."""
    thresholds, spreads = roles["threshold"], roles.get("spread_hz", [])
    rates = roles["rate_hz"]
    if len(thresholds) != 1 or len(spreads) not in (0, len(rates)):
        raise TableError(
            _("%(name)s: %(t)d columns of thresholds, %(r)d of rates and %(s)d of their spread")
            % {"name": path.name, "t": len(thresholds), "r": len(rates), "s": len(spreads)}
        )
    role, threshold = thresholds[0]
    found = []
    for place, (column, rate) in enumerate(rates):
        spread = spreads[place][1] if spreads else np.full_like(rate, NAN)
        one = at_condition(condition)
        one.staircase, notes = _staircase(path, threshold, rate, spread, _unit(role.unit))
        one.notes += notes
        text, asks = several_scans(one.staircase.threshold, one.staircase.rate_hz)
        if text:
            (one.doubts if asks else one.notes).append(text)
        one.channels = (column.channel if channel is None else channel,)
        one.channel_known = channel is not None or len(rates) > 1 or column.channel > 0
        found.append(one)
    return found


def _unit(text: str) -> str:
    known = read_unit(text) if text else None
    if known is not None and known.base == "V":
        return "V"
    if re.fullmatch(r"p\.?\s?e\.?|photo ?electrons?", text.strip(), re.I):
        return "p.e."
    return "DAC" if text else ""


def _staircase(
    path: Path, threshold: Floats, rate: Floats, spread: Floats, unit: str
) -> tuple[Staircase, list[str]]:
    notes = []
    good = np.isfinite(threshold) & np.isfinite(rate)
    if not good.all():
        notes.append(_("%d points without a reading are left out") % int((~good).sum()))
    threshold, rate, spread = threshold[good], rate[good], spread[good]
    if len(np.unique(threshold)) < LEAST_POINTS:
        raise TableError(
            _("%(name)s: %(n)d thresholds are no staircase; was the file cut off?")
            % {"name": path.name, "n": len(np.unique(threshold))}
        )
    if (rate < 0).any() or rate.max() > LARGEST_HZ or not rate.any():
        raise TableError(
            _("%(name)s: rates from %(low)g to %(high)g Hz are not possible; are units missing?")
            % {"name": path.name, "low": rate.min(), "high": rate.max()}
        )
    if unit == "V" and np.abs(threshold).max() > IN_VOLTS:
        raise TableError(
            _("%(name)s: thresholds up to %(v)g V are not possible; are they steps of a DAC?")
            % {"name": path.name, "v": np.abs(threshold).max()}
        )
    return Staircase(threshold, rate, np.abs(spread), unit), notes
