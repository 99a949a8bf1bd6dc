"""A checklist that a person filled in becomes a run with its file, values and verdict, at once."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.disk import whole_file
from mppcqa.inventory.attachments import safe_name
from mppcqa.inventory.models import Device
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.states import Move
from mppcqa.limits.judging import judge
from mppcqa.refused import Fault, Refused
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Outcome
from mppcqa.runs.belonging import keys_of
from mppcqa.runs.files import save_file
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.runs.training import in_use, refuse_untrained
from mppcqa.stages import Stage, Step
from mppcqa.stages.checklist import DOCUMENT, MOST_REMARK, VERSION, marks_fit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_PICTURES = 30
MAX_BYTES = 50 << 20
MOST_MARKS = 200
SLOT = 1
KINDS = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
"""Ending of a picture that is taken, and how its content begins."""


class ChecklistRefused(Refused):
    """Nothing was kept; the `field` of a fault is the key of its step."""


@dataclass(frozen=True)
class Picture:
    """A photograph of what was found, with lines on it: parts of its width and height."""

    file: IO[bytes]
    size: int
    name: str
    marks: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Answer:
    """What a person said of one step."""

    value: int | None
    remark: str = ""
    pictures: Sequence[Picture] = field(default_factory=list)


def kind_of(start: bytes) -> str:
    """Ending of a picture by how its content begins; empty for what is none that is taken."""
    for ending, beginning in KINDS.items():
        if start.startswith(beginning) and (ending != "webp" or start[8:12] == b"WEBP"):
            return ending
    return ""


def checklist_faults(steps: Sequence[Step], answers: Mapping[str, Answer]) -> list[Fault]:
    """What is missing or can't be, each with its step."""
    faults = []
    for step in steps:
        answer = answers.get(step.key, Answer(None))
        faults += [Fault(text, field=step.key) for text in _faults_of(step, answer)]
    if sum(len(one.pictures) for one in answers.values()) > MOST_PICTURES:
        text = _("More than %d photographs; choose the telling ones.") % MOST_PICTURES
        faults.append(Fault(text))
    return faults


def _faults_of(step: Step, answer: Answer) -> list[str]:
    if answer.value is None:
        return [_("Not answered yet.")]
    try:
        step.number(answer.value)
    except ValueError:
        return [_("That is no answer to this step.")]
    found = []
    if len(answer.remark) > MOST_REMARK:
        found.append(_("The remark is longer than %d characters.") % MOST_REMARK)
    if step.pictured and answer.value and not answer.pictures and not answer.remark:
        found.append(_("Show it on a photograph, or say in the remark why there is none."))
    for picture in answer.pictures:
        start = picture.file.read(16)
        picture.file.seek(0)
        words = {"name": picture.name}
        if not kind_of(start):
            found.append(_("%(name)s is no picture of the kinds JPEG, PNG and WebP.") % words)
        elif picture.size > MAX_BYTES:
            found.append(_("%(name)s has more than 50 MB.") % words)
        if not marks_fit(list(map(list, picture.marks))) or len(picture.marks) > MOST_MARKS:
            found.append(_("The marks on %(name)s can't be read; mark it again.") % words)
    return found


def record_checklist(
    stage: Stage,
    device: Device,
    answers: Mapping[str, Answer],
    *,
    note: str = "",
    once: uuid.UUID | None = None,
    by: AbstractBaseUser | None = None,
) -> tuple[Run, Outcome]:
    """Keep what a person found on a device, and judge it: all of it, or none and `Refused`.

    What comes a second time under the same `once` is the same run: a form that was sent twice.
    """
    if once is not None and (known := _known(once, device)) is not None:
        return known
    if faults := checklist_faults(stage.checklist, answers):
        raise ChecklistRefused(faults)
    refuse_untrained(stage.key, [device.campaign_id], by)
    try:
        with TemporaryDirectory() as folder:
            return _record(stage, device, answers, note, once, by, Path(folder))
    except MoveRefused as error:
        raise ChecklistRefused(error.faults) from error
    except IntegrityError:
        if once is not None and (known := _known(once, device)) is not None:
            return known
        raise


def _known(once: uuid.UUID, device: Device) -> tuple[Run, Outcome] | None:
    run = Run.objects.filter(uuid=once).first()
    if run is None:
        return None
    row = device.standings.filter(stage=run.stage).first()
    return run, Outcome(row.outcome) if row and row.outcome else Outcome.INCOMPLETE


def _record(
    stage: Stage,
    device: Device,
    answers: Mapping[str, Answer],
    note: str,
    once: uuid.UUID | None,
    by: AbstractBaseUser | None,
    folder: Path,
) -> tuple[Run, Outcome]:
    now = timezone.now()
    with transaction.atomic():
        Held([device.pk]).move(Move.INSPECT, by=by)
        run = Run(
            stage=stage.key,
            operator_id=None if by is None else by.pk,
            note=note,
            procedure=in_use(stage.key),
            created_at=now,
            measured_at=now,
            **keys_of([device.pk]),
        )
        if once is not None:
            run.uuid = once
        run.save(force_insert=True)
        RunSlot.objects.create(run=run, slot=SLOT, device=device)
        document = {
            "document": DOCUMENT,
            "version": VERSION,
            "stage": stage.key,
            "stage_version": stage.version,
            "run": run.pk,
            "run_uuid": str(run.uuid),
            "serial": device.serial,
            "device_uuid": str(device.uuid),
            "operator": "" if by is None else by.get_username(),
            "filled_in_at": now.isoformat(timespec="seconds"),
            "note": note,
            "answers": {
                key: {"value": one.value, "remark": one.remark} for key, one in answers.items()
            },
            "pictures": _keep_pictures(run, answers, folder),
        }
        path = folder / "checklist.json"
        with whole_file(path) as part:
            part.write_text(json.dumps(document, indent=1, ensure_ascii=False))
        name = f"run-{run.pk}-{stage.key}.json"
        kept = save_file(path, kind=RunFile.Kind.CHECKLIST, run=run, name=name)
        found = stage.analyse(path, {})
        analysis = store_analysis(stage, kept, {SLOT: device.pk}, found.results, found.problems)
        if by is not None:
            analysis.made_by_id = by.pk
            analysis.save(update_fields=["made_by"])
        outcome = judge(analysis, [device.pk])[device.pk]
    return run, outcome


def _keep_pictures(run: Run, answers: Mapping[str, Answer], folder: Path) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for key, answer in answers.items():
        for picture in answer.pictures:
            ending = kind_of(picture.file.read(16))
            picture.file.seek(0)
            path = folder / f"picture-{len(kept)}.{ending}"
            with whole_file(path) as part, part.open("wb") as target:
                shutil.copyfileobj(picture.file, target)
            name = safe_name(picture.name)
            row = save_file(path, kind=RunFile.Kind.PICTURE, run=run, name=name)
            if row.run_id != run.pk:
                text = _("The photograph %(name)s came with run %(run)d already; take a new one.")
                words = {"name": name, "run": row.run_id or 0}
                raise ChecklistRefused(Fault(text % words, field=key))
            marks = [[round(at, 4) for at in mark] for mark in picture.marks]
            kept.append({"step": key, "sha256": row.sha256, "name": name, "marks": marks})
    return kept
