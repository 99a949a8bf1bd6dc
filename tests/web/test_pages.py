"""Every page opens for a person who is logged in, in both languages, and for nobody else."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from mppcqa.exchange.hooks.models import Delivery, Webhook
from mppcqa.inventory.models import Device
from mppcqa.limits.models import LimitSet
from mppcqa.queue.models import State, Task, TaskGroup, Worker
from mppcqa.runs.calibrating import Found, calibrate, map_channels, place, save_instruments_again
from mppcqa.runs.instruments import ChannelLine, Instrument
from mppcqa.runs.models import RunFile
from mppcqa.runs.training import add_picture, train, write_version
from mppcqa.statistics.models import Series
from mppcqa.web.catalogue.entries import ENTRIES
from tests.campaign import make_campaign
from tests.kept import RECORD
from tests.web.valuelinks import unled_values

COUNTS = Path(__file__).with_name("query_counts.json")

MATCHED = "size=2&value=maker+operating+voltage&verdict=good"

PLANNED = "kind=normal&stage=pde&aql=1&level=II&alpha=5&beta=10"


def addresses(campaign: SimpleNamespace) -> dict[str, str]:
    """A name and an address for every page."""
    task = Task.objects.create(name="reports.write", state=State.FAILED, error_text="no <paper>")
    Task.objects.create(name="reports.write", state=State.QUEUED)  # no list is empty
    Worker.objects.create(name="w", host="h", process_id=1)
    return {
        "home": "/",
        "about": "/about/",
        "device_list": "/devices/",
        "device_list filtered": "/devices/?q=GX&stage=pde&outcome=pass",
        "device_list untested": "/devices/?stage=darkbox&outcome=none",
        "device": f"/devices/{campaign.devices[0].serial}/",
        "changes": f"/changes/inventory.device/{campaign.devices[0].pk}/",
        "device_course": f"/devices/{campaign.devices[0].serial}/course/",
        "record_add": f"/devices/records/add/?devices={campaign.devices[0].pk}",
        "device_mount": f"/devices/parts/?devices={campaign.devices[0].pk}",
        "device_register": "/devices/register/",
        "labels": f"/labels/?devices={campaign.devices[0].pk}",
        "checklist_start": "/checklists/inspection/",
        "checklist": "/checklists/inspection/GX-000/",
        "case_list": "/cases/",
        "acceptance_list": "/acceptance/",
        "acceptance_new": f"/acceptance/new/?{PLANNED}&lot={campaign.devices[0].lot_id}",
        "matching_list": "/matching/",
        "matching_new": f"/matching/new/?{MATCHED}&origin={campaign.place.pk}",
        "case_open": f"/devices/{campaign.devices[1].serial}/case/",
        "labels of a tray": f"/labels/?tray={campaign.tray.pk}",
        "import_list": "/imports/",
        "export_list": "/exports/?q=GX",
        "tray_list": "/trays/",
        "tray": "/trays/T-1/",
        "tray by quantity": f"/trays/T-1/?quantity={Series.objects.earliest('pk').pk}",
        "station_list": "/stations/",
        "station": "/stations/darkbox-1/",
        "station_computer": "/stations/darkbox-1/computer/",
        "channel_map": "/stations/darkbox-1/channels/",
        "instrument_list": "/instruments/",
        "procedure_list": "/procedures/",
        "procedure": _procedure(),
        "procedure_card": "/procedures/darkbox/card/",
        "procedure_write": "/procedures/darkbox/write/",
        "instrument": f"/instruments/{_instrument(campaign).pk}/",
        "run_instruments": f"/runs/{campaign.run.pk}/instruments/",
        "console": "/stations/darkbox-1/console/",
        "board": "/board/",
        "run_list": "/runs/",
        "run": f"/runs/{campaign.run.pk}/",
        "run_explore": f"/runs/{campaign.run.pk}/explore/",
        "run_trends": f"/runs/{campaign.run.pk}/trends/",
        "run_compare": f"/runs/{campaign.run.pk}/compare/",
        "run_live": f"/runs/{campaign.run.pk}/live/",
        "task_list": "/queue/",
        "task_list open": "/queue/?state=open",
        "task": f"/queue/{task.pk}/",
        "task_live": f"/queue/{task.pk}/live/",
        "task_log": f"/queue/{task.pk}/log/",
        "worker_list": "/workers/",
        "task search": f"/queue/{task.pk}/?search=x",
        "task_group": f"/queue/groups/{TaskGroup.objects.get_or_create(title='g')[0].pk}/",
        "task_history": "/queue/history/",
        "schedule_list": "/schedules/",
        "task_new": "/queue/new/",
        "task_new routine": "/queue/new/?routine=exchange.list",
        "task_list archived": "/queue/?archived=1&routine=runs.check&by=rosa&from=2026-01-01",
        "schedule_add": "/schedules/add/",
        "schedule_add routine": "/schedules/add/?routine=queue.retention",
        "schedule": f"/schedules/{PeriodicTask.objects.get(name='exchange.backup').pk}/",
        "schedule_clock": "/schedules/clock/",
        "notice_list": "/notices/",
        "bell": "/notices/bell/",
        "wanted": "/notices/wanted/",
        "hook_list": "/webhooks/",
        "hook": f"/webhooks/{_hook()}/",
        "distribution": "/distributions/",
        "dashboard": "/dashboard/",
        "workbench": "/workbench/?kind=box&by=channel",
        "makers": "/statistics/makers/",
        "capability": "/statistics/capability/?stage=pde",
        "station_statistics": "/statistics/stations/",
        "yields": "/statistics/yield/",
        "yields of a stage": "/statistics/yield/?stage=darkbox",
        "limit_sets": "/limits/",
        "limit_set": f"/limits/{LimitSet.objects.earliest('pk').pk}/",
        "limit_edit": "/limits/new/pde/",
        "catalogue": "/catalogue/",
        "person_list": "/people/",
        "person_invite": "/people/invite/",
        "own_tokens": "/tokens/",
        "time_zone": "/time-zone/",
        "delivery": "/deliveries/HPK-2026-0317/",
        "person_edit": f"/people/{User.objects.earliest('pk').pk}/",
        **{
            f"catalogue {kind}": f"/catalogue/{kind}/"
            for kind, entry in ENTRIES.items()
            if not entry.own_list
        },
        **{f"catalogue new {kind}": f"/catalogue/{kind}/new/" for kind in ENTRIES},
        "device_edit": f"/devices/{campaign.devices[0].serial}/edit/",
        "device_generate": "/devices/generate/",
        "shipment_list": "/shipments/",
        "signature_list": "/signatures/",
        "signatures": f"/signatures/inventory.device/{campaign.devices[0].pk}/",
        "shipment_new": "/shipments/new/",
        "shipment_pick": "/shipments/pick/",
        "packing": f"/packing/?tray={campaign.tray.pk}",
        "bundle_list": "/bundles/",
        "partner_list": "/bundles/partners/",
        "reanalysis_list": "/reanalysis/?stage=pde",
        "report_list": "/reports/",
        "report_about": "/reports/inventory.campaign/1/about/",
        "report_card": f"/reports/inventory.tray/{campaign.tray.pk}/",
        "report_look": "/reports/looks/0/",
        "report_sections": "/reports/looks/0/sections/",
        "report_look of an institute": f"/reports/looks/{campaign.place.pk}/",
        "run_file": f"/files/{RunFile.objects.earliest('pk').pk}/",
        "password_change": "/password/",
    }


def _instrument(campaign: SimpleNamespace) -> Instrument:
    """A photodiode that stands at both stations' first, calibrated twice, and in a channel map."""
    station, day = campaign.stations[1], dt.date(2026, 1, 1)
    found, _made = Instrument.objects.get_or_create(name="diode", kind="photodiode")
    place(found, station, day)
    points = ((405.0, 0.2, 0.01), (470.0, 0.25, 0.01))
    table = {"quantity": "responsivity", "unit": "A/W", "against": "light", "points": points}
    table["against_unit"] = "nm"
    calibrate(found, Found(day, "PTB", day, **table))
    calibrate(found, Found(day, "PTB"))
    map_channels(station, [ChannelLine(slot=1, first=0, last=15, instrument=found, to_first=0)])
    save_instruments_again(campaign.run, station)
    return found


def _hook() -> int:
    """A webhook with something that it was told."""
    owner = User.objects.earliest("pk")
    made, _new = Webhook.objects.get_or_create(owner=owner, title="lims", events=["run.ended"])
    Delivery.objects.get_or_create(hook=made, event="test", key="k", body="{}")
    return made.pk


def _procedure() -> str:
    """The address of instructions with a picture, for which somebody is trained."""
    file = SimpleUploadedFile("socket.png", b"\x89PNG\r\n\x1a\nand more")
    add_picture("darkbox", file, "the socket")
    text = "# Load\n1. open\n2. **close**\n\n[picture 1]\n\n- <b>no</b> light"
    made = write_version("darkbox", {"en": text}, estimate_min=20)
    train(User.objects.earliest("pk"), made, dt.date(2026, 1, 1))
    return "/procedures/darkbox/"


FRAGMENTS = (
    *("bell", "report_card", "run_instruments", "procedure_card", "changes", "signatures"),
)
"""Parts of pages, fetched when they come into view."""


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_opens(
    browser_client: Client, campaign: SimpleNamespace, loaded: object, language: str
) -> None:
    browser_client.cookies.load({"django_language": language})
    for name, address in addresses(campaign).items():
        response = browser_client.get(address)
        assert response.status_code == 200, name
        if name == "run_file":
            assert b"".join(response.streaming_content).startswith(b"content")
            continue
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "style-src 'self';" in policy
        assert "unsafe-inline" not in policy
        assert "no <paper>" not in response.content.decode(), name
        if "live" not in name and "log" not in name and name not in FRAGMENTS:
            assert f'<html lang="{language}">' in response.content.decode(), name


def test_nobody_sees_anything_without_logging_in(campaign: SimpleNamespace) -> None:
    for name, address in addresses(campaign).items():
        response = Client().get(address)
        assert response.status_code == 302, name
        assert response.headers["Location"].startswith("/login/"), name
    assert Client().get("/login/").status_code == 200


def test_pages_that_change_things_need_the_right(campaign: SimpleNamespace) -> None:
    client = Client()
    client.force_login(User.objects.create_user("guest", password="only-looking-7"))
    task = Task.objects.create(name="reports.write", state=State.QUEUED)
    for address in (
        "/devices/register/",
        "/imports/",
        "/devices/GX-000/comment/",
        "/devices/records/add/",
        "/stations/pde-1/load/",
        "/stations/pde-1/unload/",
        "/stations/pde-1/start/",
        f"/runs/{campaign.run.pk}/kill/",
        "/limits/new/pde/",
        "/catalogue/types/new/",
        "/shipments/new/",
        "/devices/GX-000/edit/",
        "/devices/GX-000/rename/",
        "/devices/GX-000/attach/",
        "/devices/GX-000/sign-off/",
        f"/queue/{task.pk}/kill/",
        f"/queue/{task.pk}/again/",
        "/schedules/add/",
        "/reports/choose/",
        "/stations/pde-1/reserve/",
        "/stations/pde-1/maintenance/",
        "/instruments/1/place/",
        "/stations/pde-1/token/",
        "/stations/pde-1/revoke/",
        "/stations/pde-1/forget/",
    ):
        assert client.post(address, {"serial": "GX-9"}).status_code == 403, address
    assert Device.objects.count() == 4
    task.refresh_from_db()
    assert task.state == State.QUEUED


def test_changes_are_posted(browser_client: Client, campaign: SimpleNamespace) -> None:
    for address in ("/stations/pde-1/unload/", "/stations/pde-1/start/", "/stations/pde-1/load/"):
        assert browser_client.get(address).status_code == 405


def test_a_form_without_its_token_is_refused(operator: User, campaign: SimpleNamespace) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post("/stations/pde-1/unload/").status_code == 403


def test_number_of_queries(operator: User, browser_client: Client) -> None:
    """Recorded as data; `MPPCQA_RECORD=1` records anew."""
    campaign = make_campaign(operator, devices=4)
    few = _counts(browser_client, addresses(campaign))
    if RECORD:
        assert connection.vendor == "sqlite", "counts are recorded on SQLite alone"
        COUNTS.write_text(json.dumps(few, indent=1, sort_keys=True) + "\n")
    assert few == _recorded()


def test_number_of_queries_does_not_grow(operator: User, browser_client: Client) -> None:
    campaign = make_campaign(operator, devices=20)
    for _more in range(20):
        Task.objects.create(name="reports.write", state=State.QUEUED)
    many = _counts(browser_client, addresses(campaign))
    recorded = _recorded()
    assert {n: c for n, c in many.items() if c > recorded[n]} == {}


def _recorded() -> dict[str, int]:
    counts: dict[str, int] = json.loads(COUNTS.read_text())
    if connection.vendor != "sqlite":
        # With a server a log may have been written on another computer: it is asked for.
        for name in ("task", "task search", "task_log"):
            counts[name] += 1
    return counts


def _counts(client: Client, pages: dict[str, str]) -> dict[str, int]:
    counts = {}
    client.get("/")  # what a process asks once, whichever test was before, is no page's
    for name, address in pages.items():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
            # Reading a file to its end closes it.
            list(response)
        counts[name] = len(queries)
    return counts


NOT_MEASURED = {
    # A day's value of the reference device stands in the chart and the table, with its run.
    "station_statistics": "statistics of what leads on beside them",
    "instrument": "from a certificate, as somebody wrote it",
    "run_instruments": "from a certificate, as somebody wrote it",
}
"""Pages whose numbers are none that this house measured."""


def test_measured_values_lead_to_what_they_came_from(
    browser_client: Client, campaign: SimpleNamespace, loaded: object
) -> None:
    led = 0
    for name, address in addresses(campaign).items():
        response = browser_client.get(address)
        if response.streaming or name in NOT_MEASURED:
            continue
        page = response.content.decode()
        led += page.count('<a class="value"')
        assert not unled_values(page), name
    assert led > 20
