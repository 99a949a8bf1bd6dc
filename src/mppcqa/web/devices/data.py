"""What a device's page needs beside its view: the QR code, and charts as it carries them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest

from mppcqa.charts import CellMap, Curves
from mppcqa.public_address import PublicAddress, public_address
from mppcqa.reports import qr_svg
from mppcqa.views.device_charts import DrawnChart
from mppcqa.views.stage import StageView
from mppcqa.web.charting import place_chart
from mppcqa.web.evidence import evidence


def address_for_others(request: HttpRequest) -> PublicAddress:
    """Where others find the pages, as far as the settings and this request tell."""
    return public_address(f"{request.scheme}://{request.get_host()}")


def identity(serial: str, address: PublicAddress) -> dict[str, Any]:
    """The QR code as SVG, what it carries, and what to know before it is printed."""
    code = address.of_device(serial)
    # segno's own markup: squares alone, and nothing of what they say.
    return {"code": code, "warning": address.warning, "qr": qr_svg(code)}


def stage_charts(stage: StageView) -> list[dict[str, Any]]:
    """A stage's charts for the template; each point and cell leads to what it came from."""
    return [place_chart(drawn.key, drawn.title, _led(drawn)) for drawn in stage.charts]


def _led(drawn: DrawnChart) -> Any:
    chart = drawn.chart
    if isinstance(chart, Curves) and drawn.series:
        pairs = zip(chart.series, drawn.series, strict=True)
        return replace(
            chart, series=tuple(replace(one, links=[*map(evidence, of)]) for one, of in pairs)
        )
    if isinstance(chart, CellMap):
        return replace(chart, links={place: evidence(one) for place, one in drawn.cells.items()})
    return chart
