"""The answer to a question: a chart whose marks lead on and the same for paper, and a table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.charts import campaign
from mppcqa.charts.counted import Box, Boxes, Cloud, Counted, Course, CourseLine, Moment
from mppcqa.columnar.questions import NONE, Measure, Questions
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.scope import Viewer
from mppcqa.results.conditions import condition_text
from mppcqa.results.models import WHOLE_DEVICE, ConditionPoint
from mppcqa.views.workbench.asked import KINDS, Asked
from mppcqa.views.workbench.names import monday, names_of, point_names

MOST_DRAWN = 12
"""Groups that one chart shows; the table has the others."""
LISTED = 100
BOX = ("q05", "q25", "median", "q75", "q95")
CLOUDS = 3 * MOST_DRAWN
"""Clouds of points on paper; what is of further groups is in one more."""
MARKED = 4
"""Groups that one chart on paper tells apart by their marks."""


@dataclass
class Answer:
    """What is shown: a chart (or none), and rows below their heads."""

    title: str
    chart: Any = None
    printed: Sequence[charts.Plot | Counted] = ()
    """What the chart shows, as paper has it: several are as wide as stand beside each other."""
    heads: list[tuple[str, str]] = field(default_factory=list)
    """Head of a column, and its class."""
    rows: list[list[Any]] = field(default_factory=list)
    """Cells: numbers, texts, or (text, address)."""
    facts: list[tuple[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    later: str = ""
    """Address of the rows after these."""


@dataclass
class _Page:
    """What all kinds of answer need."""

    asked: Asked
    measure: Measure
    questions: Questions
    viewer: Viewer

    @property
    def scale(self) -> float:
        return self.asked.shown(self.measure).scale

    @property
    def axis(self) -> charts.Scale:
        shown = self.asked.shown(self.measure)
        return charts.Scale(shown.title, shown.unit)

    def names(self, keys: Any) -> dict[Any, str]:
        by = self.asked.by
        if by == "point":
            found = point_names(self.measure.at)
            return {key: found.get(key, _("condition")) for key in keys}
        return names_of(by, keys, self.viewer)

    def link(self, group: Any = None, **more: Any) -> str:
        """The values of a group, in a range, at a place."""
        given = self.asked.given.copy()
        for name in ("from", "as"):
            given.pop(name, None)
        given["kind"] = "values"
        by = self.asked.by
        if by == "week" and group is not None:
            given["since"] = monday(group).isoformat()
            given["until"] = (monday(group) + dt.timedelta(days=6)).isoformat()
        elif by == "point":
            texts = {key: at.text for key, at in zip(
                point_names(self.measure.at), self.measure.at, strict=True)}  # fmt: skip
            given.setlist("at", [texts[group]] if group in texts else [])
        elif by:
            given[by] = str(NONE if group is None else group)
        for name, value in more.items():
            given[name] = f"{value:.9g}" if isinstance(value, float) else str(value)
        return f"{reverse('workbench')}?{given.urlencode()}"


def answer(asked: Asked, questions: Questions, viewer: Viewer) -> Answer:
    """The answer; the question has no faults and is of some quantity."""
    assert asked.first is not None  # noqa: S101
    page = _Page(asked, asked.first, questions, viewer)
    kinds: dict[str, Callable[[_Page], Answer]] = {
        "histogram": _histogram,
        "box": _boxes,
        "time": _time,
        "pairs": _pairs,
        "tray": _tray,
        "array": _array,
        "outliers": _outliers,
        "values": _values,
    }
    made = kinds[asked.kind](page)
    made.title = f"{KINDS[asked.kind]}: {page.axis.title}"
    return made


def _summaries(page: _Page) -> Answer:
    """The table of robust numbers that stands below most charts."""
    found = page.questions.summary(page.measure, page.asked.by)
    names, scale = page.names([one.group for one in found]), page.scale
    heads = [(_("Grouped by"), "")] + [
        (title, "number")
        for title in (
            *(_("values"), _("devices"), _("median"), _("robust sigma"), _("mean"), _("sigma")),
            *("5 %", "25 %", "75 %", "95 %", _("least"), _("greatest")),
        )
    ]
    rows = [
        [
            (names[one.group], page.link(one.group)),
            one.n,
            one.devices,
            *(
                None if value is None else value * scale
                for value in (one.median, one.scatter, one.mean, one.sigma, *one.quantiles)
            ),
            one.low * scale,
            one.high * scale,
        ]
        for one in found
    ]
    return Answer("", heads=heads, rows=rows)


def _histogram(page: _Page) -> Answer:
    found = page.questions.histogram(page.measure, page.asked.by, most=MOST_DRAWN)
    made, names, scale = _summaries(page), page.names(found.counts), page.scale
    rows = []
    for group, counts in found.counts.items():
        for low, high, n in zip(found.edges, found.edges[1:], counts, strict=False):
            if n:
                low, high = sorted((low * scale, high * scale))
                href = page.link(group, low=low, high=high)
                rows.append({"g": names[group], "low": low, "high": high, "n": n, "href": href})
    labels = tuple(names[group] for group in found.counts)
    if rows:
        made.chart = campaign.overlaid(rows, labels, page.axis, charts.Scale(_("values")))
        edges = [edge * scale for edge in found.edges]
        made.printed = [
            _bars(edges, counts, names[group] if len(labels) > 1 else "", page.axis)
            for group, counts in found.counts.items()
        ]
    _tell_left(made, found.groups, len(found.counts))
    if outside := found.below + found.above:
        text = _("%(n)d values lie outside what is drawn: %(below)d below, %(above)d above.")
        made.notes.append(text % {"n": outside, "below": found.below, "above": found.above})
    return made


def _bars(edges: list[float], counts: Sequence[int], title: str, axis: charts.Scale) -> charts.Bars:
    if edges[0] > edges[-1]:
        edges, counts = edges[::-1], counts[::-1]
    y = _("values")
    return charts.histogram(
        edges, counts, title=title, x_title=axis.title, unit=axis.unit, y_title=y
    )


def _tell_left(made: Answer, groups: int, drawn: int) -> None:
    if groups > drawn:
        text = _("The %(drawn)d largest of %(groups)d groups are drawn; the table has more.")
        made.notes.append(text % {"drawn": drawn, "groups": groups})


def _boxes(page: _Page) -> Answer:
    made = _summaries(page)
    found = page.questions.summary(page.measure, page.asked.by)
    names, scale = page.names([one.group for one in found]), page.scale
    shown = found[: 3 * MOST_DRAWN]
    rows, drawn = [], []
    for one in shown:
        q05, q25, q75, q95 = sorted(value * scale for value in one.quantiles)
        box = Box(names[one.group], q05, q25, one.median * scale, q75, q95)
        drawn.append(box)
        quantiles = {name: getattr(box, name) for name in BOX}
        rows.append({"g": box.name, "n": one.n, **quantiles, "href": page.link(one.group)})
    if rows:
        labels = tuple(names[one.group] for one in shown)
        made.chart = campaign.boxes(rows, labels, page.axis, charts.Scale(""))
        made.printed = [Boxes(tuple(drawn), page.axis)]
    _tell_left(made, len(found), len(shown))
    return made


def _time(page: _Page) -> Answer:
    by, scale = page.asked.by, page.scale
    found = page.questions.over_time(page.measure, by)
    sizes: dict[Any, int] = {}
    for one in found:
        sizes[one.group] = sizes.get(one.group, 0) + one.n
    drawn = sorted(sizes, key=lambda g: (-sizes[g], str(g)))[:MOST_DRAWN]
    names = page.names(sizes)
    rows, table = [], []
    for one in found:
        day = monday(one.week)
        week = {"since": day.isoformat(), "until": (day + dt.timedelta(days=6)).isoformat()}
        href = page.link(one.group, **week)
        low, high = sorted((one.low * scale, one.high * scale))
        row = {"g": names[one.group], "day": day.isoformat(), "n": one.n, "href": href}
        row |= {"median": one.median * scale, "low": low, "high": high}
        if one.group in drawn:
            rows.append(row)
        table.append([(row["day"], href), row["g"], one.n, row["median"], low, high])
    heads = [
        (_("Week"), ""),
        (_("Grouped by"), ""),
        (_("values"), "number"),
        (_("median"), "number"),
    ]
    made = Answer("", heads=[*heads, ("25 %", "number"), ("75 %", "number")], rows=table[:500])
    if rows:
        labels = tuple(names[group] for group in drawn)
        made.chart = campaign.weeks(rows, labels, charts.Scale(_("Week")), page.axis)
        made.printed = _courses(rows, labels, page.axis)
    _tell_left(made, len(sizes), len(drawn))
    return made


def _courses(rows: list[dict[str, Any]], names: Sequence[str], axis: charts.Scale) -> list[Course]:
    """As many groups in one chart as are told apart by their marks; more have one each."""
    lines = [
        CourseLine(
            name,
            [
                Moment(dt.date.fromisoformat(one["day"]), one["median"], one["low"], one["high"])
                for one in rows
                if one["g"] == name
            ],
        )
        for name in names
    ]
    if len(lines) <= MARKED:
        return [Course(tuple(lines), axis)]
    return [Course((line,), axis, line.name) for line in lines]


def _pairs(page: _Page) -> Answer:
    second = page.asked.second
    assert second is not None  # noqa: S101
    other = page.asked.shown(second)
    found = page.questions.pairs(page.measure, second, page.asked.by)
    serials = dict(
        Device.objects.visible_to(page.viewer)
        .filter(pk__in={one[0] for one in found.points})
        .values_list("pk", "serial")
    )
    names = page.names([one[2] for one in found.points])
    rows, table = [], []
    for device, channel, group, x, y in found.points:
        serial = serials.get(device, "")
        what = serial if channel == WHOLE_DEVICE else f"{serial} {_('ch.')} {channel}"
        href = reverse("device", args=[serial]) if serial else ""
        x, y = x * page.scale, y * other.scale
        rows.append({"g": names[group], "x": x, "y": y, "what": what, "href": href})
        table.append([(what, href), names[group], x, y])
    heads = [(_("Device"), ""), (_("Grouped by"), ""), (page.axis.text, "number")]
    made = Answer("", heads=[*heads, (other.head, "number")], rows=table[:LISTED])
    if rows:
        labels = tuple(dict.fromkeys(row["g"] for row in rows))[:MOST_DRAWN]
        y_axis = charts.Scale(other.title, other.unit)
        made.chart = campaign.scatter(rows, labels, page.axis, y_axis)
        made.printed = _clouds(rows, page.axis, y_axis)
    made.facts = [(_("Pairs"), found.n)]
    for title, value in (
        (_("Correlation (Pearson)"), found.pearson),
        (_("Rank correlation (Spearman)"), found.spearman),
    ):
        if value is not None:
            made.facts.append((title, f"{value:.3f}"))
    if found.n > len(rows):
        text = _("%(drawn)d of %(n)d pairs are drawn, the same ones each time.")
        made.notes.append(text % {"drawn": len(rows), "n": found.n})
    return made


def _clouds(rows: list[dict[str, Any]], x: charts.Scale, y: charts.Scale) -> list[Cloud]:
    """As `_courses`; where each group has one of its own, their axes are alike."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        there = row["g"] in groups or len(groups) < CLOUDS
        groups.setdefault(row["g"] if there else _("others"), []).append((row["x"], row["y"]))
    if len(groups) <= MARKED:
        return [Cloud(tuple(groups.items()), x, y)]
    columns = list(zip(*((row["x"], row["y"]) for row in rows), strict=True))
    ends = tuple(map(min, columns)), tuple(map(max, columns))
    return [Cloud((one,), x, y, one[0], ends) for one in groups.items()]


def _tray(page: _Page) -> Answer:
    found = page.questions.tray_map(page.measure)
    values = {(row, column): median * page.scale for row, column, _n, median in found}
    links = {place: page.link(row=place[0], column=place[1]) for place in values}
    heads = [(_("row"), "number"), (_("column"), "number"), (_("values"), "number"), (
        _("median"), "number")]  # fmt: skip
    table = [[row, (column, links[row, column]), n, median * page.scale] for row, column, n, median
             in found]  # fmt: skip
    made = Answer("", heads=heads, rows=table)
    if found:
        size = (max(row for row, _c in values) + 1, max(column for _r, column in values) + 1)
        made.chart = _map(values, size, links, page)
        made.printed = [made.chart]
    return made


def _map(values: Any, size: tuple[int, int], links: Any, page: _Page) -> Any:
    labels = {place: f"{place[0]}, {place[1]}" for place in values}
    return charts.channel_map(
        values,
        rows=size[0],
        columns=size[1],
        title="",
        unit=page.axis.unit,
        labels=labels,
        links=links,
        cell=40,
    )


def _array(page: _Page) -> Answer:
    found = page.questions.channel_map(page.measure)
    types = DeviceType.objects.in_bulk({one[0] for one in found})
    counted: dict[int, int] = {}
    for kind, _channel, n, _median in found:
        counted[kind] = counted.get(kind, 0) + n
    heads = [(_("device type"), ""), (_("channel"), "number"), (_("values"), "number")]
    made = Answer("", heads=[*heads, (_("median"), "number")])
    made.rows = [
        [str(types[kind]), (channel, page.link(channel=channel)), n, median * page.scale]
        for kind, channel, n, median in found
    ]
    if counted:
        most = types[max(counted, key=lambda kind: counted[kind])]
        medians = {channel: m * page.scale for kind, channel, _n, m in found if kind == most.pk}
        places = {
            (row, column): most.channel_at(row, column)
            for row in range(most.rows)
            for column in range(most.columns)
        }
        values = {place: medians[c] for place, c in places.items() if c in medians}
        links = {place: page.link(channel=places[place]) for place in values}
        made.chart = _map(values, (most.rows, most.columns), links, page)
        made.printed = [made.chart]
        if len(types) > 1:
            made.notes.append(_("The map is of %s, which has most values.") % most)
    return made


def _outliers(page: _Page) -> Answer:
    found = page.questions.outliers(page.measure, page.asked.by)
    names = page.names([one.group for one in found])
    made = _of_values(page, found)
    made.heads += [(_("robust sigmas from the median"), "number"), (_("of"), "")]
    for row, one in zip(made.rows, found, strict=True):
        row += [one.pull, names[one.group]]
    made.notes.append(
        _("Values further than five robust standard deviations from the median of their group.")
    )
    return made


def _values(page: _Page) -> Answer:
    start = page.asked.start
    found = page.questions.listed(page.measure, start, LISTED + 1)
    made = _of_values(page, found[:LISTED])
    if len(found) > LISTED:
        given = page.asked.given.copy()
        given["from"] = str(start + LISTED)
        made.later = f"?{given.urlencode()}"
    return made


def _of_values(page: _Page, found: Any) -> Answer:
    """Rows of single values: each leads to its device and its run."""
    devices = {one.device for one in found}
    serials = dict(
        Device.objects.visible_to(page.viewer).filter(pk__in=devices).values_list("pk", "serial")
    )
    points = ConditionPoint.objects.in_bulk({one.condition for one in found})
    heads = [(_("Device"), ""), (_("channel"), "number"), (_("condition"), ""), (_("run"), "")]
    rows = []
    for one in found:
        serial = serials.get(one.device, "")
        run = (str(one.run), reverse("run", args=[one.run])) if one.run else ""
        at = condition_text(points[one.condition].at) if one.condition in points else ""
        channel = "" if one.channel == WHOLE_DEVICE else one.channel
        value = one.value * page.scale
        device = (serial, reverse("device", args=[serial])) if serial else ""
        rows.append([device, channel, at, run, value if math.isfinite(value) else None])
    return Answer("", heads=[*heads, (page.axis.text, "number")], rows=rows)
