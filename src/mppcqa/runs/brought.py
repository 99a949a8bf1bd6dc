"""Runs that were measured without the queue, by a program of their own, and are brought.

A program that drives a bench itself asks what it is to measure (`configuration_of`), measures, and
brings the file in pieces (`bring_piece`), which may be cut off and gone on with. Only then there is
a run (`take_run`): its file is checked, kept and analysed as if a station of ours had written it.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
import uuid as uuids
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.disk import measure_file, settle, whole_file
from mppcqa.inventory.serials import normal_serial
from mppcqa.queue import remote
from mppcqa.queue.actions import Call, submit_chain
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine
from mppcqa.refused import Fault, Refused
from mppcqa.runs.actions import RunRefused, SlotFaults, find_device
from mppcqa.runs.belonging import common_keys
from mppcqa.runs.calibrating import save_instruments
from mppcqa.runs.folders import RUN_FILE, new_folder, note_size
from mppcqa.runs.models import Run, RunSlot, Station
from mppcqa.runs.tasks import told_configuration
from mppcqa.runs.training import in_use, refuse_untrained
from mppcqa.stages import UnknownStage, get_stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SUM = re.compile(r"[0-9a-f]{64}")
MOST_BYTES = 1 << 36
"""Of one file: 64 GB."""
KEPT_S = 7 * 24 * 3600
"""How long a file that was brought, and not asked for, stays."""
AFTER = ("runs.check", "results.analyse", "limits.judge", "reports.run")


class BringRefused(Refused):
    """Nothing of it was taken; the message says what to send."""


def folder_of(person: AbstractBaseUser) -> Path:
    """Where what a person brings lies: two who bring the same file do not meet."""
    return Path(settings.MPPCQA_HOME) / "brought" / str(person.pk)


def _places(person: AbstractBaseUser, sha256: str) -> tuple[Path, Path]:
    name = sha256.lower()
    if not SUM.fullmatch(name):
        raise BringRefused([Fault(_("A SHA-256 has 64 hexadecimal digits."), field="sha256")])
    folder = folder_of(person)
    return folder / name, folder / f".{name}.part"


def size_here(person: AbstractBaseUser, sha256: str) -> tuple[int, bool]:
    """How much of a file is here, and whether it is whole."""
    for path, whole in zip(_places(person, sha256), (True, False), strict=True):
        if path.is_file():
            return path.stat().st_size, whole
    return 0, False


def bring_piece(
    person: AbstractBaseUser, sha256: str, size: int, offset: int, data: bytes
) -> tuple[int, bool]:
    """A piece of the file of that SHA-256 and size; how much is here, and whether it is whole.

    What came already is not taken again, and a piece behind a gap not at all: the answer says from
    where on to send. Raises `BringRefused` where all is here and is another file: it is forgotten.
    """
    path, part = _places(person, sha256)
    if path.is_file():
        return path.stat().st_size, True
    if not offset:
        _tidy(path.parent.parent)
    here = remote.append_at(part, offset, data, min(size, MOST_BYTES))
    if here < size:
        return here, False
    if measure_file(part).sha256 != path.name:
        part.unlink(missing_ok=True)
        text = _("The file that came is not the one of this sum: send it again from its begin.")
        raise BringRefused([Fault(text, field="sha256")])
    settle(part, path)
    return size, True


def brought_file(person: AbstractBaseUser, sha256: str) -> Path:
    """A file that was brought whole; `BringRefused` where it was not."""
    path = _places(person, sha256)[0]
    if not path.is_file():
        here, _whole = size_here(person, sha256)
        text = _("Of this file %d bytes are here: bring it whole first.") % here
        raise BringRefused([Fault(text, field="sha256")])
    return path


def _tidy(folder: Path) -> None:
    """Remove what nobody asked for in a week."""
    for old in folder.glob("*/*"):
        if time.time() - old.stat().st_mtime > KEPT_S:
            old.unlink(missing_ok=True)


@dataclass(frozen=True)
class Plan:
    """What a program is about to measure, or has measured."""

    stage: str
    serials: Mapping[int, str]
    """By slot, from 1."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    station: Station | None = None
    uuid: uuids.UUID = field(default_factory=uuids.uuid4)
    note: str = ""
    measured_at: dt.datetime | None = None


def _looked_at(plan: Plan, by: AbstractBaseUser) -> tuple[Run, list[RunSlot]]:
    """The run and its slots, not written; raises `SlotFaults`, `RunRefused`."""
    try:
        chosen = get_stage(plan.stage)
        cleaned = chosen.clean(dict(plan.parameters))
    except UnknownStage:
        text = _("There is no stage “%s”.") % plan.stage
        raise RunRefused([Fault(text, field="stage")]) from None
    except ValueError as error:  # how a stage says that parameters do not fit
        raise RunRefused([Fault(str(error), field="parameters")]) from error
    found = {slot: find_device(serial, by) for slot, serial in plan.serials.items()}
    text = _("%s is not registered; register it first")
    if faults := {
        slot: text % normal_serial(plan.serials[slot]) for slot, one in found.items() if one is None
    }:
        raise SlotFaults(faults)
    devices = {slot: one for slot, one in sorted(found.items()) if one is not None}
    if not devices:
        raise RunRefused([Fault(_("name at least one device"), field="slots")])
    if len({one.pk for one in devices.values()}) < len(devices):
        raise RunRefused([Fault(_("a device is in two slots"), field="slots")])
    refuse_untrained(chosen.key, (one.campaign_id for one in devices.values()), by)
    run = Run(
        uuid=plan.uuid,
        stage=chosen.key,
        station=plan.station,
        parameters=cleaned,
        procedure=in_use(chosen.key),
        operator_id=by.pk,
        note=plan.note,
        measured_at=plan.measured_at or timezone.now(),
        **common_keys((one.campaign_id, one.owner_id) for one in devices.values()),
    )
    return run, [RunSlot(run=run, slot=slot, device=one) for slot, one in devices.items()]


def configuration_of(plan: Plan, *, by: AbstractBaseUser) -> dict[str, Any]:
    """What the program is to measure, as `run.json` of a station has it; nothing is written.

    The run has no number before its file comes: `run` is 0, and `run_uuid` is what names it.
    """
    run, slots = _looked_at(plan, by)
    found = told_configuration(run, slots)
    return found | {"run": 0, "parameters": run.parameters}


def take_run(plan: Plan, sha256: str, *, by: AbstractBaseUser) -> Run:
    """A run with the file that was brought, which is checked, kept, analysed, judged.

    One that was brought before, by its `uuid`, is that one. Raises `BringRefused` where the file is
    not here whole, `SlotFaults`, `RunRefused`.
    """
    there = Run.objects.visible_to(by).filter(uuid=plan.uuid).first()
    if there is not None:
        return there
    brought_file(by, sha256)
    run, slots = _looked_at(plan, by)
    with transaction.atomic():
        if plan.station is not None:
            run.channel_map = plan.station.channel_maps.first()
        try:
            run.save(force_insert=True)
        except IntegrityError:
            raise RunRefused(_("a run of this uuid was brought just now: ask again")) from None
        RunSlot.objects.bulk_create(slots)
        if plan.station is not None:
            save_instruments(run, plan.station)
        asked = {"run_id": run.pk, "person_id": by.pk, "sha256": sha256.lower()}
        calls = [Call("runs.bring", asked, topic=run.stage)]
        calls += [Call(name, {"run_id": run.pk}, topic=run.stage) for name in AFTER]
        title = f"{_(get_stage(run.stage).title)}, run {run.pk}"
        run.task_group = submit_chain(calls, title=title, by=by, about=run)
        run.save(update_fields=["task_group"])
    return run


@routine("runs.bring", title=gettext_lazy("Take in what was brought"), repeatable=True)
def bring(context: Context, *, run_id: int, person_id: int, sha256: str) -> dict[str, Any]:
    """Put the file of a run that measured itself where one that we measured would lie."""
    run = Run.objects.visible_to(None).filter(pk=run_id).first()
    if run is None:
        raise TaskError(f"there is no run {run_id} any more")
    source = Path(settings.MPPCQA_HOME) / "brought" / str(int(person_id)) / sha256
    if not SUM.fullmatch(sha256) or not source.is_file():
        raise TaskError("What was brought is not here any more: bring it again.")
    row = new_folder(run, context.task)
    with whole_file(row.path / RUN_FILE) as part:
        shutil.copyfile(source, part)
        if measure_file(part).sha256 != sha256.lower():
            raise TaskError("What was brought is damaged: bring it again.")
    note_size(row)
    return {"bytes": row.size, "folder": row.name}
