"""What a QR code carries is read off the page and the paper, as a scanner does."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pypdfium2
import pytest
import vl_convert
import zxingcpp
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from PIL import Image

from mppcqa.cli.report import report as report_command
from mppcqa.public_address import Reach, reach
from mppcqa.queue.models import State, Task
from mppcqa.queue.notices import notify
from tests.reports.pages import open_pages

PUBLIC = "https://qa.example.org"


def codes_of(image: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(image)]


def on_paper(data: bytes) -> tuple[list[str], str]:
    """What the codes of a PDF say, and its text."""
    document = pypdfium2.PdfDocument(data)
    page = document[0]
    codes = codes_of(page.render(scale=2).to_pil())
    textpage = page.get_textpage()
    text: str = textpage.get_text_range()
    textpage.close()
    page.close()
    document.close()
    return codes, text


def on_page(page: str) -> list[str]:
    found = re.search(r"<svg\b.*?</svg>", page[page.index('class="qr"') :], re.DOTALL)
    assert found is not None
    drawn = found.group(0)
    if "xmlns" not in drawn:
        drawn = drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return codes_of(Image.open(io.BytesIO(vl_convert.svg_to_png(drawn, scale=4))))


@pytest.mark.parametrize(
    ("named", "served", "carried", "warned"),
    [
        ("", "127.0.0.1:8000", "", "Others can't reach http://127.0.0.1:8000"),
        ("", "localhost", "", "Others can't reach http://localhost"),
        ("", "10.20.30.40:8000", "", "Others can't reach http://10.20.30.40:8000"),
        ("", "qa.example.org", "http://qa.example.org", ""),
        ("", "qa.example.org:8443", "http://qa.example.org:8443", ""),
        ("http://127.0.0.1:8000", "qa.example.org", "", "Others can't reach http://127.0.0.1:8000"),
        ("http://[::1]:8000", "127.0.0.1", "", "Others can't reach http://[::1]:8000"),
        ("http://0.0.0.0:8000", "10.0.0.2", "", "Others can't reach http://0.0.0.0:8000"),
        (PUBLIC, "127.0.0.1:8000", PUBLIC, ""),
        ("http://10.20.30.40", "10.20.30.40", "http://10.20.30.40", "inside its own network alone"),
    ],
)
def test_no_code_leads_where_others_can_not_go(
    browser_client: Client,
    campaign: SimpleNamespace,
    settings: Any,
    named: str,
    served: str,
    carried: str,
    warned: str,
) -> None:
    settings.MPPCQA_URL, settings.ALLOWED_HOSTS = named, ["*"]
    serial = campaign.devices[1].serial
    wanted = f"{carried}/devices/{serial}/" if carried else serial
    page = browser_client.get(f"/devices/{serial}/", headers={"host": served}).content.decode()
    assert on_page(page) == [wanted]
    if warned:
        assert warned in html.unescape(page)
    else:
        assert "MPPCQA_URL" not in page
    paper = browser_client.get(f"/devices/{serial}/report.pdf", headers={"host": served}).content
    codes, text = on_paper(paper)
    assert codes == [wanted]
    for nowhere in ("127.0.0.1", "localhost", "0.0.0.0", "::1"):  # noqa: S104
        assert nowhere not in text
    # Whatever it carries leads to the device when it is scanned into the pages.
    found = browser_client.get("/find/", {"q": codes[0]}, headers={"host": served})
    assert found.headers["Location"] == f"/devices/{serial}/"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://127.1:8000", Reach.NOBODY),
        ("http://2130706433/", Reach.NOBODY),
        ("http://[::ffff:127.0.0.1]/", Reach.NOBODY),
        ("http://LOCALHOST.:80", Reach.NOBODY),
        ("http://a.localhost", Reach.NOBODY),
        ("http://[::]:8000", Reach.NOBODY),
        ("http://[broken", Reach.NOBODY),
        ("", Reach.NOBODY),
        ("http://192.168.0.3", Reach.NETWORK),
        ("http://169.254.7.7", Reach.NETWORK),
        ("http://[fd00::1]", Reach.NETWORK),
        ("http://daq-pc:8000", Reach.NETWORK),
        ("http://daq.local", Reach.NETWORK),
        ("https://8.8.8.8", Reach.ALL),
        ("https://qa.jlab.example.org/mppc", Reach.ALL),
    ],
)
def test_who_reaches_an_address(url: str, wanted: Reach) -> None:
    assert reach(url) is wanted


@pytest.mark.parametrize(
    ("named", "link"), [("", ""), ("http://localhost:8000", ""), (PUBLIC, f"{PUBLIC}/queue/")]
)
def test_an_email_has_no_link_that_leads_nowhere(
    operator: User, settings: Any, named: str, link: str
) -> None:
    settings.MPPCQA_URL = named
    operator.email = "rosa@example.org"
    operator.save()
    task = Task.objects.create(
        name="reports.write", state=State.FAILED, error_text="no paper", requested_by=operator
    )
    notify(task)
    (sent,) = mail.outbox
    assert f"#{task.pk}" in sent.body
    assert re.findall(r"https?://\S+", sent.body) == ([f"{link}{task.pk}/"] if link else [])


def test_a_command_says_what_its_codes_carry(
    campaign: SimpleNamespace, settings: Any, tmp_path: Path
) -> None:
    serial = campaign.devices[0].serial
    for named, said in (("", True), (PUBLIC, False)):
        settings.MPPCQA_URL = named
        told = [serial, "--output", str(tmp_path), "--paper", "letter"]
        answer = CliRunner().invoke(report_command, told)
        assert answer.exit_code == 0, answer.output
        assert ("MPPCQA_URL" in answer.stderr) is said
        data = (tmp_path / f"{serial}.pdf").read_bytes()
        assert open_pages(data)[0].width == 612
        codes, _text = on_paper(data)
        assert codes == [f"{PUBLIC}/devices/{serial}/" if named else serial]
