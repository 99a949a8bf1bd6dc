"""Packing by scan: what a person at the packing table sees and does."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from mppcqa.inventory.models import Device, Institute, Shipment, Tray
from mppcqa.inventory.shipping import pack, send_packed
from tests.web.test_scans import Scanner


@pytest.fixture
def table(browser_client: Client, campaign: SimpleNamespace, operator: User) -> SimpleNamespace:
    """A packing table with an open box, and a tray of two rows."""
    there = Institute.objects.create(name="elsewhere")
    box = pack(campaign.place, there, ["GX-000"], by=operator)
    tray = Tray.objects.create(name="T7", rows=2, columns=2)
    return SimpleNamespace(
        scan=Scanner(browser_client), client=browser_client, box=box, tray=tray, there=there
    )


def place(serial: str) -> tuple[str, int | None, int | None]:
    one = Device.objects.get(serial=serial)
    return str(one.tray), one.tray_row, one.tray_column


def next_place(page: str) -> str:
    """What the page says of where the next device goes."""
    found = re.search(r'<h2 id="h-next"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert found is not None
    return " ".join(found.group(1).split())


def test_a_box_is_packed_by_scans_alone(table: SimpleNamespace) -> None:
    at = {"box": str(table.box.pk)}
    said = table.scan(".TRAY T7", **at)
    assert said["go"] == f"/packing/?box={table.box.pk}&tray={table.tray.pk}"
    at["tray"] = str(table.tray.pk)
    said = table.scan("GX-001", **at)
    assert said["title"] == "GX-001 → T7, row 0, column 0"
    assert said["lines"] == [f"Shipment {table.box.pk}: 2 devices"]
    # A place that was touched holds for one scan.
    said = table.scan("GX-002", **at, at="1-1")
    assert place("GX-002") == ("T7", 1, 1)
    assert said["go"] == f"/packing/?box={table.box.pk}&tray={table.tray.pk}"
    assert "in this box already" in table.scan("GX-002", **at)["text"]
    table.scan("GX-003", **at)
    assert table.scan(".UNDO", **at)["title"] == "Taken back"
    assert place("GX-003") == ("T-1", 0, 3)
    assert table.box.devices.count() == 3
    assert table.scan(".DONE", **at)["go"] == f"/shipments/{table.box.pk}/"
    # The tray's own code with `TO` means the same as the tray.
    assert table.scan(".TO T-1", **at)["go"].endswith(f"tray={Tray.objects.get(name='T-1').pk}")


def test_the_page_shows_where_the_next_goes_and_what_is_in_the_box(table: SimpleNamespace) -> None:
    address = f"/packing/?box={table.box.pk}&tray={table.tray.pk}"
    page = table.client.get(address).content.decode()
    assert f'data-box="{table.box.pk}" data-tray="{table.tray.pk}"' in page
    assert "row 0, column 0" in page
    assert "0 of 4 places" in page
    sent = table.client.post(address, {"code": "gx-001"}, follow=True).content.decode()
    assert "GX-001 → T7, row 0, column 0" in sent
    assert next_place(sent) == "T7: row 0, column 1"
    assert "1 of 4 places" in sent
    # Without a scanner a place is chosen by its link.
    assert f'href="{address}&at=1-0"'.replace("&", "&amp;") in sent
    assert next_place(table.client.get(f"{address}&at=1-0").content.decode()) == (
        "T7: row 1, column 0"
    )
    refused = table.client.post(f"{address}&at=0-0", {"code": "GX-002"})
    assert refused.status_code == 422
    assert "GX-001 lies in row 0, column 0" in refused.content.decode()
    assert place("GX-002")[0] == "T-1"


def test_a_whole_tray_goes_into_the_box(table: SimpleNamespace) -> None:
    tray = Tray.objects.get(name="T-1")
    address = f"/packing/?box={table.box.pk}&tray={tray.pk}"
    assert "Not in the box: 3" in table.client.get(address).content.decode()
    table.client.post(address, {"all": ""})
    assert table.box.devices.count() == 4
    assert "Not in the box" not in table.client.get(address).content.decode()


def test_a_box_that_has_gone_or_is_none_is_not_packed(table: SimpleNamespace) -> None:
    assert table.client.get("/packing/").status_code == 404
    assert table.client.get("/packing/?box=999999").status_code == 404
    send_packed(table.box)
    gone = table.client.get(f"/packing/?box={table.box.pk}&tray={table.tray.pk}")
    assert gone.headers["Location"] == f"/shipments/{table.box.pk}/"
    said = table.scan(f".BOX {table.box.pk}", tray=str(table.tray.pk))
    assert said["go"] == f"/shipments/{table.box.pk}/"
    assert "was sent already" in table.scan("GX-001", box=str(table.box.pk))["text"]


def test_only_who_may_pack_packs(table: SimpleNamespace) -> None:
    client = Client()
    guest = User.objects.create_user("guest", password="only-looking-7")
    client.force_login(guest)
    at = {"box": str(table.box.pk), "tray": str(table.tray.pk)}
    assert client.get(f"/packing/?tray={table.tray.pk}").status_code == 403
    assert "may not" in Scanner(client)("GX-001", **at)["text"]
    guest.user_permissions.add(Permission.objects.get(codename="change_device"))
    assert "may not" in Scanner(client)("GX-001", **at)["text"]
    assert Scanner(client)("GX-001", tray=at["tray"])["tone"] == "good"
    assert Shipment.objects.get().devices.count() == 1
