"""What a season leaves to people: cases, alarms of stations that drift, and kept questions."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib.auth import get_user_model

from mppcqa.columnar.models import OFFERED, SavedQuestion
from mppcqa.inventory.cases import Case
from mppcqa.inventory.deciding import decide, open_case
from mppcqa.inventory.models import Device
from mppcqa.limits.models import Verdict
from mppcqa.results.models import Outcome, QuantityRow, Standing
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Run, Station
from mppcqa.stages import all_stages
from mppcqa.statistics.references import watch

CHIEF = "demonstration-chief"
REASONS = (
    "dark counts far above those of its neighbours",
    "found beside the limits in two measurements",
    "a scratch on the window; is it why this one fails?",
    "the maker's data sheet says otherwise",
)
QUESTIONS = ((OFFERED[0], "box", "lot"), (OFFERED[1], "time", "station"))
"""Of each stage's first headline: its name, the kind, the grouping."""


def leave_waiting(devices: Sequence[Device]) -> None:
    """Cases of devices that failed, alarms, and questions that everybody finds.

    Nobody can be in charge yet: who opens the home page first finds the cases there.
    """
    chief = get_user_model().objects.get(username=CHIEF)
    failed = Standing.objects.filter(outcome=Outcome.FAIL, verdict__waivers=None)
    bad = set(failed.values_list("device", flat=True))
    troubled = [one for one in devices if one.pk in bad]
    for device, reason in zip(troubled, REASONS, strict=False):
        case = open_case(device, reason, by=chief)
        when = Verdict.objects.filter(device=device).latest("judged_at").judged_at
        Case.objects.filter(pk=case.pk).update(opened_at=when)
        if device == troubled[0]:
            decide(case, Case.Disposition.RETURN, "the maker takes the lot back", by=chief)
    for station in Station.objects.exclude(reference_device=None):
        run = Run.objects.filter(station=station, devices=station.reference_device_id)
        last = run.latest("measured_at")
        alarm = watch(last)
        if alarm is not None:
            StationAlarm.objects.filter(pk=alarm.pk).update(raised_at=last.measured_at)
    for stage in all_stages():
        head = next((one for one in stage.quantities if one.headline), None)
        row = QuantityRow.objects.filter(stage=stage.key, key=head.key if head else "").first()
        if head is None or row is None:
            continue
        for words, kind, by in QUESTIONS:
            SavedQuestion.objects.get_or_create(
                name=words % {"stage": stage.title, "quantity": head.title},
                owner=chief,
                defaults={
                    "asked": urlencode({"q": row.pk, "kind": kind, "by": by}),
                    "shared": True,
                },
            )
