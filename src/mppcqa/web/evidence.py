"""Where a measured value leads: to its spectrum, its waveforms, its curves, or its file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode

from django.urls import get_script_prefix

from mppcqa.results.models import WHOLE_DEVICE
from mppcqa.stages import Condition
from mppcqa.views.evidence import Evidence
from mppcqa.web.addresses import address


def evidence(about: Evidence) -> str:
    """Address of the page that shows what a value came from.

    A channel's value, or the device's: what the file holds there. A mean: the values that it is of.
    """
    if about.run is None:
        return address("run_file", about.file)
    if about.channel is None:
        asked = {"quantity": about.quantity} | ({"slot": about.slot} if about.slot else {})
        return _asking("run_explore", about.run, asked, about.analysis)
    if not about.events or about.slot is None:
        return address("run", about.run)
    return cell_address(about.run, about.slot, about.channel, about.at, about.analysis)


def cell_address(
    run: int, slot: int, channel: int, at: Condition, analysis: int | None = None
) -> str:
    """The page of a channel at a setting; of the analysis that counts, or of another."""
    place = 0 if channel == WHOLE_DEVICE else channel
    return _cell(get_script_prefix(), run, slot, place, analysis) + _setting(at)


@lru_cache(10_000)
def _cell(_prefix: str, run: int, slot: int, channel: int, analysis: int | None) -> str:
    """A channel has dozens of values."""
    return _asking("run_cell", run, {"slot": slot, "channel": channel}, analysis)


def _asking(name: str, run: int, asked: Mapping[str, object], analysis: int | None) -> str:
    if analysis is not None:
        asked = {**asked, "analysis": analysis}
    return f"{address(name, run)}?{urlencode(asked)}"


@lru_cache(10_000)
def _setting(at: Condition) -> str:
    """A device has hundreds of values at a dozen settings."""
    asked = urlencode({key: f"{value:.7g}" for key, value in at.items()})
    return f"&{asked}" if asked else ""
