"""By what rule devices are matched: the smallest sum of spreads, and what packages add.

A package adds one by an entry point of the group ``mppcqa.matching`` that names a `MatchingRule`.
What it gives back is looked at before anything is shown or reserved.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from mppcqa.plugins import gather, instance_of
from mppcqa.refused import Refused
from mppcqa.statistics.matching import Grouping, match

GROUP = "mppcqa.matching"
logger = logging.getLogger(__name__)


class Match(Protocol):
    """Finds groups; see `mppcqa.statistics.matching.match` for what it is given."""

    def __call__(
        self,
        values: NDArray[np.float64],
        size: int,
        *,
        groups: int | None,
        classes: Sequence[Any] | None,
        widest: float,
    ) -> Sequence[Sequence[int]]:
        """Groups of indices into the values."""


@dataclass(frozen=True)
class MatchingRule:
    """A rule by which devices are put into groups."""

    key: str
    title: Any
    match: Match


def _smallest(values: NDArray[np.float64], size: int, **asked: Any) -> list[list[int]]:
    return match(values, size, **asked).groups


SMALLEST = MatchingRule("spread", gettext_lazy("the smallest sum of spreads"), _smallest)


@cache
def rules() -> dict[str, MatchingRule]:
    """Every rule by its key: ours, then those of packages."""
    added = gather(GROUP, instance_of(MatchingRule), (SMALLEST.key,))
    return {one.key: one for one in (SMALLEST, *added)}


def grouped_by(
    rule: str,
    values: Sequence[float],
    size: int,
    *,
    groups: int | None = None,
    classes: Sequence[Any] | None = None,
    widest: float = float("inf"),
) -> Grouping:
    """The groups that a rule finds. Raises `Refused` where it fails, or breaks what was asked."""
    one = rules().get(rule)
    if one is None:
        raise Refused(_("There is no matching rule %r here; was its package removed?") % rule)
    x = np.asarray(values, float)
    try:
        made = one.match(x, size, groups=groups, classes=classes, widest=widest)
        found = [list(map(int, group)) for group in made]
    except Exception as error:
        if one is SMALLEST:
            raise
        logger.exception("the matching rule %s failed", rule)
        words = {"rule": one.title, "why": f"{type(error).__name__}: {error}"[:300]}
        raise Refused(_("The matching rule “%(rule)s” failed: %(why)s") % words) from None
    if fault := _fault(found, x, size, groups, classes, widest):
        words = {"rule": one.title, "why": fault}
        raise Refused(_("The matching rule “%(rule)s” gave no such groups: %(why)s") % words)
    ordered = [sorted(group, key=lambda i: x[i]) for group in found]
    return Grouping(ordered, _spreads(x, found))


def _spreads(x: NDArray[np.float64], groups: list[list[int]]) -> NDArray[np.float64]:
    return np.array([np.ptp(x[group]) if group else 0.0 for group in groups])


def _fault(
    found: list[list[int]],
    x: NDArray[np.float64],
    size: int,
    groups: int | None,
    classes: Sequence[Any] | None,
    widest: float,
) -> str:
    """What is wrong with groups; empty where nothing is."""
    members = [i for group in found for i in group]
    if any(len(group) != size for group in found):
        return _("a group has not the size that was asked for")
    if len(set(members)) != len(members) or not all(0 <= i < len(x) for i in members):
        return _("a device is in two groups, or was not among those to choose from")
    if groups is not None and len(found) > groups:
        return _("there are more groups than were asked for")
    if classes is not None and any(len({classes[i] for i in group}) > 1 for group in found):
        return _("a group is of devices that have not in common what they must")
    if any(_spreads(x, found) > widest):
        return _("a group is wider than allowed")
    return ""
