"""The report of a campaign: how far it is, its yields, and what devices fail by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.platypus import CondPageBreak, Spacer

import mppcqa
from mppcqa.charts.counted import Course, CourseLine, Moment, Ranked, Share, Shares
from mppcqa.charts.paper import figure
from mppcqa.charts.plots import Scale
from mppcqa.public_address import PublicAddress
from mppcqa.reports.document import CELL, HEAD, SMALL, WIDTH, paragraph, table
from mppcqa.reports.group import funnel, interval_note, yield_table
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.layout import TOGETHER, Part, beside_each_other, whole_report
from mppcqa.reports.look import PLAIN, Look, look_about
from mppcqa.reports.sections import Section
from mppcqa.results.models import Outcome
from mppcqa.statistics.planning import Wanted
from mppcqa.views.campaign import CampaignView, StageYields, WeekCount, campaign_view
from mppcqa.views.group import STATES, StageCount, state_names


def campaign_report(campaign: Any, address: PublicAddress, paper: str = "A4") -> Written:
    """Report of a campaign as it stands now, in the current language."""
    del address
    view = campaign_view(campaign)
    inputs = {
        "mppcqa": mppcqa.__version__,
        "as_of": view.as_of.isoformat(),
        "devices": view.devices,
        "stages": {one.count.key: dict(one.count.numbers) for one in view.stages},
        "numbers": [
            (one.title, _("Plan"), _against(one.wanted)) for one in view.plan if one.wanted
        ],
    }
    look = look_about(campaign)
    return Written(lay_out(view, paper, look), view.name, inputs | look_inputs(look))


def lay_out(view: CampaignView, paper: str = "A4", look: Look = PLAIN) -> bytes:
    """PDF of a view."""
    return whole_report(
        kind=_("Report of a campaign"),
        name=view.name,
        facts=view.facts,
        parts=_parts(view),
        as_of=view.as_of,
        paper=paper,
        look=look,
        key="campaign",
        view=view,
    )


def _sections() -> tuple[Section, ...]:
    return (
        Section("funnel", gettext_lazy("From stage to stage")),
        Section("shares", gettext_lazy("Where the devices are")),
        Section("plan", gettext_lazy("Plan")),
        Section("weeks", gettext_lazy("Yield by week")),
        Section("reasons", gettext_lazy("Why devices fail")),
        Section("by_lot", gettext_lazy("Yield by lot")),
        Section("by_maker", gettext_lazy("Yield by maker")),
    )


def _parts(view: CampaignView) -> Iterator[Part]:
    yield Part("funnel", _("From stage to stage"), _funnel(view))
    yield Part("shares", _("Where the devices are"), _shares(view))
    yield Part("plan", _("Plan"), _plan(view))
    yield Part("weeks", _("Yield by week"), _weeks(view))
    yield Part("reasons", _("Why devices fail"), _reasons(view))
    for key, title, name in (
        ("by_lot", _("Yield by lot"), _("Lot")),
        ("by_maker", _("Yield by maker"), _("Maker")),
    ):
        story: list[Any] = []
        for stage in view.stages:
            rows = list(getattr(stage, key))
            if rows:
                head = paragraph(stage.count.title, HEAD)
                story += [CondPageBreak(TOGETHER), head, yield_table(name, rows), Spacer(1, 6)]
        yield Part(key, title, [interval_note(), *story] if story else [])


def _funnel(view: CampaignView) -> list[Any]:
    if not view.stages:
        return [paragraph(_("None of the devices has been measured yet."))]
    # What is not judged yet is the blank end of the bar.
    rows = [
        (one.count.title, StageCount(one.count.key, "", {
            state: n for state, n in one.count.numbers.items() if state in STATES
        }))
        for one in view.stages
    ]  # fmt: skip
    drawn = funnel("", rows, view.devices)
    made = yield_table(_("Stage"), [(one.count.title, one.count) for one in view.stages])
    return [figure(drawn, WIDTH), Spacer(1, 6), interval_note(), made]


def _shares(view: CampaignView) -> list[Any]:
    if not view.devices:
        return []
    pies = [
        Shares(tuple(Share(name, n) for name, n in parts), title, _("others"))
        for title, parts in ((_("States"), view.states), (_("Device types"), view.kinds))
    ]
    names = state_names()
    pies += [
        Shares(
            tuple(Share(names[state], one.count.numbers.get(state, 0), state) for state in STATES),
            one.count.title,
        )
        for one in view.stages
    ]
    return beside_each_other(pies)


def _plan(view: CampaignView) -> list[Any]:
    if not view.plan:
        return []
    heads = [_("Stage"), _("judged"), _("left"), _("a week"), _("done about")]
    wanted = any(one.wanted for one in view.plan)
    if wanted:
        heads.append(_("Plan"))
    rows: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
    for one in view.plan:
        until = one.until.isoformat() if one.until else ("—" if one.left else _("all judged"))
        cells = [one.title, str(one.judged), str(one.left), f"{one.a_week:.3g}", until]
        if wanted:
            cells.append("" if one.wanted is None else _against(one.wanted))
        rows.append([paragraph(cell, CELL) for cell in cells])
    notes = [
        _("At the pace of the last four weeks in which devices were judged for the first time.")
    ]
    if wanted:
        notes.append(_("A plan counts devices that pass its stage, of all campaigns."))
    parts = (0.24, 0.1, 0.1, 0.1, 0.16, 0.3) if wanted else (0.4, 0.14, 0.14, 0.14, 0.18)
    return [paragraph(" ".join(notes), SMALL), table(rows, [WIDTH * part for part in parts])]


def _against(wanted: Wanted) -> str:
    """How far a stage is from what was planned."""
    short = wanted.due - wanted.passed
    said = _("%(n)d behind") % {"n": short} if short > 0 else _("not behind")
    text = _("%(said)s: %(passed)d pass of %(due)d due now and %(devices)d by %(until)s")
    return text % {
        "said": said,
        "passed": wanted.passed,
        "due": wanted.due,
        "devices": wanted.devices,
        "until": wanted.until.isoformat(),
    }


def course_of(weeks: Sequence[WeekCount], title: str) -> Course:
    """Yields by week, by the first verdict and by the standing one."""
    sides = (_("first verdict"), "first"), (_("standing verdict"), "last")
    lines = []
    for name, side in sides:
        found = ((one.week, getattr(one, side)) for one in weeks)
        moments = [Moment(week, one.percent, one.low, one.high) for week, one in found]
        lines.append(CourseLine(name, moments))
    return Course(tuple(lines), Scale(_("Yield"), "%"), title, top=100.0)


def _weeks(view: CampaignView) -> list[Any]:
    story: list[Any] = []
    for one in view.stages:
        if one.weeks:
            drawn = course_of(one.weeks, one.count.title)
            story += [figure(drawn, WIDTH), Spacer(1, 8)]
    if not story:
        return []
    note = _("By the week of the first verdict; bars are 68 % intervals by Wilson.")
    return [paragraph(note, SMALL), *story]


def _reasons(view: CampaignView) -> list[Any]:
    return [
        part
        for one in view.stages
        if one.reasons
        for part in (figure(pareto_of(one), WIDTH), Spacer(1, 8))
    ]


def pareto_of(stage: StageYields) -> Ranked:
    """Devices by the quantity that they do not pass, the commonest first."""
    return Ranked(
        tuple((one.title, (one.failed, one.incomplete)) for one in stage.reasons),
        (
            ("fail", str(Outcome.FAIL.label)),
            ("incomplete", str(Outcome.INCOMPLETE.label)),
        ),
        stage.count.title,
    )


KIND = ReportKind(
    "campaign",
    gettext_lazy("Report of a campaign"),
    "inventory.campaign",
    campaign_report,
    sections=_sections,
)
"""What is judged is counted; no device is listed, so any number of them does."""
