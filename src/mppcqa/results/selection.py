"""Devices and runs that somebody chose by filters: pages, exports and re-analysis mean the same."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from mppcqa.inventory.assembly import parts_of
from mppcqa.inventory.device_fields import REFERENCES
from mppcqa.inventory.models import Device, SerialAlias
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.serials import normal_serial
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.models import Run
from mppcqa.runs.seats import in_state
from mppcqa.typed import whole

KEYS = {
    "type": "device_type",
    "place": "location",
    **{one.key: one.key for one in REFERENCES},
}
"""Filters by the number of what a device refers to, and the column of each."""
DEVICE_FILTERS = ("q", *KEYS, "stage", "outcome", "tray", "lot", "tag", "state", "part_of")
RUN_FILTERS = ("stage", "station")


def kept_filters(asked: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Those of the filters that say something."""
    return {name: str(asked[name]) for name in names if asked.get(name)}


def whole_number(text: object) -> int | None:
    """A number that an address names; 0, which no row has, for one that no column could hold."""
    digits = str(text or "").strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    return whole(digits) or 0


def chosen_devices(asked: Mapping[str, str], viewer: Viewer) -> QuerySet[Device]:
    """Devices that `viewer` sees by ``q`` (how a serial begins), ``type``, ``place`` and what else
    devices refer to (ids, see `KEYS`), ``serials`` (whole ones, with commas between), names of
    ``tray``, ``lot`` and ``tag``, ``part_of`` (the serial of a whole: its parts, and theirs),
    ``state``, ``stage`` and ``outcome``; what says
    nothing is no filter.
    """
    return with_verdict(identified_devices(asked, viewer), asked)


def identified_devices(asked: Mapping[str, str], viewer: Viewer) -> QuerySet[Device]:
    """Devices by all filters of `chosen_devices` that ask for no verdict."""
    rows = Device.objects.visible_to(viewer)
    if serial := normal_serial(asked.get("q", "")):
        # A range uses the index on every database; LIKE does not on all.
        chosen = Q(serial__gte=serial, serial__lt=serial + "\uffff")
        # Asked beforehand: with a question within the question, all serials before are read.
        former = list(SerialAlias.objects.filter(serial=serial).values_list("device", flat=True))
        rows = rows.filter(chosen | Q(pk__in=former) if former else chosen)
    if serials := asked.get("serials"):
        rows = rows.filter(serial__in=[normal_serial(one) for one in serials.split(",")])
    for name, field in KEYS.items():
        if (number := whole_number(asked.get(name))) is not None:
            rows = rows.filter(**{field: number})
    for name in ("tray", "lot"):
        if asked.get(name):
            rows = rows.filter(**{f"{name}__name": asked[name]})
    if tag := asked.get("tag"):
        rows = rows.filter(tags__name=tag)
    if whole := normal_serial(asked.get("part_of", "")):
        top = Device.objects.visible_to(viewer).filter(serial=whole).values_list("pk", flat=True)
        rows = rows.filter(pk__in=parts_of(list(top)))
    return in_state(rows, asked.get("state", ""))


def with_verdict(rows: QuerySet[Device], asked: Mapping[str, str]) -> QuerySet[Device]:
    """Those of some devices that ``stage`` and ``outcome`` ask for; the same rows if neither."""
    stage, outcome = asked.get("stage", ""), asked.get("outcome", "")
    if stage and outcome == "none":
        return rows.exclude(standings__stage=stage)
    wanted = {"stage": stage} if stage else {}
    if outcome in Outcome.values:
        wanted["outcome"] = outcome
    if wanted:
        rows = rows.filter(pk__in=Standing.objects.filter(**wanted).values("device"))
    return rows


def chosen_runs(asked: Mapping[str, str], viewer: Viewer) -> QuerySet[Run]:
    """Runs by ``stage`` (key) and ``station`` (name)."""
    rows = Run.objects.visible_to(viewer)
    if stage := asked.get("stage"):
        rows = rows.filter(stage=stage)
    if station := asked.get("station"):
        rows = rows.filter(station__name=station)
    return rows
