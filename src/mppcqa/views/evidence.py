"""What a value came from, named so that a page can lead to it."""

from __future__ import annotations

from typing import NamedTuple

from mppcqa.results.conditions import setting
from mppcqa.results.models import WHOLE_DEVICE, Analysis
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition


class Evidence(NamedTuple):
    """Where a value was measured: run, slot, channel and setting, and the file that holds it."""

    quantity: str
    file: int
    run: int | None
    """None where a file was imported without one."""
    slot: int | None
    """Of the device in the run; None where the run does not say, or of a mean over devices."""
    channel: int | None
    """`WHOLE_DEVICE`, or None of a mean over the channels."""
    at: Condition
    """What was set."""
    events: bool
    """Whether the file holds events or curves: a spectrum, waveforms, currents."""
    analysis: int | None = None
    """None of the analysis that counts."""


def evidence_of(
    analysis: Analysis,
    slot: int | None,
    quantity: str,
    channel: int | None = WHOLE_DEVICE,
    condition: Condition | None = None,
) -> Evidence:
    """What a value of an analysis came from, of the device in a slot; asks the database nothing."""
    file = analysis.run_file
    return Evidence(
        quantity,
        file.pk,
        file.run_id,
        slot,
        channel,
        setting(condition or Condition()),
        file.kind == RunFile.Kind.RUN,
        None if analysis.counts else analysis.pk,
    )
