"""Reports as routines of the queue."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine
from mppcqa.reports.models import Report


def keep_report(device: Device, *, by_id: int | None = None) -> Report:
    """Write a device's report and keep it in the store."""
    from mppcqa.reports.device import device_report

    language = get_language() or settings.LANGUAGE_CODE
    data = device_report(device)
    digest = hashlib.sha256(data).hexdigest()
    stored = default_storage.save(f"reports/{digest[:2]}/{digest}.pdf", ContentFile(data))
    return Report.objects.create(
        device=device, file=stored, sha256=digest, language=language, made_by_id=by_id
    )


@routine("reports.device", title=_("Report of a device"), repeatable=True)
def report_device(context: Context, *, device_id: int) -> dict[str, Any]:
    """Write the report of one device."""
    device = Device.objects.filter(pk=device_id).first()
    if device is None:
        raise TaskError(f"there is no device {device_id}; it may have been removed")
    report = keep_report(device, by_id=context.task.requested_by_id)
    return {"report": report.pk, "path": report.file.name}


@routine("reports.run", title=_("Reports of the run's devices"), repeatable=True)
def report_run(context: Context, *, run_id: int) -> dict[str, Any]:
    """Write the report of each device of a run."""
    devices = list(Device.objects.filter(runs=run_id).order_by("serial"))
    paths = {}
    for number, device in enumerate(devices):
        context.check_stopped()
        report = keep_report(device, by_id=context.task.requested_by_id)
        paths[device.serial] = report.file.name
        context.log(f"{device.serial}: {report.file.name}")
        context.progress(number + 1, len(devices), device.serial)
    return {"reports": paths}
