"""Records of what was done to devices: made, withdrawn, and runs brought in line with them.

A record that comes late, or that was wrong, changes what runs say of their devices' past. Their
values are not overwritten: each analysis that counts gets a successor with the same values at the
right conditions, which counts in its place and is judged, as after an analysis again.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.database.retry import again_after_deadlock
from mppcqa.inventory.locks import lock_devices
from mppcqa.inventory.models import Device
from mppcqa.inventory.records import DeviceRecord, fault_text, standing_records
from mppcqa.limits.judging import judge
from mppcqa.queue.actions import submit
from mppcqa.refused import Fault, Refused
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.counting import count_analyses
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.results.reading import read_values
from mppcqa.results.references import Meaning, condition_ids
from mppcqa.results.sums import Stale, kept_sums, moved_points, points_at, save_sums, stale
from mppcqa.stages import Condition
from mppcqa.stages.records import record_kinds

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.queue.models import Task

PIECE = 2000
"""Devices that one task brings in line."""
MOST_RELATIVE = 10.0
Told = Callable[[int, int], None]


class RecordRefused(Refused):
    """Nothing was recorded; the `field` of a fault is that of the record."""


@dataclass(frozen=True)
class NewRecord:
    """Something that was done to devices."""

    kind: str
    done_at: dt.datetime
    facts: Mapping[str, Any]
    uncertainty: float | None = None
    """Relative standard uncertainty of the amounts."""
    remark: str = ""
    devices: Sequence[int] = field(default_factory=tuple)
    """Ids."""

    def faults(self) -> list[Fault]:
        """What is wrong with it by itself."""
        kind = record_kinds().get(self.kind)
        if kind is None:
            known = ", ".join(record_kinds())
            text = _("There is no kind of record “%(kind)s”; there are: %(known)s.")
            return [Fault(text % {"kind": self.kind, "known": known}, field="kind")]
        found = [
            Fault(fault_text(kind, key, what), field=key) for key, what in kind.faults(self.facts)
        ]
        if self.done_at > timezone.now():
            found.append(Fault(_("It lies in the future: record what was done."), field="done_at"))
        if self.uncertainty is not None and not 0 <= self.uncertainty <= MOST_RELATIVE:
            found.append(Fault(_("An uncertainty lies between 0 and 1000 %."), field="uncertainty"))
        return found


def add_records(
    records: Sequence[NewRecord],
    *,
    by: AbstractBaseUser | None = None,
    replaces: DeviceRecord | None = None,
) -> list[DeviceRecord]:
    """Keep records, all or none, and have runs that they change brought in line as tasks.

    `replaces` is a record of one of these devices that was wrong: it is withdrawn. Raises
    `RecordRefused`; the `row` of a fault is the place of its record.
    """
    found = [replace_row(one, row) for row, new in enumerate(records) for one in new.faults()]
    if found:
        raise RecordRefused(found)
    devices = sorted({device for new in records for device in new.devices})
    with transaction.atomic():
        lock_devices(devices)
        if replaces is not None:
            withdraw(replaces, _("corrected"), by=by, follow=False)
        found = list(_there_already(records, devices))
        if found:
            raise RecordRefused(found)
        rows = DeviceRecord.objects.bulk_create(
            (
                DeviceRecord(
                    device_id=device,
                    kind=new.kind,
                    done_at=new.done_at,
                    facts=dict(new.facts),
                    uncertainty=new.uncertainty,
                    remark=new.remark,
                    made_by_id=None if by is None else by.pk,
                )
                for new in records
                for device in new.devices
            ),
            batch_size=500,
        )
        ask_follow(devices, by=by)
    return rows


def replace_row(fault: Fault, row: int) -> Fault:
    """A fault with its row."""
    return Fault(str(fault), row=row, field=fault.field)


def _there_already(records: Sequence[NewRecord], devices: list[int]) -> Iterable[Fault]:
    """A record that is there already, or twice among these: its amounts would count twice."""
    there = {
        (device, kind, at, _key(facts)) for device, kind, at, facts in standing_records(devices)
    }
    serials: dict[int, str] = {}
    for row, new in enumerate(records):
        for device in new.devices:
            key = (device, new.kind, new.done_at, _key(new.facts))
            if key in there:
                serials = serials or dict(
                    Device.objects.filter(pk__in=devices).values_list("pk", "serial")
                )
                text = _("%s has this very record already.") % serials[device]
                yield Fault(text, row=row)
            there.add(key)


def _key(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(facts.items()))


@transaction.atomic
def withdraw(
    record: DeviceRecord, why: str, *, by: AbstractBaseUser | None = None, follow: bool = True
) -> None:
    """A record was wrong: it stays readable and counts no longer. Raises `RecordRefused`."""
    if not why.strip():
        raise RecordRefused([Fault(_("Say why it is withdrawn."), field="why")])
    lock_devices([record.device_id])
    changed = DeviceRecord.objects.filter(pk=record.pk, withdrawn_at=None).update(
        withdrawn_at=timezone.now(),
        withdrawn_by=None if by is None else by.pk,
        withdrawn_why=why.strip()[:300],
    )
    if not changed:
        raise RecordRefused([_("The record was withdrawn already.")])
    if follow:
        ask_follow([record.device_id], by=by)


def effect(
    devices: Sequence[int],
    records: Sequence[NewRecord] = (),
    *,
    without: DeviceRecord | None = None,
) -> list[Stale]:
    """What runs of devices (ids) would say otherwise with further records, or `without` one."""
    rows: list[Any] = list(standing_records(devices, but=without.pk if without else None))
    rows += [
        (device, new.kind, new.done_at, new.facts) for new in records for device in new.devices
    ]
    return stale(sorted(devices), rows)


def ask_follow(devices: Iterable[int], *, by: AbstractBaseUser | None = None) -> list[Task]:
    """Bring runs of devices (ids) in line with their records, as tasks; none where all are."""
    ids = sorted({one.device for one in stale(sorted(set(devices)))})
    return [
        submit("limits.follow_records", {"devices": ids[start : start + PIECE]}, by=by)
        for start in range(0, len(ids), PIECE)
    ]


def follow(
    devices: Sequence[int],
    *,
    task: Task | None = None,
    told: Told = lambda done, total: None,
) -> int:
    """What such a task does; returns how many analyses have a successor. May be called again."""
    analyses = sorted({one.analysis.pk for one in stale(sorted(devices))})
    done = 0
    for number, pk in enumerate(analyses):
        done += _succeed(pk, devices, task)
        told(number + 1, len(analyses))
    return done


@again_after_deadlock
def _succeed(pk: int, devices: Sequence[int], task: Task | None) -> bool:
    """Values of an analysis at the right conditions, in a successor that counts in its place."""
    with transaction.atomic():
        there = Measurement.objects.filter(analysis=pk).order_by("device")
        everyone = list(there.values_list("device", flat=True).distinct())
        lock_devices(everyone)
        changes = [one for one in stale(sorted(devices)) if one.analysis.pk == pk]
        if not changes:  # another task was first, or another analysis counts
            return False
        former = changes[0].analysis
        sums = kept_sums(former)
        values = read_values(everyone, analyses=[pk])
        meaning = Meaning()
        values = replace(values, condition=_moved(values, changes, meaning))
        for one in changes:
            sums[one.device] = one.after
        fresh = _copy(former, task)
        values = replace(values, analysis=np.full(len(values), fresh.pk, "i4"))
        values = write_measurements(values)
        save_sums(fresh, {device: at for device, at in sums.items() if at})
        standing = Standing.objects.filter(analysis=pk).order_by("device")
        counted = list(standing.values_list("device", flat=True))
        mine = values.take(np.isin(values.device, counted))
        count_analyses([(fresh, counted)], mine, meaning)
        if counted:
            judge(fresh, counted, mine)
    return True


def _moved(values: MeasurementColumns, changes: Sequence[Stale], meaning: Meaning) -> Any:
    """Ids of the conditions that values have with the sums of now."""
    condition = values.condition.copy()
    groups: dict[tuple[Condition, Condition], list[int]] = defaultdict(list)
    for one in changes:
        groups[one.before, one.after].append(one.device)
    for (before, after), devices in groups.items():
        mine = np.isin(values.device, devices)
        moved = moved_points(points_at(values.condition[mine]), before, after)
        ids = condition_ids(moved.values(), meaning)
        for old, at in moved.items():
            condition[mine & (values.condition == old)] = ids[at]
    return condition


def _copy(former: Analysis, task: Task | None) -> Analysis:
    """An analysis like a former one, which does not count yet."""
    return Analysis.objects.create(
        run_file=former.run_file,
        stage=former.stage,
        version=former.version,
        code_version=former.code_version,
        parameters={**former.parameters, "records_of": former.pk},
        methods=former.methods,
        problems=former.problems,
        shared=former.shared,
        values=former.values,
        counts=False,
        task=task,
        made_by_id=task.requested_by_id if task else None,
    )
