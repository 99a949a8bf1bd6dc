"""Speed of the run file: ``make bench BENCH=runfile ARGS="--megabytes 2000"``.

A run of 16 channels, charges and waveforms (half of the bytes each), is written and read by
`RunWriter` and `RunFile`, by plain uproot in the same chunks, and read by RDataFrame, side by
side; each figure is of a process of its own. Reading means that every value of every branch reaches
memory and is summed. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.runfile_steps import CELL_EVENTS, POINTS, megabytes_of_plan, plan

STEPS = (
    "write",
    "write_uproot",
    "read",
    "read_uproot",
    "read_rdataframe",
    "check",
    "cell",
)


def step(name: str, folder: Path, megabytes: float) -> dict[str, float]:
    """One step in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.runfile_steps", name, str(folder), str(megabytes)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {result}", file=sys.stderr, flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=2000)
    parser.add_argument("--repeat", type=int, default=1, help="rounds; the best of each counts")
    parser.add_argument("--folder", type=Path, help="where there is room for two such files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mppcqa-bench-", dir=options.folder) as name:
        folder = Path(name)
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.repeat):
            for key in STEPS:
                found = step(key, folder, options.megabytes)
                if key not in best or found["s"] < best[key]["s"]:
                    best[key] = found
        pages = subprocess.run(
            [sys.executable, "-m", "benchmarks.runfile_pages", name, str(plan(options.megabytes))],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        size = (folder / "run.root").stat().st_size / 1e6
    plain = megabytes_of_plan(plan(options.megabytes))
    speed = {key: plain / best[key]["s"] for key in STEPS[:5]}
    print(
        json.dumps(
            {
                "data_mb": round(plain),
                "file_mb": round(size),
                "points": POINTS,
                "events_a_cell": CELL_EVENTS,
                **{f"{key}_mb_s": round(value) for key, value in speed.items()},
                "write_ratio": round(speed["write"] / speed["write_uproot"], 2),
                "read_ratio_uproot": round(speed["read"] / speed["read_uproot"], 2),
                "read_ratio_rdataframe": round(speed["read"] / speed["read_rdataframe"], 2),
                "peak_memory_mb": max(round(best[k]["mb"]) for k in ("write", "read", "check")),
                "check_s_per_gb": round((best["check"]["s"] - best["read"]["s"]) / plain * 1000, 2),
                **json.loads(pages.stdout.splitlines()[-1]),
                "cell_charges_ms": round(best["cell"]["s"] * 1000),
                "cell_charges_without_index_ms": round(best["cell"]["made_index_s"] * 1000),
                "cell_charges_cached_ms": round(best["cell"]["cached_s"] * 1000),
            }
        )
    )


if __name__ == "__main__":
    main()
