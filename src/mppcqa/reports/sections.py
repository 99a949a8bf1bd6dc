"""Sections of reports: which there are, what packages add, and an institution's choice of them.

A kind declares its sections (`ReportKind.sections`). A package adds one by an entry point of the
group ``mppcqa.report_sections`` that names an `AddedSection`: it gets what the report is made of (a
view of `mppcqa.views`) and gives back texts, lists and charts; how they look is decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.plugins import gather, instance_of

if TYPE_CHECKING:
    from mppcqa.charts.plots import Plot
    from mppcqa.reports.look import Look

logger = logging.getLogger(__name__)
GROUP = "mppcqa.report_sections"
OFF = "-"
"""Before the key of a section that is left out, where a choice is kept."""
WITHIN = "device.stage"
"""Where the parts of each stage in a device's full report are chosen."""


@dataclass(frozen=True)
class Section:
    """A section that may be left out or moved."""

    key: str
    title: Any


@dataclass(frozen=True)
class Listed:
    """A list below its heads; each column as broad as its share says."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class AddedSection(Section):
    """A section that a package brings."""

    kinds: tuple[str, ...]
    """Keys of the kinds of reports that it stands in."""
    write: Callable[[Any], Sequence[str | Listed | Plot]]
    """What it says of a view, in the current language; nothing where it has nothing to say."""


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Kept = TypeVar("Kept", bound=_Keyed)


@cache
def added_sections() -> tuple[AddedSection, ...]:
    """Those of packages; one that can't be used is switched off."""
    return tuple(gather(GROUP, instance_of(AddedSection)))


def within_a_stage() -> tuple[Section, ...]:
    """What a stage says in a device's full report."""
    return (
        Section("judged", gettext_lazy("Judged quantities")),
        Section("problems", gettext_lazy("Not measured")),
        Section("whole", gettext_lazy("Values of the whole device")),
        Section("means", gettext_lazy("Means")),
        Section("charts", gettext_lazy("Charts")),
        Section("channels", gettext_lazy("Values by channel")),
    )


def chosen(kind: str, parts: Iterable[Kept], look: Look) -> list[Kept]:
    """Parts as an institution wants them; those that it says nothing of come last."""
    named = dict(look.sections).get(kind, ())
    there = list(parts)
    places = {key: n for n, key in enumerate(named)}
    shown = [one for one in there if OFF + one.key not in places]
    return sorted(shown, key=lambda one: places.get(one.key, len(places)))


def is_shown(kind: str, key: str, look: Look) -> bool:
    """Whether a section stands in a report at all."""
    return OFF + key not in dict(look.sections).get(kind, ())


def added_to(kind: str, view: Any) -> list[tuple[Section, list[Any]]]:
    """What packages say of a view, laid out; one that fails says so in its place."""
    return [(one, _laid_out(one, view)) for one in added_sections() if kind in one.kinds]


def _laid_out(section: AddedSection, view: Any) -> list[Any]:
    from mppcqa.charts.paper import figure
    from mppcqa.reports.document import WIDTH, paragraph
    from mppcqa.reports.rows import Rows, broken, shares

    story: list[Any] = []
    try:
        for piece in section.write(view):
            if isinstance(piece, str):
                story.append(paragraph(piece))
            elif isinstance(piece, Listed):
                widths = shares(*(piece.shares or [1.0] * len(piece.heads)))
                story.append(Rows(broken(piece.heads, piece.rows, widths)))
            else:
                story.append(figure(piece, whole=WIDTH))
    except Exception as error:
        logger.exception("the section %s of a report could not be written", section.key)
        return [paragraph(_("This section could not be written: %s") % str(error)[:300])]
    return story
