"""The commonest jobs at the bench, counted in scans and touches: the table of docs/scanning.md."""

from __future__ import annotations

from types import SimpleNamespace

import pypdfium2
import pytest
import zxingcpp
from django.contrib.auth.models import Group, User
from django.test import Client

from mppcqa.inventory.models import Device, DeviceType, Institute, Tray
from mppcqa.inventory.shipping import pack
from mppcqa.people.roles import make_roles
from mppcqa.runs.models import LoadedDevice, Run, Station
from tests.browser.scanner import Scanner
from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.browser.test_scans import bench, log_in, slots  # noqa: F401


def more(bench: SimpleNamespace, number: int, **named: object) -> list[str]:  # noqa: F811
    """Further devices beside those of the campaign."""
    kind = DeviceType.objects.earliest("pk")
    serials = [f"GY-{n:03d}" for n in range(number)]
    places = named.pop("places", [{}] * number)
    Device.objects.bulk_create(
        Device(serial=serial, device_type=kind, location=bench.campaign.place, **named, **place)
        for serial, place in zip(serials, places, strict=True)
    )
    return serials


@pytest.mark.timeout(300)
def test_one_scan_finds_a_device_and_says_why_it_failed(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/queue/")
    scan("GX-000")
    page.wait_for_url("**/devices/GX-000/", wait_until="commit")
    scan.says("GX-000")
    page.locator("main").get_by_text("PDE").first.wait_for()
    assert (scan.scans, scan.touches) == (1, 0)


@pytest.mark.timeout(300)
def test_a_label_is_one_scan_and_one_touch(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    # What was chosen last, a tape of one's own width; and the files, before a viewer has them.
    client = Client()
    client.force_login(bench.user)
    tape = {"size": "tape", "says": "short", "width": "50", "height": "24"}
    assert client.post("/labels/", {**tape, "what": "actions"}).status_code == 200
    key = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": bench.url}])
    files: list[bytes] = []

    def take(route: object) -> None:
        files.append(route.fetch().body())
        route.fulfill(status=200, content_type="text/plain", body="printed")

    page.context.route("**/labels/?devices=*", take)
    page.goto(f"{bench.url}/queue/")
    scan("GX-002")
    page.wait_for_url("**/devices/GX-002/", wait_until="commit")
    with page.context.expect_page() as printed:
        scan.touch("Print a label")
    printed.value.get_by_text("printed").wait_for()
    assert (scan.scans, scan.touches) == (1, 1)
    document = pypdfium2.PdfDocument(files[0])
    assert [round(one / 72 * 25.4) for one in document[0].get_size()] == [50, 24]
    found = zxingcpp.read_barcodes(document[0].render(scale=300 / 72).to_pil())
    assert [one.text for one in found] == ["GX-002"]
    document.close()


@pytest.mark.timeout(300)
def test_ten_are_packed_in_eleven_scans(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    serials = more(bench, 11)
    there = Institute.objects.create(name="elsewhere")
    box = pack(bench.campaign.place, there, serials[10:], by=bench.user)
    page.goto(f"{bench.url}/")
    scan(f".BOX {box.pk}")
    page.get_by_role("heading", name="In the box (1)").wait_for()
    for at, serial in enumerate(serials[:10]):
        scan(serial)
        page.get_by_role("heading", name=f"In the box ({at + 2})").wait_for()
    assert (scan.scans, scan.touches) == (11, 0)
    assert box.devices.count() == 11


@pytest.mark.timeout(300)
def test_to_a_tray_in_two_scans(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    Tray.objects.create(name="T7", rows=2, columns=2)
    page.goto(f"{bench.url}/runs/")
    scan("GX-001")
    scan.says("GX-001")
    scan(".TO T7")
    scan.says("GX-001 → T7")
    assert (scan.scans, scan.touches) == (2, 0)
    assert Device.objects.get(serial="GX-001").tray.name == "T7"


@pytest.mark.timeout(300)
def test_a_tray_of_twenty_is_loaded_by_one_scan(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    tray = Tray.objects.create(name="T20", rows=4, columns=5)
    places = [{"tray_row": n // 5, "tray_column": n % 5} for n in range(20)]
    serials = more(bench, 20, tray=tray, places=places)
    Station.objects.filter(name="darkbox-1").update(slots=20)
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    scan(".TRAY T20")
    scan.says("20 devices are loaded")
    page.locator(".bench-full", has_text="GY-019").wait_for()
    assert (scan.scans, scan.touches) == (1, 0)
    assert slots() == {n + 1: serial for n, serial in enumerate(serials)}
    scan(".UNDO")
    scan.says("Taken back")
    assert slots() == {}


@pytest.mark.timeout(300)
def test_two_technicians_at_two_stations(
    bench: SimpleNamespace,  # noqa: F811
    live_server: object,
) -> None:
    """Their scans come in turns; each goes to its own station, in its own name."""
    make_roles()
    ben = User.objects.create_user("ben", password=PASSWORD)
    ben.groups.add(Group.objects.get(name="operator"))
    second = bench.page.context.browser.new_context().new_page()
    second.set_default_timeout(20_000)
    log_in(second, live_server, ben)
    bench.page.goto(f"{bench.url}/stations/darkbox-1/console/")
    second.goto(f"{bench.url}/stations/pde-1/console/")
    one, other = bench.scan, Scanner(second)
    one("GX-000")
    other("GX-001")
    one.says("GX-000 → slot 1")
    other.says("GX-001 → slot 1")
    # What the one has loaded the other can't load.
    other("GX-000")
    second.get_by_text("sits in darkbox-1, slot 1").wait_for()
    other("GX-002")
    one("GX-003")
    one.says("GX-003 → slot 2")
    other.says("GX-002 → slot 2")
    one(".START")
    other(".START")
    one.says("Started with 2 devices")
    other.says("Started with 2 devices")
    runs = {run.station.name: run for run in Run.objects.order_by("-pk")[:2]}
    assert {name: run.operator for name, run in runs.items()} == {
        "darkbox-1": bench.user,
        "pde-1": ben,
    }
    # Each takes back the own one.
    other(".UNDO")
    other.says("Taken back")
    second.locator(".bench-word", has_text="stopped").wait_for()
    assert bench.page.locator(".bench-word").inner_text() != "stopped"
    assert LoadedDevice.objects.filter(station__name="pde-1").count() == 2
    second.context.close()
