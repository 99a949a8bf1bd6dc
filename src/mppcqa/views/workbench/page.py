"""What all kinds of answer need: names of groups, and where their marks lead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.charts.counted import Counted
from mppcqa.columnar.questions import NONE, Measure, Questions
from mppcqa.inventory.scope import Viewer
from mppcqa.views.workbench.asked import EVERY, RANGES, Asked, range_names
from mppcqa.views.workbench.names import monday, names_of, point_names

Lead = Callable[[Asked, QueryDict], str]


@dataclass
class Answer:
    """What is shown: a chart (or none), and rows below their heads."""

    title: str
    chart: Any = None
    printed: Sequence[charts.Plot | Counted] = ()
    """What the chart shows, as paper has it: several are as wide as stand beside each other."""
    heads: list[tuple[str, str]] = field(default_factory=list)
    """Head of a column, and its class."""
    rows: list[list[Any]] = field(default_factory=list)
    """Cells: numbers, texts, or (text, address)."""
    facts: list[tuple[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    later: str = ""
    """Address of the rows after these."""
    devices: str = ""
    """Address of the list of devices that these values are of."""


@dataclass
class Page:
    """What all kinds of answer need."""

    asked: Asked
    measure: Measure
    questions: Questions
    viewer: Viewer
    lead: Lead | None = None
    """Where a mark leads instead of to the values behind it."""
    _addresses: dict[frozenset[str], str] = field(default_factory=dict, repr=False)

    @property
    def scale(self) -> float:
        return self.asked.shown(self.measure).scale

    @property
    def axis(self) -> charts.Scale:
        shown = self.asked.shown(self.measure)
        return charts.Scale(shown.title, shown.unit)

    def names(self, keys: Any) -> dict[Any, str]:
        by = self.asked.by
        if by == "point":
            found = point_names(self.measure.at)
            return {key: found.get(key, _("condition")) for key in keys}
        return names_of(by, keys, self.viewer)

    def link(self, group: Any = None, **more: Any) -> str:
        """The values of a group, in a range, at a place."""
        changed: dict[str, list[str]] = {}
        by = self.asked.by
        if by == "week" and group is not None:
            changed["since"] = [monday(group).isoformat()]
            changed["until"] = [(monday(group) + dt.timedelta(days=6)).isoformat()]
        elif by == "point":
            texts = {key: at.text for key, at in zip(
                point_names(self.measure.at), self.measure.at, strict=True)}  # fmt: skip
            changed["at"] = [texts[group]] if group in texts else []
        elif by:
            changed[by] = [str(NONE if group is None else group)]
        for name, value in more.items():
            changed[name] = [f"{value:.9g}" if isinstance(value, float) else str(value)]
        return self._led(changed)

    def range_link(self, along: Measure | None = None) -> str:
        """The values of all groups in a range that somebody draws: ``{low}`` to ``{high}``; and in
        one of another quantity, from ``{low2}`` to ``{high2}``."""
        changed = {"low": ["{low}"], "high": ["{high}"]}
        if along is not None:
            given = self.asked.given
            letter = next((one for one in RANGES if not given.get(f"{one}q")), RANGES[-1])
            name, at, low, high = range_names(letter)
            changed[name] = [str(along.quantity)]
            changed[at] = [one.text for one in along.at] or [EVERY]
            changed |= {low: ["{low2}"], high: ["{high2}"]}
        return self._led(changed)

    def days_link(self) -> str:
        """The values that were measured in weeks that somebody draws."""
        return self._led({"since": ["{low}"], "until": ["{high}"]})

    def devices_link(self) -> str:
        """The devices, each with its numbers."""
        given = self.asked.given.copy()
        for name in ("from", "as"):
            given.pop(name, None)
        given["kind"], given["by"] = "box", "device"
        return f"{reverse('workbench')}?{given.urlencode()}"

    def _led(self, changed: dict[str, list[str]]) -> str:
        """Where the values behind the answer are, with something of the question changed."""
        if self.lead is None:
            return self._begun(frozenset(changed)) + urlencode(changed, doseq=True)
        given = self._behind()
        for name, values in changed.items():
            given.setlist(name, values)
        return self.lead(self.asked, given)

    def _begun(self, changed: frozenset[str]) -> str:
        """The address up to what changes: each of hundreds of marks has one of its own."""
        if changed not in self._addresses:
            given = self._behind()
            for name in changed:
                given.pop(name, None)
            self._addresses[changed] = f"{reverse('workbench')}?{given.urlencode()}&"
        return self._addresses[changed]

    def _behind(self) -> QueryDict:
        given = self.asked.given.copy()
        for name in ("from", "as"):
            given.pop(name, None)
        given["kind"] = "values"
        return given
