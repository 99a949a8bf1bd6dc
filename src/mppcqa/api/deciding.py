"""Drafts of limits, and analyses made again; putting either to use is signed, at its page."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema, Status
from pydantic import Field

from mppcqa.api.asking import of_all, one_of, with_right
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty
from mppcqa.api.results import LimitSetWhole, limit_set, limits
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import DeviceType
from mppcqa.limits.changes import effect, new_version
from mppcqa.limits.models import LimitSet
from mppcqa.queue.models import TaskGroup
from mppcqa.refused import Fault
from mppcqa.results.reanalysis import start_reanalysis
from mppcqa.results.selection import DEVICE_FILTERS
from mppcqa.stages import Condition, UnknownStage, get_stage

reanalyses = Router(tags=["results"])
Band = float | None
Reason = Annotated[str, Field(max_length=500)]


class LimitIn(Said):
    """A band of a quantity, in its stored unit."""

    quantity: Text
    pass_low: Band = None
    pass_high: Band = None
    warn_low: Band = None
    warn_high: Band = None
    at: dict[Text, float] = Field({}, description="Axis -> value; empty for every condition.")
    reason: Reason = ""


class LimitsIn(Said):
    """A version of limits."""

    stage: Text
    title: Text
    reason: Reason = ""
    device_type: Text = ""
    campaign: Text = ""
    limits: Annotated[list[LimitIn], Field(min_length=1, max_length=1000)]


def _stage(key: str) -> Any:
    try:
        return get_stage(key)
    except UnknownStage:
        raise Faulty([Fault(f"There is no stage “{key}”.", field="stage")]) from None


@limits.post("", response={201: LimitSetWhole}, summary="Draft limits")
@once
def draft(request: HttpRequest, said: LimitsIn) -> Any:
    """A version that is not in use: a person puts it to use, and signs, at its page."""
    user = with_right(request, "limits.add_limitset")
    named: dict[str, Any] = {}
    if said.device_type:
        named["device_type"] = one_of(DeviceType.objects.all(), "type", name=said.device_type)
    if said.campaign:
        named["campaign"] = one_of(Campaign.objects.all(), "campaign", name=said.campaign)
    rows = [{**one.model_dump(exclude={"at"}), "at": Condition(**one.at)} for one in said.limits]
    stage = _stage(said.stage)
    made = new_version(stage, rows, title=said.title, reason=said.reason, by=user, **named)
    return Status(201, limit_set(request, made.pk))


class Effect(Schema):
    """Verdicts that would change."""

    effect: dict[str, Any]


@limits.post("/{number}/preview", response=Effect, summary="What limits would change")
def preview(request: HttpRequest, number: Path[Number]) -> Any:
    """How many verdicts would turn from which outcome to which; nothing is changed."""
    of_all(request)
    with_right(request, "limits.change_limitset")
    return {"effect": effect(one_of(LimitSet.objects.all(), "limit set", pk=number))}


class Again(Said):
    """Which run files, by which settings."""

    stage: Text
    filters: dict[Text, Text] = Field({}, description="As re-analysis' page has them.")
    settings: dict[Text, Any] = Field({}, description="As the stage declares them.")
    title: Annotated[str, Field(max_length=150)] = ""


class GroupOut(Schema):
    """Tasks together."""

    group: int
    tasks: int


@reanalyses.post("", response={201: GroupOut}, summary="Analyse again")
@once
def again(request: HttpRequest, said: Again) -> Any:
    """A task for each file; what they yield counts once a person has signed for it."""
    user = with_right(request, "results.add_analysis")
    known = (*DEVICE_FILTERS, "station", "runs")
    if strange := [name for name in said.filters if name not in known]:
        text = f"There is no filter “{strange[0]}”; there is: {', '.join(known)}."
        raise Faulty([Fault(text, field=f"filters.{strange[0]}")])
    _stage(said.stage)
    asked = {**said.filters, "stage": said.stage}
    made: TaskGroup = start_reanalysis(asked, said.settings, title=said.title, by=user)
    return Status(201, {"group": made.pk, "tasks": made.tasks.count()})
