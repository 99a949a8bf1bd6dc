"""What partners measured of a device, beside what was measured here: for its page."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from mppcqa.bundles.models import CameFrom, KnownAs, PartnerVerdict
from mppcqa.inventory.models import Device
from mppcqa.limits.models import Verdict
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import condition_text
from mppcqa.results.models import WHOLE_DEVICE, Analysis, Standing
from mppcqa.results.reading import analyses_of, read_values
from mppcqa.results.references import Meaning
from mppcqa.stages import get_stage
from mppcqa.stages.numbers import Mean, mean_beside_limits
from mppcqa.views.texts import NONE, measured

MOST_ROWS = 60
MOST_ANALYSES = 30


@dataclass(frozen=True)
class Line:
    """An analysis that came from elsewhere."""

    stage: str
    where: str
    version: str
    made_at: dt.datetime
    there: tuple[str, str] | None
    """Outcome there, and its words."""
    limits: str
    waiver: str
    here: tuple[str, str] | None
    counts: bool


@dataclass(frozen=True)
class Beside:
    """The values of a stage: a column here, and one each place where it was measured."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, tuple[str, ...]]]


@dataclass
class SideBySide:
    """All of it; nothing is in it where a device was measured here alone."""

    lines: list[Line] = field(default_factory=list)
    tables: list[Beside] = field(default_factory=list)
    known_as: list[str] = field(default_factory=list)


def side_by_side(device: Device) -> SideBySide:
    """What a device's page shows of partners, in the reader's language; some ten queries."""
    view = SideBySide()
    ids = analyses_of([device.pk])
    origins = {
        one.number: one.installation.name
        for one in CameFrom.objects.filter(
            kind=CameFrom.Kind.ANALYSIS, number__in=ids, installation__is_ours=False
        ).select_related("installation")
    }
    if not origins:
        return view
    standing = dict(Standing.objects.filter(device=device).values_list("stage", "analysis"))
    wanted = sorted({*sorted(origins)[-MOST_ANALYSES:], *standing.values()})
    values = read_values([device.pk], analyses=wanted)
    there = set(np.unique(values.analysis).tolist())
    rows = Analysis.objects.in_bulk(wanted)
    theirs = {one.analysis_id: one for one in _verdicts(PartnerVerdict, device, wanted)}
    ours = {one.analysis_id: one for one in _verdicts(Verdict, device, wanted)}
    for pk in sorted(origins.keys() & there, reverse=True):
        row, verdict = rows[pk], theirs.get(pk)
        view.lines.append(
            Line(
                stage=_title(row.stage),
                where=origins[pk],
                version=row.version,
                made_at=row.made_at,
                there=_outcome(verdict),
                limits="" if verdict is None else _limits(verdict.limits),
                waiver="" if verdict is None else _waiver(verdict.waiver),
                here=_outcome(ours.get(pk)),
                counts=standing.get(row.stage) == pk,
            )
        )
    view.tables = _tables(values, rows, origins, standing)
    names = KnownAs.objects.filter(device=device).values_list("uuid", flat=True)
    view.known_as = [str(one) for one in names]
    return view


def _verdicts(model: Any, device: Device, analyses: list[int]) -> list[Any]:
    """The last of each analysis comes last."""
    rows = model.objects.filter(device=device, analysis__in=analyses)
    return list(rows.order_by("judged_at", "pk"))


def _outcome(verdict: Any) -> tuple[str, str] | None:
    return None if verdict is None else (verdict.outcome, verdict.get_outcome_display())


def _limits(limits: dict[str, Any]) -> str:
    if not limits:
        return ""
    values = {"title": limits.get("title", ""), "number": limits.get("version", "?")}
    return _("%(title)s, version %(number)s") % values


def _waiver(waiver: dict[str, Any]) -> str:
    if not waiver:
        return ""
    signed = waiver.get("signed")
    by = _signers(signed) if isinstance(signed, dict) else waiver.get("by", "")
    return _("waived there: %s") % f"{waiver.get('reason', '')} ({by})"


def _signers(signed: dict[str, Any]) -> str:
    """Their names; a partner's document may hold anything."""
    several = signed.get("signatures")
    names = [one.get("name") for one in several or () if isinstance(one, dict)]
    return ", ".join(str(name) for name in names)


def _title(stage: str) -> str:
    try:
        return _(get_stage(stage).title)
    except (KeyError, ValueError):
        return stage


def _tables(
    values: MeasurementColumns,
    rows: dict[int, Analysis],
    origins: dict[int, str],
    standing: dict[str, int],
) -> list[Beside]:
    """For each stage the newest analysis of each place, and what counts here."""
    columns: dict[str, dict[str, int]] = defaultdict(dict)
    for stage, pk in standing.items():
        if pk not in origins:
            columns[stage][_("here")] = pk
    for pk in sorted(origins.keys() & rows.keys()):
        columns[rows[pk].stage][origins[pk]] = pk
    meaning = Meaning()
    meaning.learn(np.unique(values.condition).tolist(), np.unique(values.quantity).tolist())
    tables = []
    for stage, of in sorted(columns.items()):
        try:
            declared = {one.key: one for one in get_stage(stage).quantities}
        except (KeyError, ValueError):
            continue
        if not set(of.values()) & origins.keys():
            continue
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for pk in of.values():
            for name, text in _means(values, pk, meaning, declared):
                found[name][pk] = text
        lines = [
            (name, tuple(cells.get(pk, NONE) for pk in of.values()))
            for name, cells in list(found.items())[:MOST_ROWS]
        ]
        if lines:
            tables.append(Beside(_title(stage), tuple(of), lines))
    return tables


def _means(
    values: MeasurementColumns, analysis: int, meaning: Meaning, declared: dict[str, Any]
) -> list[tuple[str, str]]:
    """Name of a quantity at a condition, and its mean over the channels."""
    mine = values.take(values.analysis == analysis)
    found = []
    for quantity, condition in dict.fromkeys(
        zip(mine.quantity.tolist(), mine.condition.tolist(), strict=True)
    ):
        key = declared.get(meaning.quantities[quantity][1])
        if key is None:
            continue
        part = mine.take((mine.quantity == quantity) & (mine.condition == condition))
        if len(part) > 1:
            part = part.take(part.channel != WHOLE_DEVICE)
        known = [None if error != error else error for error in part.statistical.tolist()]
        cells = (part.value.tolist(), known, part.systematic.tolist(), part.bound.tolist())
        rows = [Mean(*row, 0) for row in zip(*cells, strict=True)]
        if (mean := mean_beside_limits(rows)) is None:
            continue
        at = condition_text(meaning.points[condition])
        name = f"{_(key.title)} ({at})" if at else _(key.title)
        found.append((name, measured(*mean[:2], key.unit, *mean[2:4])))
    return found
