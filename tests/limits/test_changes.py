"""Limits change by versions, people decide with reasons, and new analyses count when asked to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.inventory.placing import save_device
from mppcqa.limits import reanalysis
from mppcqa.limits.changes import (
    LimitsRefused,
    apply,
    ask_withdraw,
    effect,
    new_version,
    standings_judged_by,
    withdraw,
)
from mppcqa.limits.decisions import DecisionRefused, grant_waiver, sign_off
from mppcqa.limits.judging import active_limits
from mppcqa.limits.models import LimitSet, SignOff, Verdict
from mppcqa.limits.reanalysis import ask_compare, ask_count
from mppcqa.queue.context import Context
from mppcqa.queue.logs import LogWriter
from mppcqa.queue.models import State
from mppcqa.queue.registry import find
from mppcqa.reports.device import device_report
from mppcqa.results.models import Analysis, Outcome, Standing
from mppcqa.results.reanalysis import ReanalysisRefused, new_analyses, start_reanalysis
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Station
from mppcqa.signing.pen import NotSigned, Pen
from mppcqa.stages import Condition, get_stage
from mppcqa.statistics.check import check_summaries
from tests.campaign import measured_run
from tests.pens import pen_of
from tests.views.test_device_view import report_text
from tests.web.formfields import forms_of
from tests.workers import running_worker, wait_until


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with override("en"):
        yield


def band(low: float | None, high: float | None) -> list[dict[str, object]]:
    return [{"quantity": "breakdown_voltage_v", "pass_low": low, "pass_high": high}]


def test_a_change_is_seen_before_it_is_made(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    before = dict(Standing.objects.values_list("device", "outcome"))
    old = active_limits(stage)
    wordy = [{**band(90, None)[0], "reason": "because " * 40}]
    with pytest.raises(LimitsRefused) as refused:
        new_version(stage, wordy, title="strict " * 20)
    assert ["longer than" in fault for fault in refused.value.faults] == [True, True]
    strict = new_version(stage, band(90, None), title="strict", reason="a trial")
    assert (strict.version, strict.active) == (old.version + 1, False)
    found = effect(strict)
    outcome = before[campaign.devices[0].pk]
    assert found["moves"] == [[outcome, "fail", 4]]
    assert found["flips"][0] == ["GX-000", outcome, "fail"]
    assert dict(Standing.objects.values_list("device", "outcome")) == before
    assert apply(strict) == 4
    assert set(Standing.objects.values_list("outcome", flat=True)) == {"fail"}
    assert LimitSet.objects.get(stage="pde", active=True) == strict
    assert Verdict.objects.filter(limit_set=old, outcome=outcome).count() == 4
    apply(old)
    assert dict(Standing.objects.values_list("device", "outcome")) == before


def test_limits_of_a_device_type_judge_its_devices(
    campaign: SimpleNamespace, operator: User
) -> None:
    other = DeviceType.objects.create(name="S14160", nominal_breakdown_v=70.0)
    Device.objects.filter(serial="GX-003").update(device_type=other)
    before = dict(Standing.objects.values_list("device__serial", "outcome"))
    stage = get_stage("pde")
    general = active_limits(stage)
    own = new_version(stage, band(90, None), title="of the S14160", device_type=other)
    found = effect(own)
    assert (found["devices"], found["flips"]) == (1, [["GX-003", before["GX-003"], "fail"]])
    assert apply(own) == 1
    expected = before | {"GX-003": "fail"}
    assert dict(Standing.objects.values_list("device__serial", "outcome")) == expected
    assert (active_limits(stage), active_limits(stage, other.pk)) == (general, own)
    assert (active_limits(stage, campaign.kind.pk), general.active) == (general, True)

    # What comes in now is judged each by its own, and so is what a re-analysis would change.
    measured_run(campaign.stations[0], campaign.devices, operator)
    assert dict(Standing.objects.values_list("device__serial", "outcome")) == expected
    used = dict(Standing.objects.values_list("device__serial", "verdict__limit_set"))
    assert (used["GX-003"], used["GX-000"]) == (own.pk, general.pk)

    # A new general set leaves that type alone.
    strict = new_version(stage, band(60, 80), title="by the voltage alone")
    assert effect(strict)["devices"] == 3
    assert apply(strict) == 3
    assert Standing.objects.get(device__serial="GX-003").verdict.limit_set == own
    assert Standing.objects.get(device__serial="GX-000").verdict.limit_set == strict

    verdict = Standing.objects.get(device__serial="GX-003").verdict
    grant_waiver(verdict, "a prototype", by=pen_of())
    assert effect(LimitSet.objects.get(pk=own.pk))["moves"] == [["fail", "pass", 1]]
    assert withdraw(own) == 1
    assert Standing.objects.get(device__serial="GX-003").verdict.limit_set == strict
    verdict.refresh_from_db()
    assert (verdict.outcome, verdict.limit_set, verdict.waiver.reason) == (
        "fail",
        own,
        "a prototype",
    )
    with pytest.raises(LimitsRefused, match="general"):
        ask_withdraw(strict)
    assert check_summaries().differences == []


def test_bands_that_make_no_sense_are_refused_at_once(campaign: SimpleNamespace) -> None:
    limits = [*band(2, 1), *band(None, None), {"quantity": "colour", "pass_low": 1}]
    limits.append({"quantity": "pde", "pass_low": 0.2, "warn_low": 0.3})
    limits += [*band(float("nan"), None), *band(0, float("inf"))]
    limits.append({"quantity": "pde", "pass_low": 0.2, "at": Condition(overvoltage_v=float("nan"))})
    limits.append({"quantity": "pde", "pass_low": 0.2, "at": Condition(threshold_mv=10.0)})
    with pytest.raises(LimitsRefused, match="no axis “threshold_mv”; it has bias_v") as refused:
        new_version(get_stage("pde"), limits, title="")
    assert len(refused.value.faults) == 9
    assert LimitSet.objects.filter(stage="pde").count() == 1


def test_waivers_and_sign_off(campaign: SimpleNamespace, operator: User) -> None:
    device = campaign.devices[0]
    apply(new_version(get_stage("pde"), band(90, None), title="strict"))
    with pytest.raises(DecisionRefused, match="no waiver holds"):
        sign_off(device, by=pen_of("other"))
    verdict = Standing.objects.get(device=device).verdict
    with pytest.raises(DecisionRefused, match="needs a reason"):
        grant_waiver(verdict, " ", by=pen_of())
    tomorrow = timezone.now().date() + dt.timedelta(days=1)
    waiver = grant_waiver(verdict, "one bad channel", by=pen_of(), expires_on=tomorrow)
    assert waiver is not None
    with pytest.raises(NotSigned, match="measured this device yourself"):
        sign_off(device, by=Pen.on_command(operator))
    signed = sign_off(device, by=pen_of("other"), note="as agreed")
    assert signed is not None
    assert signed.outcomes == {"pde": "fail"}
    waiver.expires_on = timezone.now().date() - dt.timedelta(days=1)
    waiver.save()
    with pytest.raises(DecisionRefused, match="no waiver holds"):
        sign_off(device, by=pen_of("other"))
    assert SignOff.objects.count() == 1


def test_a_passing_device_needs_no_waiver(campaign: SimpleNamespace, operator: User) -> None:
    apply(new_version(get_stage("pde"), band(60, 80), title="wide"))
    verdict = Standing.objects.get(device=campaign.devices[0]).verdict
    assert verdict.outcome == Outcome.PASS
    with pytest.raises(DecisionRefused, match="nothing to waive"):
        grant_waiver(verdict, "to be safe", by=pen_of())


def test_new_analyses_count_when_asked_to(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Institute.objects.create(name="Jefferson Lab")
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    register_devices([{"serial": "GX-001", "device_type": "S12045(X)"}])
    station = Station.objects.create(name="dark-1", stage="darkbox", slots=2, institute=place)
    load_station(station, {1: "GX-001"})
    with pytest.raises(ReanalysisRefused, match="No run file"):
        start_reanalysis({"stage": "darkbox"})
    with running_worker("--concurrency", "1"):

        def wait(tasks: object, what: str) -> None:
            wait_until(lambda: not any(t.is_open for t in tasks.all()), what=what)

        run = start_run(station, parameters={"events": 400, "bias_v": [71.0, 71.6, 72.2]})
        wait(run.task_group.tasks, "the run")
        first = Analysis.objects.get()
        group = start_reanalysis({"stage": "darkbox", "q": "GX"}, title="again")
        with pytest.raises(ReanalysisRefused, match="repeat"):
            ask_count(group)
        wait(group.tasks, "the analyses")
        assert group.state == State.SUCCEEDED
        [second] = new_analyses(group)
        assert Standing.objects.get().analysis_id == first.pk
        compared = ask_compare(group)
        wait_until(lambda: compared.refresh_from_db() or not compared.is_open, what="comparison")
        for one in compared.result["quantities"]:
            assert (one["only_old"], one["only_new"]) == (0, 0)
            assert one["largest"] < 1e-6  # sums come in the order of the threads
    counted = ask_count(group)
    log, routine = LogWriter(tmp_path / "log"), find(counted.name)
    context = Context(counted, log)
    with monkeypatch.context() as away:
        away.setattr(reanalysis, "judge", Mock(side_effect=OperationalError("gone away")))
        # Half way: the new values count already.
        with pytest.raises(OperationalError, match="away"):
            routine.function(context, **counted.arguments)
    assert Standing.objects.get().analysis_id == second.pk
    log.close()
    with running_worker("--concurrency", "1"):
        wait_until(lambda: counted.refresh_from_db() or not counted.is_open, what="counting")
    assert counted.state == State.SUCCEEDED
    # What was compared stays readable: by now both sides are the same.
    assert counted.result["comparison"] == compared.result
    standing = Standing.objects.get()
    assert (standing.analysis_id, standing.verdict.analysis_id) == (second.pk, second.pk)
    assert Device.objects.get().standings.count() == 1
    assert Verdict.objects.filter(analysis=first).exists()


@pytest.mark.django_db(transaction=True)
def test_two_campaigns_judge_devices_of_one_type_by_limits_of_their_own(
    campaign: SimpleNamespace, operator: User
) -> None:
    year = Campaign.objects.create(name="Year two")
    stage = get_stage("pde")
    first, second, *_others = campaign.devices
    general = active_limits(stage)
    strict = new_version(stage, band(90, None), title="strict", campaign=year)
    # Nobody is in it yet: nothing would change.
    assert effect(strict)["devices"] == 0
    apply(strict)
    assert LimitSet.objects.get(pk=general.pk).active
    before = Standing.objects.get(device=first, stage="pde")
    first.campaign = year
    save_device(first, by=operator)
    with running_worker():
        wait_until(lambda: Standing.objects.get(device=first, stage="pde").outcome == Outcome.FAIL)
        # What is measured from now on is judged so as well.
        measured_run(campaign.stations[0], [first, second], operator)
        outcomes = dict(Standing.objects.filter(stage="pde").values_list("device", "outcome"))
        assert outcomes[first.pk] == Outcome.FAIL
        assert outcomes[second.pk] == before.outcome
        first.refresh_from_db()
        first.campaign_id = FIRST
        save_device(first, by=operator)
        wait_until(
            lambda: Standing.objects.get(device=first, stage="pde").outcome == before.outcome
        )
    # Former verdicts stay readable, each with the limits that it was reached by.
    mine = Verdict.objects.filter(device=first).values_list("limit_set", flat=True)
    assert set(mine) == {general.pk, strict.pk}
    assert check_summaries().differences == []


def test_the_narrowest_limits_in_use_judge(campaign: SimpleNamespace) -> None:
    year = Campaign.objects.create(name="Year two")
    other = DeviceType.objects.create(name="S14160", nominal_breakdown_v=70.0)
    kinds = [(None, FIRST), (other, FIRST), (None, year.pk), (other, year.pk)]
    devices = campaign.devices
    for device, (kind, where) in zip(devices, kinds, strict=True):
        Device.objects.filter(pk=device.pk).update(
            campaign=where, device_type=kind or device.device_type
        )
    stage = get_stage("pde")
    sets = {
        "general": active_limits(stage),
        "type": new_version(stage, band(1, None), title="t", device_type=other),
        "campaign": new_version(stage, band(2, None), title="c", campaign=year),
        "both": new_version(stage, band(3, None), title="b", device_type=other, campaign=year),
    }

    def judging() -> list[int]:
        return [Standing.objects.get(device=one).verdict.limit_set_id for one in devices]

    def judged_by(name: str) -> set[int]:
        return set(standings_judged_by(sets[name]).values_list("device", flat=True))

    def ids(*places: int) -> set[int]:
        return {devices[place].pk for place in places}

    assert judged_by("campaign") == ids(2, 3)
    for name in ("type", "campaign", "both"):
        apply(sets[name])
    assert judging() == [sets[name].pk for name in ("general", "type", "campaign", "both")]
    assert [judged_by(name) for name in sets] == [ids(0), ids(1), ids(2), ids(3)]
    # Without the narrowest the next one does, and the look says so before.
    assert effect(sets["both"])["devices"] == 1
    withdraw(sets["both"])
    assert judging()[3] == sets["campaign"].pk
    withdraw(sets["campaign"])
    assert judging() == [sets[name].pk for name in ("general", "type", "general", "type")]


def test_limits_of_a_campaign_are_made_and_named_on_pages(
    campaign: SimpleNamespace, operator: User
) -> None:
    year = Campaign.objects.create(name="Year two")
    client = Client()
    client.force_login(operator)
    page = "/limits/new/pde/"
    shown = forms_of(client.get(page).content.decode(), page)
    sent = next(one.fields for one in shown if "campaign" in one.fields)
    sent |= {"campaign": [str(year.pk)], "title": ["Strict"]}
    assert client.post(page, sent).status_code == 302
    made = LimitSet.objects.get(campaign=year)
    device = campaign.devices[0]
    Device.objects.filter(pk=device.pk).update(campaign=year)
    apply(made)
    said = f"Strict (version {made.version}), Year two"
    assert said in client.get(device.get_absolute_url()).content.decode()
    assert said in report_text(device_report(device)).replace("\r\n", " ")
    assert "Year two" in client.get("/limits/").content.decode()
    assert (
        "in the campaign Year two only"
        in client.get(
            f"/limits/{new_version(get_stage('pde'), band(1, 2), title='x', campaign=year).pk}/"
        ).content.decode()
    )
