"""What other laboratories' files hold, written as a run file of one slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile.write import RunWriter
from mppcqa.tables.measured import Measured
from mppcqa.tables.stored import pieces

LARGEST_ADC = 32_000
CHUNK = 200_000
SLOT = 1


def channels_of(parts: Sequence[Measured]) -> list[int]:
    """Channels of the device that the parts have together."""
    return sorted({channel for part in parts for channel in part.channels})


def write_parts(
    writer: RunWriter, parts: Sequence[Measured], numbers: Sequence[int] | None
) -> None:
    """Charges, waveforms and curves of an import's single slot."""
    column = {channel: place for place, channel in enumerate(numbers or channels_of(parts))}
    points: dict[tuple[Any, ...], int] = {}
    for part in parts:
        channel = column[part.channels[0]]
        if part.curve is not None:
            spread = part.curve.spread_a
            writer.iv(
                SLOT,
                channel,
                part.curve.bias_v,
                part.curve.current_a,
                temperature_c=part.temperature_c,
                light=part.light,
                current_uncertainty_a=spread if np.isfinite(spread).any() else None,
            )
            continue
        key = (part.bias_v, part.temperature_c, part.light, *sorted(part.others.items()))
        if key not in points:
            points[key] = len(points)
            writer.point(
                points[key],
                bias_v=part.bias_v,
                temperature_c=part.temperature_c,
                light=part.light,
                **part.others,
            )
        if part.charges is not None:
            places = [column[one] for one in part.channels]
            for start in range(0, len(part.charges), CHUNK):
                piece = part.charges[start : start + CHUNK]
                writer.charges(points[key], SLOT, _all_channels(piece, places, len(column)))
        if part.staircase is not None:
            scan = part.staircase
            known = scan.spread_hz if np.isfinite(scan.spread_hz).any() else None
            writer.staircase(points[key], SLOT, channel, scan.threshold, scan.rate_hz, known)
        if part.waveforms is not None:
            for piece in pieces(part.waveforms):
                adc, scale, offset = as_integers(piece)
                writer.waveforms(points[key], SLOT, channel, adc, scale_v=scale, offset_v=offset)

    if not points:  # a file of curves alone; every run file has a point
        writer.point(0, bias_v=0.0, temperature_c=parts[0].temperature_c, light=parts[0].light)


def _all_channels(
    charges: NDArray[np.float32], places: list[int], width: int
) -> NDArray[np.float32]:
    """Charges (events, channels) of some of the channels, NaN in the others."""
    if places == list(range(width)):
        return charges
    table = np.full((len(charges), width), np.nan, np.float32)
    table[:, places] = charges
    return table


def as_integers(waveforms: NDArray[Any]) -> tuple[NDArray[np.int16], float, float]:
    """Waveforms as 16-bit integers with scale and offset: whole numbers of a digitizer as they are,
    others finer than an oscilloscope's steps."""
    if waveforms.dtype in (np.int16, np.int8, np.uint8):
        return waveforms.astype(np.int16, copy=False), 1.0, 0.0
    low, high = float(waveforms.min()), float(waveforms.max())
    whole = waveforms.dtype.kind in "iu" or np.array_equal(waveforms, np.rint(waveforms))
    if whole and low >= -(2**15) and high < 2**15:
        return waveforms.astype(np.int16), 1.0, 0.0
    if whole and high - low < 2**16:
        offset = float(int(low) + 2**15)
        return (waveforms.astype(np.int32) - int(offset)).astype(np.int16), 1.0, offset
    offset = (low + high) / 2
    scale = max((high - low) / 2, 1e-12) / LARGEST_ADC
    return np.rint((waveforms - offset) / scale).astype(np.int16), scale, offset
