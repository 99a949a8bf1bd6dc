"""Reports about devices that belong together: a tray, a lot, a run, what somebody chose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from reportlab.platypus import Spacer

import mppcqa
from mppcqa.charts.counted import Ranked, Share, Shares, StateMap
from mppcqa.charts.paper import figure
from mppcqa.charts.paper.lettering import BOLD, printable, width_of
from mppcqa.reports.document import CELL, HEAD, PADDING, SMALL, WIDTH, paragraph, table
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import Written
from mppcqa.reports.layout import Part, beside_each_other, lines_of_figures, whole_report
from mppcqa.reports.look import PLAIN, Look
from mppcqa.reports.numbers import column
from mppcqa.reports.rows import GAP, Cell, Rows, broken, shares
from mppcqa.reports.sections import Section
from mppcqa.views.group import STATES, GroupView, StageCount, state_names


def written(view: GroupView, kind: str, paper: str, look: Look, key: str = "") -> Written:
    """A laid out view with what it was made of."""
    inputs = {
        "mppcqa": mppcqa.__version__,
        "as_of": view.as_of.isoformat(),
        "devices": len(view.devices),
        "stages": {one.key: dict(one.numbers) for one in view.stages},
        "numbers": [
            [one.stage, f"{one.title} {one.condition}".strip(), f"{one.median}, {one.scatter}"]
            for one in view.quantities
        ],
    }
    return Written(lay_out(view, kind, paper, look, key), view.name, inputs | look_inputs(look))


def lay_out(
    view: GroupView, kind: str, paper: str = "A4", look: Look = PLAIN, key: str = ""
) -> bytes:
    """PDF of a view."""
    return whole_report(
        kind=kind,
        name=view.name,
        facts=view.facts,
        parts=parts_of(view),
        as_of=view.as_of,
        paper=paper,
        look=look,
        subject=view.kind,
        key=key,
        view=view,
    )


def sections() -> tuple[Section, ...]:
    """Those of a report about a group."""
    return (
        Section("yields", gettext_lazy("Yields")),
        Section("map", gettext_lazy("Map")),
        Section("quantities", gettext_lazy("Quantities")),
        Section("distributions", gettext_lazy("Distributions")),
        Section("strays", gettext_lazy("Devices that stand out")),
        Section("problems", gettext_lazy("Not measured")),
        Section("devices", gettext_lazy("Devices")),
    )


def parts_of(view: GroupView) -> Iterator[Part]:
    """The sections of a view, in the order in which they stand if nobody wants another."""
    yield Part("yields", _("Yields"), _yields(view))
    yield Part("map", _("Map"), _map(view))
    yield Part("quantities", _("Quantities"), _quantities(view))
    yield Part("distributions", _("Distributions"), beside_each_other(view.histograms, 3))
    yield Part("strays", _("Devices that stand out"), _strays(view))
    yield Part("problems", _("Not measured"), [paragraph(one) for one in view.problems])
    yield Part("devices", _("Devices"), _devices(view))


def yield_table(title: str, rows: list[tuple[str, StageCount]]) -> Rows:
    """A line each: how many were judged, how many stand how, and the yield with its interval."""
    names = state_names()
    heads = [title, _("judged"), *names.values(), _("Yield")]
    cells: list[list[Cell | str]] = []
    for name, one in rows:
        numbers = (str(one.numbers.get(state, 0)) for state in STATES)
        cells.append([name, str(one.judged), *numbers, one.passed.text])
    texts = [str(heads[-1]), *(one.passed.text for _name, one in rows)]
    last = max(width_of(text, 7) for text in texts) + GAP + 2
    longest = (
        max(width_of(printable(word), 7, BOLD) for word in (*head.split(), "100000"))
        for head in map(str, heads[1:-1])
    )
    middle = [one + GAP + 2 for one in longest]
    first = WIDTH - sum(middle) - last
    return Rows(broken(heads, cells, [first, *middle, last], right=range(1, len(heads) - 1)))


def interval_note() -> Any:
    """What the numbers in brackets are."""
    return paragraph(
        _("Yield: devices that pass, with or without a warning, among those judged; in brackets "
          "the 68 % interval by Wilson. What is waived has not passed."),
        SMALL,
    )  # fmt: skip


def _yields(view: GroupView) -> list[Any]:
    if not view.stages:
        return [paragraph(_("None of the devices has been measured yet."))]
    names = state_names()
    pies: list[Any] = [
        Shares(
            tuple(Share(names[state], one.numbers.get(state, 0), state) for state in STATES),
            one.title,
        )
        for one in view.stages
    ]
    if len(view.kinds.parts) > 1:
        pies.append(view.kinds)
    made = yield_table(_("Stage"), [(one.title, one) for one in view.stages])
    return [interval_note(), made, Spacer(1, 8), *beside_each_other(pies)]


def _map(view: GroupView) -> list[Any]:
    if view.map is None:
        return []
    names = state_names()
    drawn = StateMap(
        view.map.rows, view.map.columns, view.map.states, names, _("Worst verdict of each device")
    )
    if view.map.columns > 30:
        return [*lines_of_figures([figure(drawn, WIDTH)], 1), *beside_each_other(view.maps, 1)]
    return beside_each_other([drawn, *view.maps])


def _quantities(view: GroupView) -> list[Any]:
    if not view.quantities:
        return []
    story: list[Any] = [
        paragraph(
            _("Of each device the mean over its channels. Median and scatter are robust: the "
              "scatter is 1.4826 times the median absolute deviation; ± is one standard "
              "uncertainty."),
            SMALL,
        ),
        Spacer(1, 3),
    ]  # fmt: skip
    heads = (_("Median"), _("Scatter"), _("Lowest"), _("Highest"))
    for stage in dict.fromkeys(one.stage for one in view.quantities):
        lines = [one for one in view.quantities if one.stage == stage]
        columns = [
            column(head, [getattr(one, key) for one in lines], HEAD)
            for head, key in zip(heads, ("median", "scatter", "lowest", "highest"), strict=True)
        ]
        rows: list[list[Any]] = [
            [paragraph(stage, HEAD), paragraph("n", HEAD), *(paragraph(h, HEAD) for h in heads)]
        ]
        cells = [one.cells() for one in columns]
        for n, one in enumerate(lines):
            title: list[Any] = [paragraph(one.title, CELL)]
            if one.condition:
                title.append(paragraph(one.condition, SMALL))
            rows.append([title, paragraph(one.n, CELL), *(own[n] for own in cells)])
        wide = [max(one.width, 62.0) for one in columns]
        # As wide as the longest number: one in two lines reads as two.
        most = max(width_of(str(one.n), CELL.fontSize) for one in lines)
        number = max(34.0, most + 2 * PADDING + 1)
        first = WIDTH - number - sum(wide)
        if first < 90:
            wide = [one * (WIDTH - 90 - number) / sum(wide) for one in wide]
            cells = [[paragraph(text, CELL) for text in one.texts] for one in columns]
            for n in range(len(lines)):
                rows[n + 1][2:] = [own[n] for own in cells]
            first = 90.0
        story += [table(rows, [first, number, *wide]), Spacer(1, 6)]
    return story


def _strays(view: GroupView) -> list[Any]:
    if not view.strays:
        return []
    heads = (_("Device"), _("Quantity"), _("Value"), _("From the median"))
    rows = [
        [serial, one.quantity, one.value, _("%+.3g scatters") % one.far]
        for serial, one in view.strays
    ]
    lines = broken(heads, rows, shares(3, 4, 2, 2))
    story: list[Any] = [Rows(lines)]
    if view.more_strays:
        text = ngettext("One more is not listed.", "%d more are not listed.", view.more_strays)
        said = text % view.more_strays if "%d" in text else text
        story.append(paragraph(said, SMALL))
    return story


def _devices(view: GroupView) -> list[Any]:
    if not view.devices:
        return [paragraph(_("There are no devices."))]
    heads = ["#", _("Device"), _("Type"), _("Place"), *(one.title for one in view.stages)]
    rows: list[list[Cell | str]] = [
        [
            str(n),
            one.serial,
            one.kind,
            one.place,
            *(Cell(text, state) for state, text in one.outcomes),
        ]
        for n, one in enumerate(view.devices, 1)
    ]
    stages = [1.3] * len(view.stages)
    return [Rows(broken(heads, rows, shares(0.6, 2.4, 1.7, 1.7, *stages)))]


def funnel(title: str, rows: list[tuple[str, StageCount]], whole: int) -> Ranked:
    """How many devices reached each stage and how they stand there, among all."""
    names = state_names()
    shown = [state for state in STATES if any(one.numbers.get(state) for _name, one in rows)]
    return Ranked(
        tuple(
            (name, tuple(float(one.numbers.get(state, 0)) for state in shown)) for name, one in rows
        ),
        tuple((state, names[state]) for state in shown),
        title,
        whole,
    )
