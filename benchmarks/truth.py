"""Are numbers right within their uncertainties, or withheld? (`make bench BENCH=truth`)

Pairs of light and dark spectra, light alone, dark alone, dark waveforms and IV curves, half of
them ordinary and half with one or two troubles, from `benchmarks.truth_simulation`. A value is
silently wrong where its status is good, it lies more than five of its own uncertainties off, and
farther off than `HARMLESS`. The last line is one JSON object.

    make bench BENCH=truth ARGS="--cases 10000 --seed 1"

So many cases of some kinds or troubles alone, the same ones as of these numbers in a whole run
(`ordinary` stands for no trouble):

    make bench BENCH=truth ARGS="--cases 300 --kinds pair,light --only 'few pixels,clipping'"

Ordinary pairs of another simulator, where it is installed (`benchmarks.truth_simsipm`):

    pip install sipm && make bench BENCH=truth ARGS="--cases 300 --simsipm"
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import truth_map, truth_simsipm
from benchmarks.truth_cases import KINDS, TROUBLES, Case, draw
from mppcqa.physics import (
    IvError,
    WaveformError,
    analyse_dark_waveforms,
    breakdown_from_iv,
    fit_spectra,
)

ROOT = Path(__file__).resolve().parents[1]
HARMLESS = {
    "gain": (0.01, True), "light": (0.03, True), "dark_rate": (0.10, True),
    "crosstalk": (0.01, False), "afterpulses": (0.01, False), "breakdown": (0.1, False),
}  # fmt: skip
"""What a value may be off by: of itself where the second is true, else as it is."""
SIGMAS = 5.0
MAIN = {"pair": "light", "light": "gain", "dark": "gain", "waveforms": "dark_rate",
        "iv": "breakdown"}  # fmt: skip
"""The quantity without which a case counts as refused."""
PARAMETERS = {
    "gain": "gain", "light": "mean_light_pe", "dark_rate": "dark_counts_per_gate",
    "afterpulses": "afterpulses",
}  # fmt: skip
FEWEST = 20
"""Values from which on a coverage is told."""
BEFORE = "6de3ce1"
"""Commit that the speed is held against."""
BLOCK = 1000
"""Cases that are held at once."""


def analyse(cases: list[Case]) -> None:
    """Values of all cases: spectra of one station and kind together, as a stage would."""
    groups: dict[tuple[Any, ...], list[Case]] = defaultdict(list)
    for case in cases:
        if case.kind == "waveforms":
            _analyse_waveforms(case)
        elif case.kind == "iv":
            try:
                found = breakdown_from_iv(case.data["bias"], case.data["current"])
                case.found["breakdown"] = found.voltage_v, found.error_v
            except IvError as fault:
                case.fault = str(fault)
        else:
            groups[case.kind, case.data["pulse"]].append(case)
    for (kind, pulse), some in groups.items():
        counts, edges = (np.array([one.data[key] for one in some]) for key in ("counts", "edges"))
        dark = np.array([one.data["dark"] for one in some]) if kind == "pair" else None
        fits = fit_spectra(counts, edges, dark_counts=dark, light=kind != "dark", pulse=pulse)
        crosstalk = fits.crosstalk_probability
        for i, one in enumerate(some):
            one.fault = fits.message(i)
            one.data = {"chi2": fits.chi2[i] / max(fits.ndf[i], 1)}
            for name in one.truth:
                value, error = crosstalk if name == "crosstalk" else fits.get(PARAMETERS[name])
                if np.isfinite(value[i]) and np.isfinite(error[i]):
                    one.found[name] = float(value[i]), float(error[i])


def _analyse_waveforms(case: Case) -> None:
    try:
        found, _ = analyse_dark_waveforms(case.data["adc"], 2e-9)
    except WaveformError as fault:
        case.fault = str(fault)
        return
    values = {
        "dark_rate": (found.dark_rate_hz, found.dark_rate_error_hz),
        "crosstalk": (found.crosstalk_probability, found.crosstalk_error),
        "afterpulses": (found.afterpulse_probability, found.afterpulse_error),
    }
    case.found = {name: pair for name, pair in values.items() if np.isfinite(pair).all()}


def off_by(case: Case, name: str) -> float:
    """How far a value lies outside of what is right; signed."""
    low, high = case.truth[name]
    value = case.found[name][0]
    return value - low if value < low else max(value - high, 0.0)


def pull(case: Case, name: str) -> float:
    """Deviation from the middle of what is right in standard uncertainties."""
    value, error = case.found[name]
    return float((value - np.mean(case.truth[name])) / max(error, 1e-300))


def silent(case: Case, name: str) -> bool:
    """Whether a value is wrong and does not say so."""
    away, of_itself = HARMLESS[name]
    limit = away * (np.mean(case.truth[name]) if of_itself else 1.0)
    off = abs(off_by(case, name))
    return bool(off > SIGMAS * case.found[name][1] and off > limit)


def refused(case: Case) -> bool:
    """Whether the case gave no value of what it is measured for."""
    return MAIN[case.kind] not in case.found


def figures(cases: list[Case], seconds: float) -> dict[str, Any]:
    """All figures by the names of the issue's table."""
    wrong = [(one, name) for one in cases for name in one.found if silent(one, name)]
    bad = {one.number for one, _ in wrong}
    ordinary = [one for one in cases if not one.troubles]
    troubled = [one for one in cases if one.troubles and one.tellable]
    by_trouble = defaultdict(list)
    for one in troubled:
        for name in one.troubles:
            by_trouble[f"{one.kind}: {name}"].append(refused(one))
    pulls: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in ordinary:
        for name, (_, error) in one.found.items():
            key = f"{one.kind} {name}"
            pulls[key].append(pull(one, name))
            sizes[key].append((error, error * pulls[key][-1]))
    enough = {key: np.array(some) for key, some in pulls.items() if len(some) >= FEWEST}
    return {
        "cases": len(cases),
        "silent": len(bad),
        "silent_of_10000": round(1e4 * len(bad) / len(cases), 1),
        "silent_upper_95": round(_upper(len(bad)) / len(cases), 6),
        "silent_by": dict(Counter(_labels(wrong)).most_common()),
        "refused_ordinary": _share(refused(one) for one in ordinary),
        "refused_ordinary_by": dict(
            Counter(f"{o.kind}: {o.fault}" for o in ordinary if refused(o))
        ),
        "refused_troubled": {key: _share(by_trouble[key]) for key in sorted(by_trouble)},
        "coverage68": {key: _share(np.abs(some) < 1) for key, some in enough.items()},
        "coverage95": {key: _share(np.abs(some) < 1.96) for key, some in enough.items()},
        "pull_mean": {key: round(float(some.mean()), 2) for key, some in enough.items()},
        "uncertainty_ratio": {key: _ratio(sizes[key]) for key in enough},
        "seconds": round(seconds, 1),
    }


def _labels(wrong: list[tuple[Case, str]]) -> Iterable[str]:
    for one, name in wrong:
        yield f"{one.kind} {name}: {' + '.join(sorted(one.troubles)) or 'ordinary'}"


def _share(flags: Iterable[Any]) -> float:
    some = np.array(list(flags), float)
    return round(float(some.mean()), 4) if len(some) else 0.0


def _upper(number: int) -> float:
    """Upper limit at 95 % of a Poisson mean of which so many were seen."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, 2 * number + 2) / 2)


def _ratio(sizes: list[tuple[float, float]]) -> float:
    """Stated over actual error, both as root mean square of what each is of its own scale."""
    stated, actual = np.array(sizes).T
    return round(float(np.sqrt(np.mean(stated**2) / np.mean(actual**2))), 3)


SPEED = """
import sys, time
import numpy as np
from mppcqa.physics import fit_spectra
data = np.load(sys.argv[1])
run = lambda: fit_spectra(data["counts"], data["edges"], dark_counts=data["dark"])
run()
best = min((lambda t: (run(), time.process_time() - t)[1])(time.process_time()) for _ in range(5))
print(best)
"""


def speed_ratio() -> float | None:
    """Pairs a second of CPU against those of the commit `BEFORE`; None where that is not to be had.

    CPU, not the clock: what else runs on a computer shared with others would decide.
    """
    from benchmarks.analysis_spectra import toy_spectra

    lights, darks, edges, _ = toy_spectra(200, (0.5, 5.0), 2)
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        np.savez(there / "data.npz", counts=lights, dark=darks, edges=edges)
        old = subprocess.run(
            ["git", "archive", BEFORE, "src/mppcqa"],
            cwd=ROOT, capture_output=True, check=False,
        )  # fmt: skip
        if old.returncode:
            return None
        subprocess.run(["tar", "-x", "-C", folder], input=old.stdout, check=True)
        times: dict[str, list[float]] = {"new": [], "old": []}
        for _ in range(2):
            for name, source in (("old", there / "src"), ("new", ROOT / "src")):
                command = [sys.executable, "-c", SPEED, str(there / "data.npz")]
                answer = subprocess.run(
                    command, env={"PYTHONPATH": str(source), "PATH": "/usr/bin:/bin"},
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                times[name].append(float(answer.stdout))
    return round(min(times["old"]) / min(times["new"]), 3)


def _wanted(kinds: str | None, only: str | None) -> Callable[[str, list[str]], bool]:
    """Which kinds and troubles are drawn; all where None. ValueError where there are no such."""
    some = set(kinds.split(",")) if kinds else set(KINDS)
    troubles = {one for kind in some & set(KINDS) for one in TROUBLES[kind]} | {"ordinary"}
    named = set(only.split(",")) if only else troubles
    if not some <= set(KINDS) or not named <= troubles:
        raise ValueError(f"no such kind or trouble: {some - set(KINDS) | named - troubles}")
    return lambda kind, has: kind in some and bool(named & set(has or ["ordinary"]))


def main() -> None:
    """Draw, analyse and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", action="store_true", help="hold the speed against a commit")
    parser.add_argument("--show", type=int, default=0, help="so many silently wrong values")
    parser.add_argument("--kinds", help="cases of these kinds alone, with commas between")
    parser.add_argument("--only", help="cases with one of these troubles alone, commas between")
    parser.add_argument(
        "--simsipm", action="store_true", help="ordinary pairs from SimSiPM (pip install sipm)"
    )
    parser.add_argument("--map", type=Path, help="write the map of validity into this file")
    options = parser.parse_args()
    wanted = _wanted(options.kinds, options.only)
    begin = time.perf_counter()
    cases: list[Case] = []
    with ThreadPoolExecutor(2) as pool:
        draw(options.seed, 0)
        first = 0
        while len(cases) < options.cases:
            numbers = range(first, first + min(BLOCK, options.cases))
            first = numbers.stop
            drawn = pool.map(
                lambda number: (
                    truth_simsipm.draw(options.seed, number)
                    if options.simsipm
                    else draw(options.seed, number, wanted)
                ),
                numbers,
            )
            some = [one for one in drawn if one is not None][: options.cases - len(cases)]
            analyse(some)
            for one in some:
                one.data = {key: one.data[key] for key in one.data if key == "chi2"}
            cases += some
            print(f"{len(cases)} cases, {time.perf_counter() - begin:.0f} s", flush=True)
    found = figures(cases, time.perf_counter() - begin)
    if options.map:
        made = f"make bench BENCH=truth ARGS='--cases {options.cases} --seed {options.seed}'"
        truth_map.write(options.map, cases, made, off_by=off_by, refused=refused)
    shown = 0
    for one in cases:
        for name in one.found:
            if silent(one, name) and shown < options.show:
                shown += 1
                value, error = one.found[name]
                right = float(np.mean(one.truth[name]))
                print(
                    f"case {one.number} {one.kind} {name} {value:.4g} +- {error:.2g}, right "
                    f"{right:.4g}; {one.troubles} {one.data}"
                )
    if options.speed:
        found["spectra_per_second_ratio"] = speed_ratio()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
