"""``/api/v1/measurements``: values of many devices, as a stream of CSV, Parquet or Arrow."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from mppcqa.api.asking import who
from mppcqa.api.device_acts import seen
from mppcqa.api.lists import Text, filters_of, unknown
from mppcqa.api.problems import Faulty
from mppcqa.exchange.values_out import value_batches, value_schema
from mppcqa.exchange.writers import ExportRefused, content_type, find_writer, pieces
from mppcqa.refused import Fault
from mppcqa.results.models import QuantityRow
from mppcqa.web.devices.listing import DEVICES

router = Router(tags=["measurements"])
BINARY: Any = {"schema": {"type": "string", "format": "binary"}}
STREAMS = (
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "text/csv",
)


class MeasurementQuery(Schema):
    """Which values: of devices by the filters of their list, at a stage, of a quantity."""

    format: Text = Field("arrow", description="arrow, parquet or csv.", examples=["csv"])
    serials: str = Field("", max_length=3000, description="Whole serials, commas between.")
    q: Text = Field("", description="How the serial begins, or a former serial.")
    type: Text = ""
    place: Text = ""
    campaign: Text = ""
    owner: Text = ""
    state: Text = ""
    stage: Text = Field("", description="Key of a stage: its values, of devices measured at it.")
    outcome: Text = Field("", description="Of devices with this verdict at `stage`.")
    tray: Text = ""
    lot: Text = ""
    tag: Text = ""
    part_of: Text = ""
    quantity: Text = Field("", description="Key of a quantity.")
    every: bool = Field(False, description="Of all analyses, not of those that count alone.")


@router.get(
    "",
    summary="Measured values as a stream",
    response={200: None},
    openapi_extra={
        "responses": {200: {"description": "OK", "content": dict.fromkeys(STREAMS, BINARY)}}
    },
)
def measurements(request: HttpRequest, asked: Query[MeasurementQuery]) -> Any:
    """A column for each axis that there are conditions of, then value, uncertainties, bound.

    Read while it is written: memory stays flat on both sides. Where it breaks off the connection
    ends without the last piece.
    """
    filters = filters_of(DEVICES, asked, exclude={"format", "every"})
    filters |= {"every": "1"} if asked.every else {}
    keys = QuantityRow.objects.order_by("key").values_list("key", flat=True).distinct()
    if asked.quantity and asked.quantity not in (there := list(keys)):
        raise Faulty([unknown("quantity", asked.quantity, there)])
    if asked.serials:
        seen(asked.serials.split(","), who(request))  # nothing would be told of a mistyped one
    try:
        data = pieces(asked.format, value_schema(), value_batches(filters, who(request)))
    except ExportRefused as error:
        raise Faulty([Fault(str(error), field="format")]) from error
    answer = StreamingHttpResponse(data, content_type=content_type(asked.format))
    name = f"measurements.{find_writer(asked.format).suffix}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
