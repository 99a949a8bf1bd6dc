"""How much is tried: some of it each time, all of it with `MPPCQA_THOROUGH` (`make release-check`).

What is left out in the quick run is chosen by a seed, so that a fault is found again.
"""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("MPPCQA_THOROUGH"))


def tries(quick: int, thorough: int) -> int:
    """How many of something to try now."""
    return thorough if THOROUGH else quick
