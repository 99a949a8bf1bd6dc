"""Mutated files of every reader: ``make fuzz ARGS="--mutations 2000 --seed 1"``; JSON.

Exit status 0 if none crashed, hung for 5 s, took 1 GB, or gave a wrong number;
`tests.tables.fuzzing` says what is right for each mutation.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.tables.fuzzing import MEMORY_BYTES, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000, help="of each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", action="append", default=[], help="file name of one family")
    parser.add_argument("--keep", type=Path, help="folder for files that did not end well")
    options = parser.parse_args()
    result = fuzz(options.mutations, options.seed, options.family, options.keep)
    print(json.dumps(result, indent=1, ensure_ascii=False))
    return int(bool(result["bad"]) or result["peak_memory_mb"] * 1e6 > MEMORY_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
