"""The answer to a question: a chart whose marks lead on and the same for paper, and a table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mppcqa import charts
from mppcqa.charts import campaign
from mppcqa.charts.counted import Box, Boxes, Cloud, Course, CourseLine, Moment
from mppcqa.columnar.questions import Questions
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.scope import Viewer
from mppcqa.results.conditions import condition_text, setting
from mppcqa.results.models import WHOLE_DEVICE, ConditionPoint
from mppcqa.views.workbench.asked import KINDS, Asked
from mppcqa.views.workbench.names import in_order, monday
from mppcqa.views.workbench.page import Answer, Lead, Page

MOST_DRAWN = 12
"""Groups that one chart shows; the table has the others."""
LISTED = 100
BOX = ("q05", "q25", "median", "q75", "q95")
CLOUDS = 3 * MOST_DRAWN
"""Clouds of points on paper; what is of further groups is in one more."""
MARKED = 4
"""Groups that one chart on paper tells apart by their marks."""


def answer(asked: Asked, questions: Questions, viewer: Viewer, lead: Lead | None = None) -> Answer:
    """The answer; the question has no faults and is of some quantity.

    `lead` gives the address of a mark from the question and the one for the values behind it.
    """
    assert asked.first is not None  # noqa: S101
    page = Page(asked, asked.first, questions, viewer, lead)
    kinds: dict[str, Callable[[Page], Answer]] = {
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
    both = [page.measure, *([asked.second] if asked.kind == "pairs" and asked.second else [])]
    if one_sided := sum(questions.one_sided(one) for one in both):
        made.notes.append(
            ngettext(
                "%(n)d further value is a limit: where the true one lies is not known, so it is in "
                "no number here.",
                "%(n)d further values are limits: where the true ones lie is not known, so they "
                "are in no number here, and those of the others alone may mislead.",
                one_sided,
            )
            % {"n": one_sided}
        )
    return made


def _summaries(page: Page) -> Answer:
    """The table of robust numbers that stands below most charts."""
    found = page.questions.summary(page.measure, page.asked.by)
    names, scale = page.names([one.group for one in found]), page.scale
    counts = (_("values"), _("devices"))
    numbers = (
        *(_("median"), _("robust sigma"), _("mean"), _("sigma")),
        *("5 %", "25 %", "75 %", "95 %", _("least"), _("greatest")),
    )
    with_unit = [charts.Scale(title, page.axis.unit).text for title in numbers]
    of = "serial" if page.asked.by == "device" else ""
    heads = [(_("Grouped by"), of), *((title, "number") for title in (*counts, *with_unit))]
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


def _histogram(page: Page) -> Answer:
    found = page.questions.histogram(page.measure, page.asked.by, most=MOST_DRAWN)
    made, names, scale = _summaries(page), page.names(found.counts), page.scale
    rows = []
    for group, counts in found.counts.items():
        for low, high, n in zip(found.edges, found.edges[1:], counts, strict=False):
            if n:
                low, high = sorted((low * scale, high * scale))
                href = page.link(group, low=low, high=high)
                rows.append({"g": names[group], "low": low, "high": high, "n": n, "href": href})
    labels = in_order(names[group] for group in found.counts)
    if rows:
        made.chart = campaign.overlaid(
            rows, labels, page.axis, charts.Scale(_("values")), page.range_link()
        )
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


def _boxes(page: Page) -> Answer:
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
        labels = in_order(names[one.group] for one in shown)
        made.chart = campaign.boxes(rows, labels, page.axis, charts.Scale(""), page.range_link())
        made.printed = [Boxes(tuple(drawn), page.axis)]
    _tell_left(made, len(found), len(shown))
    return made


def _time(page: Page) -> Answer:
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
        labels = in_order(names[group] for group in drawn)
        made.chart = campaign.weeks(
            rows, labels, charts.Scale(_("Week")), page.axis, page.days_link()
        )
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


def _pairs(page: Page) -> Answer:
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
    heads = [(_("Device"), "serial"), (_("Grouped by"), ""), (page.axis.text, "number")]
    made = Answer("", heads=[*heads, (other.head, "number")], rows=table[:LISTED])
    if rows:
        labels = tuple(dict.fromkeys(row["g"] for row in rows))[:MOST_DRAWN]
        y_axis = charts.Scale(other.title, other.unit)
        made.chart = campaign.scatter(rows, labels, page.axis, y_axis, page.range_link(second))
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


def _tray(page: Page) -> Answer:
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


def _map(values: Any, size: tuple[int, int], links: Any, page: Page) -> Any:
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


def _array(page: Page) -> Answer:
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


def _outliers(page: Page) -> Answer:
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


def _values(page: Page) -> Answer:
    start = page.asked.start
    found = page.questions.listed(page.measure, start, LISTED + 1)
    made = _of_values(page, found[:LISTED])
    extent = page.questions.extent(page.measure)
    made.facts = [(_("Values"), extent.values), (_("Devices"), extent.devices)]
    made.devices = page.devices_link()
    if len(found) > LISTED:
        given = page.asked.given.copy()
        given["from"] = str(start + LISTED)
        made.later = f"?{given.urlencode()}"
    return made


def _of_values(page: Page, found: Any) -> Answer:
    """Rows of single values: each leads to its device, its run and what it came from."""
    devices = {one.device for one in found}
    serials = dict(
        Device.objects.visible_to(page.viewer).filter(pk__in=devices).values_list("pk", "serial")
    )
    points = ConditionPoint.objects.in_bulk({one.condition for one in found})
    heads = [(_("Device"), "serial"), (_("channel"), "number"), (_("condition"), "")]
    heads.append((_("run"), ""))
    rows = []
    for one in found:
        serial = serials.get(one.device, "")
        run = (str(one.run), reverse("run", args=[one.run])) if one.run else ""
        at = condition_text(points[one.condition].at) if one.condition in points else ""
        channel = "" if one.channel == WHOLE_DEVICE else one.channel
        value = one.value * page.scale
        cell = (value, _cell(one, serial, points)) if math.isfinite(value) else None
        device = (serial, reverse("device", args=[serial])) if serial else ""
        rows.append([device, channel, at, run, cell])
    return Answer("", heads=[*heads, (page.axis.text, "number")], rows=rows)


def _cell(one: Any, serial: str, points: dict[int, ConditionPoint]) -> str:
    """Address of what a value came from; empty where no run measured it."""
    if not (one.run and serial):
        return ""
    asked: dict[str, Any] = {"device": serial, "channel": max(one.channel, 0)}
    if one.condition in points:
        at = setting(points[one.condition].at)
        asked |= {key: f"{number:.7g}" for key, number in at.items()}
    return f"{reverse('run_cell', args=[one.run])}?{urlencode(asked)}"
