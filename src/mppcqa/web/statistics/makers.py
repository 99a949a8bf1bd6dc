"""The maker's values beside ours over the campaign."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.tables.maker_words import WORDS
from mppcqa.views.makers import SCALES
from mppcqa.views.makers_campaign import comparable, devices_of, groups_of, makers_quantity
from mppcqa.web.charting import histogram
from mppcqa.web.series import series_label

SHOWN_FAR = 10


@require_GET
def makers(request: HttpRequest) -> HttpResponse:
    """``?series=ID`` chooses what of ours is compared, at its condition."""
    choices = comparable()
    wanted = request.GET.get("series", "")
    chosen = next((one for one in choices if str(one.pk) == wanted), None)
    chosen = chosen or max(choices, key=lambda one: one.n, default=None)
    context: dict[str, Any] = {
        "choices": [(one.pk, series_label(one)) for one in choices],
        "chosen": chosen,
    }
    if chosen is not None:
        scale, unit = SCALES[WORDS[makers_quantity(chosen)][0]]
        devices = devices_of(chosen)
        context |= {"n": len(devices), "unit": unit, "groups": [
            {
                "kind": one.kind, "lot": one.lot, "n": one.n, "mean": one.mean * scale,
                "error": _known(one.mean_error * scale), "scatter": _known(one.scatter * scale),
                "far": [(far.serial, far.difference * scale) for far in one.far[:SHOWN_FAR]],
                "more": max(0, len(one.far) - SHOWN_FAR),
            }
            for one in groups_of(devices)
        ]}  # fmt: skip
        if devices:
            differences = [one.difference * scale for one in devices]
            bins = min(60, max(5, math.ceil(2 * len(differences) ** (1 / 3))))
            counts, edges = np.histogram(differences, bins)
            title = _("Ours less the maker's")
            context["chart"] = histogram("makers", title, unit, edges.tolist(), counts.tolist())
    return render(request, "web/statistics/makers.html", context)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
