"""The institution's look: on paper, in what a report was made of, by form, in a backup."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pypdfium2
import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override
from PIL import Image

from mppcqa.exchange.backup import back_up
from mppcqa.exchange.restore import restore
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.shipping import pack
from mppcqa.public_address import PublicAddress
from mppcqa.reports.archive import save_report
from mppcqa.reports.certificate import lay_out
from mppcqa.reports.device import lay_out as whole_report
from mppcqa.reports.document import PAPERS
from mppcqa.reports.look import Look, contrast
from mppcqa.reports.models import Report, ReportLook
from tests.reports.hard import hard_views
from tests.reports.pages import MARGIN, faults
from tests.reports.reading import read
from tests.web.formfields import forms_of

RED, GREEN = (200, 16, 16), (16, 110, 40)
ADDRESS = PublicAddress("https://qa.example.org")
TYPED = {
    "name": "Laboratorio Nacional <de> Óptica & Ñandú",
    "address": "Calle 12\nValparaíso",
    "colour": "#1010c8",
    "accent": "#c77700",
    "signatures_en": "Tested, date\nShift leader, date\nReleased, date",
    "signatures_es": "Probado, fecha\nJefe de turno, fecha\nLiberado, fecha",
    "closing_en": "Handle with gloves.",
    "closing_es": "Manéjese con guantes.",
}


def picture(
    size: tuple[int, int] = (300, 120), colour: tuple[int, ...] = RED, kind: str = "PNG"
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def page_of(client: Client, number: int) -> dict[str, Any]:
    """The form's fields as they are opened."""
    address = f"/reports/looks/{number}/"
    (form,) = [
        one
        for one in forms_of(client.get(address).content.decode(), address)
        if one.method == "post" and "logo" in one.files
    ]
    return form.fields


def sent(client: Client, number: int, logo: bytes = b"", to: str = "", **typed: str) -> Any:
    """The answer to the form with what was typed, and a logo."""
    fields = {**page_of(client, number), **typed}
    if logo:
        fields["logo"] = SimpleUploadedFile("logo.png", logo)
    return client.post(f"/reports/looks/{number}/{to}", fields)


def content(report: Report) -> bytes:
    return Path(report.file.path).read_bytes()


def pictures(data: bytes) -> list[tuple[int, int]]:
    """Sizes in pixels of the images of all pages."""
    document = pypdfium2.PdfDocument(data)
    found = [
        one.get_px_size()
        for page in document
        for one in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
    ]
    document.close()
    return found


def painted(data: bytes, colour: tuple[int, int, int]) -> int:
    """Pixels of a colour on the first page."""
    document = pypdfium2.PdfDocument(data)
    pixels = np.asarray(document[0].render(scale=2).to_pil().convert("RGB")).astype(int)
    document.close()
    return int((np.abs(pixels - colour).max(axis=2) < 12).sum())


@pytest.mark.django_db
def test_a_certificate_has_the_look_of_its_owner_and_else_the_default_one(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    device: Device = campaign.devices[0]
    Device.objects.filter(pk=device.pk).update(owner=campaign.place)
    device.refresh_from_db()
    plain = save_report("certificate", device)
    assert "look" not in plain.inputs
    assert sent(browser_client, 0, name="The Collaboration").status_code == 302
    default = save_report("certificate", device)
    assert "The Collaboration" in read(content(default))[0][0]
    assert sent(browser_client, campaign.place.pk, picture(), **TYPED).status_code == 302
    for language, words, other in (
        ("en", ("Tested, date", "Shift leader, date", "Handle with gloves."), "Jefe"),
        ("es", ("Probado, fecha", "Jefe de turno, fecha", "Manéjese con guantes."), "Shift"),
    ):
        with override(language):
            data = content(save_report("certificate", device))
        (text,), codes = read(data)
        for word in (TYPED["name"], "Calle 12", "Valparaíso", *words):
            assert word in text
        assert other not in text
        assert "Tested by" not in text
        assert len(codes) == 2
        assert (300, 120) in pictures(data)
        assert painted(data, RED) > 10_000
        assert painted(data, (16, 16, 200)) > 100  # the name
        assert painted(data, (199, 119, 0)) > 500  # the line
        assert faults(data, margin=MARGIN) == []
    row = ReportLook.objects.get(institute=campaign.place)
    with override("en"):
        kept = save_report("certificate", device)
    assert kept.inputs["look"]["logo"] == row.sha256
    assert kept.inputs["look"]["name"] == TYPED["name"]
    # Another device has no owner, and so the default look.
    assert (
        "The Collaboration" in read(content(save_report("certificate", campaign.devices[1])))[0][0]
    )


@pytest.mark.django_db
def test_the_same_look_has_the_same_bytes_and_a_changed_one_makes_a_new_report(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    device = campaign.devices[0]
    plain = save_report("certificate", device)
    sent(browser_client, 0, picture(), **TYPED)
    first = save_report("certificate", device)
    assert first not in (plain, None)
    former = ReportLook.objects.get().file.path
    sent(browser_client, 0, picture())  # the same once more
    assert save_report("certificate", device) == first
    sent(browser_client, 0, picture(colour=GREEN))
    second = save_report("certificate", device)
    assert second.sha256 != first.sha256
    assert painted(content(second), GREEN) > 10_000
    sent(browser_client, 0, no_logo="on")
    assert not ReportLook.objects.get().file
    assert pictures(content(save_report("certificate", device))) == []
    assert Path(former).name.endswith(".png")
    # Emptied, it is as none.
    sent(browser_client, 0, **dict.fromkeys(TYPED, ""))
    assert save_report("certificate", device).sha256 == plain.sha256


@pytest.mark.django_db(transaction=True)
def test_a_logo_that_is_replaced_leaves_the_store_and_one_that_is_lost_no_report_fails(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    place = Institute.objects.create(name="CERN")
    sent(browser_client, place.pk, picture())
    former = Path(ReportLook.objects.get().file.path)
    sent(browser_client, place.pk, picture(colour=GREEN))
    now = Path(ReportLook.objects.get().file.path)
    assert now.exists()
    assert not former.exists()
    place.delete()
    assert not now.exists()
    assert not ReportLook.objects.exists()
    sent(browser_client, 0, picture(), name="Here")
    Path(ReportLook.objects.get().file.path).unlink()
    kept = save_report("certificate", campaign.devices[0])
    assert kept.inputs["look"] == {"name": "Here"}


def _large() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (5000, 4000)).save(buffer, "PNG")
    return buffer.getvalue()


def _noise() -> bytes:
    return picture() + bytes(3 << 20)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("logo", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "no picture"),
        (b"\xff\xd8\xff" + bytes(500), "no picture"),
        (b"%PDF-1.4", "no picture"),
        (picture()[:60], "no picture"),
        (picture(kind="GIF"), "this is GIF"),
        (picture((4, 4)), "too few"),
        (_large(), "million pixels"),
        (_noise(), "3.0 MB"),
    ],
)
def test_a_logo_that_is_none_is_refused_at_its_field_and_nothing_is_kept(
    browser_client: Client, logo: bytes, reason: str
) -> None:
    sent(browser_client, 0, picture(), name="Before")
    before = ReportLook.objects.get()
    for to in ("", "preview/"):
        answer = sent(browser_client, 0, logo, to, name="After")
        page = answer.content.decode()
        assert answer.status_code == 422
        assert reason in page.partition('id="id_logo_error"')[2][:600], page
        assert "After" in page
    after = ReportLook.objects.get()
    assert (after.name, after.sha256) == ("Before", before.sha256)
    assert Path(after.file.path).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("colour", "#ffee00", "contrast is 1."),
        ("colour", "red", "#1d4f91"),
        ("accent", "#ffffff", "contrast is 1.00"),
        ("signatures_es", "Uno", "as many"),
        ("signatures_en", "a\nb\nc\nd\ne", "room for 4"),
        ("closing_en", "Only here.", "both languages"),
    ],
)
def test_what_can_not_be_printed_is_refused(
    browser_client: Client, field: str, text: str, reason: str
) -> None:
    answer = sent(browser_client, 0, **{field: text})
    assert answer.status_code == 422
    assert reason in answer.content.decode()
    assert ReportLook.objects.get().name == ""
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)


HARD = {
    "tall": Look(
        "N" * 300, "line\n" * 60, picture((60, 3000)), "a", "#1010c8", "#c77700",
        ("W" * 60,) * 4, "word " * 100,
    ),
    "wide": Look(
        "a name of many words " * 14, "x" * 300, picture((3500, 40)), "b", "", "",
        ("Approved by the head of the group, date",) * 4, "y" * 500,
    ),
    "foreign": Look("浜松 Ελλάδα 10⁻⁷ \u202e", "", picture(colour=(9, 9, 9, 0)), "c"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HARD))
@pytest.mark.parametrize("paper", PAPERS)
def test_the_hardest_looks_stay_on_one_page_and_legible(name: str, paper: str) -> None:
    for which, view in sorted(hard_views().items()):
        data = lay_out(view, ADDRESS, paper, HARD[name])
        texts, codes = read(data)
        assert (which, len(texts), len(codes)) == (which, 1, 2)
        assert faults(data, margin=MARGIN) == [], which
    view = hard_views()["128 channels"]
    data = whole_report(view, ADDRESS, paper=paper, look=HARD[name])
    assert faults(data, margin=MARGIN) == []


@pytest.mark.django_db
def test_the_preview_shows_what_is_typed_and_keeps_nothing(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    place = campaign.place.pk
    answer = sent(browser_client, place, picture(), "preview/?paper=letter", **TYPED)
    assert answer.headers["Content-Type"] == "application/pdf"
    (text,), _codes = read(answer.content)
    assert TYPED["name"] in text
    assert painted(answer.content, RED) > 10_000
    assert not ReportLook.objects.exists()
    assert not Report.objects.exists()


@pytest.mark.django_db
def test_only_who_may_change_institutes_may_change_looks(campaign: SimpleNamespace) -> None:
    user = User.objects.create_user("writer")
    user.user_permissions.set(Permission.objects.exclude(codename="change_institute"))
    client = Client()
    client.force_login(user)
    for address in ("/reports/looks/0/", f"/reports/looks/{campaign.place.pk}/"):
        assert client.get(address).status_code == 403
        assert client.post(address, TYPED).status_code == 403
        assert client.post(f"{address}preview/", TYPED).status_code == 403
    client.force_login(User.objects.create_superuser("head"))
    assert client.get("/reports/looks/0/").status_code == 200
    assert client.get("/reports/looks/999999/").status_code == 404


@pytest.mark.django_db
def test_all_kinds_of_reports_have_the_look(
    campaign: SimpleNamespace, browser_client: Client, operator: User
) -> None:
    sent(browser_client, 0, picture(), **TYPED)
    box = pack(
        campaign.place,
        Institute.objects.create(name="x"),
        [campaign.devices[0].serial],
        by=operator,
    )
    rows = {
        "device": campaign.devices[0],
        "tray": campaign.tray,
        "run": campaign.run,
        "packing": box,
        "station": campaign.stations[0],
        "tray-certificates": campaign.tray,
    }
    for kind, row in rows.items():
        kept = save_report(kind, row)
        data = content(kept)
        texts, _codes = read(data)
        assert TYPED["name"] in "\n".join(texts), kind
        assert kept.inputs["look"]["name"] == TYPED["name"]
        assert all(TYPED["name"] in text for text in texts[1:]), kind  # the running head
        assert (300, 120) in pictures(data)
        assert faults(data, margin=MARGIN) == [], kind
        assert save_report(kind, row) == kept


@pytest.mark.django_db
@pytest.mark.django_db(transaction=True)
def test_a_backup_holds_looks_with_their_logos(
    campaign: SimpleNamespace, browser_client: Client, tmp_path: Path
) -> None:
    Device.objects.filter(pk=campaign.devices[0].pk).update(owner=campaign.place)
    sent(browser_client, campaign.place.pk, picture(), **TYPED)
    device = Device.objects.get(pk=campaign.devices[0].pk)
    kept = save_report("certificate", device)
    backup = back_up(tmp_path)
    row = ReportLook.objects.get()
    Path(row.file.path).unlink()
    ReportLook.objects.update(name="lost")
    restore(backup, replace=True)
    row = ReportLook.objects.get()
    assert (row.name, row.institute) == (TYPED["name"], campaign.place)
    assert Path(row.file.path).read_bytes() == picture()
    assert save_report("certificate", device).sha256 == kept.sha256
