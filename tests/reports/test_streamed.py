"""Files of very many pages are written object by object, and need little memory."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tracemalloc
from typing import IO

import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from mppcqa.reports.archival import with_line_ends
from mppcqa.reports.streamed import Packed, write_out

PAGES = 20


def drawn(packed: Packed | None) -> Canvas:
    """Pages of 100 kB of drawing each."""
    canvas = Canvas(io.BytesIO(), invariant=1, pageCompression=1)
    for number in range(PAGES):
        canvas.bookmarkPage(f"p{number}")
        canvas.addOutlineEntry(f"Page {number}", f"p{number}")
        canvas.drawString(72, 720, f"page number {number}")
        canvas._code.append(f"{number} 0 m 500 500 l S " * 5000)
        canvas.linkRect("", "p0", (0, 0, 9, 9), F=4)
        canvas.showPage()
        if packed is not None:
            packed.page(canvas)
    return canvas


def streamed() -> IO[bytes]:
    packed = Packed()
    file = write_out(drawn(packed))
    packed.close()
    return file


def texts(data: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)]


def test_a_streamed_file_is_what_reportlab_writes_with_each_object_where_its_table_says() -> None:
    with streamed() as file, streamed() as again:
        data = file.read()
        assert data == again.read()
    theirs = with_line_ends(drawn(None).getpdfdata())
    assert texts(data) == texts(theirs)
    assert texts(data)[-1].strip() == f"page number {PAGES - 1}"
    found = re.search(rb"startxref\n(\d+)\n%%EOF", data)
    assert found is not None
    table = data[int(found[1]) :].split(b"\n")
    rows = table[3 : 2 + int(table[1].split()[1])]
    assert len(rows) > 3 * PAGES
    for number, row in enumerate(rows, 1):
        assert data[int(row[:10]) :].startswith(b"%d 0 obj\n" % number)
    assert not re.search(rb"[^\n]endstream", data)


def test_pages_are_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        with streamed():
            _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < PAGES * 60_000, f"{peak / 1e6:.1f} MB for {PAGES} pages of 100 kB"


def test_the_pages_addresses_load_no_library_of_charts_files_fits_or_questions() -> None:
    """They were 130 MB of each process that writes reports: a certificate carries addresses."""
    code = (
        "import sys; from mppcqa.cli import setup_django; setup_django();"
        "from mppcqa.reports.kinds import report_kinds; report_kinds();"
        "from mppcqa.stages import all_stages; all_stages();"
        "from mppcqa.project.urls import urlpatterns; assert urlpatterns;"
        "heavy = ('altair', 'vl_convert', 'uproot', 'awkward', 'duckdb', 'scipy.stats', 'iminuit');"
        "print([n for n in heavy if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
