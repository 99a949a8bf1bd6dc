"""What people do with procedures: write a version, show somebody how; who may start what."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.attachments import PICTURES, AttachmentRefused, checked_file, is_picture
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.way import Condition
from mppcqa.markup import pictures_of
from mppcqa.queue.models import State, Task
from mppcqa.refused import Fault, Refused
from mppcqa.runs.models import Run
from mppcqa.runs.procedures import Procedure, ProcedurePicture, Training
from mppcqa.runs.seats import MEASURE
from mppcqa.stages import get_stage
from mppcqa.store.keeping import keeping

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LATEST = 50
"""Runs of which the real time is told."""
MOST_PICTURES = 500


class ProcedureRefused(Refused):
    """Not kept; the message says why. The `field` of a fault is the one of a form."""


def in_use(stage: str) -> Procedure | None:
    """The version of a stage's procedure that is in use; None where nobody wrote one."""
    return Procedure.objects.filter(stage=stage).order_by("-version").first()


def write_version(
    stage: str,
    texts: dict[str, str],
    *,
    estimate_min: int | None = None,
    note: str = "",
    by: AbstractBaseUser | None = None,
) -> Procedure:
    """Keep a new version of a stage's instructions, `texts` by language (``en``, ``es``)."""
    kept = {f"text_{key}": text.strip() for key, text in texts.items()}
    if not any(kept.values()):
        raise ProcedureRefused(_("Write the instructions in one language at least."))
    with transaction.atomic():
        there = set(ProcedurePicture.objects.filter(stage=stage).values_list("number", flat=True))
        faults = [
            Fault(_("There is no picture %d.") % number, field=name)
            for name, text in kept.items()
            for number in sorted(pictures_of(text) - there)
        ]
        if faults:
            raise ProcedureRefused(faults)
        last = Procedure.objects.select_for_update().filter(stage=stage).first()
        return Procedure.objects.create(
            stage=stage,
            version=1 if last is None else last.version + 1,
            estimate_min=estimate_min,
            note=note,
            made_by_id=None if by is None else by.pk,
            **kept,
        )


def add_picture(
    stage: str, file: UploadedFile[Any], told: str, *, by: AbstractBaseUser | None = None
) -> ProcedurePicture:
    """Keep a picture that instructions of a stage may show, by the next free number."""
    name, ending = checked_file(file)
    if not is_picture(name):
        raise AttachmentRefused(_("A picture is one of these: %s.") % ", ".join(PICTURES))
    if not told.strip():
        raise ProcedureRefused(_("Say what it shows, for who does not see it."))
    with keeping(file, "procedures", f".{ending}") as kept, transaction.atomic():
        rows = ProcedurePicture.objects.filter(stage=stage)
        last = rows.aggregate(last=Max("number"))["last"] or 0
        if last >= MOST_PICTURES:
            raise ProcedureRefused(_("A stage has at most %d pictures.") % MOST_PICTURES)
        return ProcedurePicture.objects.create(
            stage=stage,
            number=last + 1,
            file=kept.name,
            sha256=kept.sha256,
            original_name=name,
            told=told.strip()[:200],
            added_by_id=None if by is None else by.pk,
        )


def train(
    person: AbstractBaseUser,
    procedure: Procedure,
    done_on: dt.date,
    valid_until: dt.date | None = None,
    *,
    by: AbstractBaseUser | None = None,
) -> Training:
    """Note that a person was shown how a procedure is done."""
    if done_on > timezone.now().date():
        raise ProcedureRefused([Fault(_("This day is yet to come."), field="done_on")])
    if valid_until is not None and valid_until < done_on:
        raise ProcedureRefused([Fault(_("It ends before it was made."), field="valid_until")])
    return Training.objects.create(
        person_id=person.pk,
        procedure=procedure,
        done_on=done_on,
        valid_until=valid_until,
        made_by_id=None if by is None else by.pk,
    )


def withdraw_training(row: Training, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Say that a training does not count; it stays readable."""
    if not why.strip():
        raise ProcedureRefused(_("Say why it is withdrawn."))
    done = Training.objects.filter(pk=row.pk, withdrawn_at=None).update(
        withdrawn_at=timezone.now(),
        withdrawn_by_id=None if by is None else by.pk,
        withdrawn_why=why.strip()[:300],
    )
    if not done:
        raise ProcedureRefused(_("It is withdrawn already."))


def is_trained(person: AbstractBaseUser, stage: str) -> bool:
    """Whether a person counts today as trained for a stage, by whatever version."""
    rows = Training.objects.filter(
        person=person.pk, procedure__stage=stage, withdrawn_at=None
    ).select_related("procedure")
    today = timezone.now().date()
    return any(row.counts_on(today) for row in rows)


def refuse_untrained(
    stage: str, campaigns: Iterable[int | None], by: AbstractBaseUser | None
) -> None:
    """`ProcedureRefused` where a campaign (id) of the devices lets trained people alone do a
    stage, and this person is not. The program itself (None) may."""
    if by is None:
        return
    rows = Campaign.objects.filter(pk__in={one for one in campaigns if one is not None})
    asking = [
        one
        for one in rows.only("name", "conditions")
        if Condition.of_stage(one.conditions, stage).trained
    ]
    if asking and not is_trained(by, stage):
        words = {
            "campaign": asking[0],
            "stage": _(get_stage(stage).title),
            "person": by.get_username(),
        }
        text = _(
            "the campaign %(campaign)s lets trained people alone do %(stage)s, and %(person)s is "
            "not, or is no more: note the training on the page of the procedure first"
        )
        raise ProcedureRefused(text % words)


def real_minutes(stage: str) -> tuple[float, int] | None:
    """Median time of the latest measurements at a stage that succeeded [min], and their number."""
    groups = Run.objects.visible_to(None).filter(stage=stage, task_group__isnull=False)
    latest = list(groups.order_by("-pk").values_list("task_group", flat=True)[:LATEST])
    times = list(
        Task.objects.filter(
            group__in=latest, name=MEASURE, state=State.SUCCEEDED, run_s__isnull=False
        ).values_list("run_s", flat=True)
    )
    known = [one for one in times if one is not None]
    return (statistics.median(known) / 60, len(known)) if known else None
