"""A person is told what they asked for, in the way they asked, and nothing that they don't see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.exchange.hooks import announcing
from mppcqa.exchange.telling.models import Subject, Subscription
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute, Lot
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.shipping import send
from mppcqa.limits.judging import judge
from mppcqa.limits.models import LimitSet, Verdict
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue import submit
from mppcqa.queue.models import Notice, queue_name
from mppcqa.queue.reaper import reap
from mppcqa.queue.runner import work
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.contact import SILENT_AFTER
from mppcqa.runs.models import StationContact
from mppcqa.statistics.accepting import decide, draw
from mppcqa.statistics.sampling import ByCount
from tests.campaign import make_campaign
from tests.pens import pen_of
from tests.post_office import PostOffice, post_office

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _not_looked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever test went round a moment ago in this process."""
    monkeypatch.setattr(announcing, "_looked", -1e9)


@pytest.fixture
def office(settings: Any) -> Iterator[PostOffice]:
    with post_office(settings) as found:
        yield found


def turn(devices: list[Device], was: str) -> None:
    """Devices are judged again that stood otherwise by former limits."""
    ids = [one.pk for one in devices]
    former = LimitSet.objects.create(stage="pde", version=99, title="former")
    Verdict.objects.filter(device__in=ids).update(outcome=was, limit_set=former)
    judge(Analysis.objects.earliest("pk"), ids)


def run_all() -> None:
    work("test:1", [queue_name("work")], lambda: False)


def wants(user: User, subject: Subject, way: str, **scope: Any) -> Subscription:
    return Subscription.objects.create(user=user, subject=subject, way=way, **scope)


def person(name: str, **more: Any) -> User:
    return User.objects.create_user(name, f"{name}@example.org", **more)


def bell(user: User) -> list[str]:
    client = Client()
    client.force_login(user)
    page = client.get("/notices/").content.decode()
    return [one.text for one in Notice.objects.filter(user=user) if one.text[:20] in page]


def test_each_thing_is_told_once_in_the_way_that_was_asked_for(
    operator: User, office: PostOffice
) -> None:
    campaign = make_campaign(operator)
    mia, ben, luz = person("mia"), person("ben"), person("luz")
    lot = Lot.objects.get(name="L1")
    wants(mia, Subject.VERDICT, "mail", station=campaign.stations[0])
    wants(mia, Subject.VERDICT, "page")
    wants(ben, Subject.VERDICT, "mail", station=campaign.stations[1])
    for subject in Subject:
        wants(luz, subject, "digest", language="es")
    turn(campaign.devices[:2], "fail")
    run_all()
    # The sooner way of two; another station's verdicts are not told.
    ((to, said),) = office.told()
    assert to == "mia@example.org"
    assert "2 verdicts turned at PDE: GX-000 fail →" in said
    assert bell(mia) == [Notice.objects.get(user=mia).text]
    assert bell(ben) == []

    StationAlarm.objects.create(
        station=campaign.stations[0], device=campaign.devices[0], quantity="gain_adc", off=4.2
    )
    then = timezone.now() - 2 * SILENT_AFTER
    StationContact.objects.create(station=campaign.stations[1], heard_at=then, since=then)
    reap()
    reap()
    Standing.objects.update(outcome="pass")
    plan = ByCount(1, 1)
    decide(draw(lot, "pde", plan, {"kind": "count", "n": 1, "accept": 1}), by=operator)
    away = Institute.objects.create(name="USM")
    box = send(campaign.place, away, ["GX-003"], by=pen_of(person("eva")))
    receive(box, ["GX-003"], by=operator)
    run_all()
    assert len(office.mails) == 1
    submit("exchange.mail_digests", {})
    submit("exchange.mail_digests", {})
    run_all()
    (_first, (to, said)) = office.told()
    assert to == "luz@example.org"
    for word in ("2 veredictos", "pde-1", "darkbox-1", "L1", "USM", "ha llegado"):
        assert word in said
    assert Notice.objects.filter(user=luz).count() == len(Subject)


def test_nobody_is_told_of_what_they_do_not_see(operator: User, office: PostOffice) -> None:
    campaign = make_campaign(operator)
    usm = Institute.objects.create(name="USM")
    partner = invite("pat", ROLES["partner"], institute=usm, email="pat@usm.example", by=None)
    for subject in Subject:
        wants(partner, subject, "mail")
    Device.objects.filter(pk=campaign.devices[0].pk).update(owner=usm)
    turn(campaign.devices[:2], "fail")
    StationAlarm.objects.create(
        station=campaign.stations[0], device=campaign.devices[1], quantity="gain_adc", off=4.2
    )
    away = Institute.objects.create(name="Valparaiso")
    send(campaign.place, away, ["GX-003"], by=pen_of(person("eva")))
    run_all()
    (one,) = Notice.objects.filter(user=partner)
    assert "GX-000" in one.text
    assert "GX-001" not in one.text
    assert len(office.mails) == 1


def test_a_person_chooses_on_their_page(operator: User) -> None:
    make_campaign(operator)
    client = Client()
    client.force_login(operator)
    client.post("/notices/wanted/", {"action": "all", "verdict": "mail", "silent": "page"})
    client.post("/notices/wanted/", {"action": "all", "verdict": "digest"})
    assert [(one.subject, one.way) for one in Subscription.objects.all()] == [("verdict", "digest")]
    narrow = {"action": "add", "subject": "silent", "way": "mail", "lot": "L1"}
    assert b"can&#x27;t be narrowed" in client.post("/notices/wanted/", narrow).content.replace(
        b"&#39;", b"&#x27;"
    )
    narrow |= {"subject": "verdict"}
    assert client.post("/notices/wanted/", narrow).status_code == 302
    assert b"L1" in client.get("/notices/wanted/").content
    added = Subscription.objects.get(way="mail")
    client.post("/notices/wanted/", {"action": "remove", "subscription": added.pk})
    assert not Subscription.objects.filter(way="mail").exists()


def test_who_is_bound_learns_of_no_other_campaign_or_lot(operator: User) -> None:
    make_campaign(operator)
    usm = Institute.objects.create(name="USM")
    Campaign.objects.create(name="Secret campaign")
    client = Client()
    client.force_login(operator)
    assert b"Secret campaign" in client.get("/notices/wanted/").content
    client.force_login(invite("pat", ROLES["partner"], institute=usm, by=None))
    assert b"Secret campaign" not in client.get("/notices/wanted/").content
    asked = {"action": "add", "subject": "verdict", "way": "page", "lot": "L1"}
    # That there is such a lot is not told either.
    assert b"There is no lot" in client.post("/notices/wanted/", asked).content
    assert not Subscription.objects.exists()
