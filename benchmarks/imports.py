"""Files of other programs in: ``make bench BENCH=imports ARGS="--files 5000 --mb 1000"``; JSON.

files_per_second
    Of a folder of small mixed files of many devices, taken in as a batch: recognised, read,
    checked, kept, their runs asked for. The analysis comes after it and is not in it.
convert_files_per_second
    The same files made into run files.
mb_per_second_ratio
    Reading all waveforms of a large binary WaveDump and a large HDF5 file as a conversion does,
    against reading their bytes alone; the worse of the two. Each is read once before.
peak_mb
    Memory at its highest while these two are read and written as run files.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import resource
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 1000
EVENT = 24 + 2 * SAMPLES
PIECE = 2000
DEVICES = 200
TARGETS = {"files_per_second": 50, "mb_per_second_ratio": 0.5, "peak_mb": 500}


def small_files(folder: Path, count: int) -> None:
    """IV curves, spectra, lists and waveforms of several programs, some of each device."""
    from tests.tables.families import FAMILIES

    wanted = ("iv_20C.csv", "spectrum_54V_20C.csv", "charges_54V_20C.csv", "lecroy_54V_20C.txt",
              "iv_20C.xlsx", "h_54V_20C.root", "iv_20C.h5", "tek_54V_20C.isf")  # fmt: skip
    families = [one for one in FAMILIES if one.name in wanted]
    texts = {}
    for family in families:
        path = folder / family.name
        family.make(path)
        texts[family.name] = path.read_bytes()
        path.unlink()
    for n in range(count):
        family = families[n % len(families)]
        place = folder / f"B-{n * DEVICES // count:03d}"
        place.mkdir(exist_ok=True)
        stem, _dot, ending = family.name.rpartition(".")
        data = _varied(texts[family.name], family.name, n)
        (place / f"{stem}_{n:05d}.{ending}").write_bytes(data)


def _varied(data: bytes, name: str, n: int) -> bytes:
    """The same measurement with another mark in it: no two files are alike."""
    if name.endswith(".csv"):
        return f"# file {n}\n".encode() + data
    if name.endswith(".txt"):
        return data.replace(b"16-Jun-2023", f"{n:05d}-Jun-2023".encode())
    if name.endswith(".isf"):
        return data[:-4] + struct.pack(">I", n)
    if name.endswith(".xlsx"):
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = b"%d" % n
        return buffer.getvalue()
    if name.endswith(".h5"):
        import h5py

        buffer = io.BytesIO(data)
        with h5py.File(buffer, "a") as file:
            file.attrs["file"] = n
        return buffer.getvalue()
    import uproot

    with tempfile.NamedTemporaryFile(suffix=".root") as target:
        with uproot.recreate(target.name) as file:
            file["h"] = (np.arange(60) % 20 + float(n % 100), np.arange(61.0) * 10 - 5)
            file["number"] = str(n)
        return Path(target.name).read_bytes()


@contextmanager
def own_database(home: Path) -> Iterator[None]:
    """A new SQLite database, whatever the environment names."""
    os.environ["MPPCQA_HOME"] = str(home / "home")
    os.environ["MPPCQA_DATABASE"] = f"sqlite:///{home}/bench.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "mppcqa.project.settings"
    from mppcqa.cli import setup_django

    setup_django()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    yield


def take_in(folder: Path, count: int) -> dict[str, Any]:
    from mppcqa.exchange.batches.taking import begin, take
    from mppcqa.exchange.foreign.convert import meta_of
    from mppcqa.exchange.foreign.files import imported_parts
    from mppcqa.inventory.actions import register_devices
    from mppcqa.inventory.models import DeviceType
    from mppcqa.runfile import RunWriter
    from mppcqa.runfile.imported import write_parts
    from mppcqa.runs.models import Run

    DeviceType.objects.create(name="B", rows=1, columns=2)
    register_devices([{"serial": f"B-{n:03d}", "device_type": "B"} for n in range(DEVICES)])
    began = time.perf_counter()
    counts = take(begin(folder, folder.name))
    took = time.perf_counter() - began
    began, done = time.perf_counter(), 0
    for run in Run.objects.order_by("pk")[:40]:
        parts = imported_parts(run)
        meta = meta_of(run, parts)
        with RunWriter(folder / f"{run.pk}.root", meta) as writer:
            write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
        done += len(run.parameters["import"]["files"])
    return {
        "files": counts["files"],
        "taken": counts["taken"],
        "twice": counts["twice"],
        "refused": counts["refused"],
        "runs": counts["runs"],
        "files_per_second": round(counts["files"] / took, 1),
        "convert_files_per_second": round(done / (time.perf_counter() - began), 1),
    }


def large_wavedump(path: Path, mb: int) -> None:
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        for first in range(0, mb * 1_000_000 // EVENT, PIECE):
            block = np.zeros(PIECE, [("h", "<u4", (6,)), ("s", "<u2", (SAMPLES,))])
            block["h"][:, 0], block["h"][:, 4] = EVENT, np.arange(first, first + PIECE)
            block["s"] = rng.integers(8000, 8200, (PIECE, SAMPLES))
            block.tofile(file)
    assert struct.calcsize("6I") + 2 * SAMPLES == EVENT


def large_hdf5(path: Path, mb: int) -> None:
    import h5py

    rng = np.random.default_rng(2)
    events = max(PIECE, mb * 1_000_000 // (2 * SAMPLES) // PIECE * PIECE)
    with h5py.File(path, "w") as file:
        data = file.create_dataset("daq/adc", (events, SAMPLES), "i2")
        for first in range(0, events, PIECE):
            data[first : first + PIECE] = rng.integers(0, 200, (PIECE, SAMPLES))


def mapping_of(form: str) -> Any:
    from mppcqa.tables.mapping_document import mapping_from_json

    return mapping_from_json({
        "name": "large", "format": form, "kind": "waveform",
        "tree": "daq" if form == "hdf5" else "",
        "columns": [{"source": "adc", "role": "signal"}] if form == "hdf5" else [],
        "conditions": {"sample_s": {"value": 2e-9}, "bias_v": {"value": 54.0},
                       "temperature_c": {"value": 20.0}, "light": {"value": 0.0}},
    })  # fmt: skip


def bytes_alone(path: Path) -> float:
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(16 << 20):
            pass
    return time.perf_counter() - began


def read_all(path: Path, form: str) -> float:
    import h5py  # noqa: F401  (its import is no reading)

    from mppcqa.tables.reading import read_foreign
    from mppcqa.tables.stored import pieces

    began = time.perf_counter()
    for part in read_foreign(path, mapping_of(form)):
        for piece in pieces(part.waveforms):
            piece[0, 0].item()
    return time.perf_counter() - began


def write_all(path: Path, form: str) -> float:
    from mppcqa.runfile import RunWriter
    from mppcqa.runfile.imported import write_parts
    from mppcqa.tables.reading import read_foreign

    meta = {
        "run": 1, "stage": "stage2", "station": "", "operator": "", "program": "b",
        "started": "2026-11-28T10:00:00Z", "slots": [{"slot": 1, "serial": "B", "channels": 1}],
        "waveform": {"samples": SAMPLES, "sampling_s": 2e-9, "signal_sign": 1},
    }  # fmt: skip
    began = time.perf_counter()
    with RunWriter(path.with_suffix(".root"), meta) as writer:
        write_parts(writer, read_foreign(path, mapping_of(form)), None)
    path.with_suffix(".root").unlink()
    return time.perf_counter() - began


def _apart(work: Callable[..., float], pipe: Any, *words: Any) -> None:
    took = work(*words)
    pipe.send((took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000))


def apart(work: Callable[..., float], *words: Any) -> tuple[float, float]:
    """Seconds and memory [MB] of work in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_apart, args=(work, theirs, *words))
    process.start()
    process.join()
    result: tuple[float, float] = ours.recv()
    return result


def large(folder: Path, mb: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ratios, peaks = [], []
    for name, form, make in (
        ("wave0.dat", "wavedump_binary", large_wavedump),
        ("run.h5", "hdf5", large_hdf5),
    ):
        path = folder / name
        make(path, mb)
        size = path.stat().st_size / 1e6
        bytes_alone(path)
        alone = min(bytes_alone(path) for _n in range(3))
        runs = [apart(read_all, path, form) for _n in range(3)]
        took = min(seconds for seconds, _mb in runs)
        written, peak = apart(write_all, path, form)
        ratios.append(alone / took)
        peaks += [peak, *(memory for _s, memory in runs)]
        found[form] = {
            "mb": round(size),
            "bytes_mb_per_second": round(size / alone),
            "read_mb_per_second": round(size / took),
            "run_file_mb_per_second": round(size / written),
            "peak_mb": round(max(peak, *(memory for _s, memory in runs))),
        }
        path.unlink()
    return {"mb_per_second_ratio": round(min(ratios), 2), "peak_mb": round(max(peaks))} | found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--mb", type=int, default=1000)
    options = parser.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mppcqa-imports-") as name:
        folder = Path(name)
        if options.mb:
            result |= large(folder, options.mb)
        if options.files:
            source = folder / "files"
            source.mkdir()
            small_files(source, options.files)
            with own_database(folder):
                result |= take_in(source, options.files)
    result["targets"] = TARGETS
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
