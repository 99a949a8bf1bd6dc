"""A section of the full report: what a saturating device means for whoever uses it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.reports.sections import AddedSection, Listed
from mppcqa.views.device import DeviceView


def write(view: DeviceView) -> Sequence[str | Listed]:
    """How far each wavelength's measurement got; nothing where there is none."""
    found = [stage for stage in view.stages if stage.key == "linearity"]
    if not found or not found[0].means:
        return []
    rows = tuple(
        (name, *cells) for grid in found[0].means for name, cells in grid.rows if any(cells)
    )
    heads = (_("Condition"), *(str(head) for head in found[0].means[0].heads))
    return [
        _("The light at which a tenth of the pixels has answered is where linear use ends."),
        Listed(heads, rows),
    ]


SECTION = AddedSection("linearity", gettext_lazy("Linear range"), ("device",), write)
