"""What differs between two kept reports of one thing is told, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute, Person
from mppcqa.inventory.shipping import pack, pack_more
from mppcqa.limits.changes import apply, new_version
from mppcqa.limits.decisions import grant_waiver
from mppcqa.reports.archive import save_report
from mppcqa.reports.comparing import Comparison, compare, former
from mppcqa.reports.models import Report
from mppcqa.stages import get_stage
from tests.campaign import measured_run
from tests.pens import pen_of


def told(found: Comparison) -> dict[str, dict[str, tuple[str, str]]]:
    """Sections with what differs in each."""
    return {
        part.title: {
            f"{one.about} {one.what}".strip(): (one.older, one.newer) for one in part.lines
        }
        for part in found.parts
    }


@pytest.fixture
def strict(campaign: SimpleNamespace) -> tuple[Report, Report]:
    """A certificate before and after the limits became stricter."""
    with override("en"):
        before = save_report("certificate", campaign.devices[0])
        band = [{"quantity": "breakdown_voltage_v", "pass_low": 90, "pass_high": None}]
        apply(new_version(get_stage("pde"), band, title="strict"))
        return before, save_report("certificate", campaign.devices[0])


@pytest.mark.django_db
def test_new_limits_change_verdicts_and_limits_and_no_number(
    strict: tuple[Report, Report],
) -> None:
    before, after = strict
    assert former(after) == before
    assert former(before) is None
    with override("en"):
        found = compare(after, before)
    assert (found.older, found.newer, found.same) == (before, after, False)
    parts = told(found)
    assert set(parts) == {"Verdicts", "Limits", "Numbers"}
    assert parts["Verdicts"]["PDE"] == ("incomplete", "fail")
    assert any("strict" in newer for _older, newer in parts["Limits"].values())
    # What is judged no more has no worst value; what is judged has the same as before.
    assert all("—" in pair for pair in parts["Numbers"].values())


@pytest.mark.django_db
def test_another_measurement_changes_numbers_and_where_they_come_from(
    campaign: SimpleNamespace, operator: User
) -> None:
    with override("en"):
        before = save_report("device", campaign.devices[0])
        run = measured_run(campaign.stations[0], campaign.devices[:2], operator)
        parts = told(compare(before, save_report("device", campaign.devices[0])))
        assert set(parts) == {"Where the numbers come from"}
        assert (str(campaign.run.pk), str(run.pk)) in parts["Where the numbers come from"].values()
        assert len(parts["Where the numbers come from"]) == 3
        # What the person was told is compared, whatever became of the rows meanwhile.
        later = Report.objects.latest("pk")
        stage = later.inputs["stages"]["pde"]
        label, _text = stage["numbers"][0]
        stage["numbers"][0] = [label, "3.14(2) V"]
        assert [one[1] for one in told(compare(before, later))["Numbers"].values()] == ["3.14(2) V"]


@pytest.mark.django_db
def test_a_waiver_and_what_was_packed_since_are_told(
    campaign: SimpleNamespace, operator: User
) -> None:
    device: Device = campaign.devices[0]
    with override("en"):
        band = [{"quantity": "breakdown_voltage_v", "pass_low": 90, "pass_high": None}]
        apply(new_version(get_stage("pde"), band, title="strict"))
        before = save_report("certificate", device)
        grant_waiver(device.standings.get().verdict, "a scratch", by=pen_of())
        parts = told(compare(before, save_report("certificate", device)))
        assert list(parts) == ["Verdicts"]
        assert list(parts["Verdicts"].values()) == [("fail", "waived")]
        apply(new_version(get_stage("pde"), [{**band[0], "pass_low": 60}], title="wide"))
        there = Institute.objects.create(name="elsewhere")
        box = pack(campaign.place, there, ["GX-001"], by=operator)
        first = save_report("packing", box)
        pack_more(box, ["GX-002"], by=operator)
        parts = told(compare(first, save_report("packing", box)))
        assert parts["Devices"] == {"GX-002": ("—", "in it")}


@pytest.mark.django_db
def test_the_page_leads_from_list_and_card_and_says_what_changed(
    strict: tuple[Report, Report], browser_client: Client, campaign: SimpleNamespace
) -> None:
    before, after = strict
    card = browser_client.get(f"/reports/inventory.device/{campaign.devices[0].pk}/")
    assert f"/reports/{after.pk}/compare/" in card.content.decode()
    assert f"/reports/{before.pk}/compare/" not in card.content.decode()
    assert f"/reports/{after.pk}/compare/" in browser_client.get("/reports/").content.decode()
    page = browser_client.get(f"/reports/{after.pk}/compare/").content.decode()
    assert "strict" in page
    assert f'href="/reports/{before.pk}/"' in page
    asked = browser_client.get(f"/reports/{before.pk}/compare/?with={after.pk}").content.decode()
    assert "strict" in asked
    # Only with another of the same thing.
    other = save_report("certificate", campaign.devices[1])
    assert browser_client.get(f"/reports/{after.pk}/compare/?with={other.pk}").status_code == 404
    alone = browser_client.get(f"/reports/{other.pk}/compare/").content.decode()
    assert "only report of its kind" in alone
    Report.objects.filter(pk=after.pk).update(sha256=before.sha256, inputs=before.inputs)
    assert "byte for byte" in browser_client.get(f"/reports/{after.pk}/compare/").content.decode()


@pytest.mark.django_db
def test_who_is_bound_compares_what_is_seen(strict: tuple[Report, Report]) -> None:
    theirs = User.objects.create_user("ana", password="only-looking-7")
    own = Campaign.objects.create(name="Theirs")
    Person.objects.update_or_create(user=theirs, defaults={"campaign": own})
    client = Client()
    client.force_login(theirs)
    assert client.get(f"/reports/{strict[1].pk}/compare/").status_code == 404
