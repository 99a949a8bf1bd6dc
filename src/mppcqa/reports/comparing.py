"""Two kept reports of one thing side by side: what each was made of and said, where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mppcqa.limits.objections import stage_title
from mppcqa.reports.models import Report
from mppcqa.views.group import state_names
from mppcqa.views.texts import NONE

MOST = 500
"""Lines of a section that are told; the rest is counted."""
SHA = 12
"""Digits of a checksum that are told."""
Key = tuple[str, str, str]
"""Section, what it is about, and what is said of it."""


@dataclass(frozen=True)
class Line:
    """One thing that differs, as either report has it."""

    about: str
    what: str
    older: str
    newer: str


@dataclass(frozen=True)
class Part:
    """What differs of one kind."""

    title: str
    lines: tuple[Line, ...]
    more: int = 0


@dataclass(frozen=True)
class Comparison:
    """What differs between two reports; nothing where both are of the same bytes."""

    older: Report
    newer: Report
    parts: tuple[Part, ...]
    numbers: bool
    """Whether both kept the numbers that they say."""

    @property
    def same(self) -> bool:
        return self.older.sha256 == self.newer.sha256


def comparable(report: Report) -> QuerySet[Report]:
    """Other reports of the same thing, kind and language, the newest first."""
    rows = Report.objects.filter(about_model=report.about_model, about_id=report.about_id)
    return rows.filter(kind=report.kind, language=report.language).exclude(pk=report.pk)


def former(report: Report) -> Report | None:
    """The one that was kept before it."""
    return comparable(report).filter(pk__lt=report.pk).first()


def compare(one: Report, other: Report) -> Comparison:
    """What differs between two reports, whichever is the older."""
    older, newer = sorted((one, other), key=lambda report: report.pk)
    said = dict(_said(older.inputs)), dict(_said(newer.inputs))
    titles = _sections()
    found: dict[str, list[Line]] = {key: [] for key in titles}
    for key in sorted({*said[0], *said[1]}):
        before, after = (texts.get(key, NONE) for texts in said)
        if before != after:
            found[key[0]].append(Line(key[1], key[2], before, after))
    if older.paper != newer.paper:
        papers = older.paper.capitalize(), newer.paper.capitalize()
        found["made"].append(Line("", _("Paper"), *papers))
    return Comparison(
        older,
        newer,
        tuple(
            Part(titles[key], tuple(lines[:MOST]), max(0, len(lines) - MOST))
            for key, lines in found.items()
            if lines
        ),
        all(_has_numbers(report.inputs) for report in (older, newer)),
    )


def _sections() -> dict[str, str]:
    return {
        "verdicts": _("Verdicts"),
        "numbers": _("Numbers"),
        "limits": _("Limits"),
        "sources": _("Where the numbers come from"),
        "devices": _("Devices"),
        "made": _("How it was made"),
    }


def _has_numbers(inputs: dict[str, Any]) -> bool:
    stages = inputs.get("stages") or {}
    return "numbers" in inputs or all(
        "numbers" in one for one in stages.values() if "analysis" in one
    )


def _said(inputs: dict[str, Any]) -> Iterator[tuple[Key, str]]:
    """All that a report was made of and says, each by its name, as texts."""
    for key, value in inputs.items():
        match key, value:
            case "stages", dict():
                for stage, one in value.items():
                    yield from _stage(stage_title(stage), one)
            case "numbers", list():
                for about, what, text in value:
                    yield ("numbers", about, what), text
            case "devices", dict():
                for serial, one in value.items():
                    yield from _device(serial, one)
            case "devices", list():
                for serial in value:
                    yield ("devices", serial, ""), _("in it")
            case "missing", list():
                for serial in value:
                    yield ("devices", serial, _("on arrival")), _("missing")
            case "runs", dict():
                for state, n in value.items():
                    yield ("numbers", _("Runs"), state), str(n)
            case (("look" | "looks"), dict()):
                for what, one in value.items():
                    yield ("made", _("Look"), what), _plain(one)
            case _:
                yield ("made", "", _named(key)), _plain(value)


def _named(key: str) -> str:
    """What people call a part of the inputs; the key of one that a package added."""
    names = {
        "mppcqa": _("Version of mppcqa"),
        "as_of": _("Newest thing in it"),
        "devices": _("Devices"),
        "analyses": _("Analyses"),
        "asked": _("Question"),
        "answer": _("Answer (SHA-256)"),
    }
    return names.get(key, key)


def _stage(title: str, one: dict[str, Any]) -> Iterator[tuple[Key, str]]:
    names = state_names()
    if "analysis" not in one:
        for state, n in one.items():
            yield ("verdicts", title, names.get(state, state)), str(n)
        return
    verdict = one.get("state", one["outcome"])
    yield ("verdicts", title, ""), names.get(verdict, verdict) or _("not judged")
    yield ("limits", title, _("Limits")), one["limits"] or NONE
    for label, text, band, outcome in one.get("judged", ()):
        yield ("verdicts", title, label), names.get(outcome, outcome)
        yield ("numbers", title, label), text
        yield ("limits", title, label), band
    for label, text in one.get("numbers", ()):
        yield ("numbers", title, label), text
    yield ("sources", title, _("Analysis")), str(one["analysis"])
    yield ("sources", title, _("Version of the analysis")), f"{one['version']}, {one['code']}"
    yield ("sources", title, _("Run")), str(one["run"] or NONE)
    yield ("sources", title, _("File (SHA-256)")), one["sha256"][:SHA] or NONE


def _device(serial: str, stages: dict[str, list[Any]]) -> Iterator[tuple[Key, str]]:
    """A device of a file of certificates."""
    names = state_names()
    yield ("devices", serial, ""), _("in it")
    for stage, (analysis, limits, outcome) in stages.items():
        title = stage_title(stage)
        yield ("verdicts", serial, title), names.get(outcome, outcome) or _("not judged")
        yield ("limits", serial, title), limits or NONE
        yield ("sources", serial, title), str(analysis)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
