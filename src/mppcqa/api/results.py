"""Analyses, verdicts, limits, and what stages declare."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from mppcqa.api.asking import of_all, one_of, who
from mppcqa.api.lists import ListQuery, Page, Text, page_of
from mppcqa.api.problems import Faulty
from mppcqa.api.runs import Number
from mppcqa.limits.models import LimitSet, Verdict
from mppcqa.refused import Fault
from mppcqa.results.models import Analysis, Outcome, Standing
from mppcqa.results.selection import whole_number
from mppcqa.stages import all_stages
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order

analyses, verdicts, limits, stages = (Router(tags=["results"]) for _one in range(4))


class AnalysisRow(Schema):
    """An analysis of a file."""

    id: int
    stage: str | None = None
    version: str | None = Field(None, description="Of the analysis.")
    code_version: str | None = None
    file: int | None = None
    run: int | None = None
    values: int | None = Field(None, description="How many.")
    counts: bool | None = Field(None, description="Whether verdicts rest on it.")
    made_at: dt.datetime | None = None


class Analyses(Page):
    """A page of analyses."""

    items: list[AnalysisRow]


class AnalysisWhole(AnalysisRow):
    """An analysis with its settings and what it could not measure."""

    uuid: str
    parameters: dict[str, Any]
    methods: dict[str, Any]
    problems: list[Any]
    shared: dict[str, Any]


class AnalysisQuery(ListQuery):
    """Filters of analyses."""

    stage: Text = ""
    run: Text = Field("", description="Number of a run.")
    file: Text = Field("", description="Number of a file.")


def _analyses(asked: Mapping[str, str], user: Any) -> QuerySet[Analysis]:
    rows = Analysis.objects.visible_to(user)
    if stage := asked.get("stage"):
        rows = rows.filter(stage=stage)
    for name, column in (("run", "run_file__run"), ("file", "run_file")):
        if text := asked.get(name):
            if (number := whole_number(text)) is None:
                raise Faulty([Fault(f"“{text[:60]}” is no number.", field=name)])
            rows = rows.filter(**{column: number})
    return rows


ANALYSES = Listing(
    name="analyses",
    title="Analyses",
    columns=(Column("id", "Analysis", sort="id"),),
    rows=_analyses,
    cells="",
    order=Order("id", descending=True),
    show=lambda rows: rows.select_related("run_file"),
)


def _analysis(row: Analysis) -> dict[str, Any]:
    return {
        "id": row.pk,
        "stage": row.stage,
        "version": row.version,
        "code_version": row.code_version,
        "file": row.run_file_id,
        "run": row.run_file.run_id,
        "values": row.values,
        "counts": row.counts,
        "made_at": row.made_at,
    }


@analyses.get("", response=Analyses, summary="List analyses", exclude_unset=True)
def analysis_list(request: HttpRequest, asked: Query[AnalysisQuery]) -> Any:
    """Analyses, the newest first."""
    return page_of(
        request, Analyses, ANALYSES, asked, lambda rows: [_analysis(row) for row in rows]
    )


@analyses.get("/{number}", response=AnalysisWhole, summary="One analysis")
def analysis(request: HttpRequest, number: Path[Number]) -> Any:
    """An analysis; its values are `/api/v1/measurements` of its devices."""
    rows = Analysis.objects.visible_to(who(request)).select_related("run_file")
    row = one_of(rows, "analysis", pk=number)
    more = ("parameters", "methods", "problems", "shared")
    return {**_analysis(row), "uuid": str(row.uuid), **{name: getattr(row, name) for name in more}}


class VerdictRow(Schema):
    """What stands for a device at a stage."""

    serial: str
    stage: str | None = None
    outcome: str | None = None
    waived: bool | None = None
    verdict: int | None = None
    analysis: int | None = None
    changed_at: dt.datetime | None = None


class Verdicts(Page):
    """A page of verdicts that stand."""

    items: list[VerdictRow]


class VerdictWhole(Schema):
    """A verdict with what it says of each quantity that has a limit."""

    id: int
    serial: str
    stage: str
    outcome: str
    limit_set: int
    analysis: int
    judged_at: dt.datetime
    details: list[dict[str, Any]]


class VerdictQuery(ListQuery):
    """Filters of verdicts."""

    stage: Text = ""
    outcome: Text = Field("", description="pass, warning, fail or incomplete.")


def _standings(asked: Mapping[str, str], user: Any) -> QuerySet[Standing]:
    rows = Standing.objects.visible_to(user)
    if stage := asked.get("stage"):
        rows = rows.filter(stage=stage)
    if (outcome := asked.get("outcome")) in Outcome.values:
        rows = rows.filter(outcome=outcome)
    return rows


STANDINGS = Listing(
    name="verdicts",
    title="Verdicts",
    columns=(Column("id", "Verdict", sort="id"),),
    rows=_standings,
    cells="",
    order=Order("id"),
    filters=(Filter("outcome", "Outcome", lambda: Outcome.choices),),
    show=lambda rows: rows.select_related("device", "verdict__waiver"),
)


def _standing(row: Standing) -> dict[str, Any]:
    waiver = getattr(row.verdict, "waiver", None)
    return {
        "serial": row.device.serial,
        "stage": row.stage,
        "outcome": row.outcome,
        "waived": waiver is not None and waiver.holds,
        "verdict": row.verdict_id,
        "analysis": row.analysis_id,
        "changed_at": row.changed_at,
    }


@verdicts.get("", response=Verdicts, summary="List verdicts", exclude_unset=True)
def verdict_list(request: HttpRequest, asked: Query[VerdictQuery]) -> Any:
    """What stands for each device at each stage."""
    return page_of(
        request, Verdicts, STANDINGS, asked, lambda rows: [_standing(row) for row in rows]
    )


@verdicts.get("/{number}", response=VerdictWhole, summary="One verdict")
def verdict(request: HttpRequest, number: Path[Number]) -> Any:
    """A verdict, also one that a later one has replaced."""
    rows = Verdict.objects.visible_to(who(request)).select_related("device")
    row = one_of(rows, "verdict", pk=number)
    return {
        "id": row.pk,
        "serial": row.device.serial,
        "stage": row.stage,
        "outcome": row.outcome,
        "limit_set": row.limit_set_id,
        "analysis": row.analysis_id,
        "judged_at": row.judged_at,
        "details": row.details,
    }


class Band(Schema):
    """Limits of a quantity; null where there is none on that side."""

    quantity: str
    unit: str
    at: dict[str, float] = Field(description="Condition; empty judges the values at all.")
    pass_low: float | None
    pass_high: float | None
    warn_low: float | None
    warn_high: float | None
    reason: str


class LimitSetRow(Schema):
    """A version of the limits of a stage."""

    id: int
    stage: str
    title: str
    version: int
    active: bool
    device_type: str | None
    campaign: str | None
    reason: str
    made_at: dt.datetime


class LimitSets(Schema):
    """All limit sets: a few for each stage."""

    items: list[LimitSetRow]


class LimitSetWhole(LimitSetRow):
    """A limit set with its bands."""

    limits: list[Band]


def _limit_set(row: LimitSet) -> dict[str, Any]:
    return {
        "id": row.pk,
        "stage": row.stage,
        "title": row.title,
        "version": row.version,
        "active": row.active,
        "device_type": row.device_type.name if row.device_type else None,
        "campaign": row.campaign.name if row.campaign else None,
        "reason": row.reason,
        "made_at": row.made_at,
    }


@limits.get("", response=LimitSets, summary="List limit sets")
def limit_sets(request: HttpRequest) -> Any:
    """Limit sets by stage, the newest version first. Not for who sees some devices alone."""
    of_all(request)
    rows = LimitSet.objects.select_related("device_type", "campaign")
    return {"items": [_limit_set(row) for row in rows]}


@limits.get("/{number}", response=LimitSetWhole, summary="One limit set")
def limit_set(request: HttpRequest, number: Path[Number]) -> Any:
    """A limit set with its bands."""
    of_all(request)
    row = one_of(LimitSet.objects.select_related("device_type", "campaign"), "limit set", pk=number)
    bands = ("pass_low", "pass_high", "warn_low", "warn_high", "reason")
    return {
        **_limit_set(row),
        "limits": [
            {
                "quantity": one.quantity.key,
                "unit": one.quantity.unit,
                "at": dict(one.at),
                **{name: getattr(one, name) for name in bands},
            }
            for one in row.limits.select_related("quantity")
        ],
    }


class QuantityOut(Schema):
    """A quantity that a stage measures."""

    key: str
    title: str
    unit: str
    scope: str = Field(description="channel or device.")


class StageOut(Schema):
    """A stage as it is declared."""

    key: str
    title: str
    quantities: list[QuantityOut]
    axes: list[str] = Field(description="Keys of what its conditions are set of.")
    parameters: list[str] = Field(description="Keys of what a run may be told.")


class Stages(Schema):
    """All stages that are installed."""

    items: list[StageOut]


@stages.get("", response=Stages, summary="List stages")
def stage_list(request: HttpRequest) -> Any:
    """What is measured, at what, and by which parameters."""
    return {
        "items": [
            {
                "key": one.key,
                "title": str(one.title),
                "quantities": [
                    {"key": q.key, "title": str(q.title), "unit": q.unit, "scope": q.scope}
                    for q in one.quantities
                ],
                "axes": [axis.key for axis in one.axes],
                "parameters": [parameter.key for parameter in one.parameters],
            }
            for one in all_stages()
        ]
    }
