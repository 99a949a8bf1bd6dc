"""Signing: logging in again, the meaning in words, two persons, and nothing that is overwritten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Institute
from mppcqa.inventory.shipping import pack
from mppcqa.limits.decisions import grant_waiver, sign_off
from mppcqa.limits.models import LimitSet, SignOff, Verdict, Waiver
from mppcqa.queue.models import Task
from mppcqa.results.models import Standing
from mppcqa.signing.models import Method, SignedAct
from mppcqa.signing.pen import NotSigned, Pen
from tests.pens import browser_of, pen_of, signed

DIALOG = {"X-Signing": "dialog"}


@pytest.fixture
def failing(campaign: SimpleNamespace) -> Verdict:
    return a_failing_verdict(campaign)


def a_failing_verdict(campaign: SimpleNamespace) -> Verdict:
    """A verdict that fails, of a device that rosa measured."""
    verdict: Verdict = Standing.objects.filter(device=campaign.devices[0]).earliest("pk").verdict
    Verdict.objects.filter(pk=verdict.pk).update(outcome="fail")
    Standing.objects.filter(verdict=verdict).update(outcome="fail")
    return Verdict.objects.get(pk=verdict.pk)


def waive(client: Client, verdict: Verdict, headers: dict[str, str], **more: str) -> Any:
    address = f"/devices/{verdict.device}/waive/{verdict.pk}/"
    page = client.get(f"/devices/{verdict.device}/").content.decode()
    assert address in page
    mark = page.split(address)[1].split('name="opened" value="')[1].split('"')[0]
    opened = mark.replace("&#34;", '"').replace("&quot;", '"')
    return client.post(address, {"opened": opened, **more}, headers=headers)


def test_a_waiver_asks_for_the_password_and_says_what_it_means(failing: Verdict) -> None:
    nora = browser_of()
    asked = waive(nora, failing, DIALOG, reason="one dim corner")
    assert asked.status_code == 200
    assert asked.headers["X-Signing"] == "wanted"
    said = asked.content.decode()
    assert "<html" not in said
    assert "one dim corner" in said
    assert str(failing.device) in said
    wrong = waive(nora, failing, DIALOG, reason="one dim corner", sign_password="guess")
    assert "The password is wrong." in wrong.content.decode()
    assert not Waiver.objects.exists()
    done = waive(nora, failing, DIALOG, **signed(reason="one dim corner"))
    assert done.status_code == 204
    assert done.headers["X-Signing"] == f"/devices/{failing.device}/"
    act = Waiver.objects.get().signed
    assert act is not None
    assert set(act.meaning) == {"en", "es"}
    assert act.meaning["en"] != act.meaning["es"]
    assert [(one["name"], one["method"]) for one in act.signatures] == [("nora", Method.PASSWORD)]
    page = nora.get(f"/signatures/inventory.device/{failing.device_id}/").content.decode()
    assert "one dim corner" in page
    assert "nora" in page


def test_without_scripts_a_page_asks(failing: Verdict) -> None:
    asked = waive(browser_of(), failing, {}, reason="one dim corner")
    said = asked.content.decode()
    assert asked.status_code == 428
    assert "<html" in said
    assert 'name="reason" value="one dim corner"' in said
    assert "a-quiet-photon" not in said


def test_what_is_wrong_is_told_before_a_password_is_asked_for(failing: Verdict) -> None:
    rosa = Client()
    rosa.force_login(User.objects.get(username="rosa"))
    answer = waive(rosa, failing, DIALOG, reason="mine")
    assert answer.status_code == 204  # to the page, which says why
    told = rosa.get(answer.headers["X-Signing"]).content.decode()
    assert "You measured this device yourself" in told
    assert not Waiver.objects.exists()


def test_a_second_waiver_stands_beside_the_first(failing: Verdict) -> None:
    first = grant_waiver(failing, "one dim corner", by=pen_of())
    second = grant_waiver(failing, "measured again: two", by=pen_of("luis"))
    assert list(failing.waivers.order_by("pk")) == [first, second]
    assert Verdict.objects.get(pk=failing.pk).waiver == second
    assert Waiver.objects.get(pk=first.pk).reason == "one dim corner"
    page = browser_of().get(f"/signatures/inventory.device/{failing.device_id}/").content.decode()
    assert "Former waiver" in page


def test_who_granted_a_waiver_does_not_sign_off(
    failing: Verdict, campaign: SimpleNamespace
) -> None:
    device = campaign.devices[0]
    grant_waiver(failing, "one dim corner", by=pen_of())
    with pytest.raises(NotSigned, match="granted a waiver"):
        sign_off(device, by=pen_of())
    with pytest.raises(NotSigned, match="measured this device yourself"):
        sign_off(device, by=Pen.on_command(User.objects.get(username="rosa")))
    assert sign_off(device, by=pen_of("luis")) is not None


def test_two_persons_where_the_campaign_says_so(
    failing: Verdict, campaign: SimpleNamespace
) -> None:
    Campaign.objects.update(two_sign=["waiver", "limits", "shipment"])
    nora, luis = browser_of(), browser_of("luis")
    assert "Two persons sign this" in waive(nora, failing, DIALOG, reason="dim").content.decode()
    waive(nora, failing, DIALOG, **signed(reason="dim"))
    act = SignedAct.objects.get()
    assert act.waits
    assert not Waiver.objects.exists()
    # Not twice the same person, whatever way she takes.
    more = f"/signatures/{act.pk}/sign/"
    nora.post(more, signed())
    assert not Waiver.objects.exists()
    assert luis.post(more, {}, headers=DIALOG).headers["X-Signing"] == "wanted"
    assert luis.post(more, signed()).status_code == 302
    waiver = Waiver.objects.get()
    assert waiver.reason == "dim"
    assert [one["name"] for one in waiver.signed.signatures] == ["nora", "luis"]
    # A person who measured is no second one either.
    box = pack(campaign.place, Institute.objects.create(name="Away"), ["GX-001"])
    address = f"/shipments/{box.pk}/"
    nora.post(address, signed(send=""))
    rosa = Client()
    rosa.force_login(User.objects.get(username="rosa"))
    rosa.post(address, {"send": "", "sign_password": "finger-spectrum-9"})
    box.refresh_from_db()
    assert box.sent_at is None
    luis.post(address, signed(send=""))
    box.refresh_from_db()
    assert box.sent_at is not None


def test_what_waits_can_be_withdrawn_and_changes_need_new_signatures(
    campaign: SimpleNamespace,
) -> None:
    Campaign.objects.update(two_sign=["shipment"])
    nora, luis = browser_of(), browser_of("luis")
    box = pack(campaign.place, Institute.objects.create(name="Away"), ["GX-000", "GX-001"])
    nora.post(f"/shipments/{box.pk}/", signed(send=""))
    nora.post(f"/shipments/{box.pk}/", {"serials": "GX-001"})  # taken out again
    luis.post(f"/shipments/{box.pk}/", signed(send=""))
    box.refresh_from_db()
    assert box.sent_at is None, "two signatures under different contents"
    first, second = SignedAct.objects.order_by("pk")
    assert luis.post(f"/signatures/{first.pk}/withdraw/").status_code == 302
    first.refresh_from_db()
    assert first.state == SignedAct.State.DROPPED
    nora.post(f"/signatures/{second.pk}/sign/", signed())
    box.refresh_from_db()
    assert box.sent_at is not None


def test_limits_are_put_into_use_by_a_signature(campaign: SimpleNamespace) -> None:
    found = LimitSet.objects.filter(stage="pde").latest("pk")
    LimitSet.objects.filter(pk=found.pk).update(active=False)
    nora = browser_of()
    page = nora.get(f"/limits/{found.pk}/").content.decode()
    mark = page.split('name="opened" value="')[1].split('"')[0].replace("&#34;", '"')
    address = f"/limits/{found.pk}/apply/"
    assert nora.post(address, {"opened": mark}).status_code == 428
    assert not Task.objects.filter(name="limits.apply").exists()
    nora.post(address, signed(opened=mark))
    assert Task.objects.filter(name="limits.apply").count() == 1
    assert "nora" in nora.get(f"/signatures/limits.limitset/{found.pk}/").content.decode()


def test_a_signature_is_guessed_no_more_often_than_a_password(failing: Verdict) -> None:
    nora = browser_of()
    for _n in range(5):
        waive(nora, failing, DIALOG, reason="x", sign_password="guess")
    answer = waive(nora, failing, DIALOG, **signed(reason="x"))
    assert "Too many wrong passwords" in answer.content.decode()
    assert not Waiver.objects.exists()
    assert not SignOff.objects.exists()
