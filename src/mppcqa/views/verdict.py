"""A device's verdict at a stage with what people decided about it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.limits.models import SignOff, Waiver
from mppcqa.limits.remarks import remarks
from mppcqa.results.models import WHOLE_DEVICE, Outcome, Standing
from mppcqa.stages import Condition
from mppcqa.views.evidence import Evidence
from mppcqa.views.stage_values import StageValues
from mppcqa.views.texts import NONE, band, measured, moment

WAIVED = "waived"
"""State of a verdict that a person set aside; the others are the outcomes, and none."""


@dataclass(frozen=True)
class WaiverView:
    """The device was taken in spite of its verdict."""

    reason: str
    by: str
    at: dt.datetime
    until: dt.date | None
    holds: bool
    signers: str = ""
    """Who signed it, when and how; empty where it was granted before there were signatures."""

    @property
    def head(self) -> str:
        """What it means now."""
        return _("Taken in spite of the verdict") if self.holds else _("The waiver has run out")

    @property
    def granted(self) -> str:
        """Who granted it, when, and its last day."""
        until = f"; {_('until')} {self.until.isoformat()}" if self.until else ""
        if self.signers:
            return f"{_('signed by')} {self.signers}{until}"
        return f"{self.by or NONE}, {moment(self.at)}{until}"


@dataclass(frozen=True)
class SignOffView:
    """A person stood for the device's verdicts."""

    by: str
    at: dt.datetime
    note: str
    outdated: bool
    """Verdicts have changed since."""
    meaning: str = ""
    """What the signatures stand for, in words."""
    signers: str = ""

    @property
    def text(self) -> str:
        note = f"; {self.note}" if self.note else ""
        # A name of its own: texts inside of an f-string are not gathered for translation.
        said = _("Signed off")
        if self.signers:
            return f"{said}: {self.signers}{note}. “{self.meaning}”"
        return f"{said}: {self.by or NONE}, {moment(self.at)}{note}"


@dataclass(frozen=True)
class VerdictView:
    """What stands for a device at a stage: the outcome, and whether a waiver sets it aside."""

    pk: int | None
    """None where the device was not judged."""
    outcome: str
    state: str
    """The outcome, or `WAIVED`: what a sign and its colour tell."""
    text: str
    """The state in words: ``pass``, ``waived (fail)``, ``not judged``."""
    limits: str = ""
    """The limit set that it was judged by."""
    limit_set: int | None = None
    waiver: WaiverView | None = None


@dataclass(frozen=True)
class JudgedLine:
    """One quantity against its limits, by its worst value."""

    title: str
    condition: str
    worst: str
    channel: int | None
    """Of the worst value; None where it belongs to the device."""
    pass_band: str
    warning_band: str
    outcome: str
    outcome_text: str
    outside: str
    """How many of the judged values lie outside the pass band, ``3/16``; empty for none."""
    text: str
    about: Evidence | None = None
    """What the worst value came from; None where it is missing."""


def outcome_text(outcome: str) -> str:
    """An outcome in words."""
    return str(Outcome(outcome).label) if outcome in Outcome.values else _("not judged")


def state_of(outcome: str, waived: bool) -> tuple[str, str]:
    """State of a verdict, and the state in words."""
    text = outcome_text(outcome)
    return (WAIVED, _("waived (%s)") % text) if waived else (outcome, text)


def standing_outcomes(devices: Collection[int]) -> dict[int, dict[str, tuple[str, bool]]]:
    """Device -> stage -> outcome of its verdict, and whether a waiver holds; one question."""
    waiver = "verdict__waiver"
    rows = Standing.objects.filter(device__in=devices).values_list(
        "device", "stage", "outcome", f"{waiver}__pk", f"{waiver}__expires_on"
    )
    found: dict[int, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for device, stage, outcome, pk, until in rows:
        found[device][stage] = outcome, pk is not None and Waiver(expires_on=until).holds
    return found


def standing_states(devices: Collection[int]) -> dict[int, dict[str, tuple[str, str]]]:
    """Device -> stage -> state of its verdict, and the state in words; one question."""
    said = cache(state_of)
    found: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for device, stages in standing_outcomes(devices).items():
        found[device] = {stage: said(*one) for stage, one in stages.items()}
    return found


def verdict_view(standing: Standing) -> VerdictView:
    """The verdict that stands, with its waiver; asks the database nothing."""
    verdict = standing.verdict
    if verdict is None:
        return VerdictView(None, "", "", outcome_text(""))
    waiver = _waiver_view(verdict.waiver)
    state, text = state_of(standing.outcome, waiver is not None and waiver.holds)
    return VerdictView(
        verdict.pk,
        standing.outcome,
        state,
        text,
        verdict.limit_set.named,
        verdict.limit_set_id,
        waiver,
    )


def _waiver_view(waiver: Waiver | None) -> WaiverView | None:
    if waiver is None:
        return None
    by = waiver.granted_by.get_username() if waiver.granted_by else ""
    signers = waiver.signed.signers if waiver.signed else ""
    holds = waiver.holds
    return WaiverView(waiver.reason, by, waiver.granted_at, waiver.expires_on, holds, signers)


def sign_off_view(row: SignOff, now: Mapping[str, str]) -> SignOffView:
    """A sign-off beside the outcomes (by stage) that stand now."""
    by = row.signed_by.get_username() if row.signed_by else ""
    signed = row.signed
    said = (signed.in_words, signed.signers) if signed is not None else ("", "")
    return SignOffView(by, row.signed_at, row.note, row.outcomes != now, *said)


def judged_lines(section: StageValues) -> tuple[JudgedLine, ...]:
    """What the verdict that stands says of each quantity."""
    return tuple(_line(section, line) for line in section.judged())


def _line(section: StageValues, line: Mapping[str, Any]) -> JudgedLine:
    at = Condition(line["condition_at"])
    value, channel, unit = line.get("value"), line.get("channel"), line["unit"]
    wrong = line["failed"] + line["warned"]
    return JudgedLine(
        title=line["title"],
        condition=line["condition"],
        worst=_("missing")
        if value is None
        else measured(value, line["statistical"], unit, line["systematic"], line.get("bound", 0)),
        channel=None if channel is None or channel < 0 else channel,
        pass_band=band(line["pass_low"], line["pass_high"], unit),
        warning_band=band(line["warn_low"], line["warn_high"], unit),
        outcome=line["outcome"],
        outcome_text=outcome_text(line["outcome"]),
        outside=f"{wrong}/{line['judged']}" if wrong else "",
        text=remarks(line),
        about=None
        if value is None
        else section.about(line["quantity"], WHOLE_DEVICE if channel is None else channel, at),
    )
