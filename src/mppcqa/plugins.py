"""What packages add to the house: found by entry points, checked, switched off by itself.

A room that can be added to names a group of entry points and asks `gather` for what is installed.
What can't be used is named in the log, on *About* and by ``mppcqa plugins``; everything else goes
on. `HOOKS` lists the groups, for those who look at all of them.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger(__name__)
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Hook:
    """A group of entry points."""

    group: str
    what: str
    """What one of it is, in English."""
    names: str
    """What an entry point names: module and class."""
    asked: str
    """Module and function that load all of it; by name, as they lie in the rooms above."""


HOOKS = {
    one.group: one
    for one in (
        Hook("mppcqa.stages", "stage", "mppcqa.stages.Stage", "mppcqa.stages.registry:all_stages"),
        Hook(
            "mppcqa.records",
            "kind of record",
            "mppcqa.stages.records.RecordKind",
            "mppcqa.stages.records:record_kinds",
        ),
        Hook(
            "mppcqa.readers",
            "reader of files",
            "mppcqa.tables.formats.Format",
            "mppcqa.tables.formats:formats",
        ),
        Hook(
            "mppcqa.writers",
            "export format",
            "mppcqa.exchange.writers.Writer",
            "mppcqa.exchange.writers:writers",
        ),
        Hook(
            "mppcqa.campaigns",
            "campaign's database",
            "mppcqa.exchange.campaigns.Database",
            "mppcqa.exchange.campaigns:databases",
        ),
        Hook(
            "mppcqa.reports",
            "report",
            "mppcqa.reports.kinds.ReportKind",
            "mppcqa.reports.kinds:report_kinds",
        ),
        Hook(
            "mppcqa.report_sections",
            "section of reports",
            "mppcqa.reports.sections.AddedSection",
            "mppcqa.reports.sections:added_sections",
        ),
        Hook(
            "mppcqa.labels",
            "label printer",
            "mppcqa.reports.labels.printers.Printer",
            "mppcqa.reports.labels.printers:printers",
        ),
        Hook(
            "mppcqa.matching",
            "matching rule",
            "mppcqa.statistics.matching_rules.MatchingRule",
            "mppcqa.statistics.matching_rules:rules",
        ),
        Hook(
            "mppcqa.notifications",
            "notification",
            "mppcqa.queue.channels.Channel",
            "mppcqa.queue.channels:channels",
        ),
    )
}
"""Every group that is asked, by its name."""


@dataclass(frozen=True)
class Broken:
    """Something of a package that was switched off."""

    name: str
    """Name of its entry point."""
    value: str
    """Module and object that it names."""
    package: str
    """Package that brings it, with its version."""
    key: str
    """Its key as far as it is known."""
    faults: tuple[str, ...]
    details: str = ""
    """Traceback, for whoever wrote it."""
    group: str = "mppcqa.stages"

    @property
    def what(self) -> str:
        """What it should have been: "stage"."""
        return HOOKS[self.group].what if self.group in HOOKS else self.group

    def __str__(self) -> str:
        faults = "; ".join(self.faults)
        of = f"{self.value} of {self.package}"
        return f"the {self.what} {self.name} ({of}) is switched off: {faults}"


@dataclass(frozen=True)
class Plugin:
    """Something of a package that is in use."""

    group: str
    name: str
    value: str
    package: str
    key: str


_used: dict[str, list[Plugin]] = {}
_broken: dict[str, list[Broken]] = {}


def gather(
    group: str, faults_of: Callable[[Any], Iterable[str]], taken: Iterable[str] = ()
) -> list[Any]:
    """What packages bring to a group and can be used, in the order of the entry points' names.

    ``faults_of`` says what is wrong with one; ``taken`` are keys that are not to be had any more.
    Whatever a package does when it is loaded or looked at switches that one off, and no other.
    """
    keys, found = set(taken), []
    _used[group], _broken[group] = [], []
    for entry in sorted(entry_points(group=group), key=lambda one: one.name):
        key, details = entry.name, ""
        try:
            one = entry.load()
            key = str(getattr(one, "key", entry.name))
            faults = tuple(faults_of(one))
            if not faults and key in keys:
                faults = (f"there is a {HOOKS[group].what} called {key!r} already",)
        except (Exception, SystemExit) as error:
            faults, details = (f"{type(error).__name__}: {error}",), traceback.format_exc()
        if faults:
            broken = Broken(entry.name, entry.value, package_of(entry), key, faults, details, group)
            _broken[group].append(broken)
            logger.error("%s", broken)
            continue
        keys.add(key)
        found.append(one)
        _used[group].append(Plugin(group, entry.name, entry.value, package_of(entry), key))
    return found


def instance_of(wanted: type) -> Callable[[Any], list[str]]:
    """Says of what is no `wanted` that it is none."""

    def faults_of(one: Any) -> list[str]:
        if isinstance(one, wanted):
            return []
        return [f"it is no {wanted.__name__} but {type(one).__name__}"]

    return faults_of


def package_of(entry: EntryPoint) -> str:
    """The package that brings an entry point, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"


def ask_all() -> None:
    """Load every group, as the rooms do when they need it."""
    for hook in HOOKS.values():
        module, _colon, function = hook.asked.partition(":")
        getattr(import_module(module), function)()


def used() -> list[Plugin]:
    """What packages bring and is in use, of the groups that were asked."""
    return [one for group in HOOKS for one in _used.get(group, ())]


def broken() -> list[Broken]:
    """What packages bring and is switched off, of the groups that were asked."""
    return [one for group in HOOKS for one in _broken.get(group, ())]


def message_folders() -> list[Path]:
    """Folders ``locale`` of the packages that bring anything; none of them is imported for it."""
    return [place / "locale" for place in _places() if (place / "locale").is_dir()]


def _places() -> Iterator[Path]:
    names = {
        entry.module.partition(".")[0] for group in HOOKS for entry in entry_points(group=group)
    }
    for name in sorted(names - {"mppcqa"}):
        spec = find_spec(name)
        yield from (Path(one) for one in (spec and spec.submodule_search_locations) or ())
