"""A table of measured values: checked as columns, and spooled as what the database takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.exchange.device_lookup import DeviceLookup
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import UNCERTAINTIES, ColumnMapping, Target, find_quantity
from mppcqa.exchange.repeats import Repeats
from mppcqa.exchange.spool import Spool
from mppcqa.exchange.value_cells import Rows, ValueCells
from mppcqa.inventory.scope import Viewer
from mppcqa.stages import Condition, Quantity, Stage
from mppcqa.stages.numbers import ABOVE, BELOW
from mppcqa.tables import Chunk, Fault, Source
from mppcqa.tables.numbers import Numbers, texts
from mppcqa.tables.ranges import implausible

SLACK = 5
SIDES = {"": 0, "<": BELOW, ">": ABOVE}


class ValueTable:
    """Checks a table against a stage; `read` goes through all of it once."""

    def __init__(
        self,
        source: Source,
        mapping: ColumnMapping,
        stage: Stage,
        book: FaultBook,
        spool: Spool,
        viewer: Viewer = None,
    ) -> None:
        self.source, self.mapping, self.stage = source, mapping, stage
        self.book, self.spool = book, spool
        self.lookup = DeviceLookup(viewer)
        self.repeats = Repeats()
        self.counts = {"rows": 0, "values": 0, "empty": 0}
        there = {column.head for column in source.columns}
        self._targets = [
            (head, target)
            for head, target in mapping.columns.items()
            if target.to and head in there
        ]
        self._field = {t.to: head for head, t in self._targets if ":" not in t.to}
        self._axes = {axis.key: axis for axis in stage.axes}
        self._declared = {quantity.key: quantity for quantity in stage.quantities}
        self._order = {key: place for place, key in enumerate(self._declared)}
        self._names: dict[str, Quantity | None] = {}
        self._conditions: dict[str, int] = {}
        self.conditions: list[Condition] = []
        self.cells = ValueCells(source, self._targets, stage, book)

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

    def _chunk(self, chunk: Chunk) -> None:
        rows = self._rows(chunk)
        self.counts["rows"] += len(chunk)
        wide = [(head, t) for head, t in self._targets if t.to.startswith("value:")]
        errors: dict[tuple[Any, ...], dict[str, str]] = {}
        for head, t in self._targets:
            if t.is_uncertainty and t.quantity:
                own = errors.setdefault((t.quantity, t.channel, t.at), {})
                own[t.to.partition(":")[0]] = head
        for head, target in wide:
            key = (target.quantity, target.channel, target.at)
            quantity = self._declared[target.quantity]
            places = np.full(len(chunk), self._order[quantity.key], np.int16)
            read = partial(self.cells.numbers, chunk)
            self._values(rows, chunk, head, errors.get(key, {}), places, target, read)
        if {"quantity", "value"} <= self._field.keys():
            places = self._named(rows, chunk)
            heads = {kind: self._field[kind] for kind in UNCERTAINTIES if kind in self._field}
            read = partial(self.cells.named, rows, chunk, places=places)
            self._values(rows, chunk, self._field["value"], heads, places, Target(), read)

    def _rows(self, chunk: Chunk) -> Rows:
        n = len(chunk)
        head = self._field["serial"]
        serials = pc.utf8_upper(texts(self.cells.cells(chunk, head)))
        blank = np.ones(n, bool)
        for other, _target in self._targets:
            cells = texts(self.cells.cells(chunk, other))
            blank &= pc.equal(cells, "").to_numpy(zero_copy_only=False)
            if not blank.any():
                break
        device, channels = self.lookup.find(serials)
        rows = Rows(chunk.rows, ~blank, device, channels, np.full(n, -1), {})
        unknown = (device < 0) & rows.good
        if unknown.any():
            empty = pc.equal(serials, "").to_numpy(zero_copy_only=False)
            self.cells.tell(
                rows,
                unknown & ~empty,
                head,
                lambda at: _("%s is not registered") % str(serials[at].as_py())[:80],
                _("Register it first (Devices, Import), or mend the serial number."),
            )
            self.cells.tell(
                rows,
                unknown & empty,
                head,
                _("the serial number is empty"),
                _("Write it into each row; of merged cells only the first has the text."),
            )
        rows.good &= device >= 0
        if "channel" in self._field:
            self._channel(rows, chunk)
        for name in self._axes:
            if name in self._field:
                found = self.cells.numbers(chunk, self._field[name])
                self.cells.tell_numbers(rows, chunk, self._field[name], found)
                odd = self._odd_conditions(rows, name, found.value)
                rows.good &= ~(found.broken | found.infinite | found.limit | odd)
                rows.conditions[name] = np.where(found.empty, np.nan, found.value)
        return rows

    def _odd_conditions(
        self, rows: Rows, name: str, value: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Which rows have a condition that can't be so; each is a fault."""
        different = {one: implausible(name, one) for one in np.unique(value).tolist()}
        odd = np.isin(value, [one for one, why in different.items() if why])
        self.cells.tell(
            rows,
            odd & rows.good,
            self._field[name],
            lambda at: different[float(value[at])],
            _("Name the column's unit in its heading, as in “T [K]”, or in the mapping."),
        )
        return odd

    def _channel(self, rows: Rows, chunk: Chunk) -> None:
        head = self._field["channel"]
        found = self.cells.numbers(chunk, head)
        number = found.value - self.mapping.channels_from
        with np.errstate(invalid="ignore"):
            odd = ~found.empty & ~((number == np.floor(number)) & (number >= 0))
            odd |= ~found.empty & (number >= np.maximum(rows.channels, 1))
        odd &= rows.good
        cells = self.cells.cells(chunk, head)
        first = self.mapping.channels_from
        if odd.any():
            self.cells.tell(
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
        coded = pc.dictionary_encode(texts(self.cells.cells(chunk, head)))
        names = coded.dictionary.to_pylist()
        for name in names:
            if name not in self._names:
                self._names[name] = self._declared.get(name) or find_quantity(name, self.stage)
        of_name = np.array(
            [-1 if (q := self._names[name]) is None else self._order[q.key] for name in names],
            np.int16,
        )
        places: NDArray[np.int16] = of_name[coded.indices.to_numpy(zero_copy_only=False)]
        there = ", ".join(list(self._declared)[:12])
        cells = self.cells.cells(chunk, head)
        self.cells.tell(
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
        error_heads: Mapping[str, str],
        places: NDArray[np.int16],
        target: Target,
        read: Callable[[str], Numbers],
    ) -> None:
        """One column of values; `read` gives a column in the units of their quantities."""
        found = read(head)
        self.cells.tell_numbers(rows, chunk, head, found)
        good = rows.good & (places >= 0)
        value, bound, odd_bound = self._bounds(rows, chunk, found, target)
        good &= ~(found.empty | found.broken | found.infinite | odd_bound) & ~np.isnan(value)
        self.counts["empty"] += int((found.empty & rows.good).sum())
        statistical, unusable = self._uncertainty(rows, chunk, error_heads.get("statistical"), read)
        systematic, odd = self._uncertainty(
            rows, chunk, error_heads.get("systematic"), read, least=0
        )
        # A limit has no uncertainty: how far below it the value lies nobody knows.
        statistical = np.where(bound == 0, statistical, np.nan)
        systematic = np.where(bound == 0, np.nan_to_num(systematic), 0.0)
        total = np.hypot(np.nan_to_num(statistical), systematic)
        good = self._possible(rows, head, places, value, total, good) & ~unusable & ~odd
        channel, good = self._channels(rows, head, places, target, good)
        if not good.any():
            return
        condition = self._condition(rows, target, good)
        columns = (rows.device[good], places[good], channel[good], condition)
        self.repeats.add(rows.number[good], *columns)
        self.spool.add(*columns, value[good], statistical[good], systematic[good], bound[good])
        self.counts["values"] += int(good.sum())

    def _bounds(
        self, rows: Rows, chunk: Chunk, found: Numbers, target: Target
    ) -> tuple[NDArray[np.float64], NDArray[np.int8], NDArray[np.bool_]]:
        """Values with the limits among them, their bounds, and which of these can't be read."""
        n = len(chunk)
        value, bound = found.value, np.zeros(n, np.int8)
        if len(found.side):
            value, bound = np.where(found.limit, found.at, found.value), found.side.copy()
        odd = np.zeros(n, bool)
        if "bound" in self._field and not target.to:
            head = self._field["bound"]
            cells = texts(self.cells.cells(chunk, head)).to_pylist()
            told = [SIDES.get(cell) for cell in cells]
            odd = np.array([one is None for one in told], bool)
            self.cells.tell(
                rows,
                odd & rows.good,
                head,
                lambda at: _("“%s” is no bound") % str(cells[at])[:30],
                _("Write < or > beside a limit, and nothing beside a value."),
            )
            own = np.array([one or 0 for one in told], np.int8)
            bound = np.where(own != 0, own, bound).astype(np.int8)
        return value, bound, odd

    def _uncertainty(
        self,
        rows: Rows,
        chunk: Chunk,
        head: str | None,
        read: Callable[[str], Numbers],
        *,
        least: float | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Uncertainties of a column of values, NaN where there is none; which can't be used.

        Where 0 may stand (no systematic uncertainty), it is the `least`.
        """
        if head is None:
            return np.full(len(chunk), np.nan), np.zeros(len(chunk), bool)
        errors = read(head)
        self.cells.tell_numbers(rows, chunk, head, errors)
        wrong = errors.value <= 0 if least is None else errors.value < least
        impossible = rows.good & wrong
        self.cells.tell(
            rows,
            impossible,
            head,
            _("an uncertainty is never zero or negative")
            if least is None
            else _("an uncertainty is never negative"),
            _("Leave it empty where it is not known."),
        )
        unusable = errors.broken | errors.infinite | impossible
        return np.where(errors.empty | errors.limit | unusable, np.nan, errors.value), unusable

    def _possible(
        self,
        rows: Rows,
        head: str,
        places: NDArray[np.int16],
        value: NDArray[np.float64],
        total: NDArray[np.float64],
        good: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        quantities = list(self._declared.values())
        low = np.array([-math.inf if q.bounds[0] is None else q.bounds[0] for q in quantities])
        high = np.array([math.inf if q.bounds[1] is None else q.bounds[1] for q in quantities])
        slack = SLACK * total
        with np.errstate(invalid="ignore"):
            outside = good & ((value < low[places] - slack) | (value > high[places] + slack))
        self.cells.tell(
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
            self.cells.tell(
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
        self.cells.tell(
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
        for name in self._axes:
            own = target.at.get(name)
            if own is not None:
                columns.append(np.full(int(good.sum()), float(own)))
            elif name in rows.conditions:
                columns.append(rows.conditions[name][good])
            else:
                columns.append(np.full(int(good.sum()), np.nan))
        if all(np.isnan(column[0]) and np.isnan(column).all() for column in columns):
            return np.full(int(good.sum()), self._number([math.nan] * len(self._axes)), np.int32)
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
        known = zip(self._axes, values, strict=True)
        text = Condition({key: value for key, value in known if not math.isnan(value)}).text
        if text not in self._conditions:
            self._conditions[text] = len(self.conditions)
            self.conditions.append(Condition.of_text(text))
        return self._conditions[text]
