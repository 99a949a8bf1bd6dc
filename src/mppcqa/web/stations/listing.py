"""The list of stations: what each does and holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.inventory.scope import scope_of
from mppcqa.queue.models import Lane, Worker
from mppcqa.runs.models import LoadedDevice, Station
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.shown import say_of
from mppcqa.web.stages import stage_titles
from mppcqa.web.stations.computer import contacts
from mppcqa.web.stations.computer import standing as contact_standing

LANE_SHOWN = (
    *("name", "exclusive", "dedicated", "maintenance", "reserved_until", "reserved_by__username"),
    *("holder__name", "holder__state", "holder__progress_done", "holder__progress_total"),
    *("holder__progress_text", "holder__requested_by__username"),
)


def lane_standing(lane: Lane | None) -> tuple[str, str]:
    """State and words of a station's lane."""
    if lane is None:
        return "calm", _("free")
    if lane.maintenance:
        return "maintenance", _("out of service")
    if lane.holder_id:
        return "busy", _("running")
    if lane.is_reserved:
        return "calm", _("reserved for %s") % lane.reserved_by
    return "ok", _("free")


def heartbeats(lanes: Iterable[Lane]) -> dict[str, Worker]:
    """By lane, the worker that serves it and was heard of last."""
    found: dict[str, Worker] = {}
    workers = list(Worker.objects.order_by("heartbeat_at"))
    for lane in lanes:
        for worker in workers:
            if lane.broker_queue in worker.lanes:
                found[lane.name] = worker
    return found


def listed(rows: QuerySet[Station]) -> QuerySet[Station]:
    """What lists show of stations."""
    shown = rows.only("name", "stage", "slots", "calibrated_until", "remote")
    return shown.annotate(institute_name=F("institute__name"))


def stations_now(viewer: Any) -> list[Station]:
    """All stations, each with its stage's title, its lane, what that does, and what is loaded."""
    return described(listed(_counted(Station.objects.all(), viewer)))


def _counted(rows: QuerySet[Station], viewer: Any) -> QuerySet[Station]:
    """For a bound person each with the number of devices in it that the person sees."""
    if not scope_of(viewer).bound:
        return rows
    mine = Q(**scope_of(viewer).keys("loaded__device__"))
    return rows.annotate(n_seen=Count("loaded", filter=mine))


def described(stations: Iterable[Station]) -> list[Station]:
    """The stations with what they do now."""
    lanes = {
        lane.name: lane
        for lane in Lane.objects.filter(exclusive=True)
        .select_related("holder__requested_by", "reserved_by")
        .only(*LANE_SHOWN)
    }
    loaded = dict(LoadedDevice.objects.order_by().values_list("station").annotate(n=Count("pk")))
    titles = stage_titles()
    stations = list(stations)
    for row in stations:
        lane = lanes.get(row.lane)
        say_of(
            row,
            lane_row=lane,
            standing=lane_standing(lane),
            stage_title=titles.get(row.stage, row.stage),
            # Of whom sees some devices alone, those were counted.
            n_loaded=getattr(row, "n_seen", loaded.get(row.pk, 0)),
        )
    return stations


def _describe(rows: list[Any]) -> dict[str, Any]:
    described(rows)
    heard = heartbeats(row.lane_row or Lane(name=row.lane, exclusive=True) for row in rows)
    today = timezone.now().date()
    computers = contacts([row.name for row in rows if row.remote])
    for row in rows:
        row.worker = heard.get(row.lane)
        row.contact_row = computers.get(row.name)
        row.contact_standing = contact_standing(row.contact_row)
        row.expired = row.calibrated_until is not None and row.calibrated_until < today
    return {}


def _rows(asked: QueryDict, user: Any) -> QuerySet[Station]:
    rows = _counted(Station.objects.all(), user)
    if stage := asked.get("stage"):
        rows = rows.filter(stage=stage)
    return rows


STATIONS = Listing(
    name="stations",
    title=gettext_lazy("Stations"),
    columns=(
        Column("name", gettext_lazy("Station"), sort="name"),
        Column("standing", gettext_lazy("State")),
        Column("task", gettext_lazy("Runs now")),
        Column("loaded", gettext_lazy("Loaded"), css="number"),
        Column("stage_title", gettext_lazy("Stage"), sort="stage"),
        Column("institute_name", gettext_lazy("Institute"), sort="institute__name"),
        Column("calibrated_until", gettext_lazy("Calibrated until"), sort="calibrated_until"),
        Column("worker", gettext_lazy("Worker")),
    ),
    rows=_rows,
    cells="web/stations/cells.html",
    order=Order("name"),
    short=True,
    filters=(Filter("stage", gettext_lazy("Stage"), lambda: stage_titles().items()),),
    show=listed,
    describe=_describe,
)
