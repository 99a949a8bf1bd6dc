"""A certificate that something was spilled on still says which device it is of."""

from __future__ import annotations

import math
import random

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from mppcqa.public_address import PublicAddress
from mppcqa.reports.certificate import lay_out
from mppcqa.reports.document import BOTTOM, HEIGHTS, PAPERS, WIDTH
from tests.reports.hard import hard_views

RESOLUTION = 150
PART, PLACES, LEAST = 0.15, 60, 58
"""Of the printed area that one blot covers, places that were tried, and how many must be read."""


def blotted(page: Image.Image, paper: str, seed: int) -> Image.Image:
    """A page with a black disc whose middle is anywhere in the printed area."""
    chance = random.Random(seed)  # noqa: S311
    scale, high = RESOLUTION / 72, HEIGHTS[paper]
    radius = math.sqrt(PART * WIDTH * high / math.pi)
    left = (PAPERS[paper][0] - WIDTH) / 2
    x = chance.uniform(left, left + WIDTH)
    y = PAPERS[paper][1] - chance.uniform(BOTTOM, BOTTOM + high)
    box = [scale * one for one in (x - radius, y - radius, x + radius, y + radius)]
    spoiled = page.copy()
    ImageDraw.Draw(spoiled).ellipse(box, fill=0)
    return spoiled


@pytest.mark.parametrize(("name", "paper"), [("waived", "A4"), ("300 signs", "letter")])
def test_the_identity_is_read_in_spite_of_a_blot(name: str, paper: str) -> None:
    view = hard_views()[name]
    document = pypdfium2.PdfDocument(lay_out(view, PublicAddress("https://qa.example.org"), paper))
    page = document[0].render(scale=RESOLUTION / 72).to_pil().convert("L")
    document.close()
    wanted = PublicAddress("https://qa.example.org").of_device(view.serial)
    read = sum(
        any(one.text == wanted for one in zxingcpp.read_barcodes(blotted(page, paper, seed)))
        for seed in range(PLACES)
    )
    assert read >= LEAST
