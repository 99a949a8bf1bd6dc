"""Where the values of a device in a run came from: run, file, program, analysis, limits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from mppcqa.limits.models import Verdict
from mppcqa.results.models import WHOLE_DEVICE, Analysis, Standing
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Condition, get_stage
from mppcqa.views.evidence import evidence_of
from mppcqa.views.explore import run_view
from mppcqa.views.origin import Origin, origin
from mppcqa.views.related import kinds_there


def parts(found: Origin) -> dict[str, tuple[str, str]]:
    return {one.title: (one.text, one.more) for one in found.parts}


def test_all_that_stands_behind_a_value_is_named_and_leads_on(
    campaign: SimpleNamespace, operator: User
) -> None:
    run, device = campaign.run, campaign.devices[0]
    row = RunFile.objects.get(run=run)
    found = origin(run_view(run), device, row, {"program": "pde 3"})
    told = parts(found)
    assert told["Run"] == (str(run.pk), f"{run.measured_at:%Y-%m-%d %H:%M}")
    assert told["Station"][0] == "pde-1"
    assert told["Operator"][0] == "rosa"
    assert told["Raw file"] == (f"run-{run.pk}.root", row.sha256[:12])
    assert told["Program"][0] == "pde 3"
    analysis = Analysis.objects.get()
    assert told["Analysis"][0].startswith(f"{analysis.pk}, version {analysis.version} (mppcqa ")
    verdict = Verdict.objects.get(device=device)
    assert found.verdict == verdict
    assert told["Judged by"][1] == Standing.objects.get(device=device).outcome
    about = {one.title: one.about for one in found.parts}
    assert about["Run"] == ("run", str(run.pk))
    assert about["Raw file"] == ("run_file", str(row.pk))
    assert about["Judged by"] == ("limit_set", str(verdict.limit_set_id))


def test_what_is_not_known_is_left_out(campaign: SimpleNamespace) -> None:
    run = Run.objects.create(stage="pde", parameters={})
    found = origin(run_view(run), campaign.devices[0], None, {})
    assert [one.title for one in found.parts] == ["Run"]
    assert found.verdict is None
    assert found.limits_of("pde", Condition(), 100.0, "%") == ""


def test_settings_are_told_with_title_and_unit_in_words(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    keys = [one.key for one in stage.settings]
    assert keys, "the stage has settings to tell"
    one = stage.settings[0]
    for value, text in ((True, "yes"), (False, "no"), (0.25, "0.25"), ([1.0, 2.5], "1 2.5")):
        Analysis.objects.update(parameters={one.key: value, "no_longer_known": 3})
        view = run_view(campaign.run)
        told = parts(origin(view, campaign.devices[0], None, {}))["Settings"][0]
        assert told == f"{one.title} {text} {one.unit}".strip()
    Analysis.objects.update(parameters={one.key: None})
    assert "Settings" not in parts(origin(run_view(campaign.run), campaign.devices[0], None, {}))
    Analysis.objects.update(parameters={one.key: True})
    with override("es"):
        found = origin(run_view(campaign.run), campaign.devices[0], None, {})
    assert any(part.text.endswith(f"sí {one.unit}".rstrip()) for part in found.parts)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.2, 0.9, "20 … 90 %"), (0.2, None, "≥ 20 %"), (None, 0.9, "≤ 90 %"), (None, None, "—")],
)
def test_the_band_that_a_value_was_judged_by_is_in_the_unit_that_is_shown(
    low: float | None, high: float | None, text: str
) -> None:
    line = {"quantity": "pde", "condition": {"bias_v": 71.6}, "pass_low": low, "pass_high": high}
    found = Origin((), Verdict(details=[line]))
    at = Condition(bias_v=71.6, overvoltage_v=1.6)
    assert found.limits_of("pde", at, 100.0, "%") == text
    assert found.limits_of("pde", Condition(bias_v=72.2), 100.0, "%") == ""
    assert found.limits_of("gain_adc", at, 1.0, "") == ""


def test_a_limit_without_a_condition_judged_every_value() -> None:
    line = {"quantity": "pde", "condition": None, "pass_low": 0.5, "pass_high": None}
    found = Origin((), Verdict(details=[line]))
    assert found.limits_of("pde", Condition(bias_v=71.0), 1.0, "") == "≥ 0.5"


def test_evidence_names_file_run_slot_and_what_was_set(campaign: SimpleNamespace) -> None:
    analysis = Analysis.objects.select_related("run_file").get()
    at = Condition(bias_v=71.6, overvoltage_v=1.6)
    found = evidence_of(analysis, 2, "pde", 5, at)
    assert (found.file, found.run, found.slot, found.channel) == (
        analysis.run_file_id, campaign.run.pk, 2, 5
    )  # fmt: skip
    assert found.at == Condition(bias_v=71.6), "what follows from the bias was not set"
    assert (found.events, found.analysis) == (True, None)
    assert evidence_of(analysis, None, "pde").channel == WHOLE_DEVICE
    analysis.counts = False
    analysis.run_file.kind = RunFile.Kind.IMPORT
    other = evidence_of(analysis, 2, "pde", None)
    assert (other.events, other.analysis, other.channel) == (False, analysis.pk, None)


def test_one_question_tells_which_kinds_of_rows_a_device_has(
    campaign: SimpleNamespace, django_assert_num_queries: object
) -> None:
    names = ("verdicts", "runs", "comments", "tags", "shipments", "standings")
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = kinds_there(campaign.devices[0], names)
    assert found == {"verdicts", "runs", "standings"}
    Standing.objects.filter(device=campaign.devices[0]).delete()
    assert kinds_there(campaign.devices[0], names) == {"verdicts", "runs"}
    assert "standings" in kinds_there(campaign.devices[1], names), "of this device alone"
