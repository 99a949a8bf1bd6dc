"""What reports there are: modules of `SHIPPED` with a ``KIND`` or ``KINDS``, and entry points.

A package adds one by an entry point of the group ``mppcqa.reports`` that names a `ReportKind`:
pages, tasks and the command line ask this list and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import IO, Any

from django.db import models
from django.utils.translation import gettext as _

from mppcqa.plugins import gather, instance_of
from mppcqa.public_address import PublicAddress
from mppcqa.reports.sections import WITHIN, Section, added_sections, within_a_stage

GROUP = "mppcqa.reports"
SHIPPED = (
    "certificate",
    "device",
    "packing",
    "groups",
    "campaign",
    "station",
    "certificates",
    "selection",
    "claim",
    "answer",
)


class UnknownReport(KeyError, ValueError):
    """There is no such kind of report; the message names those that there are."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Written:
    """A report that was laid out: the file, what it is called, and what it was made of."""

    data: bytes | IO[bytes]
    """The file; where it is large, one that was opened and goes when it is closed."""
    title: str
    inputs: dict[str, Any] = field(default_factory=dict)
    """Plain JSON that names what its numbers come from: analyses, files, limits."""

    def opened(self) -> IO[bytes]:
        """The file, from its begin; who takes it closes it."""
        if isinstance(self.data, bytes):
            return io.BytesIO(self.data)
        self.data.seek(0)
        return self.data


@dataclass(frozen=True)
class ReportKind:
    """A kind of report about rows of one model."""

    key: str
    title: Any
    model: str
    """What it is about, such as ``inventory.device``."""
    write: Callable[[Any, PublicAddress, str], Written]
    """Lays out one row as it stands now, in the current language, on ``A4`` or ``letter``."""
    place: int = 50
    """Where it stands among the others, where people choose."""
    sections: Callable[[], Sequence[Section]] = tuple
    """What an institution may leave out or move."""


@cache
def report_kinds() -> dict[str, ReportKind]:
    """All kinds by key, in the order in which people choose."""
    found: list[ReportKind] = []
    for name in SHIPPED:
        module = import_module(f"mppcqa.reports.{name}")
        found += getattr(module, "KINDS", None) or (module.KIND,)
    found += gather(GROUP, instance_of(ReportKind), [one.key for one in found])
    return {one.key: one for one in sorted(found, key=lambda one: (one.place, one.key))}


def find_kind(key: str) -> ReportKind:
    """The kind of a key; raises `UnknownReport`."""
    there = report_kinds()
    if key not in there:
        raise UnknownReport(
            _("There is no report “%(key)s”; there are: %(there)s.")
            % {"key": key, "there": ", ".join(there)}
        )
    return there[key]


def sections_of(kind: str) -> list[Section]:
    """The sections of a kind in the order in which they stand if nobody wants another."""
    if kind == WITHIN:
        return list(within_a_stage())
    own = find_kind(kind).sections
    return [*own(), *(one for one in added_sections() if kind in one.kinds)]


def kinds_about(model: type[models.Model]) -> list[ReportKind]:
    """The kinds that are about rows of a model."""
    return [one for one in report_kinds().values() if one.model == model._meta.label_lower]
