"""What stands where on paper is as it was: who moves it says so, by recording it.

``MPPCQA_RECORD=1 pytest tests/reports/test_layouts_kept.py`` writes `layouts.json` anew; what
changed in it is read before it is committed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as raw
import pytest
from django.utils.translation import override

import mppcqa
from mppcqa.public_address import PublicAddress
from mppcqa.reports import answer, campaign, certificate, device, group, packing, station
from mppcqa.reports.labels.fitting import fit
from mppcqa.reports.labels.sheets import sheets, tape
from mppcqa.reports.labels.sizes import SHEETS
from tests.kept import Kept
from tests.reports.hard import hard_views
from tests.reports.hard_answers import hard_answers
from tests.reports.hard_groups import hard_campaigns, hard_groups, hard_stations
from tests.reports.hard_shipments import hard_shipments
from tests.reports.pages import open_pages
from tests.reports.test_labels import labels
from tests.reports.test_look import HARD

KEPT = Kept(Path(__file__).with_name("layouts.json"))
MOST_PAGES, MOST_PATHS = 3, 80
NEAR = 0.11
"""Points; what the last digit of two computers may differ by."""
NUMBERS = re.compile(r"(?:-?\d+\.\d )+")
ADDRESS = PublicAddress("https://qa.example.org")
SHEET = min(SHEETS.values(), key=lambda one: one.number)
MADE: dict[str, Callable[[], bytes]] = {
    "device": lambda: device.lay_out(hard_views()["waived"], ADDRESS),
    "device on letter": lambda: device.lay_out(hard_views()["foreign"], ADDRESS, paper="letter"),
    "certificate": lambda: certificate.lay_out(hard_views()["waived"], ADDRESS),
    "letterhead": lambda: certificate.lay_out(hard_views()["waived"], ADDRESS, look=HARD["wide"]),
    "high logo": lambda: certificate.lay_out(hard_views()["waived"], ADDRESS, look=HARD["tall"]),
    "many stages": lambda: device.lay_out(hard_views()["many stages"], ADDRESS),
    "many channels": lambda: device.lay_out(hard_views()["128 channels"], ADDRESS),
    "tray": lambda: group.lay_out(hard_groups()["one"], "Report of a tray"),
    "long names": lambda: group.lay_out(hard_groups()["long names"], "Report of a tray"),
    "campaign": lambda: campaign.lay_out(hard_campaigns()["two years"]),
    "station": lambda: station.lay_out(hard_stations()["full"]),
    "packing list": lambda: packing.lay_out(hard_shipments()["not measured"]),
    "histograms": lambda: answer.lay_out(hard_answers()["histograms"]),
    "labels": lambda: sheets(
        [fit(one, SHEET.width, SHEET.height) for one in labels(5)], SHEET, start=2
    ),
    "tape": lambda: tape([fit(one, 50, 20) for one in labels(2)], 50, 20),
}


def layout(data: bytes) -> list[str]:
    """Of the first pages a line each for the size, texts with place and size, what is painted."""
    lines = []
    document = pypdfium2.PdfDocument(data)
    for page in open_pages(data)[:MOST_PAGES]:
        lines.append(_line((page.width, page.height), f"page {page.number}"))
        for one in page.texts:
            said = one.text.strip().replace(mppcqa.__version__, "VERSION")
            lines.append(_line((one.start, one.baseline, one.size), said))
        paths = document[page.number - 1].get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=4)
        lines += [_line(one.get_bounds(), "painted") for one in islice(paths, MOST_PATHS)]
    document.close()
    return lines


def _line(numbers: Sequence[float], words: str) -> str:
    return " ".join([*(f"{one:.1f}" for one in numbers), words])


def moved(new: str, old: str) -> bool:
    """Whether two lines differ by more than the last digits of numbers."""
    (places, words), (before, said) = _parts(new), _parts(old)
    near = len(places) == len(before) and np.allclose(places, before, rtol=0, atol=NEAR)
    return words != said or not near


def _parts(line: str) -> tuple[list[float], str]:
    found = NUMBERS.match(line)
    assert found, line
    return [float(one) for one in found[0].split()], line[found.end() :]


@pytest.mark.parametrize("name", MADE)
def test_what_stands_where_is_as_it_was(name: str) -> None:
    with override("en"):
        found = layout(MADE[name]())
    assert found
    before = KEPT.hold(name, found)
    assert len(found) == len(before)
    assert not [pair for pair in zip(found, before, strict=True) if moved(*pair)]


def test_every_kind_of_paper_is_kept() -> None:
    assert sorted(KEPT.there) == sorted(MADE)
