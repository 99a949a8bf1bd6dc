"""One stage of a device: its verdict, where the numbers come from, tables and charts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from mppcqa.inventory.models import DeviceType
from mppcqa.results.conditions import setting, without_sources
from mppcqa.results.models import ConditionPoint, Standing
from mppcqa.retold import retold
from mppcqa.stages.words import TOLD
from mppcqa.views.device_charts import DrawnChart, device_charts
from mppcqa.views.evidence import Evidence
from mppcqa.views.shown import ShownQuantity
from mppcqa.views.stage_values import StageValues, Value
from mppcqa.views.texts import NONE, limits_in, limits_left_out, measured
from mppcqa.views.verdict import JudgedLine, VerdictView, judged_lines, verdict_view

PROBLEMS = 50


@dataclass(frozen=True)
class Source:
    """Where a stage's numbers come from."""

    analysis: int
    stage: str
    version: str
    code_version: str
    analysed_at: dt.datetime
    file: int
    file_name: str
    size: int
    sha256: str
    run: int | None
    """None where a table or a file was imported without one."""
    shared: str
    """What of the systematic uncertainties all values have in common; empty for nothing."""
    station: str
    operator: str
    started_at: dt.datetime | None


@dataclass(frozen=True)
class Head:
    """Title of a column, and its unit."""

    title: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.title} [{self.unit}]" if self.unit else self.title


class Cell(NamedTuple):
    """A value in words, and what shows where it came from."""

    text: str
    about: Evidence | None = None


@dataclass(frozen=True)
class Grid:
    """A table of values: a row's name, and a cell for each column."""

    corner: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class WholeValue:
    """A value of the device as a whole."""

    title: str
    condition: str
    text: str
    about: Evidence | None = None


@dataclass(frozen=True)
class Point:
    """A condition that values were measured at."""

    pk: int
    text: str


@dataclass(frozen=True)
class StageView:
    """What a stage says of a device."""

    key: str
    title: str
    verdict: VerdictView
    source: Source
    problems: tuple[str, ...]
    """What could not be measured."""
    judged: tuple[JudgedLine, ...]
    charts: tuple[DrawnChart, ...]
    whole: tuple[WholeValue, ...]
    means: tuple[Grid, ...]
    """Means over the channels, at each condition."""
    points: tuple[Point, ...]
    """Conditions that the channels' values may be looked at."""
    chosen: Point | None
    channels: Grid
    """Values by channel: those without a condition, and those at the chosen one."""
    limited: bool = False
    """Whether some of the values are but limits."""


def stage_view(section: StageValues, kind: DeviceType, asked: str | None = None) -> StageView:
    """A stage of a device of a type; at the condition asked for (its key)."""
    conditions = section.conditions(scope="channel")
    chosen = next((one for one in conditions if str(one.pk) == asked), None) or section.typical()
    return StageView(
        key=section.key,
        title=section.title,
        verdict=verdict_view(section.standing),
        source=_source(section.standing),
        problems=tuple(_problems(section.standing, section.slot)),
        judged=judged_lines(section),
        charts=tuple(device_charts(kind, section)),
        whole=tuple(
            WholeValue(
                shown.title,
                section.in_words(row.condition) if shown.conditional else "",
                measured(row.value, row.statistical, shown.unit, row.systematic, row.bound),
                section.about(shown.key, row.channel, row.condition.at),
            )
            for shown, row in section.of_device()
        ),
        means=tuple(_means(section)),
        points=tuple(_point(section, one) for one in conditions),
        chosen=None if chosen is None else _point(section, chosen),
        channels=_channels(section, kind, chosen),
        limited=any(row.bound for rows in section.values.values() for row in rows),
    )


def _point(section: StageValues, condition: ConditionPoint) -> Point:
    return Point(condition.pk, section.in_words(condition))


def _source(standing: Standing) -> Source:
    analysis, file = standing.analysis, standing.analysis.run_file
    run = file.run
    return Source(
        analysis=analysis.pk,
        stage=analysis.stage,
        version=analysis.version,
        code_version=analysis.code_version,
        analysed_at=analysis.made_at,
        file=file.pk,
        file_name=file.original_name,
        size=file.size,
        sha256=file.sha256,
        run=None if run is None else run.pk,
        shared=_shared(analysis.shared),
        station=run.station.name if run and run.station else "",
        operator=run.operator.get_username() if run and run.operator else "",
        started_at=None if run is None else run.created_at,
    )


def _shared(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """``reference detector (3 %)``: names and sizes of the shared parts."""
    return ", ".join(
        f"{_part(name, part)} ({100 * part['relative']:.2g} %)"
        if "relative" in part
        else f"{_part(name, part)} ({part['absolute']:.2g})"
        for name, part in parts.items()
    )


def _part(name: str, part: Mapping[str, Any]) -> str:
    """``responsivity of PD-1, 2026-03-01``: what a shared part is, and whose."""
    if not part.get("of"):
        return _(part.get("kind") or name)
    return _("%(what)s of %(whose)s") % {"what": _(part["kind"]), "whose": part["of"]}


def in_words(problem: Mapping[str, Any]) -> str:
    """What an analysis could not measure, in the reader's language."""
    return retold(str(problem.get("what") or problem), TOLD)


def _problems(standing: Standing, slot: int | None) -> Iterable[str]:
    """What the analysis could not measure of this device, or of the whole run."""
    problems = standing.analysis.problems or []
    mine = [one for one in problems if one.get("slot") is None or one.get("slot") == slot]
    for problem in mine[:PROBLEMS]:
        what, channel = in_words(problem), problem.get("channel")
        of_channel = channel is not None and bool(problem.get("what"))
        yield f"{_('Channel')} {channel}: {what}" if of_channel else what


def _cell(section: StageValues, key: str, value: Value | None, channel: int | None) -> Cell:
    """A value, or a mean over the channels (None), which says how many of them are limits."""
    if value is None:
        return Cell(NONE)
    about = section.about(key, channel, value.condition.at)
    text = measured(value.value, value.statistical, "", value.systematic, value.bound)
    if value.limits:
        text += f" ({(limits_in if value.bound else limits_left_out)(value.limits)})"
    return Cell(text, about)


def _head(shown: ShownQuantity) -> Head:
    return Head(shown.title, shown.unit)


def _means(section: StageValues) -> Iterable[Grid]:
    """A table for the quantities of the same axes, and what belongs to no condition."""
    by_channel = [one for one in section.quantities if section.has_channels(one.key)]
    alike: dict[frozenset[str], list[ShownQuantity]] = {}
    for one in by_channel:
        if one.conditional:
            there = {row.condition.at: row.condition for row in section.values[one.key]}
            axes = max((_axes(point) for point in there.values()), key=len)
            alike.setdefault(axes, []).append(one)
    points = section.conditions()
    for axes, quantities in sorted(alike.items(), key=lambda pair: -len(pair[0])):
        rows = _sources_on(point for point in points if _axes(point) == axes)
        yield Grid(
            _("Mean over the channels at"),
            tuple(map(_head, quantities)),
            tuple(
                (
                    section.in_words(point),
                    tuple(
                        _cell(section, one.key, section.mean(one.key, point), None)
                        for one in quantities
                    ),
                )
                for point in rows
            ),
        )
    fixed = [one for one in by_channel if not one.conditional]
    if fixed:
        lines = tuple(
            (str(_head(one)), (_cell(section, one.key, section.mean(one.key), None),))
            for one in fixed
        )
        yield Grid(_("Mean over the channels"), (Head(_("Value")),), lines)


def _axes(point: ConditionPoint) -> frozenset[str]:
    """Axes that were set, but for sources."""
    return frozenset(without_sources(setting(point.at)))


def _sources_on(points: Iterable[ConditionPoint]) -> list[ConditionPoint]:
    """Of points that differ in a source alone the last: what was had without it holds there."""
    return list({without_sources(point.at): point for point in points}.values())


def _channels(section: StageValues, kind: DeviceType, at: ConditionPoint | None) -> Grid:
    """A row a channel. Dark and lit conditions have values of different quantities: those there."""
    columns = {
        one: values
        for one in section.quantities
        if one.scope == "channel" and (values := section.of_channels(one.key, at))
    }
    numbers = range(kind.channels) if columns else ()
    rows = tuple(
        (
            str(number),
            tuple(
                _cell(section, one.key, values.get(number), number)
                for one, values in columns.items()
            ),
        )
        for number in numbers
    )
    return Grid(_("Channel"), tuple(map(_head, columns)), rows)
