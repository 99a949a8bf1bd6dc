"""The routine that makes a run file of foreign files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from mppcqa.exchange.foreign.files import mapping_names
from mppcqa.exchange.foreign.kinds import axes
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine
from mppcqa.runs.folders import RUN_FILE, new_folder, note_size
from mppcqa.runs.models import Run
from mppcqa.runs.tasks import run_names
from mppcqa.stages import get_axis

if TYPE_CHECKING:
    from mppcqa.tables.measured import Measured


def _apart(parts: Sequence[Measured], channels: int) -> bool:
    """Whether some event has charges of some channels only: the others did not fire in it."""
    return any(
        len(part.channels) < channels or bool(np.isnan(part.charges).any())
        for part in parts
        if part.charges is not None
    )


@routine("exchange.convert", title=_("Convert"), repeatable=True)
def convert(context: Context, *, run_id: int) -> dict[str, Any]:
    """Read an import's files by its mapping and write them as a run file."""
    from mppcqa.exchange.foreign.files import ForeignRefused, imported_parts
    from mppcqa.runfile import RunFileError, RunWriter
    from mppcqa.runfile.imported import write_parts
    from mppcqa.store.reading import FileFault
    from mppcqa.tables import TableError

    run = Run.objects.filter(pk=run_id).select_related("operator").first()
    if run is None or "import" not in run.parameters:
        raise TaskError(f"run {run_id} is no import")
    try:
        with ExitStack() as keep:
            parts = imported_parts(run, keep)
            meta = meta_of(run, parts)
            row = new_folder(run, context.task)
            try:
                with RunWriter(row.path / RUN_FILE, meta) as writer:
                    write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
            finally:
                note_size(row)
    except (RunFileError, FileFault, TableError, ForeignRefused) as error:
        raise TaskError(str(error)) from error
    for part in parts:
        for note in part.notes:
            context.log(note)
    return {"parts": len(parts), "folder": row.name}


def meta_of(run: Run, parts: Sequence[Measured]) -> dict[str, Any]:
    """The meta document of an imported run; `RunFileError` where its parts do not fit together."""
    from mppcqa.runfile import RunFileError
    from mppcqa.runfile.imported import channels_of

    signs = {part.signal_sign for part in parts if part.waveforms is not None}
    if len(signs) > 1:
        raise RunFileError(
            "some waveforms have pulses below the baseline, some above; import apart"
        )
    slot = run.slots.select_related("device").get()
    channels = channels_of(parts)
    shapes = {(p.waveforms.shape[1], p.sample_s) for p in parts if p.waveforms is not None}
    if len(shapes) > 1:
        listed = ", ".join(f"{n} samples of {s * 1e9:g} ns" for n, s in sorted(shapes))
        raise RunFileError(f"the files hold waveforms of different kinds ({listed}); import apart")
    gates = {part.gate_s for part in parts if math.isfinite(part.gate_s)}
    asked = run.parameters["import"]
    given: dict[str, Any] = {"slot": slot.slot, "serial": slot.device.serial}
    given["uuid"] = str(slot.device.uuid)
    given["channels"] = len(channels)
    if channels != list(range(len(channels))):
        given["channel_numbers"] = channels
    meta: dict[str, Any] = {
        "run": run.pk,
        **run_names(run),
        "stage": run.stage,
        "station": "",
        "operator": run.operator.get_username() if run.operator else "",
        "program": f"mppcqa import, mapping {', '.join(mapping_names(asked))}",
        "started": f"{run.measured_at:%Y-%m-%dT%H:%M:%SZ}",
        "slots": [given],
        "imported": {"files": asked["names"], "facts": [part.facts for part in parts][:50]},
    }
    units = {part.staircase.unit for part in parts if part.staircase is not None}
    if len(units) > 1:
        raise RunFileError("thresholds in volts and in steps of a discriminator; import apart")
    if units:
        meta["threshold_unit"] = units.pop()
    if _apart(parts, len(channels)):
        meta["own_triggers"] = True
    if others := {key for part in parts for key in part.others}:
        # A file without the list has bias, temperature and light alone.
        told = {key for part in parts for key in axes() if math.isfinite(part.at(key))}
        meta["axes"] = [
            {"key": one.key, "title": one.title, "unit": one.unit}
            for one in map(get_axis, sorted(told | others))
        ]
    if gates:
        meta["gate_s"] = min(gates)
    if shapes:
        samples, sample_s = shapes.pop()
        meta["waveform"] = {
            "samples": int(samples),
            "sampling_s": float(sample_s),
            "signal_sign": signs.pop(),
        }
    return meta
