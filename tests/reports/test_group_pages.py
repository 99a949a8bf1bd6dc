"""Every page of reports about many things, in their hardest cases."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import override

from mppcqa.reports import answer, campaign, group, packing, station
from mppcqa.reports.document import PAPERS
from tests.reports.hard_answers import hard_answers
from tests.reports.hard_groups import group as devices
from tests.reports.hard_groups import hard_campaigns, hard_groups, hard_stations
from tests.reports.hard_shipments import hard_shipments
from tests.reports.pages import MARGIN, faults, open_pages

CASES = {
    **{f"group, {name}": (group.lay_out, (view, "Report")) for name, view in hard_groups().items()},
    **{f"campaign, {name}": (campaign.lay_out, (view,)) for name, view in hard_campaigns().items()},
    **{f"station, {name}": (station.lay_out, (view,)) for name, view in hard_stations().items()},
    **{f"answer, {name}": (answer.lay_out, (said,)) for name, said in hard_answers().items()},
    **{f"packing, {name}": (packing.lay_out, (view,)) for name, view in hard_shipments().items()},
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_no_page_has_a_fault(name: str, language: str) -> None:
    lay_out, arguments = CASES[name]
    for paper in PAPERS:
        with override(language):
            data = lay_out(*arguments, paper)
        assert faults(data, margin=MARGIN) == []
        pages = open_pages(data)
        said = "page {} of {}" if language == "en" else "página {} de {}"
        for page in pages:
            assert said.format(page.number, len(pages)) in page.text
            assert page.number == 1 or page.has_rows(2), f"page {page.number} has a lone line"


def test_contents_lead_to_the_pages_where_sections_begin() -> None:
    pages = open_pages(group.lay_out(devices(460), "Report of a tray"))
    first = " ".join(pages[0].text.split())
    for title in ("Yields", "Quantities", "Devices that stand out", "Devices"):
        page = int(re.search(rf"{title} (\d+)", first[first.index("Contents") :])[1])
        assert any(one.text == title and one.size > 10 for one in pages[page - 1].texts)


def test_ten_thousand_devices_are_listed_below_heads_on_every_page() -> None:
    pages = open_pages(group.lay_out(devices(10_000), "Report of chosen devices"))
    whole = "\n".join(page.text for page in pages)
    assert whole.count("GX-09999") == 1
    for page in pages[-20:]:
        assert "Dark Box" in page.text
        assert page.has_rows(3)


def test_a_count_of_devices_stays_in_one_line() -> None:
    pages = open_pages(group.lay_out(hard_groups()["one"], "Report of a tray"))
    said = {text.text.strip() for page in pages for text in page.texts}
    assert {"1000", "10000"} <= said, "a number in two lines reads as two"
