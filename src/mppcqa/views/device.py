"""A device as a whole: what it is, what people decided, and a view of each stage."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.digits import number
from mppcqa.inventory.attachments import is_picture
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES, TEXTS
from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.mountings import place_text
from mppcqa.inventory.placing import campaign_of
from mppcqa.inventory.records import DeviceRecord, facts_text, kind_title
from mppcqa.inventory.scope import Viewer, scope_of
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.runs.models import LoadedDevice, RunSlot
from mppcqa.runs.seats import shown_states
from mppcqa.stages import all_stages
from mppcqa.views.assembly import AssemblyView, assembly_view
from mppcqa.views.makers import SCALES, comparisons
from mppcqa.views.related import kinds_there
from mppcqa.views.stage import StageView, stage_view
from mppcqa.views.stage_values import StageValues, device_stages
from mppcqa.views.texts import NONE, measured, moment
from mppcqa.views.verdict import SignOffView, sign_off_view

LISTED = 30
PARTS = 100
SIGN_OFFS = 3
# What is shown of it, and no more: tables that are joined have many columns.
SHOWN = (
    *("serial", "state", "tray_row", "tray_column", "maker_values", "installed", "registered_at"),
    *("device_type__name", "device_type__rows", "device_type__columns"),
    *("device_type__channel_order", "campaign"),
    *(one.key for one in TEXTS),
)
NAMES = {
    "maker_name": F("device_type__maker__name"),
    "lot_name": F("lot__name"),
    "tray_name": F("tray__name"),
    "place_name": F("location__name"),
    "parent_serial": F("parent__serial"),
    "registrar": F("registered_by__username"),
    "campaign_stages": F("campaign__stages"),
    **{f"named_{one.key}": F(one.path) for one in REFERENCES},
}


@dataclass(frozen=True)
class Piece:
    """A part of a fact; ``("tray", "T-1")`` in `about` says what a link would lead to."""

    text: str
    about: tuple[str, str] | None = None


@dataclass(frozen=True)
class Fact:
    """Something that is known of a device, with its title."""

    title: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class CommentView:
    """What a person wrote about a device."""

    author: str
    at: dt.datetime
    text: str


@dataclass(frozen=True)
class AttachmentView:
    """A file that belongs to a device."""

    pk: int
    name: str
    photograph: bool = False
    """Whether it was chosen to show the device."""
    is_picture: bool = False
    """Whether it may be chosen."""


@dataclass(frozen=True)
class Journey:
    """A shipment that a device was in."""

    pk: int
    text: str
    sent_at: dt.datetime
    sent_by: str


@dataclass(frozen=True)
class Handling:
    """What was done with a device: loaded, received, put on hold, and the like."""

    text: str
    at: dt.datetime
    by: str
    why: str


@dataclass(frozen=True)
class RecordView:
    """What was done to a device: irradiation, annealing, and the like."""

    pk: int
    title: str
    text: str
    at: dt.datetime
    by: str
    made_at: dt.datetime
    remark: str
    withdrawn: str
    """Why it counts no longer; empty where it does."""
    changed_at: dt.datetime
    """When it was made, or withdrawn."""


@dataclass(frozen=True)
class Renaming:
    """A serial number that a device had."""

    serial: str
    at: dt.datetime
    reason: str


@dataclass(frozen=True)
class DeviceView:
    """All that page and report say of a device."""

    pk: int
    serial: str
    kind: str
    channels: int
    state: DeviceState
    campaign: int
    registered_at: dt.datetime
    registrar: str
    facts: tuple[Fact, ...]
    stages: tuple[StageView, ...]
    """What it was measured at, in the order of its campaign."""
    awaited: tuple[str, ...]
    """Titles of the stages of its campaign that it has not passed yet, in their order."""
    sign_offs: tuple[SignOffView, ...]
    comments: tuple[CommentView, ...]
    attachments: tuple[AttachmentView, ...]
    moves: tuple[Journey, ...]
    handlings: tuple[Handling, ...]
    records: tuple[RecordView, ...]
    renamings: tuple[Renaming, ...]
    assembly: AssemblyView | None
    """None where the device never was part of anything, and nothing of it."""
    wanted: tuple[str, ...] = ()
    """The stages of its campaign, by key; empty where that says nothing of them."""


def device_view(
    serial: str,
    asked: Mapping[str, str] | None = None,
    *,
    viewer: Viewer,
    with_stages: bool = True,
) -> DeviceView | None:
    """The device of a serial number (in its normal form); None where `viewer` sees none.

    asked
        Stage -> key of the condition whose values by channel are wanted.
    with_stages
        Whether values and charts are wanted: its history needs none.
    """
    seen = Device.objects.visible_to(viewer)
    rows = seen.select_related("device_type").only(*SHOWN).annotate(**NAMES)
    device: Any = rows.filter(serial=serial).first()
    if device is None:
        return None
    there = _related(device, viewer)
    if scope_of(viewer).bound and not seen.filter(serial=device.parent_serial).exists():
        device.parent_serial = ""
    state = shown_states({device.pk: device.state})[device.pk]
    wanted = device.campaign_stages or []
    sections = device_stages(device, wanted) if with_stages else []
    _seat(device, sections)
    stages = tuple(
        stage_view(section, device.device_type, (asked or {}).get(section.key))
        for section in sections
    )
    now = {stage.key: stage.verdict.outcome for stage in stages}
    return DeviceView(
        pk=device.pk,
        serial=device.serial,
        kind=device.device_type.name,
        channels=device.device_type.channels,
        state=state,
        campaign=campaign_of(device),
        registered_at=device.registered_at,
        registrar=device.registrar or "",
        facts=(*_facts(device, state, there), *_compared(device, sections)),
        stages=stages,
        awaited=_awaited(wanted, now),
        sign_offs=tuple(sign_off_view(row, now) for row in there["sign_offs"]),
        comments=tuple(
            CommentView(_name(row.author), row.written_at, row.text) for row in there["comments"]
        ),
        attachments=tuple(
            AttachmentView(row.pk, row.original_name, row.photograph, is_picture(row.original_name))
            for row in there["attachments"]
        ),
        moves=tuple(
            Journey(row.pk, str(row), row.sent_at or row.packed_at, _name(row.sent_by))
            for row in there["shipments"]
        ),
        handlings=tuple(
            Handling(
                capfirst(str(Move(row.move).label)),
                row.moved_at,
                _name(row.moved_by),
                row.why,
            )
            for row in there["moves"]
        ),
        records=tuple(_record(row) for row in there["records"]),
        renamings=tuple(
            Renaming(row.serial, row.changed_at, row.reason) for row in there["aliases"]
        ),
        assembly=assembly_view(device, viewer)
        if there["mountings"] or there["held"] or there["children"]
        else None,
        wanted=tuple(wanted),
    )


def _awaited(wanted: Sequence[str], there: Mapping[str, Any]) -> tuple[str, ...]:
    titles = {stage.key: _(stage.title) for stage in all_stages()}
    return tuple(titles.get(key, key) for key in wanted if key not in there)


def _record(row: DeviceRecord) -> RecordView:
    return RecordView(
        pk=row.pk,
        title=kind_title(row.kind),
        text=facts_text(row.kind, row.facts, row.uncertainty),
        at=row.done_at,
        by=_name(row.made_by),
        made_at=row.made_at,
        remark=row.remark,
        withdrawn=row.withdrawn_why,
        changed_at=row.withdrawn_at or row.made_at,
    )


def _name(person: Any) -> str:
    return person.get_username() if person is not None else ""


def _related(device: Device, viewer: Viewer) -> dict[str, list[Any]]:
    """What belongs to a device. Most have none of most kinds, and those are not asked for."""
    moves = device.shipments.select_related("origin", "destination", "sent_by").only(
        *("packed_at", "sent_at", "received_at"),
        *("origin__name", "destination__name", "sent_by__username"),
    )
    # That it was sent is told by the shipment.
    handled = device.moves.exclude(move=Move.SHIP).select_related("moved_by")
    loaded = LoadedDevice.objects.filter(device=device).select_related("station")
    comments = device.comments.select_related("author")
    signed = device.sign_offs.select_related("signed_by", "signed").only(
        *("device", "signed_at", "note", "outcomes", "signed_by__username"),
        *("signed__meaning", "signed__signatures"),
    )
    parts = device.children.visible_to(viewer).order_by("serial")
    rows: dict[str, QuerySet[Any]] = {
        "shipments": moves[:LISTED],
        "moves": handled[:LISTED],
        "records": device.records.select_related("made_by")[:PARTS],
        "aliases": device.aliases.all()[:LISTED],
        "comments": comments.only("device", "text", "written_at", "author__username"),
        "loaded_in": loaded.only("slot", "station__name"),
        "children": parts.only("serial", "parent")[:PARTS],
        "mountings": device.mountings.only("pk")[:1],
        "held": device.held.only("pk")[:1],
        "attachments": device.attachments.all(),
        "tags": device.tags.all(),
        "sign_offs": signed[:SIGN_OFFS],
    }
    there = kinds_there(device, tuple(rows))
    return {name: list(some) if name in there else [] for name, some in rows.items()}


def _seat(device: Device, sections: list[StageValues]) -> None:
    """Where it sat in the runs that count: there a value is looked at, or was not measured."""
    runs = {section.key: section.standing.analysis.run_file.run_id for section in sections}
    wanted = [run for run in runs.values() if run is not None]
    there = (
        RunSlot.objects.filter(device=device, run__in=wanted) if wanted else RunSlot.objects.none()
    )
    slots = dict(there.values_list("run_id", "slot"))
    for section in sections:
        section.slot = slots.get(runs[section.key] or 0)


def _facts(device: Any, state: DeviceState, there: Mapping[str, list[Any]]) -> list[Fact]:
    kind = device.device_type
    facts = [Fact(_("Type"), (Piece(f"{kind.name} ({kind.rows} × {kind.columns})"),))]
    if device.maker_name:
        facts.append(Fact(_("Maker"), (Piece(device.maker_name),)))
    lot = device.lot_name
    facts.append(Fact(_("Lot"), (Piece(lot, ("lot", lot)) if lot else Piece(NONE),)))
    facts.append(Fact(_("State"), (Piece(str(state.label)),)))
    facts.append(Fact(_("Where"), tuple(_where(device, there))))
    if device.tray_name:
        facts.append(Fact(_("Tray"), tuple(_tray(device))))
    if device.parent_serial:
        above = Piece(device.parent_serial, ("device", device.parent_serial))
        facts.append(Fact(_("Part of"), (above,)))
    written = (
        (_(one.title), getattr(device, one.key if one in TEXTS else f"named_{one.key}"))
        for one in DEVICE_FIELDS
    )
    facts += [Fact(title, (Piece(text),)) for title, text in written if text]
    if device.installed:
        facts.append(Fact(_("Built in"), (Piece(place_text(device.installed)),)))
    by = f", {device.registrar}" if device.registrar else ""
    facts.append(Fact(_("Registered"), (Piece(moment(device.registered_at) + by),)))
    facts += [Fact(name, (Piece(str(said)),)) for name, said in device.maker_values.items()]
    for title, about, rows in (
        (_("Parts"), "device", there["children"]),
        (_("Tags"), "tag", there["tags"]),
    ):
        if rows:
            facts.append(Fact(title, tuple(_listed(about, map(str, rows)))))
    return facts


def _compared(device: Any, sections: Sequence[StageValues]) -> list[Fact]:
    """The maker's values beside ours, one fact each."""
    facts = []
    for one in comparisons(device.maker_values, sections, device.device_type.channels):
        scale, unit = SCALES[one.unit]
        error = one.uncertainty * scale if math.isfinite(one.uncertainty) else None
        text = _("maker %(maker)s, ours %(ours)s (%(difference)+.3g %(unit)s)") % {
            "maker": f"{number(one.maker * scale)} {unit}",
            "ours": measured(one.ours * scale, error, unit),
            "unit": unit,
            "difference": one.difference * scale,
        }
        if one.together:
            text += ", " + _("all %(n)d channels together") % {"n": one.together}
        facts.append(Fact(f"{_(COMPARED[one.quantity])}, {one.stage}", (Piece(text),)))
    return facts


COMPARED = {
    "breakdown voltage": gettext_noop("Breakdown voltage"),
    "operating voltage": gettext_noop("Operating voltage"),
    "dark current": gettext_noop("Dark current"),
    "dark rate": gettext_noop("Dark rate"),
}


def _where(device: Any, there: Mapping[str, list[Any]]) -> list[Piece]:
    pieces = [Piece(device.place_name or NONE)]
    under_way: Shipment | None
    under_way = next((one for one in there["shipments"] if one.is_under_way), None)
    if under_way is not None:
        to = Piece(str(under_way.destination), ("shipment", str(under_way.pk)))
        pieces += [Piece(" → "), to, Piece(f" ({_('on its way')})")]
    for row in there["loaded_in"]:
        station = row.station.name
        slot = f", {_('slot')} {row.slot}"
        pieces += [Piece("; "), Piece(station, ("station", station)), Piece(slot)]
    return pieces


def _tray(device: Any) -> list[Piece]:
    pieces = [Piece(device.tray_name, ("tray", device.tray_name))]
    if device.tray_row is not None:
        place = f": {_('row')} {device.tray_row}, {_('column')} {device.tray_column}"
        pieces.append(Piece(place))
    return pieces


def _listed(about: str, names: Any) -> list[Piece]:
    pieces: list[Piece] = []
    for name in names:
        pieces += [Piece(", "), Piece(name, (about, name))]
    return pieces[1:]
