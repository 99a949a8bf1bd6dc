"""Bad files: ``make bench BENCH=fuzz ARGS="--count 2000 --seed 1"``; exit status 0 if all held.

Valid run files, ours and those of real ROOT, as TTree and RNTuple, are mutated (bytes, truncation,
wrong types, wrong lengths, lying counts, compression bombs). Each must end in a named error or in
the right numbers, within 5 s and 1 GB. Where ROOT's TTree keeps values without a checksum, another
number in their place can't be told from a measured one; such files are counted as unprotected.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.runfile.fuzzing import MEMORY_BYTES, as_line, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="folder for files that did not end well")
    options = parser.parse_args()
    result = fuzz([(options.seed, i) for i in range(options.count)], options.keep)
    print(as_line(result))
    return int(bool(result["bad"]) or result["peak_memory_mb"] * 1e6 > MEMORY_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
