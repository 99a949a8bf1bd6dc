"""A scanner as the browser sees it: a keyboard that types a character each few milliseconds."""

from __future__ import annotations

import time
from typing import Any

READY = "() => window.mppcqaScan || !document.getElementById('scan-answer')"
"""People scan once they see the page, and its script runs by then."""


class Scanner:
    """Keystrokes with the times of a scanner's, however busy this computer is."""

    def __init__(self, page: Any, gap_ms: float = 6) -> None:
        self.page, self.gap_ms = page, gap_ms
        self.keys = page.context.new_cdp_session(page)
        self.scans = self.touches = 0

    def __call__(self, code: str, *, gap_ms: float | None = None) -> None:
        """Scan without waiting for what becomes of it."""
        self.scans += 1
        self.page.wait_for_function(READY)
        at = time.time()
        for character in [*code, "\r"]:
            at += (gap_ms or self.gap_ms) / 1000
            name = "Enter" if character == "\r" else character
            stroke = {"key": name, "timestamp": at}
            if character == "\r":
                stroke |= {"code": "Enter", "windowsVirtualKeyCode": 13}
            self.keys.send(
                "Input.dispatchKeyEvent", {"type": "keyDown", "text": character, **stroke}
            )
            self.keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **stroke})

    def says(self, title: str) -> None:
        """Wait until the answer is shown."""
        self.page.locator("#scan-answer [data-title]", has_text=title).wait_for()

    def touch(self, name: str) -> None:
        """A touch of a button."""
        self.touches += 1
        self.page.get_by_role("button", name=name, exact=True).click()
