"""Documents of devices go to another campaign's database from a page; its server is one of ours."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from mppcqa.exchange.campaigns.asked import SENT, last_settings, send
from mppcqa.exchange.exports import ask_export
from mppcqa.exchange.models import Export
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.models import Task
from tests.exchange.test_campaign_databases import DUNE, TOKEN, DuneServer, served

__all__ = ["served"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("served", [DuneServer], indirect=True)
def test_what_is_looked_at_is_sent_and_reported(
    admin_client: Client, admin_user: object, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DeviceType.objects.create(name="S", rows=1, columns=1)
    register_devices([{"serial": f"S-{n}", "device_type": "S"} for n in range(3)])
    export = ask_export("devices", "documents", {}, by=admin_user)  # type: ignore[arg-type]
    page = f"/exports/{export.pk}/send/"
    assert page in admin_client.get("/exports/").content.decode()
    typed = {"database": "dune", "settings": json.dumps(DUNE)}

    def said(action: str, **more: str) -> str:
        answer = admin_client.post(page, typed | {"action": action} | more, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    looked = said("look")
    assert looked.count(">item<") == 3
    assert "serial" in looked
    assert DuneServer.asked == []
    assert "no JSON" in said("look", settings="{")
    assert "lack part_type_id" in said("look", settings="{}")
    assert "does not know where" in said("send")
    assert not Task.objects.filter(name="exchange.send").exists()

    monkeypatch.setenv("MPPCQA_SEND_ADDRESS_DUNE", f"{served}/db")
    monkeypatch.setenv("MPPCQA_SEND_TOKEN_DUNE", TOKEN)
    DuneServer.refuse.add("S-1")
    said("send")
    row = Export.objects.get(what=SENT)
    assert (row.task is not None, TOKEN in str(row.filters), TOKEN in str(row.task.arguments)) == (
        True, False, False)  # type: ignore[union-attr]  # fmt: skip
    assert send(row) == {"new": 2, "refused": 1}
    shown = admin_client.get(page).content.decode()
    assert "Duplicate serial_number" in shown
    assert shown.index("Duplicate serial_number") < shown.index("D02100100001-00001")
    assert [one["item"]["serial_number"] for one in DuneServer.kept.values()] == ["S-0", "S-2"]
    DuneServer.refuse.clear()
    assert send(row) == {"new": 1, "there": 2}  # the same again makes nothing twice
    assert last_settings("dune") == DUNE


def test_a_file_of_another_person_can_not_be_sent(
    admin_client: Client, django_user_model: type
) -> None:
    other = django_user_model.objects.create_user("other")  # type: ignore[attr-defined]
    export = ask_export("devices", "documents", {}, by=other)
    assert admin_client.get(f"/exports/{export.pk}/send/").status_code == 404
