"""Steps of `benchmarks.runfile`, each run in a process of its own: ``STEP FOLDER MEGABYTES``."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS, SAMPLES, POINTS = 16, 500, 14
CELL_EVENTS = 8000
SHAPES_A_CHANNEL = 32
CHUNK_BYTES = 20_000_000

META: dict[str, Any] = {
    "run": 1,
    "stage": "stage2",
    "station": "bench",
    "operator": "bench",
    "program": "bench 1",
    "started": "2026-01-01T00:00:00Z",
    "gate_s": 1e-7,
    "decay_s": 1e-8,
    "waveform": {"samples": SAMPLES, "sampling_s": 2e-9},
}


def plan(megabytes: float) -> int:
    """Devices of a run of that size."""
    return max(1, round(megabytes / megabytes_of_plan(1)))


def megabytes_of_plan(devices: int) -> float:
    charge = CELL_EVENTS * (4 * CHANNELS + 8)
    shapes = CHANNELS * SHAPES_A_CHANNEL * (2 * SAMPLES + 16 + 16)
    return devices * POINTS * (charge + shapes) / 1e6


def setting(point: int) -> dict[str, float]:
    """Conditions of a point: each bias in the dark and with light."""
    return {"bias_v": 71 + point // 2 / 5, "temperature_c": 20.0, "light": float(point % 2)}


def material() -> tuple[list[np.ndarray], np.ndarray]:
    """Charges (events, channels), dark and lit, and waveforms (channels, waveforms, samples):
    peaks 100 ADC apart with noise; noise of 5 ADC with pulses of 25 ns."""
    rng = np.random.default_rng(1)
    charges = []
    for mean in (0.1, 2.0):
        fired = rng.poisson(mean, (CELL_EVENTS, CHANNELS))
        charges.append((100 * fired + rng.normal(0, 12, fired.shape)).astype(np.float32))
    t = np.arange(SAMPLES) * 2.0
    height = 200 * rng.poisson(1.0, (CHANNELS, SHAPES_A_CHANNEL, 1))
    begin = rng.uniform(0, 800, height.shape)
    pulse = np.where(t > begin, np.exp(-(t - begin) / 25), 0)
    shapes = height * pulse + rng.normal(0, 5, (CHANNELS, SHAPES_A_CHANNEL, SAMPLES))
    return charges, shapes.astype(np.int16)


def cells(devices: int) -> Iterator[tuple[int, int]]:
    return ((point, slot) for point in range(POINTS) for slot in range(devices))


def write(folder: Path, devices: int) -> dict[str, float]:
    from mppcqa.runfile import RunWriter

    charges, shapes = material()
    slots = [{"slot": i, "serial": f"B-{i}", "channels": CHANNELS} for i in range(devices)]
    began = time.perf_counter()
    with RunWriter(folder / "run.root", {**META, "slots": slots}) as writer:
        for point in range(POINTS):
            writer.point(point, **setting(point))
        for point, slot in cells(devices):
            writer.charges(point, slot, charges[point % 2])
            for channel in range(CHANNELS):
                writer.waveforms(point, slot, channel, shapes[channel], scale_v=1e-4)
    return {"s": time.perf_counter() - began}


def write_uproot(folder: Path, devices: int) -> dict[str, float]:
    """The same columns by plain uproot, an extend a cell: 0.6 MB and 0.5 MB baskets."""
    import uproot

    charges, shapes = material()
    flat = shapes.reshape(-1, SAMPLES)
    channel = np.repeat(np.arange(CHANNELS, dtype=np.int32), SHAPES_A_CHANNEL)
    ints, floats = np.dtype("int32"), np.dtype("float64")
    began = time.perf_counter()
    with uproot.recreate(folder / "plain.root", compression=uproot.LZ4(1)) as file:
        file.mktree("charge", {"point": ints, "slot": ints, "charge": ("float32", (CHANNELS,))})
        file.mktree(
            "waveform",
            {
                **dict.fromkeys(("point", "slot", "channel", "event"), ints),
                **dict.fromkeys(("scale_v", "offset_v"), floats),
                "adc": ("int16", (SAMPLES,)),
            },
        )
        for point, slot in cells(devices):
            events = CELL_EVENTS
            file["charge"].extend(
                {
                    "point": np.full(events, point, np.int32),
                    "slot": np.full(events, slot, np.int32),
                    "charge": charges[point % 2],
                }
            )
            count = len(flat)
            file["waveform"].extend(
                {
                    "point": np.full(count, point, np.int32),
                    "slot": np.full(count, slot, np.int32),
                    "channel": channel,
                    "event": np.full(count, -1, np.int32),
                    "scale_v": np.full(count, 1e-4),
                    "offset_v": np.zeros(count),
                    "adc": flat,
                }
            )
    return {"s": time.perf_counter() - began}


COLUMNS = {
    "charge": ["point", "slot", "charge"],
    "waveform": ["point", "slot", "channel", "event", "scale_v", "offset_v", "adc"],
}


def read(folder: Path, devices: int) -> dict[str, float]:
    from mppcqa.runfile import RunFile

    total = 0.0
    began = time.perf_counter()
    with RunFile(folder / "run.root") as run:
        for tree, columns in COLUMNS.items():
            for chunk in run.chunks(tree, columns, CHUNK_BYTES):
                total += sum(float(np.sum(values)) for values in chunk.values())
    return {"s": time.perf_counter() - began, "sum": total}


def read_uproot(folder: Path, devices: int) -> dict[str, float]:
    import uproot

    total = 0.0
    began = time.perf_counter()
    with uproot.open(folder / "run.root") as file:
        for tree, columns in COLUMNS.items():
            for chunk in file[tree].iterate(columns, step_size=CHUNK_BYTES, library="np"):
                total += sum(float(np.sum(values)) for values in chunk.values())
    return {"s": time.perf_counter() - began, "sum": total}


def read_rdataframe(folder: Path, devices: int) -> dict[str, float]:
    """One event loop a tree, on one thread as the others; compiling is not counted."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\\s*This distribution of ROOT is in alpha")
        import ROOT

    def total(path: str) -> float:
        found = 0.0
        for tree, columns in COLUMNS.items():
            frame = ROOT.RDataFrame(tree, path)
            sums = [frame.Sum(name) for name in columns]
            found += sum(float(value.GetValue()) for value in sums)
        return found

    small = folder / "small.root"
    if not small.exists():
        run_small(small)
    total(str(small))
    began = time.perf_counter()
    found = total(str(folder / "run.root"))
    return {"s": time.perf_counter() - began, "sum": found}


def run_small(path: Path) -> None:
    """A file of one device and point, for compiling before the clock runs."""
    from mppcqa.runfile import RunWriter

    charges, shapes = material()
    slots = [{"slot": 0, "serial": "B-0", "channels": CHANNELS}]
    with RunWriter(path, {**META, "slots": slots}) as writer:
        writer.point(0, bias_v=70, temperature_c=20, light=0)
        writer.charges(0, 0, charges[1][:10])
        writer.waveforms(0, 0, 0, shapes[0], scale_v=1e-4)


def check(folder: Path, devices: int) -> dict[str, float]:
    from mppcqa.runfile import check as check_file

    began = time.perf_counter()
    faults = check_file(folder / "run.root")
    assert faults == []
    return {"s": time.perf_counter() - began}


def cell(folder: Path, devices: int) -> dict[str, float]:
    """A device's charges at a point, from opening the file: with the index that it brings along,
    with one made (as for a file of a program that brings none), and with that one cached."""
    from mppcqa.runfile import RunFile
    from mppcqa.runfile.layout import INDEX

    def once(with_index: bool) -> float:
        began = time.perf_counter()
        with RunFile(folder / "run.root") as run:
            if not with_index:
                del run.keys[INDEX]
            assert run.charges(POINTS // 2, devices // 2).shape == (CELL_EVENTS, CHANNELS)
        return time.perf_counter() - began

    once(True)
    brought = min(once(True) for _ in range(3))
    return {"s": brought, "made_index_s": once(False), "cached_s": once(False)}


def main() -> None:
    name, folder, megabytes = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    found: Callable[[Path, int], dict[str, float]] = globals()[name]
    result = found(folder, plan(megabytes))
    result["mb"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps(result))


if __name__ == "__main__":
    main()
