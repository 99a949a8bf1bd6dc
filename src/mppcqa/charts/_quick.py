"""Altair as this room uses it, imported when the first chart is drawn for a page.

Altair checks every object that it makes against its schema, ten times the cost of making it. What
this room makes is checked by its tests instead.
"""

from __future__ import annotations

from typing import Any

import altair
from altair.utils import schemapi

schemapi.disable_debug_mode()


def __getattr__(name: str) -> Any:
    return getattr(altair, name)
