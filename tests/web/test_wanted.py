"""The page on which a person says what to be told of: all of it, or of one place alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.exchange.telling.models import Subject, Subscription
from mppcqa.inventory.models import Lot

HERE = "/notices/wanted/"


def mine(user: User) -> list[tuple[Any, ...]]:
    """Subject, way, station and lot of each that a person has."""
    rows = Subscription.objects.filter(user=user).order_by("subject", "pk")
    return list(rows.values_list("subject", "way", "station__name", "lot__name"))


def added(client: Client, **fields: Any) -> str:
    """What the page says to a narrow one, empty where it is taken."""
    sent = {"action": "add", "subject": "verdict", "way": "page", **fields}
    answer = client.post(HERE, sent)
    return "" if answer.status_code == 302 else answer.content.decode()


def test_of_everything_each_subject_has_one_way_or_none(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    ways = {"action": "all", "alarm": "mail", "lot": "page", "sent": "nonsense", "verdict": ""}
    assert browser_client.post(HERE, ways).status_code == 302
    assert mine(operator) == [("alarm", "mail", None, None), ("lot", "page", None, None)]
    browser_client.post(HERE, {"action": "all", "alarm": "page"})
    assert mine(operator) == [("alarm", "page", None, None)]
    page = browser_client.get(HERE).content.decode()
    chosen = page.split(f'id="w-{Subject.ALARM}"')[1].split("</select>")[0]
    assert 'value="page" selected' in " ".join(chosen.split())


def test_a_narrow_one_is_added_beside_those_of_everything_and_removed(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    browser_client.post(HERE, {"action": "all", "verdict": "page"})
    assert added(browser_client, lot=" L1 ", station=campaign.stations[0].pk) == ""
    narrow = ("verdict", "page", campaign.stations[0].name, "L1")
    assert mine(operator) == [("verdict", "page", None, None), narrow]
    browser_client.post(HERE, {"action": "all"})
    assert mine(operator) == [narrow], "the narrow one is not among all of it"
    assert "L1" in browser_client.get(HERE).content.decode()
    browser_client.post(HERE, {"action": "remove", "subscription": Subscription.objects.get().pk})
    assert mine(operator) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a campaign, a station or a lot"),
        ({"lot": "L9"}, "There is no lot “L9”."),
        ({"subject": "silent", "lot": "L1"}, "“Station silent” can&#39;t be narrowed to it."),
        ({"way": "pigeon", "lot": "L1"}, "pigeon"),
    ],
)
def test_what_can_not_be_wanted_is_told(
    browser_client: Client,
    campaign: SimpleNamespace,
    operator: User,
    fields: dict[str, str],
    said: str,
) -> None:
    page = added(browser_client, **fields)
    assert said in page.replace("&#x27;", "&#39;")
    assert mine(operator) == []


def test_there_are_no_more_than_can_be_kept(
    browser_client: Client,
    campaign: SimpleNamespace,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mppcqa.web.notices.wanted.MOST", 1)
    assert added(browser_client, lot="L1") == ""
    assert "These are 1 already" in added(browser_client, lot="L1")
    assert len(mine(operator)) == 1


def test_nobody_removes_another_s(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    other = User.objects.create_user("other")
    theirs = Subscription.objects.create(user=other, subject="lot", lot=Lot.objects.get(name="L1"))
    for number in (theirs.pk, "", "x"):
        sent = {"action": "remove", "subscription": number}
        assert browser_client.post(HERE, sent).status_code == 404
    assert len(mine(other)) == 1
    assert "L1" not in browser_client.get(HERE).content.decode()
