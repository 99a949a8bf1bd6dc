"""Loaded by a worker that is to die in the middle of an import: small blocks, and a long rest."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from mppcqa.exchange import spool, values_in

spool.BLOCK = 100
PLACE, MARKER = os.environ["REST_IN"], Path(os.environ["REST_MARKER"])
real, calls = getattr(values_in, PLACE), []


def rest(*arguments: Any) -> Any:
    """Do the first two; before the third say so, and do nothing for a long time."""
    calls.append(1)
    if len(calls) == 3:
        MARKER.touch()
        time.sleep(600)
    return real(*arguments)


setattr(values_in, PLACE, rest)
