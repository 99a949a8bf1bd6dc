"""A thread that listens to the server's bell, so that work begins at once and nobody is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable

import urllib3

from mppcqa.station.link import CONNECT_S, Patience

SILENT_S = 25.0
"""The bell says every ten seconds that it is there."""


class Listener:
    """Sets `wake` whenever the bell rings; `hears` says whether there is one."""

    def __init__(self, wake: threading.Event) -> None:
        self.wake = wake
        self.hears = False
        self.refused = False
        """Whether its ticket counts no more: a new one comes with the next hello."""
        self.address = ""
        self._changed = threading.Event()
        threading.Thread(target=self._run, name="bell", daemon=True).start()

    def listen_to(self, address: str) -> None:
        """Where the bell is; an empty text for none."""
        if address != self.address:
            self.address, self.refused = address, False
            self._changed.set()

    def _run(self) -> None:
        patience = Patience(1.0, 30.0)
        pool = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=CONNECT_S, read=SILENT_S)
        )
        while True:
            self._changed.clear()
            if self.address and not self.refused:
                self._hear(pool, patience.over)
                self.hears = False
                self.wake.set()  # what came meanwhile is asked for
            self._changed.wait(patience.pause() if self.address else None)

    def _hear(self, pool: urllib3.PoolManager, over: Callable[[], None]) -> None:
        try:
            answer = pool.request("GET", self.address, preload_content=False, redirect=False)
            try:
                if answer.status != 200:
                    self.refused = answer.status == 403
                    return
                self.hears = True
                over()
                rest = b""
                while piece := answer.read1(4096):
                    *lines, rest = (rest + piece).split(b"\n")
                    if any(line.startswith(b"data:") for line in lines):
                        self.wake.set()
                    if self._changed.is_set():
                        return
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return
