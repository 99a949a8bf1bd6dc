"""Delivery lists with a row a channel: rows of one device that follow each other become one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.inventory.serials import normal_serial
from mppcqa.tables import Fault
from mppcqa.tables.channel_names import channel_number

UNIT_AT_END = re.compile(r"^(.*?)(\s*(?:\[[^\]]*\]|\([^)]*\)))?$", re.DOTALL)
Row = dict[str, Any]


class ByChannel:
    """Gathers rows; a device is whole once another follows, so the last is held back.

    A device of which a row is wrong comes out as faults alone: with that row left out, it would
    lack a channel, or have the value of a row that was refused. `heads` is what the file calls its
    columns. Where a device has one row, its channel stays what the maker said of it.
    """

    def __init__(self, heads: dict[str, str]) -> None:
        self.heads = heads
        self.faults: list[Fault] = []
        """What is wrong with the devices that came out last."""
        self._rows: list[Row] = []
        self._numbers: list[int] = []
        self._broken: set[int] = set()
        self._seen: dict[str, int] = {}

    def take(
        self,
        rows: Sequence[Row],
        numbers: Sequence[int],
        broken: Iterable[int | None] = (),
        *,
        last: bool = False,
    ) -> tuple[list[Row], list[int]]:
        """Devices that are whole now, each with the number of its first row.

        `broken` are numbers of rows that the file's reader found fault with, whether they are
        among `rows` or could not be read at all.
        """
        self.faults = []
        self._broken |= {number for number in broken if number is not None}
        found: list[Row] = []
        at: list[int] = []
        for row, number in zip(rows, numbers, strict=True):
            if self._rows and not self._same(row):
                self._whole(found, at)
            self._rows.append(row)
            self._numbers.append(number)
        if last and self._rows:
            self._whole(found, at)
        return found, at

    def _same(self, row: Row) -> bool:
        serial = _serial(row)
        return bool(serial) and _serial(self._rows[0]) == serial

    def _whole(self, found: list[Row], at: list[int]) -> None:
        rows, numbers = self._rows, self._numbers
        self._rows, self._numbers = [], []
        before = len(self.faults)
        whole, *others = [{key: row[key] for key in row if key != "channel"} for row in rows]
        serial, first = _serial(whole), numbers[0]
        if serial and serial in self._seen:
            text = _("the serial number %(serial)s stands in row %(row)d already")
            remedy = _("Rows of one device follow each other: sort the table by serial number.")
            told = text % {"serial": serial, "row": self._seen[serial]}
            self._fault(first, "serial", told, remedy)
        self._seen.setdefault(serial, first)
        if others:
            whole["maker_values"] = self._values(rows, numbers)
            for other, number in zip(others, numbers[1:], strict=True):
                self._compare(whole, other, first, number)
        elif said := rows[0].get("channel"):
            whole["maker_values"] = {self.heads["channel"]: said, **whole.get("maker_values", {})}
        # Whose a row is that could not be read nobody knows: of the device before it, or after.
        near = [n for n in range(first - 1, numbers[-1] + 2) if n in self._broken]
        if near:
            if first not in near:
                text = _("row %d is wrong and may be of the same device, so it is left out whole")
                self._fault(first, "serial", text % near[0])
        elif len(self.faults) == before:
            found.append(whole)
            at.append(first)

    def _values(self, rows: Sequence[Row], numbers: Sequence[int]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first: dict[int, int] = {}
        for row, number in zip(rows, numbers, strict=True):
            said = str(row.get("channel", ""))
            channel = channel_number(said)
            if channel is None:
                text = _("“%s” names no channel, and the device has several rows")
                self._fault(number, "channel", text % said)
                continue
            if channel in first:
                text = _("channel %(channel)d of %(serial)s stands in row %(row)d already")
                told = {"channel": channel, "serial": _serial(row), "row": first[channel]}
                self._fault(number, "channel", text % told)
            first.setdefault(channel, number)
            for heading, value in row.get("maker_values", {}).items():
                values[of_channel(heading, channel)] = value
        return values

    def _compare(self, whole: Row, other: Row, first: int, number: int) -> None:
        """What a device has once can't differ from row to row."""
        for key in sorted((set(whole) | set(other)) - {"maker_values", "serial"}):
            if whole.get(key) != other.get(key):
                text = _("“%(here)s” here and “%(there)s” in row %(row)d, of the same device")
                told = {"here": other.get(key, ""), "there": whole.get(key, ""), "row": first}
                self._fault(number, key, text % told)

    def _fault(self, number: int, column: str, text: str, remedy: str = "") -> None:
        self.faults.append(Fault(number, self.heads.get(column, column), text, remedy))


def of_channel(heading: str, channel: int) -> str:
    """A heading of one channel, its unit last.

    >>> of_channel("Vop [V]", 3), of_channel("Id", 12)
    ('Vop ch3 [V]', 'Id ch12')
    """
    found = UNIT_AT_END.match(heading)
    name, unit = (found[1], found[2] or "") if found else (heading, "")
    return f"{name} ch{channel}{unit}"


def _serial(row: Row) -> str:
    return normal_serial(row.get("serial"))
