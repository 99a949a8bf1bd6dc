"""``/api/v1/labels``: labels with codes as a file, as their page prints them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from mppcqa.api.asking import one_of, who
from mppcqa.api.device_acts import seen
from mppcqa.api.lists import Text
from mppcqa.api.problems import Faulty
from mppcqa.inventory.models import Shipment, Tray
from mppcqa.public_address import public_address
from mppcqa.refused import Fault
from mppcqa.reports.labels.sizes import SHEETS
from mppcqa.runs.models import Station
from mppcqa.web.labels.about import groups
from mppcqa.web.labels.form import SHORT, LabelForm
from mppcqa.web.labels.writing import answer, labels_of_form, write

router = Router(tags=["documents"])
BINARY: Any = {"schema": {"type": "string", "format": "binary"}}
FILES: Any = {
    "responses": {
        200: {"description": "OK", "content": {"application/pdf": BINARY, "text/plain": BINARY}}
    }
}


class LabelQuery(Schema):
    """Labels of what (one of the first four; of actions where none is given), and on what."""

    serials: str = Field("", max_length=6000, description="Devices, commas between.")
    tray: Text = Field("", description="Name: all devices in it.")
    station: Text = Field("", description="Name: itself, its slots, actions.")
    shipment: int | None = Field(None, ge=0, lt=2**31, description="Number: the box.")
    what: Text = Field(
        "",
        description="Which of them, commas between: devices; tray, into; station, slots, actions; "
        "box; checklists. Those that its page chooses where none is given.",
    )
    size: Text = Field(
        next(iter(SHEETS)),
        description=f"A sheet that is sold ({', '.join(SHEETS)}), own, tape, or a printer (zpl).",
        examples=["L7651"],
    )
    start: int | None = Field(None, ge=1, description="First free label of the sheet, from 1.")
    says: Text = Field(SHORT, description="short, or address: of the page, for telephones too.")
    width: float | None = Field(None, description="Of a label [mm]; for own, tape and printers.")
    height: float | None = Field(None, description="Of a label [mm].")
    rows: int | None = Field(None, description="Of a sheet of own size.")
    columns: int | None = None
    left: float | None = Field(None, description="Margin [mm].")
    top: float | None = Field(None, description="Margin [mm].")
    gap_x: float | None = Field(None, description="Between columns [mm].")
    gap_y: float | None = Field(None, description="Between rows [mm].")
    paper: Text = Field("", description="A4 or letter, of a sheet of own size.")
    dpi: int | None = Field(None, description="Dots an inch of a printer: 203, 300 or 600.")
    small_is_known: bool = Field(False, description="Print codes too small for the label too.")


@router.get("", response={200: None}, summary="Labels as a file", openapi_extra=FILES)
def labels(request: HttpRequest, asked: Query[LabelQuery]) -> Any:
    """A PDF of a sheet or a tape, or what a label printer is sent."""
    user = who(request)
    try:
        offered = groups(_about(asked, user), user)
    except Http404:
        raise HttpError(404, "There is nothing to print that you see.") from None
    wanted = [one for one in asked.what.split(",") if one]
    there = {one.key: one.chosen for one in offered}
    if strange := [one for one in wanted if one not in there]:
        text = f"There is no “{strange[0]}” here; there is: {', '.join(there)}."
        raise Faulty([Fault(text, field="what")])
    own = {"serials", "tray", "station", "shipment", "what", "small_is_known"}
    given = {key: one for key, one in asked.model_dump(exclude=own).items() if one is not None}
    typed = {key: str(one) for key, one in given.items()}
    if asked.small_is_known:
        typed["small_is_known"] = "on"
    chosen = wanted or [key for key, usual in there.items() if usual]
    url = public_address(f"{request.scheme}://{request.get_host()}").url
    form = LabelForm(offered, url, {**typed, "what": chosen})
    if not form.is_valid():
        raise Faulty(
            Fault(str(text), field=name) for name, texts in form.errors.items() for text in texts
        )
    return answer(write(form, labels_of_form(form, offered, url)))


def _about(asked: LabelQuery, user: Any) -> dict[str, str]:
    """As the page's address has it."""
    named = [name for name in ("serials", "tray", "station", "shipment") if _given(asked, name)]
    if len(named) > 1:
        raise Faulty([Fault(f"Choose by {named[0]} or by {named[1]}.", field=named[1])])
    if asked.serials:
        serials = [one for one in asked.serials.split(",") if one]
        return {"devices": ",".join(str(pk) for pk in seen(serials, user))}
    if asked.tray:
        return {"tray": str(one_of(Tray.objects.visible_to(user), "tray", name=asked.tray).pk)}
    if asked.station:
        return {"station": str(one_of(Station.objects.all(), "station", name=asked.station).pk)}
    if asked.shipment is not None:
        boxes = Shipment.objects.visible_to(user)
        return {"shipment": str(one_of(boxes, "shipment", pk=asked.shipment).pk)}
    return {}


def _given(asked: LabelQuery, name: str) -> bool:
    return getattr(asked, name) not in (None, "")
