"""A proposed mapping with its reasons and doubts, and how headings become columns of one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mppcqa.tables.errors import TableError
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.rows import light_of
from mppcqa.tables.units import AMBIGUOUS, is_unit
from mppcqa.tables.words import say as _


@dataclass(frozen=True)
class Doubt:
    """What has to be answered; for a column without a unit, which it probably is."""

    text: str
    column: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Proposal:
    """A mapping that a file speaks for."""

    mapping: Mapping | None
    reasons: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    """What has to be answered first; empty where the proposal is certain."""

    @property
    def certain(self) -> bool:
        return self.mapping is not None and not self.doubts

    def with_unit(self, column: str, unit: str) -> Proposal:
        """The same once the unit of a column is known; raises `TableError` for one that is none."""
        if self.mapping is None or column not in {one.column for one in self.doubts if one.unit}:
            return self
        if not is_unit(unit):
            raise TableError(_("“%s” is no unit that is known") % unit)
        columns = tuple(
            replace(one, unit=unit) if column in (one.source, one.source.strip()) else one
            for one in self.mapping.columns
        )
        for one in columns:
            if one.conversion() is None:
                raise TableError(
                    _("“%(unit)s” is no unit of %(role)s") % {"unit": unit, "role": one.role}
                )
        doubts = [one for one in self.doubts if one.column != column]
        reason = _("“%(head)s” is in %(unit)s, as was said") % {"head": column, "unit": unit}
        return Proposal(replace(self.mapping, columns=columns), [*self.reasons, reason], doubts)


def says(heading: Heading, role: str) -> str:
    unit = f" [{heading.unit}]" if heading.unit else ""
    return _("“%(head)s” is the %(role)s%(unit)s") % {
        "head": heading.head,
        "role": role,
        "unit": unit,
    }


def source_of(headings: list[Heading], place: int) -> str:
    """How a mapping names a column: by its heading, or by its number where that is not unique."""
    head = headings[place].head
    several = [h.head for h in headings].count(head) > 1
    return str(place + 1) if several or head.isdigit() or head.startswith("#") else head


def by_conditions(headings: list[Heading], places: list[int]) -> list[tuple[int, int]]:
    """Columns of one channel at conditions of their own (T=20C, T=-20C; dark, light); else none."""
    said = [light_of(headings[p].name) | headings[p].conditions for p in places]
    different = {tuple(sorted(one.items())) for one in said}
    if len(places) < 2 or len(different) < len(places) or {} in said:
        return []
    return [(0, place) for place in places]


def channels_of(headings: list[Heading], places: list[int]) -> list[tuple[int, int]]:
    """Channel of each column: by the number in its heading, where all have one of their own.

    Those that begin with 1 count from 1; others are taken as they are. Columns of one channel at
    conditions of their own are all of channel 0.
    """
    if apart := by_conditions(headings, places):
        return apart
    if len(places) < 2 or not numbered(headings, places):
        return list(enumerate(places))
    numbers = [int(found[0]) for place in places
               if (found := re.search(r"\d+(?=\D*$)", headings[place].name))]  # fmt: skip
    if len(set(numbers)) < len(places) or max(numbers) >= 10_000:
        return list(enumerate(places))
    first = 1 if min(numbers) == 1 else 0
    return [(number - first, place) for number, place in zip(numbers, places, strict=True)]


SERIALS = re.compile(r"(?i)\b(?:s/?n|serial|barcode|id)\W*\d+|(?<!\d)(?:0\d{2,}|\d{4,})(?!\d)")


def serials_doubt(headings: list[Heading], places: list[int]) -> list[Doubt]:
    """Ask where columns are called by serial numbers, which are no channels of one device."""
    names = [headings[place].name for place in places]
    if len(names) < 2 or not all(map(SERIALS.search, names)):
        return []
    text = _(
        "the columns %(names)s are called by serial numbers: put the devices below one another "
        "with a column of serial numbers, or save each as a file"
    )
    return [Doubt(text % {"names": ", ".join(f"“{name}”" for name in names[:4])})]


def numbered(headings: list[Heading], places: list[int]) -> bool:
    """Whether headings differ by a number alone, as those of channels do."""
    names = [headings[place].name for place in places]
    bare = {re.sub(r"\d+", "", name) for name in names}
    return len(bare) == 1 and len(set(names)) == len(names)


def unit_doubt(heading: Heading, unit: str) -> list[Doubt]:
    """Ask for a unit that lacks, or that letters of one size leave open: MA may be mA."""
    if likely := AMBIGUOUS.get(heading.unit):
        text = _("“%(head)s”: %(unit)s may be another unit as well: is it %(likely)s?")
        said = {"head": heading.head, "unit": heading.unit, "likely": likely}
        return [Doubt(text % said, heading.head, likely)]
    if heading.unit:
        return []
    text = _("“%(head)s” has no unit: is it %(unit)s?") % {"head": heading.head, "unit": unit}
    return [Doubt(text, heading.head, unit)]


def only(places: list[int], but: list[int]) -> list[int]:
    return [place for place in places if place not in but]
