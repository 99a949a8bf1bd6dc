"""PDF reports and QR codes. Names are loaded when first used: models need Django set up."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "device_report": "mppcqa.reports.device",
    "qr_png": "mppcqa.reports.qr",
    "qr_svg": "mppcqa.reports.qr",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
