"""Who may have a report: those who see all that it says."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from mppcqa.columnar.models import SavedQuestion
from mppcqa.inventory.cases import Case
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import Viewer, scope_of
from mppcqa.reports.models import Selection
from mppcqa.runs.models import Run, Station


def sees_all(viewer: Viewer, row: Any) -> bool:
    """Whether a person sees all devices, or runs, that a thing's reports tell of."""
    bound = scope_of(viewer).bound
    if isinstance(row, SavedQuestion):
        # It is answered as its owner sees the campaign.
        return row.owner_id == getattr(viewer, "pk", None) or (row.shared and not bound)
    if not bound:
        return True
    if isinstance(row, Selection):
        # It was chosen among what its maker sees.
        return row.made_by_id == getattr(viewer, "pk", None)
    if isinstance(row, Case):
        row = row.device
    if isinstance(row, Device):
        return Device.objects.visible_to(viewer).filter(pk=row.pk).exists()
    if isinstance(row, Station):
        mine = Run.objects.visible_to(viewer).filter(station=row)
        return not row.run_set.exclude(pk__in=mine.values("pk")).exists()
    devices = devices_of(row)
    if devices is None:
        return False
    seen = Device.objects.visible_to(viewer)
    hidden = devices.order_by().exclude(pk__in=seen.values("pk"))
    return devices.exists() and not hidden.exists()


def devices_of(row: Any) -> QuerySet[Device] | None:
    """The devices that a thing holds; None of what is known to hold none."""
    for name in ("devices", "device_set"):
        found = getattr(row, name, None)
        if found is not None:
            return found.all()  # type: ignore[no-any-return]
    return None
