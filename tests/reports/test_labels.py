"""Labels: each code of a printed sheet is read again, and all text lies on its label."""

from __future__ import annotations

import re

import pypdfium2
import pytest
import zxingcpp
from django.utils import translation

from mppcqa.charts.paper.lettering import BOLD
from mppcqa.codes import Kind, read, write
from mppcqa.reports.labels.fitting import LEAST, PADDING, POINT, Label, NoRoom, fit
from mppcqa.reports.labels.sheets import sheets, tape
from mppcqa.reports.labels.sizes import PAPERS_MM, SHEETS, Sheet
from mppcqa.reports.labels.things import of_actions
from mppcqa.reports.labels.zpl import escaped, zpl
from tests.reports.pages import TOUCH, faults, open_pages

DPI = 300
LONG = "FBK-NUV-HD-CRYO-2027-LOT17-WAFER-0042-A-0000123456789"
NAMES = ("GX-001", "S13360-6075-000123", "MPPC ñandú 7", "T^1~_\\", LONG)


def labels(number: int, names: tuple[str, ...] = NAMES[:4]) -> list[Label]:
    """Devices and slots of names of all kinds, each with a code of its own."""
    return [
        Label(f"{names[n % len(names)]}-{n}", f"{names[n % len(names)]}-{n}", "S12045(X)")
        for n in range(number)
    ]


def scanned(data: bytes) -> list[str]:
    """What a scanner reads of the printed pages, in no order."""
    document = pypdfium2.PdfDocument(data)
    found = []
    for page in document:
        image = page.render(scale=DPI / 72, grayscale=True).to_pil()
        found += [one.text for one in zxingcpp.read_barcodes(image)]
        page.close()
    document.close()
    return sorted(found)


def outside(data: bytes, sheet: Sheet) -> list[str]:
    """Texts that lie on no label of the sheet."""
    high = PAPERS_MM[sheet.paper][1]
    places = [sheet.place(n) for n in range(sheet.number)]

    def lies(text: object) -> bool:
        left, right = (getattr(text, one) * POINT for one in ("left", "right"))
        top, bottom = (high - getattr(text, one) * POINT for one in ("top", "bottom"))
        slack = TOUCH * POINT
        return any(
            left > x - slack
            and right < x + sheet.width + slack
            and top > y - slack
            and bottom < y + sheet.height + slack
            for x, y in places
        )

    return [one.text for page in open_pages(data) for one in page.texts if not lies(one)]


@pytest.mark.parametrize("key", SHEETS)
def test_every_code_of_a_sheet_is_read_and_its_text_is_on_its_label(key: str) -> None:
    sheet = SHEETS[key]
    assert list(sheet.faults()) == []
    wanted = labels(sheet.number)
    fitted = [fit(one, sheet.width, sheet.height) for one in wanted]
    assert not [one.label.name for one in fitted if one.too_small]
    data = sheets(fitted, sheet)
    assert scanned(data) == sorted(one.code for one in wanted)
    assert len(open_pages(data)) == 1
    assert faults(data, smallest=4.5) == []
    assert outside(data, sheet) == []
    # A label has only what is its own: each name lies with its code.
    for one in fitted:
        assert one.y + one.module > 0
        assert "".join(line.text for line in one.lines if line.font == BOLD).replace(
            " ", ""
        ) == one.label.name.replace(" ", "")
    assert sheets(fitted, sheet) == data


def test_a_long_name_is_wrapped_and_whole() -> None:
    one = fit(Label(LONG, LONG, "S12045(X)"), 63.5, 38.1)
    lines = [line.text for line in one.lines if line.font == BOLD]
    assert "".join(lines) == LONG
    assert not one.too_small
    with pytest.raises(NoRoom):
        fit(Label(LONG * 5, LONG * 5), 20, 10)


def test_a_half_used_sheet_is_begun_where_it_is_free() -> None:
    sheet = SHEETS["L7163"]
    wanted = labels(sheet.number)
    data = sheets([fit(one, sheet.width, sheet.height) for one in wanted], sheet, start=13)
    pages = open_pages(data)
    assert len(pages) == 2
    assert min(one.left for one in pages[0].texts) > 0
    assert max(one.top for one in pages[0].texts) < (sheet.height + sheet.top + 1) / POINT
    assert wanted[1].name in pages[0].text
    assert wanted[2].name not in pages[0].text
    assert scanned(data) == sorted(one.code for one in wanted)
    full = sheets([fit(one, sheet.width, sheet.height) for one in wanted[:2]], sheet, start=13)
    assert len(open_pages(full)) == 1


@pytest.mark.parametrize("size", [(50.0, 24.0), (62.0, 29.0), (25.0, 40.0), (30.0, 12.0)])
def test_tape_has_a_label_a_page_of_its_size(size: tuple[float, float]) -> None:
    wanted = labels(3)
    data = tape([fit(one, *size) for one in wanted], *size)
    pages = open_pages(data)
    assert [(page.width * POINT, page.height * POINT) for page in pages] == [
        (pytest.approx(size[0], abs=0.01), pytest.approx(size[1], abs=0.01))
    ] * 3
    assert scanned(data) == sorted(one.code for one in wanted)
    assert faults(data, smallest=4.5) == []


@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_a_module_is_wide_enough_or_told(dpi: int) -> None:
    one = fit(Label("GX-001", "GX-001"), 50, 25, dpi)
    assert one.module >= LEAST
    assert one.module == pytest.approx(one.dots * 25.4 / dpi)
    address = "https://qa.example.org/devices/" + "S13360-6075-000123" * 2 + "/"
    small = fit(Label(address, "GX-001"), 25, 13, dpi)
    assert small.too_small
    assert small.module < LEAST


def test_the_error_level_is_the_strongest_that_has_room() -> None:
    levels = [fit(Label("GX-00000000001", "A"), wide, wide).level for wide in (40, 15, 13.5)]
    assert levels == sorted(levels, key="hqml".index)
    assert levels[0] == "h"
    assert levels[-1] != "h"


def test_zpl_says_what_the_code_is_and_hides_what_is_a_command() -> None:
    wanted = labels(4)
    text = zpl([fit(one, 50, 25, 203, "byte") for one in wanted], 50, 25, 203)
    assert text.count("^XA") == text.count("^XZ") == 4
    assert text.count("^PW400^LL200") == 4
    codes = re.findall(r"\^BQN,2,(\d+)\^FH_\^FD([HQML])A,(.*?)\^FS", text)
    said = [re.sub(r"(?:_[0-9A-F]{2})+", _bytes, one[2]) for one in codes]
    assert said == [one.code for one in wanted]
    assert all(int(dots) * 25.4 / 203 >= LEAST for dots, _level, _data in codes)
    for name in (one.name for one in wanted):
        assert f"^FD{escaped(name)}^FS" in text
    assert escaped("^~_\\ñ") == "_5E_7E_5F_5C_C3_B1"
    for x, y in re.findall(r"\^FO(-?\d+),(-?\d+)", text):
        assert 0 <= int(x) < 400
        assert 0 <= int(y) < 200


def _bytes(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("_", "")).decode()


@pytest.mark.parametrize("language", ["en", "es"])
def test_codes_of_actions_are_read_as_what_they_do(language: str) -> None:
    sheet = SHEETS["L7163"]
    with translation.override(language):
        wanted = list(of_actions())
        data = sheets([fit(one, sheet.width, sheet.height) for one in wanted], sheet)
    read_again = [read(one) for one in scanned(data)]
    assert {one.kind for one in read_again} == {Kind.ACTION}
    assert len(read_again) == len(wanted)
    into = read(write(Kind.ACTION, "TO T ñ7"))
    assert (into.name, into.about) == ("TO", "T ñ7")


def test_lines_stay_within_the_padding() -> None:
    for wide, high in ((63.5, 38.1), (38.1, 21.2), (25.0, 40.0)):
        for one in labels(5, NAMES):
            fitted = fit(one, wide, high)
            for line in fitted.lines:
                assert line.x >= PADDING
                assert PADDING <= line.y <= high - PADDING
