"""Names and types of the run file, versions 1 to 3. `docs/run-file.md` says the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

VERSION = 3
"""The layout that is written; every version in `READABLE` is read."""
READABLE = (1, 2, 3)

META = "meta"
BEGUN = "begun"
"""The meta document as it was at the run's beginning: what is left of a run that did not end."""
CHECKSUMS = "checksums"
INDEX = "index"
QUICKLOOK = "quicklook"

META_KEYS = ("layout", "run", "stage", "station", "operator", "program", "started", "slots")
SLOT_KEYS = ("slot", "serial", "channels")
WHOLE_DEVICE = -1
"""Channel of what belongs to all channels of a device together."""

TREE_NUMBERS = {"charge": 0, "waveform": 1, "iv": 2, "staircase": 3}
"""How the tree `index` names the tree that a row of it is about."""


@dataclass(frozen=True)
class Branch:
    """A branch of a tree."""

    name: str
    kind: str
    """Type of one value as NumPy writes it."""
    finite: bool = True
    """Whether each value must be finite."""
    required: bool = True
    per_entry: str = ""
    """What an entry has several of (``channels``, ``samples``); empty for one value an entry."""
    unit: str = ""


@dataclass(frozen=True)
class Tree:
    """A tree: what an entry is, its branches, and whether a run file must have it."""

    name: str
    title: str
    branches: tuple[Branch, ...]
    required: bool = False

    def branch(self, name: str) -> Branch:
        """The branch of that name; `KeyError` if the layout has none."""
        return {branch.name: branch for branch in self.branches}[name]


POINT, SLOT = Branch("point", "int32"), Branch("slot", "int32")
CHANNEL = Branch("channel", "int32")
TIME = Branch("time_s", "float64", finite=False, required=False, unit="s")

TREES = {
    tree.name: tree
    for tree in (
        Tree(
            "condition",
            "One entry a measuring point",
            (
                POINT,
                Branch("bias_v", "float64", unit="V"),
                Branch("overvoltage_v", "float64", finite=False, unit="V"),
                Branch("temperature_c", "float64", unit="degC"),
                Branch("light", "float64"),
                Branch("bias_read_v", "float64", finite=False, required=False, unit="V"),
                Branch("temperature_set_c", "float64", finite=False, required=False, unit="degC"),
                TIME,
            ),
            required=True,
        ),
        Tree(
            "charge",
            "One entry a trigger and device",
            (POINT, SLOT, Branch("charge", "float32", finite=False, per_entry="channels"), TIME),
        ),
        Tree(
            "waveform",
            "One entry a recorded pulse shape of one channel",
            (
                POINT,
                SLOT,
                CHANNEL,
                Branch("event", "int32"),
                Branch("scale_v", "float64", unit="V"),
                Branch("offset_v", "float64", unit="V"),
                Branch("adc", "int16", per_entry="samples"),
            ),
        ),
        Tree(
            "iv",
            "One entry a point of a current-voltage curve",
            (
                Branch("curve", "int32"),
                SLOT,
                CHANNEL,
                Branch("voltage_v", "float64", unit="V"),
                Branch("current_a", "float64", unit="A"),
                Branch("current_uncertainty_a", "float64", finite=False, unit="A"),
                Branch("temperature_c", "float64", unit="degC"),
                Branch("light", "float64"),
            ),
        ),
        Tree(
            "staircase",
            "One entry a threshold of a scan of rates",
            (
                POINT,
                SLOT,
                CHANNEL,
                Branch("threshold", "float64"),
                Branch("rate_hz", "float64", unit="Hz"),
                Branch("rate_uncertainty_hz", "float64", finite=False, unit="Hz"),
            ),
        ),
        Tree(
            "monitor",
            "One entry a reading of a sensor",
            (
                Branch("time_s", "float64", unit="s"),
                Branch("sensor", "int32"),
                Branch("value", "float64", finite=False),
            ),
        ),
        Tree(
            INDEX,
            "One entry a block of entries of one device at one point",
            (
                Branch("tree", "int32"),
                POINT,
                SLOT,
                CHANNEL,
                Branch("start", "int64"),
                Branch("stop", "int64"),
            ),
        ),
    )
}


AXES = ("bias_v", "overvoltage_v", "temperature_c", "light")
"""Axes that every `condition` has a branch for, NaN where one does not apply."""


THRESHOLD_UNITS = ("", "V", "mV", "DAC", "p.e.")
"""What ``meta["threshold_unit"]`` may say; steps of a discriminator are DAC."""


def axes_of(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the axes of a run's points: those that ``meta["axes"]`` lists, or the usual ones."""
    rows = meta.get("axes")
    if not isinstance(rows, list):
        return AXES
    keys = (str(row["key"]) for row in rows if isinstance(row, Mapping) and "key" in row)
    return tuple(dict.fromkeys(keys))


def tree_of(name: str, meta: Mapping[str, Any]) -> Tree:
    """A tree's layout in a run with this ``meta``: `condition` has a branch for each of its axes.

    Of the axes that are listed every value is finite, but for the overvoltage; others are NaN.
    """
    tree = TREES[name]
    if name != "condition" or not isinstance(meta.get("axes"), list):
        return tree
    listed = axes_of(meta)
    own = tuple(
        branch
        if branch.name not in AXES or branch.name in listed
        else replace(branch, finite=False, required=False)
        for branch in tree.branches
    )
    known = {branch.name for branch in own}
    more = (Branch(key, "float64") for key in listed if key not in known)
    return replace(tree, branches=(*own, *more))


EVENT_TREES = ("charge", "waveform", "iv", "staircase")
"""A run file has entries in one of them at least; one of layout 1 in ``charge``."""


class RunFileError(Exception):
    """A run file that can't be written or read; the message names file, place and remedy."""
