"""Groups of devices that reports are about: a tray, a lot, a choice by filters, a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from mppcqa.charts.plots import CellMap
from mppcqa.inventory.models import Device, Lot, Tray
from mppcqa.limits.acceptance import Acceptance
from mppcqa.limits.models import Verdict
from mppcqa.queue.models import Task, group_state, without_repeated
from mppcqa.results.models import Analysis
from mppcqa.results.reading import read_values
from mppcqa.runs.models import Run
from mppcqa.stages import Stage, all_stages
from mppcqa.views.group import (
    BEGINNING,
    GroupView,
    StatedMap,
    listed,
    members,
    newest_of,
    numbers_of,
    stage_counts,
    standing_of,
    worst_of,
)
from mppcqa.views.robust import Sample, measured_samples, summed_samples, told
from mppcqa.views.stage import in_words
from mppcqa.views.texts import NONE, moment
from mppcqa.views.verdict import state_of

MAPS = 4
PROBLEMS = 60


def _group(
    rows: QuerySet[Device], name: str, kind: str, facts: Sequence[tuple[str, str]], **more: Any
) -> tuple[GroupView, list[Any], dict[int, dict[str, tuple[str, str]]], list[Sample]]:
    """A view of devices as they stand now, with what it was made of."""
    there = members(rows)
    ids = [row.pk for row in there]
    states = standing_of(ids)
    stages = stage_counts(states, len(there))
    samples = summed_samples(ids)
    view = GroupView(
        name=name,
        kind=kind,
        as_of=newest_of(rows, ids),
        facts=(*facts, (_("Devices"), str(len(there)))),
        stages=stages,
        devices=listed(there, states, stages),
        **numbers_of(samples, {row.pk: row.serial for row in there}),
        **more,
    )
    return view, there, states, samples


def tray_view(tray: Tray) -> GroupView:
    """A tray with its map."""
    from dataclasses import replace

    facts = [(_("Tray"), f"{tray.rows} × {tray.columns}")]
    facts += [(_("Lot"), str(tray.lot))] if tray.lot else []
    facts += [(_("Where"), str(tray.location))] if tray.location else []
    facts += [(name, str(said)) for name, said in tray.maker_values.items()]
    rows = Device.objects.visible_to(None).filter(tray=tray)
    view, there, states, samples = _group(rows, tray.name, _("Tray"), facts)
    places = {
        row.pk: (row.tray_row, row.tray_column)
        for row in there
        if row.tray_row is not None and row.tray_column is not None
    }
    worst = {place: worst_of(states.get(pk, {})) for pk, place in places.items()}
    stated = StatedMap(tray.rows, tray.columns, worst)
    return replace(view, map=stated, maps=tuple(_maps(tray, samples, places)))


def _maps(
    tray: Tray, samples: Sequence[Sample], places: Mapping[int, tuple[int, int]]
) -> list[CellMap]:
    found = []
    for sample in sorted(samples, key=lambda one: not told(one).headline)[:MAPS]:
        words = told(sample)
        values: dict[tuple[int, int], float | None] = {
            places[pk]: value * words.scale
            for pk, value in zip(sample.devices.tolist(), sample.values.tolist(), strict=True)
            if pk in places
        }
        if values:
            title = ", ".join(filter(None, [words.title, words.condition]))
            found.append(CellMap(values, tray.rows, tray.columns, words.unit, title, cell=22))
    return found


def lot_view(lot: Lot) -> GroupView:
    """A lot of a maker."""
    facts = [(_("Maker"), str(lot.maker))] if lot.maker else []
    facts += [(name, str(said)) for name, said in lot.maker_values.items()]
    facts += _acceptance(lot)
    rows = Device.objects.visible_to(None).filter(lot=lot)
    return _group(rows, lot.name, _("Lot"), facts)[0]


def _acceptance(lot: Lot) -> list[tuple[str, str]]:
    """What samples of a lot said of it, the newest of each stage."""
    found: dict[str, str] = {}
    for one in Acceptance.objects.filter(lot=lot, decided_at__isnull=False).order_by("-pk"):
        stage = _stage(one.stage)
        text = _("%(what)s %(when)s: %(bad)d of %(n)d do not conform")
        words = {
            "what": one.get_outcome_display(),
            "when": moment(one.decided_at),
            "bad": one.found.get("nonconforming", 0),
            "n": one.plan["n"],
        }
        told = text % words
        if one.lifted_at is not None:
            told += "; " + _("lifted: %s") % one.lifted_why
        found.setdefault(f"{_('Acceptance')}, {_(stage.title) if stage else one.stage}", told)
    return list(found.items())


def chosen_view(rows: QuerySet[Device], name: str, facts: Sequence[tuple[str, str]]) -> GroupView:
    """Devices that somebody chose; `facts` say by what."""
    return _group(rows, name, _("Chosen devices"), facts)[0]


def _stage(key: str) -> Stage | None:
    return next((one for one in all_stages() if one.key == key), None)


def run_view_of(run: Run) -> GroupView:
    """A run: its own values and verdicts, whatever was measured later."""
    stage = _stage(run.stage)
    title = _(stage.title) if stage else run.stage
    files = list(run.files.order_by("pk"))
    analyses = Analysis.objects.visible_to(None).filter(run_file__run=run, counts=True)
    counting = list(analyses.order_by("pk"))
    rows = Device.objects.visible_to(None).filter(runs=run)
    there = members(rows)
    ids = [row.pk for row in there]
    slots = dict(run.slots.values_list("device_id", "slot"))
    verdicts = Verdict.objects.visible_to(None).filter(analysis__in=counting).order_by("pk")
    states = {
        device: {run.stage: state_of(outcome, waived=False)}
        for device, outcome in verdicts.values_list("device_id", "outcome")
    }
    stages = stage_counts(states, len(there)) if states else ()
    values = read_values(ids, analyses=[one.pk for one in counting])
    judged = verdicts.values_list("judged_at", flat=True).last()
    moments = [run.created_at, judged, *(one.made_at for one in counting)]
    places = {pk: _("slot %d") % slot for pk, slot in slots.items()}
    in_slots = sorted(there, key=lambda row: slots.get(row.pk, 0))
    return GroupView(
        name=f"{capfirst(_('run'))} {run.pk}",
        kind=title,
        as_of=max((one for one in moments if one is not None), default=BEGINNING),
        facts=tuple(_run_facts(run, title, stage, files, counting)),
        stages=stages,
        devices=listed(in_slots, states, stages, places),
        problems=tuple(_problems(counting, {slots.get(r.pk): r.serial for r in there})),
        **numbers_of(measured_samples(values), {row.pk: row.serial for row in there}),
    )


def _run_facts(
    run: Run, title: str, stage: Stage | None, files: Sequence[Any], analyses: Sequence[Analysis]
) -> list[tuple[str, str]]:
    facts = [(_("Stage"), title)]
    facts.append((_("Station"), str(run.station) if run.station else NONE))
    by = f", {run.operator.get_username()}" if run.operator else ""
    facts.append((_("Started"), f"{moment(run.created_at)} UTC{by}"))
    if run.task_group is not None:
        tasks = without_repeated(Task.objects.filter(group=run.task_group))
        facts.append((_("State"), str(group_state([one.state for one in tasks]).label)))
        lasted = sum(one.run_s or 0.0 for one in tasks)
        facts.append((_("Duration"), _("%d s") % round(lasted)))
    units = {one.key: (_(one.title), one.unit) for one in (stage.parameters if stage else ())}
    for key, value in run.parameters.items():
        name, unit = units.get(key, (key, ""))
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        facts.append((name, f"{text} {unit}".rstrip()))
    facts += [(_("Note"), run.note)] if run.note else []
    for one in files:
        facts.append((_("Raw file"), f"{one.original_name}, SHA-256 {one.sha256}"))
    for made in analyses:
        text = f"{made.stage} {made.version} (mppcqa {made.code_version}), {moment(made.made_at)}"
        facts.append((_("Analysis"), f"{text} UTC"))
    return facts


def _problems(analyses: Sequence[Analysis], serials: Mapping[int | None, str]) -> list[str]:
    """What could not be measured, by device."""
    found = []
    for made in analyses:
        for one in made.problems:
            where = serials.get(one.get("slot"), "")
            channel = one.get("channel")
            at = f"{where}, {_('ch.')} {channel}" if channel is not None else where
            found.append(f"{at}: {in_words(one)}" if at else in_words(one))
    left = len(found) - PROBLEMS
    if left > 0:
        found = [*found[:PROBLEMS], _("and %d more") % left]
    return found
