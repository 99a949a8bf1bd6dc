"""Mutated files of every family: the numbers of the original, fewer of them, or a named refusal.

Each mutation says what is right: ``same`` (another way of writing the same), ``same or refused``
(what can't be mended), or ``part or refused`` (rows are lost: no other number may appear). Bytes
that are changed anywhere (``flips``) may make another good file; there only crashes, time and
memory count.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables import TableError
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign
from mppcqa.tables.stored import pieces
from tests.tables.families import FAMILIES, Family

HANG_S = 5.0
MEMORY_BYTES = 1_000_000_000
Numbers = dict[tuple[str, int], Any]
Random = np.random.Generator
DATA = re.compile(r"\s*(?:DataValue, )?[+-]?\d")
WORDS = ("abc", "N/A", "--", "1.2.3", "9.91E37", "<5", "0x1F", "1e", "", "∞")


def numbers_of(parts: list[Measured]) -> Numbers:
    """Rows of numbers by kind and channel: points, waveforms with their step, or charges."""
    found: Numbers = {}
    for part in parts:
        key = (part.kind, part.channels[0])
        if part.curve is not None:
            found[key] = np.column_stack([part.curve.bias_v, part.curve.current_a])
        elif part.staircase is not None:
            scan = part.staircase
            found[key] = np.column_stack([scan.threshold, scan.rate_hz])
            known = np.isfinite(scan.spread_hz)
            spread = np.column_stack([scan.threshold[known], scan.spread_hz[known]])
            found["spread", part.channels[0]] = spread
        elif part.waveforms is not None:
            waves = np.concatenate(list(pieces(part.waveforms))).astype(float)
            found[key] = np.column_stack([np.full(len(waves), part.sample_s), waves])
        elif part.charges is not None:
            for place, channel in enumerate(part.channels):
                values = part.charges[:, place]
                found["charge", channel] = values[np.isfinite(values)].astype(float)[:, None]
    return found


def is_same(found: Numbers, truth: Numbers) -> bool:
    return found.keys() == truth.keys() and all(
        values.shape == truth[key].shape and np.allclose(values, truth[key], rtol=2e-6, atol=1e-15)
        for key, values in found.items()
    )


def _all_there(values: Any, there: Any) -> bool:
    """Whether each row (n, columns) is one of others (m, columns)."""
    within = 2e-6 * np.abs(there) + 1e-9 * np.maximum(np.abs(there).max(axis=0), 1e-30)
    if values.shape[1] > 1:
        rows = np.unique(values, axis=0)
        return all((np.abs(there - row) <= within).all(axis=1).any() for row in rows)
    # Charges of a histogram are many: of each the nearest is asked.
    order = np.argsort(there[:, 0])
    known, bounds = there[order, 0], within[order, 0]
    place = np.searchsorted(known, values[:, 0])
    beside = [np.clip(place - 1, 0, len(known) - 1), np.clip(place, 0, len(known) - 1)]
    near = [np.abs(values[:, 0] - known[at]) <= bounds[at] for at in beside]
    return bool((near[0] | near[1]).all())


def is_part(found: Numbers, truth: Numbers) -> bool:
    """Whether each row is one of the original, or of a waveform its beginning or end."""
    for key, values in found.items():
        if key not in truth:
            return False
        there = truth[key]
        if key[0] == "waveform" and values.shape[1] < there.shape[1]:
            width = values.shape[1]
            there = np.concatenate([there[:, :width], np.column_stack(
                [there[:, 0], there[:, -(width - 1):]])])  # fmt: skip
        if values.shape[1] != there.shape[1]:
            return False
        if not _all_there(values, there):
            return False
    return True


def _lines(data: bytes) -> tuple[list[str], str]:
    text = data.decode("latin-1")
    end = "\r\n" if "\r\n" in text else "\n"
    return text.split(end), end


def _joined(lines: Sequence[str], end: str) -> bytes:
    return end.join(lines).encode("latin-1")


def _data_line(lines: list[str], rng: Random) -> int:
    rows = [n for n, line in enumerate(lines) if DATA.match(line)]
    return int(rng.choice(rows)) if rows else 0


def line_ends(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    return _joined(lines, "\n" if end == "\r\n" else str(rng.choice(["\r\n", "\r"])))


def encoding(data: bytes, rng: Random) -> bytes:
    return data.decode("latin-1").encode(str(rng.choice(["utf-8-sig", "utf-16", "utf-8"])))


def blank_lines(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    lines.insert(_data_line(lines, rng), "")
    return _joined([*lines, "", ""], end)


def separators(data: bytes, rng: Random) -> bytes:
    mark = str(rng.choice([";", "\t", "|"]))
    return data.replace(b",", mark.encode())


def decimal_commas(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data.replace(b",", b";"))
    return _joined([lines[0], *(line.replace(".", ",") for line in lines[1:])], end)


def remarks(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    at = [0, len(lines) - 1, _data_line(lines, rng)][int(rng.integers(3))]
    lines.insert(at, str(rng.choice(["# paused", "# 2026-11-28 10:00:00", "// note"])))
    return _joined(lines, end)


def quoted(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    return _joined([",".join(f'"{c}"' for c in line.split(",")) if line else "" for line in lines],
                   end)  # fmt: skip


def trailing_marks(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    return _joined([line + "," if line else "" for line in lines], end)


def columns_turned(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    return _joined([",".join(line.split(",")[::-1]) for line in lines], end)


def unused_column(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    more = ["Remark", *("ok" for _line in lines[1:])]
    return _joined([f"{a},{b}" if a else "" for a, b in zip(lines, more, strict=True)], end)


def title_lines(data: bytes, rng: Random) -> bytes:
    return b"Measured at USM\nOperator: Rosa\n\n" + data


def garbage_line(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    lines.insert(_data_line(lines, rng), str(rng.choice(["connection lost", "%$&?", "1;;x;2"])))
    return _joined(lines, end)


def lost_cell(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    at = _data_line(lines, rng)
    marks = next((m for m in (r"(\t)", r"([,;])") if re.search(m, lines[at])), r"( +)")
    cells = re.split(marks, lines[at])
    cells[2 * int(rng.integers((len(cells) + 1) // 2))] = str(rng.choice(WORDS))
    lines[at] = "".join(cells)
    return "\x00".join(lines).replace("\x00", end).encode("utf-8")


def lost_line(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    del lines[_data_line(lines, rng)]
    return _joined(lines, end)


def doubled_line(data: bytes, rng: Random) -> bytes:
    lines, end = _lines(data)
    at = _data_line(lines, rng)
    lines.insert(at, lines[at])
    return _joined(lines, end)


def cut(data: bytes, rng: Random) -> bytes:
    return data[: int(rng.integers(1, len(data)))]


def begun_late(data: bytes, rng: Random) -> bytes:
    return data[int(rng.integers(1, len(data))) :]


def _body(data: bytes) -> int:
    """Where bytes are told from others: a digit less in a preamble of text is another preamble."""
    return max(0, data.find(b":CURVE"))


def bytes_lost(data: bytes, rng: Random) -> bytes:
    at = int(rng.integers(_body(data), len(data)))
    return data[:at] + data[at + int(rng.integers(1, 40)) :]


def bytes_more(data: bytes, rng: Random) -> bytes:
    at = int(rng.integers(_body(data), len(data)))
    return data[:at] + rng.bytes(int(rng.integers(1, 40))) + data[at:]


def flips(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _n in range(int(rng.integers(1, 12))):
        changed[int(rng.integers(len(data)))] = int(rng.integers(256))
    return bytes(changed)


def large_numbers(data: bytes, rng: Random) -> bytes:
    """Four bytes at some place that claim a lot."""
    at = int(rng.integers(0, max(1, min(len(data) - 4, 900))))
    return data[:at] + bytes([255, 255, 255, int(rng.choice([0, 127, 255]))]) + data[at + 4 :]


Mutation = Callable[[bytes, Random], bytes]
SAME, REFUSED, PART, ANY = "same", "same or refused", "part or refused", "any"
OF_TABLES: tuple[tuple[Mutation, str], ...] = (
    (separators, SAME), (decimal_commas, SAME), (quoted, SAME), (trailing_marks, SAME),
    (columns_turned, SAME), (unused_column, SAME), (title_lines, SAME), (encoding, SAME),
    (remarks, SAME), (blank_lines, SAME), (line_ends, SAME),
)  # fmt: skip
OF_TEXT: tuple[tuple[Mutation, str], ...] = (
    (line_ends, SAME), (blank_lines, REFUSED), (garbage_line, PART), (lost_cell, PART),
    (lost_line, PART), (doubled_line, PART), (cut, PART), (begun_late, PART), (flips, ANY),
    (large_numbers, ANY),
)  # fmt: skip
OF_BINARY: tuple[tuple[Mutation, str], ...] = (
    (cut, PART), (begun_late, PART), (bytes_lost, PART), (bytes_more, PART), (flips, ANY),
    (large_numbers, ANY),
)  # fmt: skip


def mutations_of(family: Family) -> tuple[tuple[Mutation, str], ...]:
    if not family.text:
        return OF_BINARY
    return OF_TABLES + OF_TEXT if family.table else OF_TEXT


def mapping_for(family: Family, path: Path) -> Mapping:
    """As a person would choose it for the good file."""
    if family.mapping is not None:
        return family.mapping
    found = propose(path)
    if found.mapping is None or not found.certain:
        raise AssertionError((path.name, [str(doubt) for doubt in found.doubts]))
    return replace(
        found.mapping, conditions={**found.mapping.conditions, **dict(family.conditions)}
    )


def judged(path: Path, mapping: Mapping, family: Family, truth: Numbers, due: str) -> str:
    """What became of a mutated file; what begins with "bad" must not be."""
    parts: list[Measured] = []
    try:
        if family.own is None:
            found = propose(path)
            if due == ANY and found.mapping is not None and found.certain:
                read_foreign(path, found.mapping)
            parts = read_foreign(path, mapping)
        got = family.own(path) if family.own else numbers_of(parts)
    except TableError as error:
        if not str(error).strip():
            return "bad: a refusal without words"
        return "bad: refused " + str(error)[:200] if due == SAME else "refused"
    if due == ANY or is_same(got, truth):
        return "read"
    if due == PART and is_part(got, truth):
        return "part"
    if any(part.doubts for part in parts):
        return "refused"  # a person is asked before it is taken in
    return "bad: a wrong number passed"


def _work(pipe: Any, bases: dict[str, tuple[Mapping, Numbers]]) -> None:
    families = {family.name: family for family in FAMILIES}
    # What the tests before this one had loaded is not the reader's.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while True:
        path, name, due = pipe.recv()
        began = time.process_time()
        try:
            mapping, truth = bases[name]
            said = judged(path, mapping, families[name], truth, due)
        except BaseException as error:
            said = f"bad: {type(error).__name__}: {error}"[:300]
        took = time.process_time() - began
        if took > HANG_S:
            said = f"bad: took {took:.1f} s of processor time"
        peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        pipe.send((said, peak, took))


def fuzz(
    count: int, seed: int, names: Sequence[str] = (), keep: Path | None = None
) -> dict[str, Any]:
    """`count` mutations a family; what became of how many, and what must not have been."""
    with tempfile.TemporaryDirectory(prefix="mppcqa-fuzz-") as name:
        folder = Path(name)
        good, bases = folder / "good", {}
        good.mkdir()
        families = [one for one in FAMILIES if not names or one.name in names]
        for family in families:
            path = good / family.name
            family.make(path)
            if family.own is not None:
                bases[family.name] = (Mapping("", "", ""), family.own(path))
                continue
            mapping = mapping_for(family, path)
            bases[family.name] = (mapping, numbers_of(read_foreign(path, mapping)))
        context = multiprocessing.get_context("fork")

        def started() -> tuple[Any, Any]:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, bases), daemon=True)
            process.start()
            return ours, process

        pipe, process = started()
        tally: Counter[str] = Counter()
        bad: list[dict[str, Any]] = []
        peak, slowest = 0, 0.0
        for place, family in enumerate(families):
            data = (good / family.name).read_bytes()
            kinds = mutations_of(family)
            number = FAMILIES.index(family)
            for i in range(count):
                rng = np.random.default_rng((seed, number, i))
                mutate, due = kinds[i % len(kinds)]
                path = folder / family.name
                path.write_bytes(mutate(data, rng))
                pipe.send((path, family.name, due))
                said, memory, took = "bad: took too long", 0, 0.0
                if pipe.poll(6 * HANG_S):
                    try:
                        said, memory, took = pipe.recv()
                    except EOFError:
                        said = "bad: the process died"
                if said in ("bad: took too long", "bad: the process died"):
                    process.kill()
                    process.join()
                    pipe, process = started()
                peak, slowest = max(peak, memory), max(slowest, took)
                tally[said.partition(":")[0]] += 1
                if said.startswith("bad"):
                    bad.append({"family": family.name, "mutation": mutate.__name__, "seed": seed,
                                "number": i, "what": said})  # fmt: skip
                    if keep:
                        keep.mkdir(exist_ok=True)
                        (keep / f"{place}-{i}-{family.name}").write_bytes(path.read_bytes())
        process.kill()
        process.join()
    return {
        "families": len(families),
        "mutations": count * len(families),
        **{key: tally[key] for key in ("read", "part", "refused", "bad")},
        "seed": seed,
        "peak_memory_mb": round(peak / 1e6),
        "slowest_s": round(slowest, 2),
        "faults": bad,
    }
