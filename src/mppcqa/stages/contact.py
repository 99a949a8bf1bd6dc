"""What a test program says before and while it measures, as the simulated ones do it.

``@contact SLOT ok``, or ``empty``, ``swapped``, ``dead`` with the channels that are meant, tells of
a check of some seconds before hours of measuring; ``@spectrum NAME LOW WIDTH COUNTS`` shows a first
histogram while it runs. The protocol is in ``docs/stations.md``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONTACT_FAULTS = ("empty", "swapped", "dead")
CHANNELS_MEANT = {"empty": "", "swapped": "0,1", "dead": "0"}
"""Of the simulated fault of each kind."""
BINS = 64


def contact_check(config: Mapping[str, Any], fault: str, seconds: float = 0.0) -> None:
    """Tell each slot's contact; a fault that is simulated is the first slot's.

    Ends the program where a contact is bad and ``contact_check.stop`` says so, before anything
    was measured.
    """
    wanted = config.get("contact_check")
    if not wanted:
        return
    time.sleep(min(seconds, float(wanted["seconds"])))
    bad = []
    for at, slot in enumerate(config["slots"]):
        number, told = slot["slot"], "ok"
        if at == 0 and fault in CONTACT_FAULTS:
            told = f"{fault} {CHANNELS_MEANT[fault]}".strip()
            bad.append(f"slot {number}: {told}")
        print(f"@contact {number} {told}", flush=True)
    if not bad:
        return
    if wanted["stop"]:
        said = "; ".join(bad)
        print(f"bad contact, nothing was measured: {said}", file=sys.stderr, flush=True)
        raise SystemExit(1)
    for one in bad:
        print(f"@message warning bad contact, {one}", flush=True)


def spectrum_line(name: str, charges: NDArray[np.float64]) -> str:
    """The line that shows a histogram of charges (n,) while the program runs."""
    low, high = np.percentile(charges, [0.5, 99.5])
    high = max(high, low + 1.0)
    counts, edges = np.histogram(charges, BINS, (low, high))
    numbers = ",".join(map(str, counts))
    return f"@spectrum {name} {edges[0]:.6g} {edges[1] - edges[0]:.6g} {numbers}"
