"""A claim to the maker: what is not right with a device, with the values that say so."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.platypus import Spacer, Table

import mppcqa
from mppcqa.inventory.cases import Case
from mppcqa.public_address import PublicAddress
from mppcqa.reports.document import CELL, HEAD, WIDTH, build, paragraph, table
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import look_about
from mppcqa.reports.pieces import facts_table, signature_lines, signs, title_style
from mppcqa.views.device import DeviceView, device_view
from mppcqa.views.texts import NONE, moment

NOT_TOLD = ("pass", "")
"""Outcomes of a quantity that a claim says nothing of."""


def claim(case: Case, address: PublicAddress, paper: str = "A4") -> Written:
    """PDF of a case for the maker of its device, in the current language."""
    del address  # the maker can't log in here: the claim has what its page has
    device = case.device
    view = device_view(device.serial, viewer=None)
    if view is None:
        raise Case.DoesNotExist(_("The device is not there any more."))
    look = look_about(case)
    maker = device.device_type.maker
    lot = device.lot
    title = _("Claim about %s") % device.serial
    facts = [
        (_("To"), str(maker) if maker else NONE),
        (_("Type"), str(device.device_type)),
        (_("Serial number"), device.serial),
        (_("Maker's serial number"), device.maker_serial or NONE),
        (_("Lot"), str(lot) if lot else NONE),
        (_("Case"), f"{case.pk}, {moment(case.opened_at)}"),
        (_("In charge"), str(case.in_charge) if case.in_charge else NONE),
        (_("What is not right"), case.reason),
    ]
    if case.decided_at is not None:
        facts.append((_("Decision"), f"{case.get_disposition_display()}: {case.decided_why}"))
    states = [(one.verdict.state, f"{one.title}: {one.verdict.text}") for one in view.stages]
    story: list[Any] = [
        *letterhead(look),
        paragraph(title, title_style(title)),
        facts_table(facts, WIDTH),
        Spacer(1, 8),
        *signs(states, WIDTH),
        Spacer(1, 8),
        *_outside(view),
        *closing(look),
        Spacer(1, 14),
        signature_lines(_("For the laboratory, date"), _("For the maker, date")),
    ]
    footer = _("%(title)s; mppcqa %(version)s") % {"title": title, "version": mppcqa.__version__}
    as_of = case.decided_at or case.opened_at
    data = build(
        story, title=title, footer=footer, paper=paper, as_of=as_of, head=running(look, title)
    )
    inputs = {
        "mppcqa": mppcqa.__version__,
        "case": str(case.uuid),
        "analyses": [one.source.analysis for one in view.stages],
    }
    return Written(data, f"{device.serial} {case.pk}", inputs | look_inputs(look))


def _outside(view: DeviceView) -> list[Table]:
    """Values that did not pass, against their bands."""
    heads = (_("Stage"), _("Quantity"), _("Worst value"), _("Pass band"), _("Verdict"))
    rows = [[paragraph(head, HEAD) for head in heads]]
    for stage in view.stages:
        for line in stage.judged:
            if line.outcome in NOT_TOLD:
                continue
            worst = line.worst
            if line.channel is not None:
                worst += f" ({_('ch.')} {line.channel})"
            cells = (
                stage.title,
                f"{line.title} {line.condition}".strip(),
                worst,
                line.pass_band,
                line.outcome_text,
            )
            rows.append([paragraph(text, CELL) for text in cells])
    if len(rows) == 1:
        return []
    parts = (0.17, 0.31, 0.22, 0.18, 0.12)
    return [table(rows, [part * WIDTH for part in parts])]


KIND = ReportKind("claim", gettext_lazy("Claim to the maker"), "inventory.case", claim)
"""A claim is written from the page of its case, and kept with it."""
