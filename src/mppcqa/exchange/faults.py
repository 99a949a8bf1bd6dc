"""All faults of a table: counted, the first ones kept, every one written to a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext as _

from mppcqa.disk import whole_file
from mppcqa.tables import Fault

SHOWN = 200
WRITTEN = 1_000_000
MARKS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """A text that a spreadsheet won't run as a formula."""
    return "'" + text if text.startswith(MARKS) else text


class FaultBook:
    """Collects faults; the file is CSV with row, column, what is wrong and what to do.

    Use it in a ``with`` statement: after it the file is there, and whole.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self.shown: list[Fault] = []
        self._whole = whole_file(path)

    def __enter__(self) -> Self:
        part = self._whole.__enter__()
        self._file = part.open("w", newline="", encoding="utf-8-sig")
        self._writer = csv.writer(self._file)
        self._writer.writerow([_("row"), _("column"), _("what is wrong"), _("what to do")])
        return self

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count > WRITTEN:
            self._writer.writerow(["", "", _("and %d more") % (self.count - WRITTEN), ""])
        self._file.close()
        self._whole.__exit__(kind, error, trace)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"row": one.row, "column": one.column, "what": one.what, "remedy": one.remedy}
            for one in sorted(self.shown, key=lambda one: one.row or 0)
        ]
