"""Parts on pages: mounted by a form, seen at the whole with verdicts and values, in the report."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.mountings import Mounting
from tests.views.test_device_view import report_text
from tests.web.formfields import opened


@pytest.fixture
def board(campaign: SimpleNamespace) -> SimpleNamespace:
    DeviceType.objects.create(name="board", rows=1, columns=1)
    register_devices([{"serial": "BOARD", "device_type": "board"}])
    return campaign


def test_many_from_the_list_are_mounted_and_seen(
    browser_client: Client, board: SimpleNamespace
) -> None:
    chosen = [device.pk for device in board.devices[:2]]
    sent = {"list": "devices", "action": "mount", "row": chosen}
    answer = browser_client.post("/devices/", sent)
    assert answer.status_code == 302
    page = browser_client.get(answer["Location"]).content.decode()
    assert "GX-000\nGX-001" in page
    form = {"parts": "GX-000; 1; 4\ngx-001\t2", "whole": "board", "since": "2026-02-03"}
    answer = browser_client.post("/devices/parts/", form)
    assert answer["Location"] == "/devices/BOARD/"
    whole = browser_client.get("/devices/BOARD/").content.decode()
    for said in ("GX-000", "GX-001", "bias channel 4", "2026-02-03", "Values over the parts"):
        assert said in whole, said
    part = " ".join(browser_client.get("/devices/GX-000/").content.decode().split())
    assert "Part of BOARD, position 1, bias channel 4 from here on" in part
    listed = browser_client.get("/devices/", {"part_of": "BOARD"}).content.decode()
    assert "GX-001" in listed
    assert "GX-003" not in listed
    paper = report_text(browser_client.get("/devices/BOARD/report.pdf").content)
    assert "Installed history" in paper
    assert "GX-001" in paper


def test_taken_out_on_the_page(browser_client: Client, board: SimpleNamespace) -> None:
    form = {"parts": "GX-000; 1", "whole": "BOARD", "since": "2026-02-03"}
    browser_client.post("/devices/parts/", form)
    out = {"parts": "GX-000", "until": "2026-02-09", "why": "broken", "take_out": "1"}
    assert browser_client.post("/devices/parts/", out).status_code == 302
    (row,) = Mounting.objects.all()
    assert (str(row.until), row.why, row.ended_by is not None) == ("2026-02-09", "broken", True)
    assert Device.objects.get(serial="GX-000").parent is None
    page = browser_client.get("/devices/GX-000/").content.decode()
    assert "No longer part of BOARD" in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"parts": "NONE", "whole": "BOARD"}, "no device is called “NONE”"),
        ({"parts": "GX-000", "whole": ""}, "say what it is part of"),
        ({"parts": "GX-000", "whole": "BOARD", "since": "yesterday"}, "is no date"),
        ({"parts": "GX-000", "whole": "GX-000"}, "part of itself"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_done(
    browser_client: Client, board: SimpleNamespace, form: dict[str, str], said: str
) -> None:
    answer = browser_client.post("/devices/parts/", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Mounting.objects.count() == 0


def test_a_table_is_taken_in_on_the_page(browser_client: Client, board: SimpleNamespace) -> None:
    text = b"serial;part_of;pos;from\nGX-000;BOARD;1;2026-01-01\nGX-001;BOARD;1;2026-01-02\n"
    file = SimpleUploadedFile("parts.csv", text)
    answer = browser_client.post("/devices/parts/table/", {"file": file}, follow=True)
    assert "The place is taken" in answer.content.decode()
    assert Mounting.objects.count() == 0
    file.seek(0)
    sent = {"file": file, "replace": "on"}
    answer = browser_client.post("/devices/parts/table/", sent, follow=True)
    assert "2 parts are mounted. 1 was taken out." in answer.content.decode()


def test_the_form_of_a_device_leaves_its_trace(
    browser_client: Client, board: SimpleNamespace
) -> None:
    address = "/devices/GX-000/edit/"
    form = {"parent_serial": "BOARD", **opened(browser_client, address)}
    assert browser_client.post(address, form).status_code == 302
    (row,) = Mounting.objects.all()
    assert (row.part.serial, row.whole.serial) == ("GX-000", "BOARD")  # type: ignore[union-attr]
