"""For a worker: a file that is kept is half written when its process dies, or waits to be killed.

What happens stands in a file of the home, and happens once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.base import File

ASKED = "halt"
_whole = File.chunks


def _chunks(self: Any, chunk_size: int | None = None) -> Iterator[bytes]:
    asked = Path(os.environ["MPPCQA_HOME"]) / ASKED
    if not asked.exists():
        yield from _whole(self, chunk_size)
        return
    how = asked.read_text()
    self.seek(0)
    data = self.read()
    yield data[: len(data) // 2]
    asked.unlink()
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


File.chunks = _chunks  # type: ignore[method-assign]
