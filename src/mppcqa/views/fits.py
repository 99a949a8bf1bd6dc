"""What fits said of themselves, in words."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from mppcqa.results.conditions import condition_text, setting, sort_key
from mppcqa.results.fits import FitRecord, records_of
from mppcqa.results.models import FitRecords
from mppcqa.views.texts import NONE, measured

DOUBTFUL = 1e-3
"""A p-value below is pointed out: one good fit of a thousand has it."""
APART = 4.0
"""Standard uncertainties between two ways of one value that are pointed out."""


@dataclass(frozen=True)
class FitLine:
    """One fit in words."""

    channel: int
    at: str
    chi2_ndf: str
    p_value: float | None
    p_text: str
    events: str
    left_out: str
    free: str
    second_ways: str
    fault: str
    doubtful: bool
    """Its p-value is low, or a second way gives something else."""
    cell: str = ""
    """What leads to its spectrum."""


def fit_lines(row: FitRecords) -> list[FitLine]:
    """The fits of a device's analysis, by condition and channel."""
    records = sorted(records_of(row), key=lambda one: (sort_key(one.at), one.channel))
    run = row.analysis.run_file.run
    slot = None
    if run is not None:
        slot = run.slots.filter(device=row.device_id).values_list("slot", flat=True).first()
    return [_line(one, slot) for one in records]


def line_of_fit(one: FitRecord) -> FitLine:
    """A fit that was just made."""
    return _line(one, None)


def _line(one: FitRecord, slot: int | None) -> FitLine:
    asked: dict[str, object] = {"slot": slot, "channel": one.channel}
    asked |= {key: f"{value:.7g}" for key, value in setting(one.at).items()}
    ways, apart = _ways(one)
    return FitLine(
        channel=one.channel,
        at=condition_text(one.at),
        chi2_ndf=NONE if one.chi2_ndf is None else f"{one.chi2:.1f} / {one.ndf}",
        p_value=one.p_value,
        p_text=NONE if one.p_value is None else f"{one.p_value:.2g}",
        events=_whole(one.events),
        left_out=_whole(one.left_out),
        free=", ".join(
            f"{_(name)} ({_('seen')})" if name in one.seen else _(name) for name in one.free
        ),
        second_ways=ways,
        fault=_(one.fault) if one.fault else "",
        doubtful=apart or (one.p_value is not None and one.p_value < DOUBTFUL),
        cell="" if slot is None else urlencode(asked),
    )


def _whole(number: float | None) -> str:
    return NONE if number is None else f"{number:.0f}"


def _ways(one: FitRecord) -> tuple[str, bool]:
    """Both ways of each value, and whether some are far apart."""
    texts, apart = [], False
    for name, numbers in one.second_ways.items():
        value, error, other, other_error = numbers
        texts.append(f"{_(name)}: {measured(value, error)}; {measured(other, other_error)}")
        apart |= abs(value - other) > APART * max(error, other_error) > 0
    return "; ".join(texts), apart
