"""Measured values of a page that lead nowhere, for tests that walk the pages."""

from __future__ import annotations

from html.parser import HTMLParser

CELLS = ("td", "dd")
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class _Cells(HTMLParser):
    """Texts of table cells and of facts that hold no link and stand in none."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.led = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, _pairs: object) -> None:
        if tag in VOID:
            return
        if tag in CELLS:
            self.text, self.led = "", "a" in self.open
        self.led |= tag == "a"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag not in self.open:
            return
        while self.open.pop() != tag:
            pass
        if tag in CELLS and not self.led:
            self.found.append(" ".join(self.text.split()))

    def handle_data(self, text: str) -> None:
        self.text += text


def unled_values(page: str) -> list[str]:
    """What of a page's values with an uncertainty is no link.

    >>> unled_values("<td>1.2 ± 0.1</td><td><a href=x>2.3 ± 0.1</a></td><dd>word</dd>")
    ['1.2 ± 0.1']
    """
    cells = _Cells()
    cells.feed(page)
    return [text for text in cells.found if "±" in text]
