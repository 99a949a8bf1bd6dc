"""What is not right with a device: held, in somebody's charge, decided, claimed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from mppcqa.inventory.cases import Case
from mppcqa.inventory.deciding import CaseRefused, decide, open_case
from mppcqa.inventory.models import Device, Lot
from mppcqa.inventory.moving import MoveRefused, move_by_hand
from mppcqa.inventory.states import Move
from mppcqa.public_address import public_address
from mppcqa.reports.kinds import find_kind
from tests.reports.pages import MARGIN, faults
from tests.reports.reading import read


def state() -> str:
    return str(Device.objects.get(serial="GX-000").state)


def test_a_device_is_held_until_somebody_decides(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    helper = User.objects.create_user("hugo", password="looks-closely-8")
    form = {"reason": "a <crack> at channel 3", "in_charge": helper.pk}
    answer = browser_client.post("/devices/GX-000/case/", form, follow=True)
    case = Case.objects.get()
    assert (state(), case.in_charge, case.opened_by) == ("on_hold", helper, operator)
    page = answer.content.decode()
    assert "a &lt;crack&gt; at channel 3" in page
    assert f"/cases/{case.pk}/" in browser_client.get("/cases/?state=open").content.decode()
    # Nobody releases it past the case, by whatever way.
    for move in (Move.RELEASE, Move.RETIRE):
        with pytest.raises(MoveRefused, match=f"case {case.pk} open"):
            move_by_hand(campaign.devices[0], move, "for no reason", by=operator)
    browser_client.post(f"/cases/{case.pk}/hand-over/", {"in_charge": operator.pk})
    form = {"disposition": "use", "why": "only dust"}
    answer = browser_client.post(f"/cases/{case.pk}/decide/", form, follow=True)
    case.refresh_from_db()
    assert (state(), case.disposition, case.in_charge) == ("in_tray", "use", operator)
    assert "only dust" in answer.content.decode()
    # Who decides a second time is told, and nothing changes.
    second = browser_client.post(f"/cases/{case.pk}/decide/", {"disposition": "scrap", "why": "no"})
    assert "decided already" in second.content.decode()
    assert state() == "in_tray"


@pytest.mark.parametrize(
    ("disposition", "after"),
    [("again", "in_tray"), ("return", "on_hold"), ("scrap", "retired")],
)
def test_what_is_decided_is_done(
    campaign: SimpleNamespace, operator: User, disposition: str, after: str
) -> None:
    case = open_case(campaign.devices[0], "noisy", in_charge=operator, by=operator)
    decide(case, disposition, "as agreed", by=operator)
    assert state() == after
    again = open_case(campaign.devices[1], "noisy", by=operator)
    assert again.is_open


def test_one_open_case_a_device_and_none_of_what_is_away(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = campaign.devices[0]
    case = open_case(device, "noisy", by=operator)
    with pytest.raises(CaseRefused, match=f"case {case.pk} open already"):
        open_case(device, "noisy again", by=operator)
    other = campaign.devices[1]
    move_by_hand(other, Move.INSTALL, by=operator)
    with pytest.raises(MoveRefused, match="installed"):
        open_case(other, "noisy", by=operator)
    with pytest.raises(CaseRefused, match="Say why"):
        decide(case, "use", "  ", by=operator)
    assert Case.objects.count() == 1


def test_a_claim_says_what_the_maker_must_know(campaign: SimpleNamespace, operator: User) -> None:
    case = open_case(campaign.devices[0], "breakdown voltage of ch. 3", by=operator)
    written = find_kind("claim").write(case, public_address("http://localhost"), "A4")
    text = " ".join(read(written.data)[0])
    for said in ("Claim about GX-000", "Hamamatsu", "breakdown voltage of ch. 3", "L1"):
        assert said in text


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("paper", ["A4", "letter"])
def test_a_claim_of_the_longest_names_has_no_fault(
    campaign: SimpleNamespace, operator: User, language: str, paper: str
) -> None:
    device = campaign.devices[0]
    words = "µ Ñandú <b>±</b> W" + "W" * 60
    Device.objects.filter(pk=device.pk).update(maker_serial="W" * 100)
    Lot.objects.update(name=words)
    case = open_case(Device.objects.get(pk=device.pk), f"{words} " * 3, by=operator)
    decide(case, "return", f"{words} " * 3, by=operator)
    with override(language):
        written = find_kind("claim").write(case, public_address("http://localhost"), paper)
    assert faults(written.data, margin=MARGIN) == []


def test_who_may_not_decide_does_not(campaign: SimpleNamespace, operator: User) -> None:
    case = open_case(campaign.devices[0], "noisy", by=operator)
    guest = Client()
    guest.force_login(User.objects.create_user("guest", password="only-looking-7"))
    assert guest.get(f"/cases/{case.pk}/").status_code == 200
    for page in (f"/cases/{case.pk}/decide/", f"/cases/{case.pk}/hand-over/"):
        form = {"disposition": "use", "why": "x"}
        assert guest.post(page, form).status_code == 403
    assert guest.post("/devices/GX-001/case/", {"reason": "x"}).status_code == 403
    assert state() == "on_hold"
