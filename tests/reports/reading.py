"""A PDF as its reader has it: text of each page, and what its codes say."""

from __future__ import annotations

import pypdfium2
import zxingcpp


def read(data: bytes) -> tuple[list[str], list[str]]:
    """Text of each page, and what the QR codes of the rendered pages say."""
    document = pypdfium2.PdfDocument(data)
    texts, codes = [], []
    for page in document:
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        image = page.render(scale=2).to_pil()
        codes += [code.text for code in zxingcpp.read_barcodes(image)]
        page.close()
    document.close()
    return texts, codes
