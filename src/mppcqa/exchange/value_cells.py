"""The cells of a table of values as numbers in the stored units, and what is told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import Target
from mppcqa.stages import Stage
from mppcqa.tables import Chunk, Fault, Source
from mppcqa.tables.numbers import AMBIGUOUS, Numbers, dates, numbers
from mppcqa.tables.units import Conversion, conversion

FAULTS_A_CHUNK = 20_000
"""Faults of one kind that are told of one chunk; a wrong column would otherwise tell of all."""
LIMITS_TOLD = 20


@dataclass
class Rows:
    """What is common to all values of a chunk's rows, arrays [n]."""

    number: NDArray[np.int64]
    good: NDArray[np.bool_]
    device: NDArray[np.int32]
    channels: NDArray[np.int32]
    """How many channels the device has."""
    channel: NDArray[np.int64]
    """Channel as the file has it less its first number; -1 where it names none."""
    conditions: dict[str, NDArray[np.float64]]


class ValueCells:
    """Numbers of a table's columns; what can't be used goes to the book of faults."""

    def __init__(
        self,
        source: Source,
        targets: Sequence[tuple[str, Target]],
        stage: Stage,
        book: FaultBook,
    ) -> None:
        units = {one.key: one.unit for one in stage.axes}
        units |= {one.key: one.unit for one in stage.quantities}
        self.source, self.book = source, book
        self._targets = dict(targets)
        self._quantities = list(stage.quantities)
        self.place = {column.head: place for place, column in enumerate(source.columns)}
        self._unit_of_values = {
            (target.quantity, target.channel, target.at): self._unit(head, target)
            for head, target in targets
            if target.quantity and not target.is_uncertainty
        }
        self._conversions = {
            head: found
            for head, target in targets
            if (found := self._conversion(head, target, units)) is not None
        }
        self._nothing: Counter[str] = Counter()
        self._limits: list[tuple[int, str, str]] = []
        self._limit_count = 0

    def _unit(self, head: str, target: Target) -> str:
        """The unit of a column, as mapping or heading say it."""
        return target.unit or self.source.columns[self.place[head]].unit

    def _conversion(self, head: str, target: Target, units: dict[str, str]) -> Conversion | None:
        """From a column's unit to the stored one; a unit that does not fit is a fault."""
        given = self._unit(head, target)
        if not given and target.is_uncertainty:
            # An error beside values in millivolts is in millivolts.
            given = self._unit_of_values.get((target.quantity, target.channel, target.at), "")
        stored = units.get(target.quantity or target.to)
        if stored is None:
            return None
        found = conversion(given, stored, difference=target.is_uncertainty)
        if found is None:
            text = _("the unit %(given)s is not that of the quantity (%(stored)s)")
            self.book.add(
                Fault(
                    None,
                    head,
                    text % {"given": given, "stored": stored or _("none")},
                    _("Name the column's unit in the mapping, or choose another quantity."),
                )
            )
        return found or Conversion()

    def cells(self, chunk: Chunk, head: str) -> pa.Array:
        """A column as it stands."""
        return chunk.cells[self.place[head]]

    def numbers(self, chunk: Chunk, head: str) -> Numbers:
        """A column in the stored unit."""
        column = self.source.columns[self.place[head]]
        found = numbers(self.cells(chunk, head), column.decimal)
        change = self._conversions.get(head)
        return found.changed(change.factor, change.offset) if change else found

    def named(self, rows: Rows, chunk: Chunk, head: str, places: NDArray[np.int16]) -> Numbers:
        """A column whose rows name their quantities (`places`), each in its quantity's unit."""
        found = numbers(self.cells(chunk, head), self.source.columns[self.place[head]].decimal)
        target = self._targets[head]
        given = self._unit(head, target)
        if not given and target.is_uncertainty:
            values = ((one, t) for one, t in self._targets.items() if t.to == "value")
            given = next((self._unit(one, t) for one, t in values), "")
        if not given:
            return found
        factor, offset = np.ones(len(chunk)), np.zeros(len(chunk))
        for place in np.unique(places[places >= 0]).tolist():
            due, mine = self._quantities[place].unit, places == place
            change = conversion(given, due, difference=target.is_uncertainty)
            if change is None:
                text = _("the unit %(given)s is not that of the quantity (%(stored)s)")
                told = text % {"given": given, "stored": due or _("none")}
                remedy = _("Name the column's unit in the mapping, or choose another quantity.")
                self.tell(rows, mine & rows.good & ~found.empty, head, told, remedy)
                factor[mine] = np.nan  # what is of no unit is no value
            else:
                factor[mine], offset[mine] = change.factor, change.offset
        return found.changed(factor, offset)

    def tell(self, rows: Rows, mask: NDArray[np.bool_], head: str, text: Any, remedy: str) -> None:
        """A fault for each marked row; `text` is the words or a function of the place."""
        places = np.flatnonzero(mask)
        for place in places[:FAULTS_A_CHUNK].tolist():
            what = text(place) if callable(text) else text
            self.book.add(Fault(int(rows.number[place]), head, what, remedy))
        self.book.count += max(0, len(places) - FAULTS_A_CHUNK)

    def tell_numbers(self, rows: Rows, chunk: Chunk, head: str, found: Numbers) -> None:
        """What can't be used of a column: faults, and what was left out."""
        cells = self.cells(chunk, head)
        self._remember(rows, cells, head, found)
        if found.broken.any():
            dated = dates(cells)
            self.tell(
                rows,
                found.broken & rows.good & dated,
                head,
                lambda at: _("“%s” is a date") % str(cells[at].as_py())[:10],
                _(
                    "The spreadsheet made a date of what was typed, and the number is lost: format "
                    "the column as numbers, and enter the cell again from its source."
                ),
            )
            self.tell(
                rows,
                found.broken & rows.good & ~dated,
                head,
                lambda at: _("“%s” is no number") % str(cells[at].as_py())[:60],
                self._remedy(head),
            )
        if found.infinite.any():
            self.tell(
                rows,
                found.infinite & rows.good,
                head,
                lambda at: _("%s is no measured value") % cells[at].as_py(),
                _("Leave the cell empty where nothing was measured."),
            )

    def _remedy(self, head: str) -> str:
        decimal = self.source.columns[self.place[head]].decimal
        if decimal == AMBIGUOUS:
            return _(
                "Its comma or point may stand before decimals or between thousands: say which "
                "sign decimals have."
            )
        if decimal == ",":
            return _(
                "In this table decimals stand after a comma: write it like 51,3, without marks "
                "between thousands, or choose that they stand after a point."
            )
        return _("Write it like 51.3 or 5.13e1, and the unit into the column's head.")

    def _remember(self, rows: Rows, cells: pa.Array, head: str, found: Numbers) -> None:
        for place in np.flatnonzero(found.word & rows.good).tolist():
            self._nothing[str(cells[place].as_py()).strip()[:30]] += 1
        limits = np.flatnonzero(found.limit & rows.good)
        self._limit_count += len(limits)
        for place in limits[: max(0, LIMITS_TOLD - len(self._limits))].tolist():
            row = int(rows.number[place])
            self._limits.append((row, head, str(cells[place].as_py()).strip()[:40]))

    def notes(self) -> list[str]:
        """What was taken for nothing, and which cells are limits."""
        notes = []
        if self._nothing:
            words = ", ".join(f"“{word}”" for word, _n in self._nothing.most_common(8))
            notes.append(
                _("%(n)d cells say that nothing was measured (%(words)s); they are left empty.")
                % {"n": self._nothing.total(), "words": words}
            )
        for row, head, text in self._limits:
            notes.append(
                _(
                    "Row %(row)d, %(head)s: “%(text)s” is a limit; of a value it is kept as one, "
                    "elsewhere it is left out."
                )
                % {"row": row, "head": head, "text": text}
            )
        if self._limit_count > len(self._limits):
            notes.append(_("So are %d more limits.") % (self._limit_count - len(self._limits)))
        return notes
