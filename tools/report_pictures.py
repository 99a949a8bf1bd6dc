"""Pictures of the hardest reports, for people to look at (``make report-pictures``).

A sheet for each case, kind and paper, with up to two pages beside each other. What a picture
shows and no test can say, whether one would accept it, is for the person who looks.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGES = 2
SCALE = 1.1
COLOURS = 40
BOTH = ("en", "A4"), ("es", "letter")


def sheet(data: bytes, target: Path) -> None:
    """The first pages of a PDF beside each other."""
    document = pypdfium2.PdfDocument(data)
    pages = [document[n].render(scale=SCALE).to_pil() for n in range(min(PAGES, len(document)))]
    document.close()
    gap = 8
    width = sum(one.width + gap for one in pages) - gap
    whole = Image.new("RGB", (width, max(one.height for one in pages)), "#888888")
    x = 0
    for one in pages:
        whole.paste(one, (x, 0))
        x += one.width + gap
    palette = Image.Quantize.MAXCOVERAGE  # keeps the few that are seldom, such as a sign's
    whole.quantize(COLOURS, palette, dither=Image.Dither.NONE).save(target, optimize=True)


def main(folder: Path) -> None:
    """Draw all into a folder."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    import django

    django.setup()
    from django.utils.translation import override
    from tests.reports.hard import hard_views
    from tests.reports.hard_answers import hard_answers
    from tests.reports.hard_groups import hard_campaigns, hard_groups, hard_stations
    from tests.reports.hard_shipments import hard_shipments

    from mppcqa.public_address import PublicAddress
    from mppcqa.reports import (
        answer,
        campaign,
        certificate,
        certificates,
        device,
        group,
        packing,
        station,
    )

    address = PublicAddress("https://qa.example.org")
    folder.mkdir(parents=True, exist_ok=True)
    for name, view in hard_views().items():
        for language, paper in BOTH:
            with override(language):
                made = {
                    "device": device.lay_out(view, address, paper=paper),
                    "certificate": certificate.lay_out(view, address, paper),
                }
            for kind, data in made.items():
                stem = name.replace(" ", "-")
                sheet(data, folder / f"{kind}-{stem}-{language}-{paper}.png")
    many = {
        "group": {name: (group.lay_out, (one, "T")) for name, one in hard_groups().items()},
        "campaign": {name: (campaign.lay_out, (one,)) for name, one in hard_campaigns().items()},
        "station": {name: (station.lay_out, (one,)) for name, one in hard_stations().items()},
        "answer": {name: (answer.lay_out, (one,)) for name, one in hard_answers().items()},
        "packing": {name: (packing.lay_out, (one,)) for name, one in hard_shipments().items()},
    }
    for kind, cases in many.items():
        for name, (lay_out, arguments) in cases.items():
            for language, paper in BOTH:
                with override(language):
                    data = lay_out(*arguments, paper)
                sheet(data, folder / f"{kind}-{name.replace(' ', '-')}-{language}-{paper}.png")
    for language, paper in BOTH:
        with override(language):
            data = all_in_one(certificates, certificate, hard_views(), address, paper)
        sheet(data, folder / f"certificates-of-all-{language}-{paper}.png")


def all_in_one(
    certificates: Any, certificate: Any, views: dict[str, Any], address: Any, paper: str
) -> bytes:
    """Certificates of the hardest devices as one file."""
    bundle = certificates.Bundle("T-1", [one.serial for one in views.values()], paper)
    for one in views.values():
        bundle.add(certificate.story_of(one, address, paper), one.serial)
    with bundle.finished(views["waived"].registered_at) as file:
        data: bytes = file.read()
    return data


if __name__ == "__main__":
    main(ROOT / "docs" / "pictures" / "reports")
