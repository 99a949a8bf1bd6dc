"""What verdicts and decisions bar: packing who fails, signing the own work, waiving what passes."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import override

from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.shipping import pack
from mppcqa.inventory.states import Move
from mppcqa.limits import objections
from mppcqa.limits.decisions import DecisionRefused, grant_waiver, sign_off
from mppcqa.limits.models import SignOff, Verdict, Waiver
from mppcqa.limits.objections import failing, stage_title
from mppcqa.limits.own_work import own_work
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.models import Run
from mppcqa.signing.models import Act
from tests.pens import pen_of

TODAY = timezone.now().date()
DAY = dt.timedelta(days=1)


def stand(device: Device, outcome: str) -> Verdict:
    Standing.objects.filter(device=device).update(outcome=outcome)
    Verdict.objects.filter(device=device).update(outcome=outcome)
    found: Verdict = Verdict.objects.filter(device=device).latest("pk")
    return found


@pytest.fixture
def stranger(campaign: SimpleNamespace) -> User:
    """Somebody who measured nothing."""
    made: User = User.objects.create_user("ana")
    return made


def names(devices: list[Device]) -> dict[int, str]:
    return {one.pk: one.serial for one in devices}


def test_only_devices_that_fail_without_a_waiver_that_holds_are_barred(
    campaign: SimpleNamespace,
) -> None:
    for device, outcome in zip(campaign.devices, ("fail", "warning", "fail", "fail"), strict=True):
        stand(device, outcome)
    for device, until in ((campaign.devices[2], TODAY), (campaign.devices[3], TODAY - DAY)):
        verdict = Verdict.objects.get(device=device)
        grant_waiver(verdict, "a prototype", by=pen_of())
        Waiver.objects.filter(verdict=verdict).update(expires_on=until)
    said = failing(Move.PACK, names(campaign.devices))
    assert set(said) == {campaign.devices[0].pk, campaign.devices[3].pk}
    assert said[campaign.devices[0].pk] == (
        "GX-000 fails (PDE); leave it out, or say in the shipment that it is returned, or why it "
        "may go"
    )
    assert failing(Move.SHIP, names(campaign.devices)).keys() == said.keys()
    assert failing(Move.LOAD, names(campaign.devices)) == {}


def test_many_devices_are_asked_about_a_piece_at_a_time(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Standing.objects.update(outcome="fail")
    monkeypatch.setattr(objections, "BATCH", 3)
    assert failing(Move.PACK, names(campaign.devices)).keys() == names(campaign.devices).keys()


def test_a_stage_is_told_by_its_title_and_one_that_is_gone_by_its_key(db: None) -> None:
    assert stage_title("darkbox") == "Dark Box"
    assert stage_title("a_lost_one") == "a_lost_one"


def test_who_measured_a_device_signs_neither_it_nor_its_waiver_nor_its_shipment(
    campaign: SimpleNamespace, operator: User, stranger: User
) -> None:
    device = campaign.devices[0]
    verdict = Verdict.objects.get(device=device)
    abroad = Institute.objects.create(name="UTFSM")
    Standing.objects.update(outcome="pass")
    box = pack(campaign.place, abroad, [one.serial for one in campaign.devices])
    subjects = {Act.WAIVER: verdict, Act.SIGN_OFF: device, Act.SHIPMENT: box}
    for act, subject in subjects.items():
        why = own_work(act=act, subject=subject, person=operator.pk)
        assert why is not None
        assert "another person must sign" in why
        assert ("GX-00" in why) == (act == Act.SHIPMENT), "of many it names one"
        assert own_work(act=act, subject=subject, person=stranger.pk) is None
    assert own_work(act=Act.LIMITS, subject=None, person=operator.pk) is None


def test_what_was_measured_by_somebody_else_before_bars_nobody(
    campaign: SimpleNamespace, operator: User, stranger: User
) -> None:
    """What counts is the run whose values stand."""
    device = campaign.devices[0]
    Run.objects.filter(pk=campaign.run.pk).update(operator=stranger)
    assert own_work(act=Act.SIGN_OFF, subject=device, person=operator.pk) is None
    assert own_work(act=Act.SIGN_OFF, subject=device, person=stranger.pk) is not None
    other = Device.objects.create(serial="NEW", device_type=campaign.kind)
    assert own_work(act=Act.SIGN_OFF, subject=other, person=stranger.pk) is None


@pytest.mark.parametrize(("days", "barred"), [(None, True), (0, True), (5, True), (-1, False)])
def test_who_granted_a_waiver_that_holds_does_not_sign_the_device(
    campaign: SimpleNamespace, stranger: User, days: int | None, barred: bool
) -> None:
    device = campaign.devices[0]
    verdict = stand(device, "fail")
    grant_waiver(verdict, "a prototype", by=pen_of("ana"))
    until = None if days is None else TODAY + days * DAY
    Waiver.objects.filter(verdict=verdict).update(expires_on=until)
    why = own_work(act=Act.SIGN_OFF, subject=device, person=stranger.pk)
    assert (why is not None) is barred
    if why is not None:
        assert why == "You granted a waiver of this device yourself: another person must sign."
    assert own_work(act=Act.SIGN_OFF, subject=campaign.devices[1], person=stranger.pk) is None


def test_who_measured_does_not_make_an_analysis_of_it_count(
    campaign: SimpleNamespace, operator: User, stranger: User
) -> None:
    from mppcqa.queue.models import Lane, Task, TaskGroup

    lane, _new = Lane.objects.get_or_create(name="work")
    group, other = (TaskGroup.objects.create(title="again") for _one in range(2))
    task = Task.objects.create(name="results.again", lane=lane, group=group)
    Analysis.objects.update(task=task)
    assert own_work(act=Act.ANALYSIS, subject=group, person=operator.pk) is not None
    assert own_work(act=Act.ANALYSIS, subject=group, person=stranger.pk) is None
    assert own_work(act=Act.ANALYSIS, subject=other, person=operator.pk) is None


def test_a_waiver_needs_a_fault_a_reason_and_a_day_to_come(campaign: SimpleNamespace) -> None:
    verdict = stand(campaign.devices[0], "fail")
    nora = pen_of()
    with pytest.raises(DecisionRefused, match="needs a reason"):
        grant_waiver(verdict, "  ", by=nora)
    with pytest.raises(DecisionRefused, match="last day of the waiver is past"):
        grant_waiver(verdict, "a prototype", by=nora, expires_on=TODAY - DAY)
    good = stand(campaign.devices[1], "pass")
    with pytest.raises(DecisionRefused, match="nothing to waive"):
        grant_waiver(good, "a prototype", by=nora)
    assert not Waiver.objects.exists()
    today = grant_waiver(verdict, " a prototype ", by=nora, expires_on=TODAY)
    assert today is not None
    assert (today.reason, today.holds, verdict.waiver) == ("a prototype", True, today)
    assert today.signed is not None
    assert f"I take GX-000 until {TODAY} in spite of the verdict “fail” at PDE: a prototype" in (
        today.signed.in_words
    )
    later = grant_waiver(verdict, "for good", by=nora)
    verdict.refresh_from_db()
    assert verdict.waiver == later, "the newest counts"
    assert Waiver.objects.filter(verdict=verdict).count() == 2, "the former stays"


def test_a_device_is_signed_off_where_each_stage_passes_or_is_waived(
    campaign: SimpleNamespace,
) -> None:
    one, other = campaign.devices[:2]
    nora = pen_of()
    new = Device.objects.create(serial="NEW", device_type=campaign.kind)
    with pytest.raises(DecisionRefused, match="was not tested yet"):
        sign_off(new, by=nora)
    for outcome in ("fail", "incomplete", ""):
        Standing.objects.filter(device=one).update(outcome=outcome)
        with pytest.raises(DecisionRefused, match="no waiver holds: grant one first"):
            sign_off(one, by=nora)
    assert not SignOff.objects.exists()
    verdict = stand(one, "fail")
    grant_waiver(verdict, "a prototype", by=nora)
    Waiver.objects.update(expires_on=TODAY - DAY)
    with pytest.raises(DecisionRefused, match="no waiver holds"):
        sign_off(one, by=pen_of("iris"))
    Waiver.objects.update(expires_on=TODAY)
    done = sign_off(one, by=pen_of("iris"), note=" looked at ")
    assert done is not None
    assert (done.outcomes, done.note) == ({"pde": "fail"}, "looked at")
    stand(other, "warning")
    said = sign_off(other, by=nora)
    assert said is not None
    assert said.signed is not None
    assert "stand for them (PDE: warning)" in said.signed.in_words


def test_reasons_are_told_in_the_readers_language(campaign: SimpleNamespace) -> None:
    stand(campaign.devices[0], "fail")
    english = failing(Move.PACK, names(campaign.devices[:1]))
    with override("es"):
        spanish = failing(Move.PACK, names(campaign.devices[:1]))
    assert english != spanish
    assert all("GX-000" in text for text in spanish.values())
