"""Bundles as routines of the queue."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import Parameter, routine


def _bundle(number: int) -> Any:
    from mppcqa.bundles.models import Bundle

    row = Bundle.objects.filter(pk=number).first()
    if row is None:
        raise TaskError(f"there is no bundle {number}; it may have been removed")
    return row


@routine(
    "bundles.make",
    title=_("Bundle for the partner"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    right="bundles.add_bundle",
    parameters=(
        Parameter("shipment", _("Shipment"), of="inventory.shipment"),
        Parameter("run_files", _("With run files")),
        Parameter("certificates", _("With certificates")),
        Parameter("language", _("Language"), choices=lambda: settings.LANGUAGES),
    ),
)
def make_bundle(
    context: Context,
    *,
    shipment: int,
    run_files: bool = False,
    certificates: bool = True,
    language: str = "",
    paper: str = "A4",
) -> dict[str, Any]:
    """Write all of a shipment into one signed file."""
    from mppcqa.bundles.making import make
    from mppcqa.inventory.models import Shipment
    from mppcqa.refused import Refused
    from mppcqa.reports.document import PAPERS
    from mppcqa.store.reading import FileFault

    row = Shipment.objects.filter(pk=shipment).first()
    if row is None:
        raise TaskError(f"there is no shipment {shipment}; it may have been unpacked")
    if paper not in PAPERS or (language and language not in dict(settings.LANGUAGES)):
        raise TaskError(f"there is no paper {paper!r}, or no language {language!r}")

    def told(done: int, total: int, text: str) -> None:
        context.check_stopped()
        context.progress(done, total, text)

    try:
        made = make(
            row,
            run_files=run_files,
            certificates=certificates,
            language=language or settings.LANGUAGE_CODE,
            paper=paper,
            by=context.task.requested_by,
            told=told,
        )
    except (Refused, FileFault) as error:
        raise TaskError(str(error)) from error
    context.log(f"{made.filename}: {made.size} bytes, SHA-256 {made.sha256}")
    return {"bundle": made.pk, "number": made.number, "size": made.size}


@routine("bundles.look", title=_("Look into a bundle"), repeatable=True)
def look_into(context: Context, *, bundle: int) -> dict[str, Any]:
    """What taking a bundle in would do; nothing is changed."""
    from mppcqa.bundles.taking import look
    from mppcqa.refused import Refused

    try:
        return dict(look(_bundle(bundle))["counts"])
    except Refused as error:
        raise TaskError(str(error)) from error


@routine("bundles.take", title=_("Take in a bundle"), repeatable=True, hard_limit_s=6 * 3600)
def take_bundle(context: Context, *, bundle: int) -> dict[str, Any]:
    """A bundle that came, all of it or nothing; taken in twice it changes nothing."""
    from mppcqa.bundles.models import Bundle
    from mppcqa.bundles.taking import take
    from mppcqa.refused import Refused

    row = _bundle(bundle)
    if row.state == Bundle.State.TAKEN and context.task.attempt > 1:
        return dict(row.found["done"]["counts"])  # the attempt before was lost after its end
    try:
        # No progress from within the transaction: it would hold the task's row.
        done = take(row, by=context.task.requested_by, alive=context.check_stopped)
    except Refused as error:
        raise TaskError(str(error)) from error
    for what, line in done["lines"]:
        context.log(f"{what}: {line}")
    return dict(done["counts"])
