"""Figures of the whole analysis (`make bench BENCH=analysis`); the last line is one JSON object.

The parts run alone too: `analysis_spectra` (toys, SimSiPM, measured spectra, speed),
`analysis_peers` (iminuit and spefit), `analysis_files` (run file to fits) and `analysis_signals`
(waveforms and IV curves).
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks import analysis_files, analysis_peers, analysis_signals, analysis_spectra


def main() -> None:
    """Measure all parts, and say at the end what came out."""
    figures: dict[str, Any] = {}
    failures = 0
    for part in (analysis_spectra, analysis_peers, analysis_files, analysis_signals):
        print(part.__name__, flush=True)
        found = part.measure()
        failures += found.pop("failures", 0) or 0
        figures |= found
    figures["failures"] = failures
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
