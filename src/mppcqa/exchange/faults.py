"""All faults of a table: counted, the first ones kept, every one written to a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.exchange.source import Fault

SHOWN = 200
WRITTEN = 1_000_000
MARKS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """A text that a spreadsheet won't run as a formula."""
    return "'" + text if text.startswith(MARKS) else text


class FaultBook:
    """Collects faults; the file is CSV with row, column, what is wrong and what to do."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self.shown: list[Fault] = []
        self._file = path.open("w", newline="", encoding="utf-8-sig")
        self._writer = csv.writer(self._file)
        self._writer.writerow([_("row"), _("column"), _("what is wrong"), _("what to do")])

    def add(self, fault: Fault) -> None:
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(fault)
        if self.count <= WRITTEN:
            row = "" if fault.row is None else str(fault.row)
            cells = [row, fault.column, fault.what, fault.remedy]
            self._writer.writerow([harmless(cell) for cell in cells])

    def extend(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.add(fault)

    def close(self) -> None:
        if self.count > WRITTEN:
            self._writer.writerow(["", "", _("and %d more") % (self.count - WRITTEN), ""])
        self._file.close()

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"row": one.row, "column": one.column, "what": one.what, "remedy": one.remedy}
            for one in sorted(self.shown, key=lambda one: one.row or 0)
        ]
