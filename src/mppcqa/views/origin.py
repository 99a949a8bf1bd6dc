"""Where the values of one device in one run came from: run, file, program, analysis, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.limits.models import Verdict
from mppcqa.results.conditions import holds_at
from mppcqa.results.models import Analysis
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Condition, Stage
from mppcqa.views.explore import RunView
from mppcqa.views.texts import band, moment
from mppcqa.views.verdict import outcome_text


@dataclass(frozen=True)
class Part:
    """One thing that values came from; `about` names the page that tells more, if there is one."""

    title: str
    text: str
    about: tuple[str, str] | None = None
    more: str = ""


@dataclass(frozen=True)
class Origin:
    """What stands behind the values of a device in a run."""

    parts: tuple[Part, ...]
    verdict: Verdict | None

    def limits_of(self, quantity: str, at: Condition, scale: float, unit: str) -> str:
        """The pass band that a quantity was judged by at a condition; empty where by none."""
        for line in self.verdict.details if self.verdict else ():
            if line["quantity"] == quantity and holds_at(Condition(line["condition"] or {}), at):
                low, high = (
                    None if line[side] is None else line[side] * scale
                    for side in ("pass_low", "pass_high")
                )
                return band(low, high, unit)
        return ""


def origin(view: RunView, device: Device, row: RunFile | None, meta: Mapping[str, Any]) -> Origin:
    """Of a device in a run as it is looked at; `row` is the run's file and `meta` what it says."""
    verdict: Verdict | None = None
    if view.analysis is not None:
        judged = device.verdicts.filter(analysis=view.analysis)
        verdict = judged.select_related("limit_set__campaign").first()
    parts = [*_of_run(view.run), *_of_file(row, meta)]
    if view.analysis is not None:
        parts += _of_analysis(view.analysis, view.stage)
    if verdict is not None:
        about = ("limit_set", str(verdict.limit_set_id))
        said = outcome_text(verdict.outcome)
        parts.append(Part(_("Judged by"), verdict.limit_set.named, about, said))
    return Origin(tuple(parts), verdict)


def _of_run(run: Run) -> Iterator[Part]:
    yield Part(_("Run"), str(run.pk), ("run", str(run.pk)), moment(run.measured_at))
    if run.station:
        yield Part(_("Station"), run.station.name, ("station", run.station.name))
    if run.operator:
        yield Part(_("Operator"), run.operator.get_username())


def _of_file(row: RunFile | None, meta: Mapping[str, Any]) -> Iterator[Part]:
    if row is not None:
        yield Part(_("Raw file"), row.original_name, ("run_file", str(row.pk)), row.sha256[:12])
    if meta.get("program"):
        yield Part(_("Program"), str(meta["program"]))


def _of_analysis(made: Analysis, stage: Stage | None) -> Iterator[Part]:
    by = f", {made.made_by.get_username()}" if made.made_by else ""
    words = f"{made.pk}, {_('version')} {made.version} (mppcqa {made.code_version})"
    yield Part(_("Analysis"), words, None, moment(made.made_at) + by)
    known = {one.key: one for one in (stage.settings if stage else ())}
    said = [
        f"{_(known[key].title)} {_in_words(value)} {known[key].unit}".strip()
        for key, value in made.parameters.items()
        if key in known and value not in (None, "")
    ]
    if said:
        yield Part(_("Settings"), "; ".join(said))


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return " ".join(map(_in_words, value))
    return f"{value:g}" if isinstance(value, float) else _(str(value).replace("_", " "))
