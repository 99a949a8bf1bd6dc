"""Draws the pages of the README into docs/pictures, from a demonstration made for it.

``make page-pictures``; a campaign of eight simulated arrays is measured first: a minute.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from served import READY, ROOT, served, shot, signed_in

PICTURES = ROOT / "docs" / "pictures"
SHOWN = {"device": "/devices/DEMO-0001/"}


def main() -> int:
    """Measure the demonstration, then draw each page."""
    with tempfile.TemporaryDirectory(prefix="mppcqa-pictures-") as folder:
        home = Path(folder)
        with served(home, until=READY) as address, signed_in(address, home, 1400, 1000) as page:
            for name, path in SHOWN.items():
                shot(page, address + path, PICTURES / f"{name}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
