"""A table of measured values: checked as columns, and spooled as what the database takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.exchange.cells import Numbers, dates, numbers, texts
from mppcqa.exchange.device_lookup import DeviceLookup
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import (
    CONDITION_UNITS,
    CONDITIONS,
    ColumnMapping,
    Target,
    find_quantity,
)
from mppcqa.exchange.repeats import Repeats
from mppcqa.exchange.source import Chunk, Fault, Source
from mppcqa.exchange.spool import Spool
from mppcqa.exchange.units import factor
from mppcqa.stages import Condition, Quantity, Stage

SLACK = 5
FAULTS_A_CHUNK = 20_000
"""Faults of one kind that are told of one chunk; a wrong column would otherwise tell of all."""


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


class ValueTable:
    """Checks a table against a stage; `read` goes through all of it once."""

    def __init__(
        self, source: Source, mapping: ColumnMapping, stage: Stage, book: FaultBook, spool: Spool
    ) -> None:
        self.source, self.mapping, self.stage = source, mapping, stage
        self.book, self.spool = book, spool
        self.lookup = DeviceLookup()
        self.repeats = Repeats()
        self.counts = {"rows": 0, "values": 0, "empty": 0}
        self._place = {column.head: place for place, column in enumerate(source.columns)}
        self._targets = [
            (head, target)
            for head, target in mapping.columns.items()
            if target.to and head in self._place
        ]
        self._field = {t.to: head for head, t in self._targets if ":" not in t.to}
        self._declared = {quantity.key: quantity for quantity in stage.quantities}
        self._order = {key: place for place, key in enumerate(self._declared)}
        self._names: dict[str, Quantity | None] = {}
        self._conditions: dict[str, int] = {}
        self.conditions: list[Condition] = []
        self._factors = self._unit_factors()

    def _unit_factors(self) -> dict[str, float]:
        """Factor of each column to the stored unit; a unit that does not fit is a fault."""
        factors = {}
        for head, target in self._targets:
            column = self.source.columns[self._place[head]]
            given = target.unit or column.unit
            if target.quantity:
                stored = self._declared[target.quantity].unit
            elif target.to in CONDITION_UNITS:
                stored = CONDITION_UNITS[target.to]
            else:
                continue
            found = factor(given, stored)
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
            factors[head] = found or 1.0
        return factors

    def read(self, told: Callable[[int], None] = lambda rows: None) -> dict[str, int]:
        """Check all rows; what is good goes to the spool. Returns counts."""
        for chunk in self.source.chunks():
            self.book.extend(chunk.faults)
            if len(chunk):
                self._chunk(chunk)
            told(self.counts["rows"])
        for row, first in self.repeats.found():
            self.book.add(
                Fault(
                    row,
                    self._field["serial"],
                    _("the same device, channel, quantity and condition stand in row %d already")
                    % first,
                    _("Remove one of the two rows, or map the column that tells them apart."),
                )
            )
        return self.counts

    def _cells(self, chunk: Chunk, head: str) -> pa.Array:
        return chunk.cells[self._place[head]]

    def _numbers(self, chunk: Chunk, head: str) -> Numbers:
        found = numbers(self._cells(chunk, head), self.source.decimal)
        scale = self._factors.get(head, 1.0)
        if scale != 1.0:
            found = Numbers(found.value * scale, found.empty, found.broken, found.infinite)
        return found

    def _tell(self, rows: Rows, mask: NDArray[np.bool_], head: str, text: Any, remedy: str) -> None:
        """A fault for each marked row; `text` is the words or a function of the place."""
        places = np.flatnonzero(mask)
        for place in places[:FAULTS_A_CHUNK].tolist():
            what = text(place) if callable(text) else text
            self.book.add(Fault(int(rows.number[place]), head, what, remedy))
        self.book.count += max(0, len(places) - FAULTS_A_CHUNK)

    def _tell_numbers(self, rows: Rows, chunk: Chunk, head: str, found: Numbers) -> None:
        cells = self._cells(chunk, head)
        if found.broken.any():
            dated = dates(cells)
            self._tell(
                rows,
                found.broken & rows.good & dated,
                head,
                lambda at: _("“%s” is a date") % str(cells[at].as_py())[:10],
                _(
                    "The spreadsheet made a date of what was typed, and the number is lost: format "
                    "the column as numbers, and enter the cell again from its source."
                ),
            )
            self._tell(
                rows,
                found.broken & rows.good & ~dated,
                head,
                lambda at: _("“%s” is no number") % str(cells[at].as_py())[:60],
                _(
                    "In this table decimals stand after a comma: write it like 51,3, without marks "
                    "between thousands, or choose that they stand after a point."
                )
                if self.source.decimal == ","
                else _("Write it like 51.3 or 5.13e1, and the unit into the column's head."),
            )
        if found.infinite.any():
            self._tell(
                rows,
                found.infinite & rows.good,
                head,
                lambda at: _("%s is no measured value") % cells[at].as_py(),
                _("Leave the cell empty where nothing was measured."),
            )

    def _chunk(self, chunk: Chunk) -> None:
        rows = self._rows(chunk)
        self.counts["rows"] += len(chunk)
        wide = [(head, t) for head, t in self._targets if t.to.startswith("value:")]
        errors = {
            (t.quantity, t.channel, *(getattr(t, name) for name in CONDITIONS)): head
            for head, t in self._targets
            if t.to.startswith("uncertainty:")
        }
        for head, target in wide:
            key = (target.quantity, target.channel, *(getattr(target, n) for n in CONDITIONS))
            quantity = self._declared[target.quantity]
            places = np.full(len(chunk), self._order[quantity.key], np.int16)
            self._values(rows, chunk, head, errors.get(key), places, target)
        if {"quantity", "value"} <= self._field.keys():
            places = self._named(rows, chunk)
            self._values(
                rows, chunk, self._field["value"], self._field.get("uncertainty"), places, Target()
            )

    def _rows(self, chunk: Chunk) -> Rows:
        n = len(chunk)
        head = self._field["serial"]
        serials = pc.utf8_upper(texts(self._cells(chunk, head)))
        blank = np.ones(n, bool)
        for other, _target in self._targets:
            cells = texts(self._cells(chunk, other))
            blank &= pc.equal(cells, "").to_numpy(zero_copy_only=False)
            if not blank.any():
                break
        device, channels = self.lookup.find(serials)
        rows = Rows(chunk.rows, ~blank, device, channels, np.full(n, -1), {})
        unknown = (device < 0) & rows.good
        if unknown.any():
            empty = pc.equal(serials, "").to_numpy(zero_copy_only=False)
            self._tell(
                rows,
                unknown & ~empty,
                head,
                lambda at: _("%s is not registered") % str(serials[at].as_py())[:80],
                _("Register it first (Devices, Import), or mend the serial number."),
            )
            self._tell(
                rows,
                unknown & empty,
                head,
                _("the serial number is empty"),
                _("Write it into each row; of merged cells only the first has the text."),
            )
        rows.good &= device >= 0
        if "channel" in self._field:
            self._channel(rows, chunk)
        for name in CONDITIONS:
            if name in self._field:
                found = self._numbers(chunk, self._field[name])
                self._tell_numbers(rows, chunk, self._field[name], found)
                rows.good &= ~(found.broken | found.infinite)
                rows.conditions[name] = np.where(found.empty, np.nan, found.value)
        return rows

    def _channel(self, rows: Rows, chunk: Chunk) -> None:
        head = self._field["channel"]
        found = self._numbers(chunk, head)
        number = found.value - self.mapping.channels_from
        with np.errstate(invalid="ignore"):
            odd = ~found.empty & ~((number == np.floor(number)) & (number >= 0))
            odd |= ~found.empty & (number >= np.maximum(rows.channels, 1))
        odd &= rows.good
        cells = self._cells(chunk, head)
        first = self.mapping.channels_from
        if odd.any():
            self._tell(
                rows,
                odd,
                head,
                lambda at: (
                    _("the device has no channel “%(given)s”; it has %(first)d to %(last)d")
                    % {
                        "given": str(cells[at].as_py())[:30],
                        "first": first,
                        "last": first + int(rows.channels[at]) - 1,
                    }
                ),
                _("Say in the mapping whether channels count from 0 or from 1."),
            )
        rows.good &= ~odd
        rows.channel = np.where(found.empty | odd, -1, np.nan_to_num(number)).astype(np.int64)

    def _named(self, rows: Rows, chunk: Chunk) -> NDArray[np.int16]:
        """Place of each row's quantity, which it names; -1 for one that the stage has not."""
        head = self._field["quantity"]
        coded = pc.dictionary_encode(texts(self._cells(chunk, head)))
        names = coded.dictionary.to_pylist()
        for name in names:
            if name not in self._names:
                self._names[name] = self._declared.get(name) or find_quantity(name, self.stage)
        of_name = np.array(
            [-1 if (q := self._names[name]) is None else self._order[q.key] for name in names],
            np.int16,
        )
        places = of_name[coded.indices.to_numpy(zero_copy_only=False)]
        there = ", ".join(list(self._declared)[:12])
        cells = self._cells(chunk, head)
        self._tell(
            rows,
            (places < 0) & rows.good,
            head,
            lambda at: (
                _("the stage has no quantity “%(given)s”; it has: %(there)s")
                % {"given": str(cells[at].as_py())[:60], "there": there}
            ),
            _("Write the name as it stands there, or choose another stage."),
        )
        return places

    def _values(
        self,
        rows: Rows,
        chunk: Chunk,
        head: str,
        error_head: str | None,
        places: NDArray[np.int16],
        target: Target,
    ) -> None:
        """One column of values."""
        found = self._numbers(chunk, head)
        self._tell_numbers(rows, chunk, head, found)
        good = rows.good & (places >= 0) & ~(found.empty | found.broken | found.infinite)
        self.counts["empty"] += int((found.empty & rows.good).sum())
        uncertainty = np.full(len(chunk), np.nan)
        if error_head is not None:
            errors = self._numbers(chunk, error_head)
            self._tell_numbers(rows, chunk, error_head, errors)
            negative = good & (errors.value < 0)
            self._tell(
                rows,
                negative,
                error_head,
                _("an uncertainty is never negative"),
                _("Leave it empty where it is not known."),
            )
            good &= ~(errors.broken | errors.infinite | negative)
            uncertainty = np.where(errors.empty, np.nan, errors.value)
        good = self._possible(rows, head, places, found.value, uncertainty, good)
        channel, good = self._channels(rows, head, places, target, good)
        if not good.any():
            return
        condition = self._condition(rows, target, good)
        columns = (rows.device[good], places[good], channel[good], condition)
        self.repeats.add(rows.number[good], *columns)
        self.spool.add(*columns, found.value[good], uncertainty[good])
        self.counts["values"] += int(good.sum())

    def _possible(
        self,
        rows: Rows,
        head: str,
        places: NDArray[np.int16],
        value: NDArray[np.float64],
        uncertainty: NDArray[np.float64],
        good: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        quantities = list(self._declared.values())
        low = np.array([-math.inf if q.bounds[0] is None else q.bounds[0] for q in quantities])
        high = np.array([math.inf if q.bounds[1] is None else q.bounds[1] for q in quantities])
        slack = SLACK * np.nan_to_num(uncertainty)
        with np.errstate(invalid="ignore"):
            outside = good & ((value < low[places] - slack) | (value > high[places] + slack))
        self._tell(
            rows,
            outside,
            head,
            lambda at: (
                _("%(value)g %(unit)s lies outside what is possible")
                % {"value": value[at], "unit": quantities[places[at]].unit}
            ),
            _("Is it another unit? Name the column's unit in the mapping."),
        )
        return good & ~outside

    def _channels(
        self,
        rows: Rows,
        head: str,
        places: NDArray[np.int16],
        target: Target,
        good: NDArray[np.bool_],
    ) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Channel of each value: the column's, the row's, the device's only one, or the whole."""
        scopes = np.array([q.scope == "device" for q in self._declared.values()])
        channel = rows.channel.copy()
        if target.channel is not None:
            channel[:] = target.channel - self.mapping.channels_from
            beyond = good & ((channel >= rows.channels) | (channel < 0))
            self._tell(
                rows,
                beyond,
                head,
                lambda at: _("the device has %d channels only") % rows.channels[at],
                _("Say in the mapping whether channels count from 0 or from 1."),
            )
            good = good & ~beyond
        whole = scopes[places]
        channel = np.where(whole, -1, channel)
        only = ~whole & (channel < 0) & (rows.channels == 1)
        channel = np.where(only, 0, channel)
        lacking = good & ~whole & (channel < 0)
        self._tell(
            rows,
            lacking,
            head,
            lambda at: _("no channel is named, and the device has %d") % rows.channels[at],
            _("Map a column to the channel, or give this column a channel of its own."),
        )
        return channel.astype(np.int16), good & ~lacking

    def _condition(self, rows: Rows, target: Target, good: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Number of each good value's condition, in order of appearance in the file."""
        columns = []
        for name in CONDITIONS:
            own = getattr(target, name)
            if own is not None:
                columns.append(np.full(int(good.sum()), float(own)))
            elif name in rows.conditions:
                columns.append(rows.conditions[name][good])
            else:
                columns.append(np.full(int(good.sum()), np.nan))
        if all(np.isnan(column[0]) and np.isnan(column).all() for column in columns):
            return np.full(int(good.sum()), self._number([math.nan] * 4), np.int32)
        code = np.zeros(len(columns[0]), np.int64)
        levels = []
        for column in columns:
            values, inverse = np.unique(column, return_inverse=True)
            levels.append(values)
            code = code * len(values) + inverse
        codes, inverse = np.unique(code, return_inverse=True)
        found = np.empty(len(codes), np.int32)
        for at, one in enumerate(codes.tolist()):
            parts = []
            for values in reversed(levels):
                one, place = divmod(one, len(values))
                parts.append(float(values[place]))
            found[at] = self._number(parts[::-1])
        return found[inverse]

    def _number(self, values: list[float]) -> int:
        clean = [None if math.isnan(value) else float(f"{value:.6g}") for value in values]
        key = repr(clean)
        if key not in self._conditions:
            self._conditions[key] = len(self.conditions)
            self.conditions.append(Condition(**dict(zip(CONDITIONS, clean, strict=True))))
        return self._conditions[key]
