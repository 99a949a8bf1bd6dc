"""Nobody fills the server's disk with exports: a person's oldest make room, and few may wait."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.exchange.exports import INLINE, ask_export
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import ExportRefused
from tests.api.conftest import program_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_oldest_of_ones_own_exports_make_room(
    campaign: SimpleNamespace, operator: User, settings: Any
) -> None:
    other = ask_export("devices", "csv", {}, by=User.objects.create_superuser("ana"))
    first, second = (ask_export("devices", "csv", {}, by=operator) for _n in range(2))
    old = Path(first.file.path)
    assert old.is_file()
    assert first.size
    # Room for one and a half.
    settings.MPPCQA_EXPORTS_GB = 1.5 * first.size / 1e9
    third = ask_export("devices", "csv", {}, by=operator)
    assert not old.exists()
    assert set(Export.objects.values_list("pk", flat=True)) == {other.pk, second.pk, third.pk}
    assert Path(second.file.path).is_file()


def test_the_newest_stays_however_large_and_who_asked_is_told_what_went(
    campaign: SimpleNamespace, browser_client: Client, operator: User, settings: Any
) -> None:
    small, large = (ask_export("devices", "csv", {}, by=operator) for _n in range(2))
    assert small.size
    Export.objects.filter(pk=large.pk).update(size=10 * small.size)
    # Room for three small ones: the large one has more than that by itself, and was not fetched.
    settings.MPPCQA_EXPORTS_GB = 3.5 * small.size / 1e9
    third = ask_export("devices", "csv", {}, by=operator)
    assert third.removed == [small.filename]
    assert Path(large.file.path).is_file()
    assert not Path(small.file.path).exists()
    # It is not the newest any more, and what is too large takes no room from what stays.
    fourth = program_of(operator).send("post", "exports", {"what": "devices"})
    assert fourth.status_code == 201
    assert fourth.json()["removed"] == [large.filename]
    browser_client.post("/exports/", {"what": "devices", "form": "csv"})
    assert Export.objects.count() == 3
    browser_client.post("/exports/", {"what": "devices", "form": "csv"})
    assert Export.objects.filter(pk=third.pk).exists()
    browser_client.post("/exports/", {"what": "devices", "form": "csv"})
    assert not Export.objects.filter(pk=third.pk).exists()
    page = browser_client.get("/exports/").content.decode()
    assert "older ones were removed: " + third.filename in page


def test_few_exports_of_a_person_wait_to_be_written(
    campaign: SimpleNamespace,
    browser_client: Client,
    operator: User,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.MPPCQA_EXPORTS_WAITING = 2
    monkeypatch.setitem(INLINE, "values", 1)  # four devices are a long list
    for _n in range(2):
        assert ask_export("values", "csv", {}, by=operator).task is not None
    with pytest.raises(ExportRefused, match="2 of your exports are still to be written"):
        ask_export("values", "csv", {}, by=operator)
    answer = browser_client.post("/exports/", {"what": "values", "form": "csv"}, follow=True)
    assert answer.status_code == 200
    assert "2 of your exports are still to be written" in answer.content.decode()
    assert Export.objects.count() == 2
    told = program_of(operator).send("post", "exports", {"what": "values", "format": "csv"})
    assert told.status_code == 409
    assert "2 of your exports are still to be written" in told.content.decode()
    # Of somebody else none waits.
    ask_export("values", "csv", {}, by=User.objects.create_superuser("ana"))
