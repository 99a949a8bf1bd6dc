"""Reports as routines of the queue."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from mppcqa.inventory.models import Device
from mppcqa.public_address import public_address
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import Parameter, routine
from mppcqa.refused import Refused
from mppcqa.reports.archive import save_report
from mppcqa.reports.kinds import UnknownReport, find_kind, report_kinds


def _warn(context: Context) -> None:
    """Say in the log what the codes of the reports carry, where that is not the pages' address."""
    if warning := public_address().warning:
        context.log(warning)


def _kinds() -> list[tuple[str, Any]]:
    return [(one.key, one.title) for one in report_kinds().values()]


def _papers() -> list[tuple[str, Any]]:
    from mppcqa.reports.document import PAPERS

    return [(one, one.capitalize()) for one in PAPERS]


def _about(given: dict[str, Any]) -> str:
    return find_kind(given["kind"]).model


@routine(
    "reports.write",
    title=_("Report"),
    repeatable=True,
    parameters=(
        Parameter("kind", _("Report"), choices=_kinds, first=True),
        Parameter("number", _("About"), of=_about),
        Parameter("language", _("Language"), choices=lambda: settings.LANGUAGES),
        Parameter("paper", _("Paper"), choices=_papers),
    ),
)
def write_report(
    context: Context, *, kind: str, number: int, language: str = "", paper: str = "A4"
) -> dict[str, Any]:
    """Write a report of a kind about the row of a number."""
    # Not when routines are declared: every command does that, and few of them draw.
    from mppcqa.reports.document import PAPERS

    try:
        wanted = find_kind(kind)
    except UnknownReport as error:
        raise TaskError(str(error)) from error
    if language and language not in dict(settings.LANGUAGES):
        raise TaskError(f"reports are not written in {language!r}")
    if paper not in PAPERS:
        raise TaskError(f"there is no paper {paper!r}; there are: {', '.join(PAPERS)}")
    row = apps.get_model(wanted.model)._default_manager.filter(pk=number).first()
    if row is None:
        raise TaskError(f"there is no {wanted.model} {number}; it may have been removed")
    _warn(context)
    try:
        with override(language or settings.LANGUAGE_CODE):
            report = save_report(kind, row, by_id=context.task.requested_by_id, paper=paper)
    except Refused as error:
        raise TaskError(str(error)) from error
    context.log(f"{report.title}: {report.file.name}")
    return {"report": report.pk, "path": report.file.name}


@routine("reports.run", title=_("Reports of the run's devices"), repeatable=True)
def report_run(context: Context, *, run_id: int) -> dict[str, Any]:
    """Write the report of each device of a run."""
    devices = list(Device.objects.filter(runs=run_id).order_by("serial"))
    paths = {}
    _warn(context)
    for number, device in enumerate(devices):
        context.check_stopped()
        report = save_report("device", device, by_id=context.task.requested_by_id)
        paths[device.serial] = report.file.name
        context.log(f"{device.serial}: {report.file.name}")
        context.progress(number + 1, len(devices), device.serial)
    return {"reports": paths}
