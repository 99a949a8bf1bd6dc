"""Reference devices: measured at a station now and then, to see whether it drifts."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.models import State
from mppcqa.runs.models import Run, Station


def last_measured(station: Station) -> dt.datetime | None:
    """When the station last measured its reference device with success."""
    runs = Run.objects.filter(
        station=station,
        slots__device=station.reference_device_id,
        task_group__tasks__name="runs.acquire",
        task_group__tasks__state=State.SUCCEEDED,
    )
    return runs.order_by("-created_at").values_list("created_at", flat=True).first()


def due_references() -> list[tuple[Station, dt.datetime | None]]:
    """Stations whose reference device is due, with the time of its last measurement there."""
    now = timezone.now()
    found = []
    stations = Station.objects.exclude(reference_device=None).select_related("reference_device")
    for station in stations:
        last = last_measured(station)
        if last is None or now - last > dt.timedelta(days=station.reference_every_days):
            found.append((station, last))
    return found


def reminder(station: Station, last: dt.datetime | None) -> str:
    """What is to be done, in words."""
    words = {"serial": station.reference_device, "station": station}
    if last is None:
        return _("%(station)s has never measured its reference device %(serial)s: do it soon.") % (
            words
        )
    return _(
        "%(station)s measured its reference device %(serial)s last on %(day)s; it is due again."
    ) % {**words, "day": f"{last:%Y-%m-%d}"}
