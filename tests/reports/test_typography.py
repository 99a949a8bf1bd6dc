"""Every page of a report, in its hardest cases: what a reader would take offence at."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from django.utils.translation import override

from mppcqa.public_address import PublicAddress
from mppcqa.reports.device import lay_out
from tests.reports.hard import hard_views
from tests.reports.pages import MARGIN, faults, open_pages

ADDRESS = PublicAddress("https://qa.example.org")
VIEWS = hard_views()


@pytest.mark.parametrize("paper", ["A4", "letter"])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", sorted(VIEWS))
def test_no_page_has_a_fault(name: str, language: str, paper: str) -> None:
    with override(language):
        data = lay_out(VIEWS[name], ADDRESS, paper=paper)
    assert faults(data, margin=MARGIN) == []
    pages = open_pages(data)
    wide = 595.3 if paper == "A4" else 612.0
    for page in pages:
        assert page.width == pytest.approx(wide, abs=0.1)
        said = "page {} of {}" if language == "en" else "página {} de {}"
        assert said.format(page.number, len(pages)) in page.text
        if page.number > 1:
            assert page.has_rows(2), f"page {page.number} has a lone line"


def test_the_same_data_is_the_same_bytes() -> None:
    for name in ("waived", "foreign"):
        first = lay_out(VIEWS[name], ADDRESS)
        assert first == lay_out(VIEWS[name], ADDRESS)
        assert b"20261128" in first
        assert "2026-11-28 09:30" in open_pages(first)[0].text


def test_tables_repeat_their_heads_and_pages_their_title() -> None:
    pages = open_pages(lay_out(VIEWS["128 channels"], ADDRESS))
    assert len(pages) > 3
    for page in pages[1:]:
        assert "Report of GX-128" in page.text
    of_channels = [page for page in pages if re.search(r"^127$", page.text, re.MULTILINE)]
    assert of_channels
    for page in of_channels:
        assert "Gain of column" in " ".join(page.text.split())


def test_decimal_points_stand_below_each_other() -> None:
    (page,) = [one for one in open_pages(lay_out(VIEWS["all failed"], ADDRESS))
               if "Whole device" in one.text][:1]  # fmt: skip
    points = {
        round(text.point, 1) for text in page.texts if text.text.startswith(("1234.50", "0.0500"))
    }
    assert len(points) == 1


def test_the_file_says_what_it_is_and_can_be_kept() -> None:
    data = lay_out(VIEWS["waived"], ADDRESS)
    document = pypdfium2.PdfDocument(data)
    about = document.get_metadata_dict()
    document.close()
    assert about["Title"] == "Report of GX-017"
    assert about["CreationDate"].startswith("D:20261128093000")
    for word in (b"<pdfaid:part>2<", b"/GTS_PDFA1", b"/Lang", b"GX-017</rdf:li>"):
        assert word in data
    assert b"Helvetica" not in data
    # A line end stands before each end of a stream, and the table leads to every object.
    assert len(re.findall(rb"\nendstream\nendobj", data)) == data.count(b"endstream\nendobj")
    start = int(data[data.rindex(b"startxref") :].split()[1])
    rows = data[start:].split(b"\n")[3:]
    for number, row in enumerate(rows, 1):
        if not row.endswith(b" n "):
            break
        assert data[int(row[:10]) :].startswith(b"%d 0 obj" % number)
    assert number > 10
