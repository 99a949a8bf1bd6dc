"""Feeds mutated files to the checker and the reader, in a process that may die of them."""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from mppcqa.runfile import RunFile, RunFileError, check
from tests.runfile.by_root import write_trees, write_tuples
from tests.runfile.make import write_everything
from tests.runfile.mutations import mutate

HANG_S = 5.0
"""Processor time for a file; a computer that does other things besides gets four times that."""
TURNS = (0, 0, 2, 1, 0, 3)
"""Which base is mutated in turn: our TTree, our RNTuple, ROOT's TTree, ROOT's RNTuple."""
MEMORY_BYTES = 1_000_000_000
REBUILT = ("wrong_type", "wrong_length", "wrong_document", "bomb")
"""Mutations that write a file anew: any verdict but "fine" will do, there is no original."""
Span = tuple[int, int]


@dataclass(frozen=True)
class Base:
    """A valid file: its bytes, its values, and the bytes that nothing in it protects."""

    data: bytes
    truth: dict[str, Any]
    bare: list[Span]


def base_of(path: Path, *, bare: bool) -> Base:
    """`bare` for a file of ROOT's own, which keeps no checksum of what it does not compress."""
    return Base(path.read_bytes(), everything(path), bare_bytes(path) if bare else [])


def bare_bytes(path: Path) -> list[Span]:
    """Where values stand as they are: baskets that do not get smaller, and the document."""
    with uproot.open(path) as file:
        keys = [file.key("meta")] + [
            branch.basket_key(number)
            for tree in file.values()
            if hasattr(tree, "branches")
            for branch in tree.branches
            for number in range(branch.num_baskets)
        ]
        return [
            (key.fSeekKey + key.fKeylen, key.fSeekKey + key.fNbytes)
            for key in keys
            if not key.is_compressed
        ]


def blameless(path: Path, base: Base) -> bool:
    """Whether only bytes that nothing protects made a difference: there was nothing to notice."""
    data = bytearray(path.read_bytes())
    if not base.bare or len(data) != len(base.data):
        return False
    for first, last in base.bare:
        data[first:last] = base.data[first:last]
    path.write_bytes(data)
    return not check(path) and same(everything(path), base.truth)


def everything(path: Path) -> dict[str, Any]:
    """All values of a file through the reader, cell by cell."""
    found: dict[str, Any] = {}
    with RunFile(path) as run:
        found["meta"] = dict(run.meta)
        found |= {f"condition/{key}": values for key, values in run.conditions.items()}
        for tree in ("charge", "waveform"):
            for (point, slot, channel), _ in run.cells(tree):
                key = f"{tree}/{point}/{slot}/{channel}"
                if tree == "charge":
                    found[key] = run.charges(point, slot)
                    found[key + "/t"] = run.event_times(point, slot)
                else:
                    part = run.waveforms(point, slot, channel)
                    found[key] = part.volts()
                    found[key + "/event"] = part.event
        for curve in run.iv_curves():
            found[f"iv/{curve.curve}"] = np.stack([curve.voltage_v, curve.current_a])
        for sensor in run.sensors:
            found[f"monitor/{sensor['sensor']}"] = np.stack(run.monitor(sensor["sensor"]))
    return found


def same(found: dict[str, Any], truth: dict[str, Any]) -> bool:
    """Whether all that was read is what was written."""
    return found.keys() == truth.keys() and all(
        value == truth[key] if key == "meta" else np.array_equal(value, truth[key], equal_nan=True)
        for key, value in found.items()
    )


def verdict(path: Path, kind: str, base: Base) -> str:
    """What became of a mutated file; anything beginning with "bad" must not be."""
    faults = check(path)
    if any(not str(fault).strip() for fault in faults):
        return "bad: a fault without a name"
    try:
        found = everything(path)
    except RunFileError:
        return "named" if faults else "bad: the reader refuses what the checker passed"
    if faults:
        return "named"
    if kind == "bomb":
        return "harmless"
    if kind not in REBUILT and not same(found, base.truth) and blameless(path, base):
        return "unprotected"
    if kind in REBUILT or not same(found, base.truth):
        return "bad: a wrong number passed"
    return "harmless"


def _work(pipe: Any, bases: list[Base]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while True:
        path, kind, base = pipe.recv()
        began_s = time.process_time()
        try:
            said = verdict(path, kind, bases[base])
        except BaseException as error:
            said = f"bad: {type(error).__name__}: {error}"[:300]
        # What the tests before this one had loaded is not the reader's.
        peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        took_s = time.process_time() - began_s
        if took_s > HANG_S:
            said = f"bad: took {took_s:.1f} s of processor time"
        pipe.send((said, peak, took_s))


class Worker:
    """The process that reads; started again when it died or hung."""

    def __init__(self, bases: list[Base]) -> None:
        self.bases = bases
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.bases), daemon=True)
        self.process.start()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def ask(self, path: Path, kind: str, base: int) -> tuple[str, int, float]:
        """What it said of a file; bytes of memory and seconds that it took."""
        self.pipe.send((path, kind, base))
        if self.pipe.poll(4 * HANG_S):
            try:
                return self.pipe.recv()
            except EOFError:
                said = "bad: the process died"
        else:
            said = f"bad: took over {4 * HANG_S} s"
        self.stop()
        self.start()
        return said, 0, 0.0


def fuzz(cases: Sequence[tuple[int, int]], keep: Path | None = None) -> dict[str, Any]:
    """Files mutated by seed and number; what became of how many, and what must not have been."""
    with tempfile.TemporaryDirectory(prefix="mppcqa-fuzz-") as name:
        folder = Path(name)
        bases = [
            base_of(write_everything(folder / "ours.root"), bare=False),
            base_of(write_everything(folder / "ours_t.root", format="rntuple"), bare=False),
            base_of(write_trees(folder / "root.root", events=60), bare=True),
            base_of(write_tuples(folder / "root_t.root"), bare=True),
        ]
        worker = Worker(bases)
        tally: Counter[str] = Counter()
        bad: list[dict[str, Any]] = []
        peak, slowest = 0, 0.0
        for seed, i in cases:
            base = TURNS[i % len(TURNS)]
            path = folder / "mutated.root"
            kind = mutate((seed, i), bases[base].data, path)
            said, memory, took_s = worker.ask(path, kind, base)
            slowest = max(slowest, took_s)
            peak = max(peak, memory)
            tally[said.partition(":")[0]] += 1
            if said.startswith("bad"):
                bad.append({"seed": seed, "file": i, "mutation": kind, "base": base, "what": said})
                if keep:
                    keep.mkdir(exist_ok=True)
                    (keep / f"{seed}-{i}.root").write_bytes(path.read_bytes())
        worker.stop()
    return {
        "files": len(cases),
        "named": tally["named"],
        "harmless": tally["harmless"],
        "unprotected": tally["unprotected"],
        "bad": bad,
        "slowest_s": round(slowest, 2),
        "peak_memory_mb": round(peak / 1e6),
    }


def as_line(result: dict[str, Any]) -> str:
    """The result as one line of JSON."""
    return json.dumps(result)
