"""All values that count into one file, by a process that does nothing else: rate and memory."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django


def export(path: Path) -> dict[str, Any]:
    """Write a file whose ending names the format."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    django.setup()
    from mppcqa.exchange.exports import write_list

    began = time.perf_counter()
    rows = write_list("values", path.suffix[1:], path, {})
    return {
        "rows": rows,
        "rows_per_second": round(rows / (time.perf_counter() - began)),
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> int:
    """Most memory that this process has held; `getrusage` would count its parent's, too."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024)


if __name__ == "__main__":
    print(json.dumps(export(Path(sys.argv[1]))))
