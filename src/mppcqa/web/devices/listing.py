"""The list of devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES, DeviceField
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.inventory.moving import faults_by_hand, move_all_by_hand
from mppcqa.inventory.scope import scope_of
from mppcqa.inventory.states import TABLE, DeviceState, Move
from mppcqa.results.models import Outcome
from mppcqa.results.selection import identified_devices, with_verdict
from mppcqa.results.way import DONE, HOLD, ways, with_next
from mppcqa.runs.seats import shown_states
from mppcqa.typed import whole
from mppcqa.views.verdict import standing_states
from mppcqa.web.devices.bulk import CHOSEN
from mppcqa.web.listing.declare import Bulk, Column, Effect, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.stages import stage_titles

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

HAND = {
    Move.HOLD: gettext_lazy("Put on hold"),
    Move.RELEASE: gettext_lazy("Release"),
    Move.INSTALL: gettext_lazy("Install"),
    Move.REMOVE: gettext_lazy("Was removed"),
    Move.RETIRE: gettext_lazy("Retire"),
    Move.REINSTATE: gettext_lazy("Reinstate"),
    Move.LOSE: gettext_lazy("Declare lost"),
    Move.FIND: gettext_lazy("Found again"),
}
"""What a person presses to have it done."""

READ = (
    *("pk", "serial", "state", "tray_row", "tray_column"),
    *("device_type__name", "tray__name", "location__name", "campaign_id", "campaign__stages"),
    *(one.path for one in DEVICE_FIELDS if one.listed),
)


def _field_column(one: DeviceField) -> Column:
    """A fact that some have: its column is there where it tells devices apart."""
    sort, unless_one = ("", "") if one.of is None else (one.path, one.key)
    return Column(one.path, _(one.title), sort=sort, if_any=one.path, unless_one=unless_one)


def _columns() -> list[Column]:
    return [
        Column("serial", gettext_lazy("Serial"), sort="serial"),
        Column("type", gettext_lazy("Type"), sort="device_type__name"),
        Column("state", gettext_lazy("State"), css="text-nowrap"),
        Column("next", gettext_lazy("Next"), css="text-nowrap", if_any="campaign__stages"),
        Column("where", gettext_lazy("Where"), sort="location__name"),
        Column("tray", gettext_lazy("Tray"), sort="tray__name"),
        *(_field_column(one) for one in DEVICE_FIELDS if one.listed),
        *(_stage_column(key, title) for key, title in stage_titles().items()),
    ]


def _stage_column(key: str, title: str) -> Column:
    """Verdicts at a stage, where a device of the page has one."""

    def told(more: Mapping[str, Any]) -> bool:
        return any(key in stages for stages in more["verdicts"].values())

    return Column(key, title, cell="verdict", if_told=told)


def _arrange(columns: list[Column], asked: QueryDict, user: Any) -> list[Column]:
    """Where all devices are of one campaign, its stages stand in their order, and no others."""
    chosen = whole(asked.get("campaign")) or scope_of(user).campaign
    row = Campaign.objects.filter(pk=chosen).only("stages").first() if chosen else None
    if row is None or not row.stages:
        return columns
    stages = {one.key: one for one in columns if one.cell == "verdict"}
    own = [stages[key] for key in row.stages if key in stages]
    others = [replace(one, shown=False) for one in stages.values() if one not in own]
    return [one for one in columns if one.key not in stages] + own + others


def _describe(rows: list[Any]) -> dict[str, Any]:
    return {
        "ways": ways((row.pk, row.state, row.campaign_id) for row in rows if row.campaign__stages),
        "verdicts": standing_states([row.pk for row in rows]),
        "states": shown_states({row.pk: row.state for row in rows}),
    }


def _outcomes() -> list[tuple[str, Any]]:
    return [*Outcome.choices, ("none", _("not tested (at the stage)"))]


def _narrow(rows: QuerySet[Device], asked: Mapping[str, str]) -> QuerySet[Device]:
    return with_next(with_verdict(rows, asked), asked.get("next", ""))


def _steps() -> list[tuple[str, Any]]:
    return [*stage_titles().items(), (HOLD, _("a decision")), (DONE, _("nothing more"))]


def _bulk(move: Move) -> Bulk:
    """A move by hand of many devices."""

    def preview(keys: list[int]) -> list[Effect]:
        faults = faults_by_hand(keys, move)
        rows = Device.objects.filter(pk__in=keys).order_by("serial").values_list("pk", "serial")
        return [Effect(pk, serial, faults.get(pk, "")) for pk, serial in rows]

    def do(keys: list[int], why: str, by: AbstractBaseUser) -> str:
        move_all_by_hand(keys, move, why, by=by)
        n = len(keys)
        return ngettext(
            "%(n)d device is %(move)s.", "%(n)d devices are %(move)s.", n
        ) % {"n": n, "move": move.label}  # fmt: skip

    return Bulk(move, HAND[move], "inventory.change_device", preview, do, reason=True)


RECORD = Bulk(
    "record",
    gettext_lazy("Record what was done"),
    "inventory.add_devicerecord",
    page="record_add",
    rows_as="devices",
)
MOUNT = Bulk(
    "mount",
    gettext_lazy("Part of something"),
    "inventory.change_device",
    page="device_mount",
    rows_as="devices",
)
LABELS = Bulk(
    "labels", gettext_lazy("Labels"), "inventory.change_device", page="labels", rows_as="devices"
)
DEVICES = Listing(
    name="devices",
    title=gettext_lazy("Devices"),
    columns=_columns,
    arrange=_arrange,
    rows=identified_devices,
    # Verdicts lie elsewhere, in no order of serials.
    narrow=_narrow,
    every=Device.objects.visible_to,
    cells="web/devices/cells.html",
    order=Order("serial"),
    filters=(
        Filter("q", gettext_lazy("Serial begins with")),
        Filter("type", gettext_lazy("Type"), of=DeviceType),
        Filter("place", gettext_lazy("Where"), of=Institute),
        *(
            Filter(one.key, gettext_lazy(one.title), of=one.of, always=one.always)
            for one in REFERENCES
        ),
        Filter("state", gettext_lazy("State"), lambda: DeviceState.choices),
        Filter("stage", gettext_lazy("Stage"), lambda: stage_titles().items()),
        Filter("outcome", gettext_lazy("Verdict"), _outcomes),
        Filter("next", gettext_lazy("Next"), _steps),
        *(
            Filter(key, title, linked=True)
            for key, title in (
                ("tray", gettext_lazy("Tray")),
                ("lot", gettext_lazy("Lot")),
                ("tag", gettext_lazy("Tag")),
                ("part_of", gettext_lazy("Part of")),
            )
        ),
    ),
    show=lambda rows: rows.values_list(*READ, named=True),
    describe=_describe,
    bulk=(*CHOSEN, *(_bulk(move) for move in HAND if TABLE[move].by_hand), RECORD, MOUNT, LABELS),
    export="devices",
)
