"""Languages of label printers: ZPL, and those that packages bring.

A package adds one by an entry point of the group ``mppcqa.labels`` that names a `Printer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy

from mppcqa.plugins import gather, instance_of
from mppcqa.reports.labels.fitting import Fitted
from mppcqa.reports.labels.zpl import zpl

GROUP = "mppcqa.labels"


@dataclass(frozen=True)
class Printer:
    """A language that a label printer is sent."""

    key: str
    title: Any
    suffix: str
    """Ending of its files, without the point."""
    content_type: str
    write: Callable[[Sequence[Fitted], float, float, int], bytes]
    """From labels that were laid out, the label's width and height [mm] and the printer's dots an
    inch to the file."""


def _zpl(labels: Sequence[Fitted], width: float, height: float, dpi: int) -> bytes:
    return zpl(labels, width, height, dpi).encode()


ZPL = Printer("zpl", gettext_lazy("Label printer (ZPL)"), "zpl", "text/plain; charset=utf-8", _zpl)


@cache
def printers() -> dict[str, Printer]:
    """Every printer by its key: ours, then those of packages."""
    # Keys of the form beside it.
    taken = (ZPL.key, "own", "tape")
    return {one.key: one for one in (ZPL, *gather(GROUP, instance_of(Printer), taken))}
