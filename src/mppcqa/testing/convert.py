"""The routine that makes a run file of foreign files."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine
from mppcqa.testing.models import Run

if TYPE_CHECKING:
    from mppcqa.runfile import RunWriter
    from mppcqa.runfile.foreign import Measured

LARGEST_ADC = 32_000
CHUNK = 200_000


@routine("testing.convert", title=_("Convert"), repeatable=True)
def convert(context: Context, *, run_id: int) -> dict[str, Any]:
    """Read an import's files by its mapping and write them as a run file."""
    from mppcqa.runfile import RunFileError, RunWriter
    from mppcqa.testing.foreign import imported_parts
    from mppcqa.testing.tasks import run_folder

    run = Run.objects.filter(pk=run_id).select_related("operator").first()
    if run is None or "import" not in run.parameters:
        raise TaskError(f"run {run_id} is no import")
    try:
        parts = imported_parts(run)
        folder = run_folder(run)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        meta = meta_of(run, parts)
        with RunWriter(folder / "run.root", meta) as writer:
            write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
    except RunFileError as error:
        raise TaskError(str(error)) from error
    for part in parts:
        for note in part.notes:
            context.log(note)
    return {"parts": len(parts)}


def meta_of(run: Run, parts: Sequence[Measured]) -> dict[str, Any]:
    """The meta document of an imported run; `RunFileError` where its parts do not fit together."""
    from mppcqa.runfile import RunFileError

    slot = run.slots.select_related("device").get()
    channels = sorted({channel for part in parts for channel in part.channels})
    charged = {part.channels for part in parts if part.charges is not None}
    if charged and charged != {tuple(channels)}:
        raise RunFileError(
            f"the files hold charges of different channels ({', '.join(map(str, charged))}); "
            "import them apart"
        )
    shapes = {(p.waveforms.shape[1], p.sample_s) for p in parts if p.waveforms is not None}
    if len(shapes) > 1:
        listed = ", ".join(f"{n} samples of {s * 1e9:g} ns" for n, s in sorted(shapes))
        raise RunFileError(f"the files hold waveforms of different kinds ({listed}); import apart")
    gates = {part.gate_s for part in parts if math.isfinite(part.gate_s)}
    asked = run.parameters["import"]
    given: dict[str, Any] = {"slot": slot.slot, "serial": slot.device.serial}
    given["channels"] = len(channels)
    if channels != list(range(len(channels))):
        given["channel_numbers"] = channels
    meta: dict[str, Any] = {
        "run": run.pk,
        "stage": run.stage,
        "station": "",
        "operator": run.operator.get_username() if run.operator else "",
        "program": f"mppcqa import, mapping {asked['mapping']['name']}",
        "started": f"{run.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "slots": [given],
        "imported": {"files": asked["names"], "facts": [part.facts for part in parts][:50]},
    }
    if gates:
        meta["gate_s"] = min(gates)
    if shapes:
        samples, sample_s = shapes.pop()
        meta["waveform"] = {"samples": int(samples), "sampling_s": float(sample_s)}
    return meta


def write_parts(
    writer: RunWriter, parts: Sequence[Measured], numbers: Sequence[int] | None
) -> None:
    """Charges, waveforms and curves of an import's single slot."""
    column = {channel: place for place, channel in enumerate(numbers or ())}
    points: dict[tuple[float, float, float], int] = {}
    for part in parts:
        channel = column.get(part.channels[0], part.channels[0])
        if part.curve is not None:
            spread = part.curve.spread_a
            writer.iv(
                1,
                channel,
                part.curve.bias_v,
                part.curve.current_a,
                temperature_c=part.temperature_c,
                light=part.light,
                current_uncertainty_a=spread if np.isfinite(spread).any() else None,
            )
            continue
        key = (part.bias_v, part.temperature_c, part.light)
        if key not in points:
            points[key] = len(points)
            writer.point(
                points[key],
                bias_v=part.bias_v,
                temperature_c=part.temperature_c,
                light=part.light,
            )
        if part.charges is not None:
            for start in range(0, len(part.charges), CHUNK):
                writer.charges(points[key], 1, part.charges[start : start + CHUNK])
        if part.waveforms is not None:
            adc, scale, offset = as_integers(part.waveforms)
            writer.waveforms(points[key], 1, channel, adc, scale_v=scale, offset_v=offset)

    if not points:  # a file of curves alone; every run file has a point
        writer.point(0, bias_v=0.0, temperature_c=parts[0].temperature_c, light=parts[0].light)


def as_integers(waveforms: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Waveforms as 16-bit integers with scale and offset; finer than an oscilloscope's steps."""
    low, high = float(waveforms.min()), float(waveforms.max())
    offset = (low + high) / 2
    scale = max((high - low) / 2, 1e-12) / LARGEST_ADC
    return np.rint((waveforms - offset) / scale).astype(np.int16), scale, offset
