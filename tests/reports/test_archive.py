"""Reports that were asked for are kept where they belong, and fetched again byte for byte."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pypdfium2
import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override
from django_celery_beat.models import PeriodicTask
from PIL import Image

from mppcqa.inventory.attachments import attach
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute, Lot, Shipment
from mppcqa.inventory.shipping import pack
from mppcqa.limits.decisions import grant_waiver
from mppcqa.public_address import PublicAddress
from mppcqa.queue.models import State, Task, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.schedules import ask
from mppcqa.reports.archive import reports_of, save_report
from mppcqa.reports.certificate import lay_out
from mppcqa.reports.document import PAPERS
from mppcqa.reports.kinds import find_kind
from mppcqa.reports.models import Report, Selection
from mppcqa.results.models import Outcome
from mppcqa.store.storage import WholeFiles
from tests.pens import pen_of
from tests.reports.hard import hard_views
from tests.reports.pages import MARGIN, faults
from tests.reports.reading import read

DEVICE, SHIPMENT = "inventory.device", "inventory.shipment"


def failing(campaign: SimpleNamespace) -> Device:
    """A device whose verdict has turned."""
    device: Device = campaign.devices[0]
    verdict = device.standings.get().verdict
    verdict.outcome = Outcome.FAIL
    verdict.save(update_fields=["outcome"])
    device.standings.update(outcome=Outcome.FAIL)
    return device


def run_all() -> None:
    work("test:1", [queue_name("work")], lambda: False)


def asked(client: Client, model: str, pk: int, kind: str, language: str = "en") -> str:
    """The card after a report was asked for."""
    address = f"/reports/{model}/{pk}/write/"
    answer = client.post(
        address,
        {"kind": kind, "language": language, "paper": "letter"},
        HTTP_HX_REQUEST="true",
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["certificate", "device"])
def test_a_report_is_asked_for_kept_and_fetched(
    campaign: SimpleNamespace, browser_client: Client, kind: str
) -> None:
    device = campaign.devices[0]
    page = browser_client.get(device.get_absolute_url()).content.decode()
    assert f"/reports/{DEVICE}/{device.pk}/" in page
    card = asked(browser_client, DEVICE, device.pk, kind, "es")
    asked(browser_client, DEVICE, device.pk, kind, "es")
    assert "every" in card or "load delay" in card
    task = Task.objects.get(name="reports.write")
    run_all()
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED, task.error_text
    row = reports_of(device).get()
    card = browser_client.get(f"/reports/{DEVICE}/{device.pk}/").content.decode()
    assert f'href="/reports/{row.pk}/"' in card
    answer = browser_client.get(f"/reports/{row.pk}/")
    data = b"".join(answer.streaming_content)
    assert data == Path(row.file.path).read_bytes()
    assert answer.headers["Content-Type"] == "application/pdf"
    texts, _codes = read(data)
    assert device.serial in texts[0]
    assert "Registrado" in texts[0]
    stage = row.inputs["stages"]["pde"]
    assert stage["sha256"] == campaign.run.files.get().sha256


@pytest.mark.django_db
def test_the_same_content_is_one_report_and_a_change_makes_another(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = failing(campaign)
    first = save_report("certificate", device)
    assert save_report("certificate", device) == first
    grant_waiver(device.standings.get().verdict, "a scratch", by=pen_of())
    second = save_report("certificate", device)
    assert second != first
    assert reports_of(device).count() == 2
    Path(second.file.path).write_bytes(b"cut")
    third = save_report("certificate", device)
    assert third.sha256 == second.sha256
    assert Path(third.file.path).read_bytes().startswith(b"%PDF")


@pytest.mark.django_db
def test_a_damaged_report_is_told_and_not_handed_out(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    row = save_report("certificate", campaign.devices[0])
    path = Path(row.file.path)
    path.write_bytes(path.read_bytes()[:-64] + bytes(64))
    card = browser_client.get(f"/reports/{DEVICE}/{campaign.devices[0].pk}/").content.decode()
    assert "is damaged" in card
    assert browser_client.get(f"/reports/{row.pk}/").status_code == 302


@pytest.mark.django_db
def test_a_certificate_is_one_page_with_all_that_matters(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = failing(campaign)
    picture = io.BytesIO()
    Image.effect_noise((900, 700), 60).save(picture, "JPEG")
    attach(device, SimpleUploadedFile("view.jpg", picture.getvalue()), by=operator)
    grant_waiver(device.standings.get().verdict, "taken <as it is> & so", by=pen_of())
    for language, words in (("en", ("Pass band", "Released by")), ("es", ("Banda", "Liberado"))):
        with override(language):
            data = Path(save_report("certificate", device).file.path).read_bytes()
        texts, codes = read(data)
        assert len(texts) == 1
        assert faults(data, margin=MARGIN) == []
        assert len(codes) == 2
        assert all(code.endswith(device.serial) for code in codes)
        for word in (device.serial, "taken <as it is> & so", *words):
            assert word in texts[0], texts[0]
    assert b"/DCTDecode" in data  # the photograph


@pytest.mark.parametrize("name", sorted(hard_views()))
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_certificate_stays_one_page_and_legible_whatever_it_is_of(
    name: str, language: str
) -> None:
    for paper in PAPERS:
        with override(language):
            data = lay_out(hard_views()[name], PublicAddress("https://qa.example.org"), paper)
        texts, codes = read(data)
        assert len(texts) == 1
        assert len(codes) == 2
        assert faults(data, margin=MARGIN) == []


@pytest.mark.django_db
def test_the_chosen_photograph_is_shown_and_not_the_newest(
    campaign: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    device = campaign.devices[0]
    rows = {}
    for name, colour in (("red.png", "#c01010"), ("blue.png", "#1010c0")):
        picture = io.BytesIO()
        Image.new("RGB", (300, 300), colour).save(picture, "PNG")
        rows[name] = attach(device, SimpleUploadedFile(name, picture.getvalue()), by=operator)
    text = attach(device, SimpleUploadedFile("n.txt", b"no picture"), by=operator)
    newest = save_report("certificate", device)
    assert _colours(newest) == {"blue"}
    browser_client.post(f"/attachments/{text.pk}/photograph/")
    assert save_report("certificate", device) == newest
    page = browser_client.post(f"/attachments/{rows['red.png'].pk}/photograph/", follow=True)
    assert "photograph" in page.content.decode()
    assert _colours(save_report("certificate", device)) == {"red"}
    browser_client.post(f"/attachments/{rows['blue.png'].pk}/photograph/")
    assert device.attachments.filter(photograph=True).get() == rows["blue.png"]
    assert save_report("certificate", device).sha256 == newest.sha256


def _colours(report: Report) -> set[str]:
    """Which of two strong colours a report's first page has."""
    document = pypdfium2.PdfDocument(Path(report.file.path).read_bytes())
    pixels = np.asarray(document[0].render(scale=1).to_pil().convert("RGB")).reshape(-1, 3)
    document.close()
    strong = pixels[(pixels.max(axis=1) > 150) & (pixels.min(axis=1) < 60)]
    counts = {"red": (strong[:, 0] > strong[:, 2]).sum(), "blue": (strong[:, 2] > 150).sum()}
    return {name for name, n in counts.items() if n > 5000}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff" + bytes(500), b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_a_picture_that_is_none_is_left_out(
    campaign: SimpleNamespace, operator: User, content: bytes
) -> None:
    name = "p.jpg" if content.startswith(b"\xff") else "p.png"
    attach(campaign.devices[0], SimpleUploadedFile(name, content), by=operator)
    texts, _codes = read(
        Path(save_report("certificate", campaign.devices[0]).file.path).read_bytes()
    )
    assert campaign.devices[0].serial in texts[0]


@pytest.mark.django_db(transaction=True)
def test_the_packing_list_names_each_device_with_its_verdicts(
    campaign: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    there = Institute.objects.create(name="Valparaíso")
    serials = [one.serial for one in campaign.devices[:3]]
    box: Shipment = pack(campaign.place, there, serials, reference="TRK <9>", by=operator)
    page = browser_client.get(f"/shipments/{box.pk}/").content.decode()
    assert f"/reports/{SHIPMENT}/{box.pk}/" in page
    asked(browser_client, SHIPMENT, box.pk, "packing")
    run_all()
    data = Path(reports_of(box).get().file.path).read_bytes()
    texts, _codes = read(data)
    whole = "\n".join(texts)
    for word in (*serials, "Jefferson Lab → Valparaíso", "TRK <9>", "PDE", "incomplete"):
        assert word in whole
    assert faults(data, margin=MARGIN) == []


@pytest.mark.django_db(transaction=True)
def test_reports_of_what_was_chosen_and_of_all_that_holds_devices(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    page = browser_client.get("/devices/?q=GX-00&tray=T-1").content.decode()
    assert "/reports/choose/?q=GX-00&amp;tray=T-1" in page
    for _twice in range(2):
        answer = browser_client.post("/reports/choose/?q=GX-00&tray=T-1", follow=True)
        assert answer.status_code == 200
    chosen = Selection.objects.get()
    assert answer.redirect_chain[-1][0] == f"/reports/selection/{chosen.pk}/"
    assert "GX-00" in answer.content.decode()
    campaign.stations[0].reference_device = campaign.devices[0]
    campaign.stations[0].save()
    rows = {
        "selection": chosen,
        "selection-certificates": chosen,
        "tray": campaign.tray,
        "lot": Lot.objects.get(),
        "run": campaign.run,
        "campaign": Campaign.objects.get(),
        "station": campaign.stations[0],
    }
    for kind, row in rows.items():
        asked(browser_client, row._meta.label_lower, row.pk, kind)
    run_all()
    for kind, row in rows.items():
        kept = reports_of(row).get(kind=kind)
        data = Path(kept.file.path).read_bytes()
        assert faults(data, margin=MARGIN) == []
        texts, codes = read(data)
        whole = "\n".join(texts)
        if kind not in ("campaign", "station"):
            assert all(whole.count(one.serial) for one in campaign.devices)
        if kind == "selection-certificates":
            assert len(texts) == 1 + len(campaign.devices)
            assert len(codes) == 2 * len(campaign.devices)
            for one, code in zip(campaign.devices, codes[::2], strict=True):
                assert one.serial in code
        if kind == "station":
            assert "Breakdown voltage" in whole
        assert save_report(kind, row, paper="letter") == kept
    page = browser_client.get("/reports/").content.decode()
    for row in Report.objects.all():
        assert f'href="/reports/{row.pk}/"' in page


@pytest.mark.django_db(transaction=True)
def test_a_schedule_writes_the_report_of_a_campaign_and_it_is_listed(
    campaign: SimpleNamespace, browser_client: Client, operator: User
) -> None:
    row = Campaign.objects.get()
    address = f"/reports/inventory.campaign/{row.pk}/schedule/"
    assert address in browser_client.get(f"/reports/inventory.campaign/{row.pk}/").content.decode()
    form = {"kind": "campaign", "language": "es", "paper": "letter", "unit": "d"}
    assert browser_client.post(address, form).status_code == 422
    answer = browser_client.post(address, {**form, "crontab": "30 6 * * 1"}, follow=True)
    assert "Main campaign" in answer.content.decode()
    schedule = PeriodicTask.objects.get(kwargs__contains="campaign")
    for _twice in range(2):
        # As the scheduler does when it is due; what is still open is not doubled.
        ask(schedule)
    run_all()
    kept = reports_of(row).get()
    assert (kept.kind, kept.language, kept.paper, kept.made_by) == (
        "campaign",
        "es",
        "letter",
        operator,
    )
    assert f'href="/reports/{kept.pk}/"' in browser_client.get("/reports/").content.decode()
    # Nothing has changed since: the newest stands for it.
    ask(schedule)
    run_all()
    assert reports_of(row).get() == kept
    assert browser_client.post(f"/schedules/{schedule.pk}/remove/").status_code == 302
    assert not PeriodicTask.objects.filter(pk=schedule.pk).exists()
    shipped = PeriodicTask.objects.filter(task="mppcqa.queue.scheduled").earliest("pk")
    browser_client.post(f"/schedules/{shipped.pk}/remove/")
    assert PeriodicTask.objects.filter(pk=shipped.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_more_devices_than_a_report_lists_are_refused_in_words(
    campaign: SimpleNamespace, browser_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.views.group.members.__defaults__", (3,))
    asked(browser_client, "inventory.tray", campaign.tray.pk, "tray")
    run_all()
    task = Task.objects.get()
    assert task.state == State.FAILED
    assert "at most 3 devices" in task.error_text
    card = browser_client.get(f"/reports/inventory.tray/{campaign.tray.pk}/").content.decode()
    assert "at most 3 devices" in card
    assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_leaves_no_report_and_the_next_try_has_the_same_bytes(
    campaign: SimpleNamespace, browser_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = find_kind("tray").write(campaign.tray, PublicAddress(""), "letter").opened().read()
    with monkeypatch.context() as broken:

        def full(*_told: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        broken.setattr(WholeFiles, "_save", full)
        asked(browser_client, "inventory.tray", campaign.tray.pk, "tray")
        run_all()
        assert Task.objects.get().state == State.FAILED
        assert "No space left" in Task.objects.get().error_text
        assert not Report.objects.exists()
    # Killed between the file and its row: nothing names it, and it is gone.
    with monkeypatch.context() as broken:
        broken.setattr(Report.objects, "create", lambda **_told: sys.exit(9))
        with pytest.raises(SystemExit):
            save_report("tray", campaign.tray, paper="letter")
    assert not Report.objects.exists()
    kept = save_report("tray", campaign.tray, paper="letter", address=PublicAddress(""))
    assert Path(kept.file.path).read_bytes() == wanted


@pytest.mark.django_db
def test_who_is_bound_has_reports_of_what_is_seen_as_a_whole(campaign: SimpleNamespace) -> None:
    reader = User.objects.create_user("bound")
    reader.user_permissions.set(Permission.objects.all())
    reader.person.institute = campaign.place
    reader.person.save()
    client = Client()
    client.force_login(reader)
    tray = f"/reports/inventory.tray/{campaign.tray.pk}/"
    assert client.get(tray).status_code == 404
    Device.objects.update(owner=campaign.place)
    assert client.get(tray).status_code == 200
    kept = save_report("campaign", Campaign.objects.get())
    assert client.get(f"/reports/{kept.pk}/").status_code == 200
    other = Campaign.objects.create(name="Other")
    Device.objects.filter(pk=campaign.devices[0].pk).update(owner=None, campaign=other)
    assert client.get(tray).status_code == 404
    kept = save_report("campaign", other)
    assert client.get(f"/reports/{kept.pk}/").status_code == 404
    assert f'href="/reports/{kept.pk}/"' not in client.get("/reports/").content.decode()
    answer = client.post("/reports/choose/?q=GX", follow=True)
    assert answer.status_code == 200


@pytest.mark.django_db
def test_what_is_not_there_is_refused(campaign: SimpleNamespace, browser_client: Client) -> None:
    pk = campaign.devices[0].pk
    for model, kind, language in ((DEVICE, "packing", "en"), (DEVICE, "device", "xx")):
        asked(browser_client, model, pk, kind, language)
    assert not Task.objects.filter(name="reports.write").exists()
    for address in (f"/reports/{DEVICE}/999999/", "/reports/auth.user/1/", "/reports/999999/"):
        assert browser_client.get(address).status_code == 404


@pytest.mark.django_db
def test_who_may_only_read_fetches_and_does_not_ask(campaign: SimpleNamespace) -> None:
    reader = User.objects.create_user("reader")
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(reader)
    device = campaign.devices[0]
    row = save_report("certificate", device)
    card = client.get(f"/reports/{DEVICE}/{device.pk}/").content.decode()
    assert f'href="/reports/{row.pk}/"' in card
    assert "<form" not in card
    answer = client.post(
        f"/reports/{DEVICE}/{device.pk}/write/",
        {"kind": "device", "language": "en", "paper": "A4"},
    )
    assert answer.status_code == 403
